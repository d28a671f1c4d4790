-- Interlock, everything for a NEW project, in one file to paste into the SQL editor (or to run with psql -f).
-- Generated from the numbered files of migrations/ (see migrations/README.md); do not edit. Re-runnable.

-- In an editor all of it is one transaction: what locks jobs is left to the end, so that the lock is held for a moment only.
do $interlock$ begin perform set_config('job_queue.paste', 'on', true); end $interlock$;

-- ----------------------------------------------------------------------------------------------------
-- 000_clean_schema_no_coins.sql

-- Base schema for a NEW Supabase project: jobs, workflow_executions, and the state and log of the job queue, coordination columns included.
-- For an existing project use 027_add_job_queue_coordination.sql instead. Re-runnable: where jobs is there
-- already, it is left as it is. The engine's files (030 and on) follow.

-- One block, so that psql, which goes on after an error, does nothing to the tables of an existing project either.
do $migration$
begin
    -- Once this file or 027 has been here, what is there is known.
    if to_regclass('public.job_queue_migrations') is null and (
        to_regclass('public.jobs') is not null or to_regclass('public.workflow_executions') is not null
        or to_regclass('public.job_queue_state') is not null or to_regclass('public.job_queue_log') is not null
    ) or (to_regclass('public.jobs') is not null or to_regclass('public.workflow_executions') is not null) and (
        select count(*) from information_schema.columns as c
        where c.table_schema = 'public'
          and (c.table_name = 'jobs' and c.column_name in
                  ('required_models', 'queue_position', 'blocked_by_job_id', 'conflict_reason', 'queued_at')
               or c.table_name = 'workflow_executions' and c.column_name in
                  ('required_models', 'current_step_model', 'blocked_by_job_id'))
    ) < 8 then
        raise exception 'This project has jobs, workflow_executions or their queue already; 000 is for a new one. They were left as they are.'
            using hint = 'Use 027_add_job_queue_coordination.sql (or paste/existing_project.sql) instead.';
    end if;

    create table if not exists public.job_queue_migrations (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
    );

    comment on table public.job_queue_migrations is 'The migrations that were applied: file name and SHA-256 of its text.';

    alter table public.job_queue_migrations enable row level security;
    revoke all on public.job_queue_migrations from public, anon, authenticated;
    grant select, insert, update, delete on public.job_queue_migrations to service_role;

    create table if not exists public.job_queue_before (
        relation text primary key,
        was jsonb not null,
        noted_at timestamptz not null default now()
    );

    comment on table public.job_queue_before is
        'What was there before Interlock, of each table and function that it changes: columns, indexes, grants, settings; {} is a table that came with it. For the rollback.';

    alter table public.job_queue_before enable row level security;
    revoke all on public.job_queue_before from public, anon, authenticated;
    grant select on public.job_queue_before to service_role;

    if to_regclass('public.jobs') is not null or to_regclass('public.workflow_executions') is not null then
        raise notice 'jobs and workflow_executions are there already and were left as they are.';
        return;
    end if;

    insert into public.job_queue_before (relation, was) values ('jobs', '{}'), ('workflow_executions', '{}') on conflict (relation) do nothing;

    create table public.jobs (
        job_id uuid primary key default gen_random_uuid(),
        user_id uuid,
        status text not null default 'pending'
        constraint jobs_status_check check (status in ('pending', 'running', 'completed', 'failed', 'cancelled', 'pending_retry')),
        prompt text not null,
        model text default 'flux1-krea-dev.safetensors',
        aspect_ratio text default '1:1',
        image_url text,
        thumbnail_url text,
        video_url text,
        error_message text,
        progress integer default 0 check (progress between 0 and 100),
        width integer,
        height integer,
        job_type text not null default 'image' constraint jobs_job_type_check check (job_type in ('image', 'video', 'workflow')),
        created_at timestamptz default now(),
        updated_at timestamptz default now(),
        started_at timestamptz,
        completed_at timestamptz,
        metadata jsonb default '{}',
        workflow_metadata jsonb,
        required_models jsonb,
        queue_position integer,
        blocked_by_job_id text,
        conflict_reason text,
        queued_at timestamptz
    );

    comment on table public.jobs is 'Generation jobs. The coordination columns mirror the job queue, which is the truth; editing them changes nothing.';
    comment on column public.jobs.required_models is 'Array of model names, for example ["motion-2.0-fast"]; a row inserted with it enters the lines of these models.';
    comment on column public.jobs.queue_position is 'Position in queue (1 = next); null when it does not wait.';
    comment on column public.jobs.blocked_by_job_id is 'ID of a blocking job; not null means waiting.';
    comment on column public.jobs.conflict_reason is 'Why the job is blocked.';
    comment on column public.jobs.queued_at is 'When the job entered the queue; null when it does not wait.';

    create index idx_jobs_user_id on public.jobs (user_id);
    create index idx_jobs_status on public.jobs (status);
    create index idx_jobs_created_at on public.jobs (created_at desc);
    create index idx_jobs_user_created on public.jobs (user_id, created_at desc);
    create index idx_jobs_status_created on public.jobs (status, created_at desc);
    create index idx_jobs_user_type_status on public.jobs (user_id, job_type, status, created_at desc);
    create index idx_jobs_video_url on public.jobs (video_url) where video_url is not null;
    create index idx_jobs_pending_retry on public.jobs (status, updated_at) where status = 'pending_retry';
    create index idx_jobs_workflow on public.jobs (job_type, status, created_at desc) where job_type = 'workflow';
    create index idx_jobs_queue on public.jobs (status, queue_position) where status in ('pending', 'queued');
    create index idx_jobs_blocked on public.jobs (blocked_by_job_id) where blocked_by_job_id is not null;
    create index idx_jobs_required_models on public.jobs using gin (required_models) where required_models is not null;

    create table public.workflow_executions (
        id uuid primary key default gen_random_uuid(),
        job_id uuid references public.jobs (job_id) on delete cascade,
        workflow_id text not null,
        user_id uuid,
        current_step integer default 0,
        total_steps integer not null,
        status text default 'pending' check (status in ('pending', 'running', 'completed', 'failed', 'pending_retry')),
        checkpoints jsonb default '{}',
        error_info jsonb,
        retry_count integer default 0,
        created_at timestamptz default now(),
        updated_at timestamptz default now(),
        required_models jsonb,
        current_step_model text,
        blocked_by_job_id text
    );

    comment on table public.workflow_executions is 'Runs of workflows, one per job. The coordination columns mirror the job queue.';
    comment on column public.workflow_executions.required_models is 'All models needed for the workflow.';
    comment on column public.workflow_executions.current_step_model is 'Model for the current step.';
    comment on column public.workflow_executions.blocked_by_job_id is 'ID of a blocking job.';

    create index idx_workflow_executions_job_id on public.workflow_executions (job_id);
    create index idx_workflow_executions_status on public.workflow_executions (status);
    create index idx_workflow_executions_user_id on public.workflow_executions (user_id);
    create index idx_workflow_executions_workflow_id on public.workflow_executions (workflow_id);
    create index idx_workflow_executions_pending_retry on public.workflow_executions (status, updated_at)
    where status = 'pending_retry';
    create index idx_workflow_executions_models on public.workflow_executions using gin (required_models)
    where status in ('running', 'pending_retry');
    create index idx_workflow_executions_blocked on public.workflow_executions (blocked_by_job_id)
    where blocked_by_job_id is not null;

    create or replace function public.update_jobs_updated_at() returns trigger
    language plpgsql
    set search_path = ''
    as $function$
    begin
        new.updated_at := now();
        return new;
    end;
    $function$;

    comment on function public.update_jobs_updated_at() is 'Keeps updated_at of the row that is updated.';

    revoke all on function public.update_jobs_updated_at() from public, anon, authenticated;

    create trigger trigger_jobs_updated_at before update on public.jobs
    for each row execute function public.update_jobs_updated_at();
    create trigger trigger_workflow_executions_updated_at before update on public.workflow_executions
    for each row execute function public.update_jobs_updated_at();

    -- A signed-in user sees the rows that are theirs and may create some; the columns of the coordination are not theirs to write.
    alter table public.jobs enable row level security;
    alter table public.workflow_executions enable row level security;
    revoke all on public.jobs, public.workflow_executions from public, anon, authenticated;
    grant select on public.jobs, public.workflow_executions to authenticated;
    grant insert (job_id, user_id, prompt, model, aspect_ratio, image_url, width, height, job_type, metadata, required_models)
    on public.jobs to authenticated;
    grant select, insert, update, delete on public.jobs, public.workflow_executions to service_role;

    if to_regprocedure('auth.uid()') is not null then
        create policy jobs_select_own on public.jobs for select to authenticated using (user_id = (select auth.uid()));
        create policy jobs_insert_own on public.jobs for insert to authenticated with check (user_id = (select auth.uid()));
        create policy workflow_executions_select_own on public.workflow_executions for select to authenticated
        using (user_id = (select auth.uid()));
    end if;
end;
$migration$;

do $migration$
begin
    -- Not after a refusal.
    if to_regclass('public.job_queue_migrations') is null then
        raise exception 'Nothing was done, see the error above.';
    end if;

    create table if not exists public.job_queue_state (
        id integer primary key default 1 constraint single_row check (id = 1),
        active_job_id text,
        active_job_type text,
        active_models jsonb,
        started_at timestamptz,
        last_updated timestamptz default now()
    );

    comment on table public.job_queue_state is 'Global state tracker (one row): the longest-running active job and all models in use.';

    insert into public.job_queue_state (id, active_models) values (1, '[]') on conflict (id) do nothing;

    create index if not exists idx_queue_state_active on public.job_queue_state (active_job_id) where active_job_id is not null;

    create table if not exists public.job_queue_log (
        id uuid primary key default gen_random_uuid(),
        job_id text not null,
        job_type text not null,
        event_type text not null,
        models jsonb,
        blocked_by_job_id text,
        conflict_reason text,
        metadata jsonb,
        created_at timestamptz default now()
    );

    comment on table public.job_queue_log is 'Audit trail: one row for each transition of each job.';

    create index if not exists idx_queue_log_job on public.job_queue_log (job_id, created_at desc);
    create index if not exists idx_queue_log_event on public.job_queue_log (event_type, created_at desc);
    create index if not exists idx_queue_log_created on public.job_queue_log (created_at desc);

    alter table public.job_queue_state enable row level security;
    alter table public.job_queue_log enable row level security;
    revoke all on public.job_queue_state, public.job_queue_log from public, anon, authenticated;
    grant select, insert, update, delete on public.job_queue_state, public.job_queue_log to service_role;
end;
$migration$;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 030_job_queue_tables.sql

-- The coordinator's own tables. They are the engine's truth; `jobs` and `workflow_executions` only mirror it.
--
-- Queue tables grow and shrink faster than their statistics follow, so every public function that writes fixes its plans: generic ones,
-- by index, row by row (the settings after its search_path). Measured: docs/benchmarks.md.
--
-- Every table: row level security on with no policy, granted to service_role alone.

create schema if not exists job_queue;

comment on schema job_queue is
    'Interlock: private functions of the job queue. Not exposed by PostgREST; the public functions are public.job_queue_*.';

revoke all on schema job_queue from public;
grant usage on schema job_queue to service_role;

-- One number sequence for the lines (entry order) and one for fencing tokens; both only grow.
create sequence if not exists public.job_queue_line_seq;
create sequence if not exists public.job_queue_token_seq;

create table if not exists public.job_queue_settings (
    id integer primary key default 1 constraint job_queue_settings_single_row check (id = 1),
    max_active_jobs integer check (max_active_jobs between 1 and 10000),
    priority_step interval not null default interval '10 minutes',
    default_capacity integer not null default 1 check (default_capacity between 0 and 10000),
    unknown_models text not null default 'create' check (unknown_models in ('create', 'refuse')),
    paused boolean not null default false,
    resumed_at timestamptz not null default '-infinity',
    max_overtakes integer not null default 0 check (max_overtakes between 0 and 1000),
    skip_after interval default interval '60 seconds',
    log_retention interval default interval '90 days' check (log_retention >= interval '1 day')
);

comment on table public.job_queue_settings is 'Limits and settings of the whole queue; one row. Change it with job_queue_set_limits.';
comment on column public.job_queue_settings.max_active_jobs is 'How many jobs may run at once, all models together; null = no limit, 1 = one job at a time.';
comment on column public.job_queue_settings.priority_step is 'How far one level of priority moves a job ahead in its lines.';
comment on column public.job_queue_settings.paused is 'Nobody starts, whatever is free; those that wait keep their places.';
comment on column public.job_queue_settings.resumed_at is 'When a pause of everything last ended: before that no job could run.';
comment on column public.job_queue_settings.max_overtakes is
    'How many later jobs may start on the models that a job keeps while it waits for another one; 0 = none.';
comment on column public.job_queue_settings.skip_after is
    'A runnable job that no live worker can run stands aside after this time; null = never. Also how long a worker that is not heard of counts as live.';
comment on column public.job_queue_settings.log_retention is
    'How long events, and jobs from their end on, are kept; null = for ever.';

insert into public.job_queue_settings (id) values (1) on conflict (id) do nothing;

create table if not exists public.job_queue_models (
    model text collate "C" primary key check (char_length(model) <= 200),
    capacity integer not null check (capacity between 0 and 10000),
    paused boolean not null default false,
    starts_per_minute integer check (starts_per_minute between 1 and 100000),
    next_start_at timestamptz,
    created_at timestamptz not null default now()
);

comment on table public.job_queue_models is
    'The models and how many jobs may hold each at once. The row with the empty name is the global limit: one more line that every job stands in.';

comment on column public.job_queue_models.starts_per_minute is 'At most so many starts within any 60 seconds; null = no limit.';
comment on column public.job_queue_models.next_start_at is 'When the next start is allowed, while somebody waits for nothing but the rate.';

-- Both are empty unless a rate is set.
create index if not exists job_queue_models_rate_idx on public.job_queue_models (model) where starts_per_minute is not null;
create index if not exists job_queue_models_next_start_idx on public.job_queue_models (next_start_at) where next_start_at is not null;

insert into public.job_queue_models (model, capacity) values ('', 0) on conflict (model) do nothing;

create table if not exists public.job_queue_aliases (
    alias text collate "C" primary key check (char_length(alias) between 1 and 200),
    model text collate "C" not null check (model <> alias)
);

comment on table public.job_queue_aliases is 'Other spellings of a model''s name; a job that names one stands in the line of the model.';

create table if not exists public.job_queue_jobs (
    job_id text collate "C" primary key check (char_length(job_id) between 1 and 200),
    job_type text not null check (job_type in ('normal', 'workflow')),
    handler text not null,
    models text[] not null,
    needs text[] not null,
    holding text check (holding in ('whole_run', 'release_as_used', 'per_step')),
    steps jsonb,
    current_step integer not null default 0,
    attempts_before integer not null default 0,
    status text not null
    check (status in ('waiting', 'delayed', 'running', 'completed', 'failed', 'cancelled')),
    runnable boolean not null default false,
    runnable_since timestamptz,
    skipped boolean not null default false,
    overtaken integer not null default 0,
    priority integer not null default 0,
    entered_at timestamptz not null,
    line_key timestamptz not null,
    seq bigint not null,
    waits_since timestamptz not null,
    due_at timestamptz,
    deadline timestamptz,
    attempt integer not null default 0,
    max_attempts integer not null default 3,
    token bigint,
    worker_id text,
    lease_until timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    cancel_requested_at timestamptz,
    progress integer not null default 0,
    progress_note text,
    payload jsonb,
    result jsonb,
    error text,
    constraint job_queue_jobs_running_has_lease
    check ((status = 'running') = (lease_until is not null)),
    constraint job_queue_jobs_runnable_waits check (not runnable or status = 'waiting'),
    constraint job_queue_jobs_skipped_is_delayed check (not skipped or status = 'delayed'),
    constraint job_queue_jobs_steps_are_held check ((steps is null) = (holding is null)),
    constraint job_queue_jobs_delayed_is_due check ((status = 'delayed') = (due_at is not null))
)
with (fillfactor = 80);

comment on table public.job_queue_jobs is 'Every job the coordinator knows, one row each.';
comment on column public.job_queue_jobs.models is 'All models that it needs from start to end.';
comment on column public.job_queue_jobs.needs is 'Those it needs from here on: the lines it stands in. Differs from models only for jobs with steps.';
comment on column public.job_queue_jobs.holding is 'How a job with steps holds its models: whole_run, release_as_used or per_step.';
comment on column public.job_queue_jobs.current_step is 'The first step without a checkpoint, from 0.';
comment on column public.job_queue_jobs.attempts_before is 'How many attempts were used up before the current step began.';
comment on column public.job_queue_jobs.skipped is 'Stands aside (delayed) until a worker that can run it claims.';
comment on column public.job_queue_jobs.overtaken is 'How many later jobs have started on models that it kept (max_overtakes).';
comment on column public.job_queue_jobs.runnable is 'A waiting job that has a seat in every line it stands in: the next claim by a worker that can run it starts it.';
comment on column public.job_queue_jobs.line_key is 'entered_at - priority * priority_step; with seq, its place in every line. Never changes while the job waits.';
comment on column public.job_queue_jobs.waits_since is
    'Since when it waits for its present or latest attempt: entered, fell due or was taken back then. Not moved by a pause.';
comment on column public.job_queue_jobs.due_at is 'When a delayed job comes (back) into line; infinity while a model it needs is paused.';
comment on column public.job_queue_jobs.deadline is 'A job that has not started by then fails with the reason expired.';
comment on column public.job_queue_jobs.progress_note is 'What the present or latest attempt said of its progress, for a person.';
comment on column public.job_queue_jobs.token is 'Fencing token of the latest attempt.';

create index if not exists job_queue_jobs_runnable_idx on public.job_queue_jobs (line_key, seq)
where status = 'waiting' and runnable;
create index if not exists job_queue_jobs_lease_idx on public.job_queue_jobs (lease_until)
where status = 'running';
create index if not exists job_queue_jobs_due_idx on public.job_queue_jobs (due_at)
where status = 'delayed';
create index if not exists job_queue_jobs_deadline_idx on public.job_queue_jobs (deadline)
where status in ('waiting', 'delayed') and deadline is not null;

-- By handler, for the claims of workers that can run them; nearly always empty.
create index if not exists job_queue_jobs_skipped_idx on public.job_queue_jobs (handler)
where skipped;

create table if not exists public.job_queue_checkpoints (
    job_id text collate "C" references public.job_queue_jobs (job_id) on delete cascade,
    step integer check (step >= 0),
    output jsonb,
    saved_at timestamptz not null default clock_timestamp(),
    primary key (job_id, step)
);

comment on table public.job_queue_checkpoints is 'The output of each step of a job that is done; a step with a row here is never run again.';

create table if not exists public.job_queue_callbacks (
    job_id text collate "C" references public.job_queue_jobs (job_id) on delete cascade,
    step integer check (step >= 0),
    token bigint,
    until timestamptz,
    note jsonb,
    payload jsonb,
    received_at timestamptz,
    primary key (job_id, step),
    constraint job_queue_callbacks_waits_or_has_come check (until is not null or received_at is not null)
);

comment on table public.job_queue_callbacks is 'What the current step of a workflow waits for from outside (job_queue_await), or has had; gone when the step is done, is tried again or the job ends.';
comment on column public.job_queue_callbacks.token is 'Of the run that began to wait; null while none has.';
comment on column public.job_queue_callbacks.until is 'The bound of the wait; null while none has begun.';
comment on column public.job_queue_callbacks.note is 'What that run wants to find again.';

create table if not exists public.job_queue_workers (
    worker_id text collate "C" primary key,
    handlers text[],
    models text[],
    seen_at timestamptz not null
);

comment on table public.job_queue_workers is 'The workers that claim, and what they can run (null = anything); kept a day after they were last heard of.';

create index if not exists job_queue_workers_seen_idx on public.job_queue_workers (seen_at);

create table if not exists public.job_queue_starts (
    model text collate "C",
    started_at timestamptz,
    token bigint,
    primary key (model, started_at, token)
);

comment on table public.job_queue_starts is 'The starts of the last minute of each model with starts_per_minute.';

create table if not exists public.job_queue_lines (
    model text collate "C" not null,
    line_key timestamptz not null,
    seq bigint not null,
    job_id text collate "C" not null,
    seat integer check (seat >= 1),
    primary key (model, line_key, seq)
);

comment on table public.job_queue_lines is
    'One row for each job in each line: the jobs that wait for a model and those that hold it. A row with a seat is within the capacity: '
    'held when its job runs, kept for it while its job waits for its other models or for a worker.';

-- The database itself refuses a second holder of a seat.
create unique index if not exists job_queue_lines_seat_idx on public.job_queue_lines (model, seat)
where seat is not null;
create index if not exists job_queue_lines_job_idx on public.job_queue_lines (job_id);

create table if not exists public.job_queue_requests (
    request_id text primary key,
    answer jsonb not null,
    created_at timestamptz not null default now()
);

comment on table public.job_queue_requests is 'The answers given to requests with a request_id, kept 15 minutes so that a repeat gets the first answer.';

create index if not exists job_queue_requests_created_idx on public.job_queue_requests (created_at);

do $migration$
begin
    -- psql goes on after an error: what 000 or 027 refused is not touched here either.
    if to_regclass('public.job_queue_migrations') is null then
        raise exception 'Neither 000 nor 027 was applied, see the error above.';
    end if;

    -- What the seed's log lacks for a replay: a total order and the attempt.
    alter table public.job_queue_log add column if not exists seq bigint generated always as identity;

    -- Vacuumed by the row count that a day brings, not by a fifth of the table; that keeps what the trimming frees in use.
    alter table public.job_queue_log set (
        autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.01
    );
end;
$migration$;

-- Apart from the settings, which every call reads: this row is written once a second.
create table if not exists public.job_queue_marks (
    id integer primary key default 1 constraint job_queue_marks_single_row check (id = 1),
    log_begins_after bigint not null default 0,
    log_whole_from timestamptz not null default '-infinity',
    requests_whole_from timestamptz not null default '-infinity',
    measured_to timestamptz not null default '-infinity'
);

comment on table public.job_queue_marks is 'How far the housekeeping has come (job_queue.tidy); one row.';
comment on column public.job_queue_marks.log_begins_after is 'Events up to this seq were in the log before Interlock; they are never removed.';
comment on column public.job_queue_marks.log_whole_from is 'Events of this time and before may be gone; later ones are all there.';
comment on column public.job_queue_marks.requests_whole_from is 'The same of the answers kept for repeated requests.';
comment on column public.job_queue_marks.measured_to is 'Runs that ended up to here are in job_queue_run_times.';

insert into public.job_queue_marks (id, log_begins_after, log_whole_from)
select 1, coalesce(max(l.seq), 0), coalesce(max(l.created_at), '-infinity') from public.job_queue_log as l
where not exists (select from public.job_queue_marks as m where m.id = 1)
on conflict (id) do nothing;

create table if not exists public.job_queue_run_times (
    model text collate "C" primary key,
    seconds double precision[] not null
);

comment on table public.job_queue_run_times is 'What the latest 100 runs of each model took, newest first, whatever came of them; of all models under the empty name.';

alter table public.job_queue_settings enable row level security;
alter table public.job_queue_aliases enable row level security;
alter table public.job_queue_models enable row level security;
alter table public.job_queue_jobs enable row level security;
alter table public.job_queue_lines enable row level security;
alter table public.job_queue_requests enable row level security;
alter table public.job_queue_checkpoints enable row level security;
alter table public.job_queue_callbacks enable row level security;
alter table public.job_queue_workers enable row level security;
alter table public.job_queue_starts enable row level security;
alter table public.job_queue_marks enable row level security;
alter table public.job_queue_run_times enable row level security;

revoke all on public.job_queue_settings, public.job_queue_models, public.job_queue_aliases, public.job_queue_jobs,
public.job_queue_lines, public.job_queue_requests, public.job_queue_checkpoints, public.job_queue_callbacks, public.job_queue_workers, public.job_queue_starts,
public.job_queue_marks, public.job_queue_run_times from public, anon, authenticated;
revoke all on sequence public.job_queue_line_seq, public.job_queue_token_seq from public, anon, authenticated;

grant select, insert, update, delete on public.job_queue_settings, public.job_queue_models, public.job_queue_aliases,
public.job_queue_jobs, public.job_queue_lines, public.job_queue_requests, public.job_queue_checkpoints, public.job_queue_callbacks, public.job_queue_workers, public.job_queue_starts,
public.job_queue_marks, public.job_queue_run_times, public.job_queue_log, public.job_queue_state to service_role;
grant usage, select on sequence public.job_queue_line_seq, public.job_queue_token_seq to service_role;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 031_job_queue_checks.sql

-- Private: what a caller's input must be. Each refusal has a stable code, says what was wrong and what to do.

create or replace function job_queue.refuse(code text, message text, hint text) returns void
language plpgsql
set search_path = ''
as $$
begin
    raise exception using errcode = code, message = message, hint = hint;
end;
$$;

comment on function job_queue.refuse(text, text, text) is 'Raises misuse with a stable code (docs/reference/errors.md).';

create or replace function job_queue.check_job_id(job_id text) returns void
language plpgsql
set search_path = ''
as $$
begin
    if job_id is null or btrim(job_id) = '' then
        perform job_queue.refuse('JQ001', 'The job id is empty.', 'Give every job an id of 1 to 200 characters.');
    elsif char_length(job_id) > 200 then
        perform job_queue.refuse('JQ001', format('The job id is too long: %s characters.', char_length(job_id)),
                                 'Use at most 200 characters.');
    end if;
end;
$$;

comment on function job_queue.check_job_id(text) is 'Refuses (JQ001) an id that is missing, blank or longer than 200 characters.';

create or replace function job_queue.own_names(models jsonb) returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
    return array(
        select t.name
        from (
            select coalesce(a.model, btrim(e, E' \t\r\n')) as name, min(n) as first
            from jsonb_array_elements_text(models) with ordinality as g (e, n)
            left join public.job_queue_aliases as a on a.alias = btrim(e, E' \t\r\n')
            group by 1
        ) as t
        order by t.first
    );
end;
$$;

comment on function job_queue.own_names(jsonb) is 'The models with these names, in the order given: trimmed, aliases resolved, without duplicates.';

create or replace function job_queue.check_models(models jsonb, unrestricted boolean) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    hint constant text := 'Give an array of model names, for example ["motion-2.0-fast"].';
    bad text;
begin
    if models is null or jsonb_typeof(models) = 'null' then
        perform job_queue.refuse('JQ002', 'The models are null.', hint);
    elsif jsonb_typeof(models) <> 'array' then
        perform job_queue.refuse('JQ002', format('The models are a %s, not an array.', jsonb_typeof(models)), hint);
    elsif jsonb_array_length(models) = 0 and not unrestricted then
        perform job_queue.refuse('JQ002', 'The models are empty.',
                                 hint || ' A job that truly needs no model says so with "unrestricted": true.');
    elsif jsonb_array_length(models) > 0 and unrestricted then
        perform job_queue.refuse('JQ002', 'The job names models and is unrestricted.',
                                 'Leave out one of the two: an unrestricted job has "models": [].');
    elsif jsonb_array_length(models) > 64 then
        perform job_queue.refuse('JQ002', format('The job names %s models.', jsonb_array_length(models)),
                                 'A job may need at most 64 models.');
    end if;

    select jsonb_typeof(e) into bad from jsonb_array_elements(models) as e where jsonb_typeof(e) <> 'string' limit 1;
    if found then
        perform job_queue.refuse('JQ002', format('One of the models is a %s, not a name.', bad), hint);
    end if;

    select left(btrim(e, E' \t\r\n'), 40) into bad
    from jsonb_array_elements_text(models) as e
    where char_length(btrim(e, E' \t\r\n')) not between 1 and 200
    limit 1;
    if found then
        perform job_queue.refuse('JQ002', format('A model name is blank or too long: "%s".', bad),
                                 'A model name has 1 to 200 characters, besides blanks around it.');
    end if;

    return job_queue.own_names(models);
end;
$$;

comment on function job_queue.check_models(jsonb, boolean) is
    'The model names of a job, trimmed, aliases resolved, without duplicates; refuses (JQ002) anything but an array of 1 to 64 names, or an empty one with unrestricted.';

create or replace function job_queue.check_steps(steps jsonb) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    checked jsonb;
begin
    if steps is null or jsonb_typeof(steps) <> 'array' or jsonb_array_length(steps) not between 1 and 100 then
        perform job_queue.refuse('JQ007', 'The steps are not an array of 1 to 100 steps.',
                                 'Give for example [{"name": "image", "models": ["nano-banana-pro"]}].');
    end if;
    perform job_queue.check_keys('A step', e, '{name,models}') from jsonb_array_elements(steps) as e;
    -- A step may need no model, but says so with an empty array.
    select jsonb_agg(jsonb_build_object(
        'name', job_queue.check_name('The name of a step', coalesce(e ->> 'name', 'step ' || n)),
        'models', job_queue.check_models(e -> 'models', coalesce(e -> 'models', 'null') = '[]')
    ) order by n) into checked
    from jsonb_array_elements(steps) with ordinality as t (e, n);
    return checked;
end;
$$;

comment on function job_queue.check_steps(jsonb) is 'The steps of a workflow with their models'' own names; refuses (JQ002, JQ007) what is not an array of 1 to 100 steps.';

create or replace function job_queue.check_job_type(job_type text) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    case job_type
        when 'workflow' then return 'workflow';
        when 'normal', 'image', 'video' then return 'normal';
        else
            perform job_queue.refuse('JQ003', format('The job type "%s" is unknown.', left(job_type, 40)),
                                     'Use normal, image, video or workflow.');
            return null;
    end case;
end;
$$;

comment on function job_queue.check_job_type(text) is 'normal or workflow, as the log and the state know them; refuses (JQ003) what is not a job type.';

create or replace function job_queue.check_keys(what text, value jsonb, allowed text[]) returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    bad text;
begin
    if value is null or jsonb_typeof(value) <> 'object' then
        perform job_queue.refuse('JQ007', format('%s is not a JSON object.', what), 'Give an object, or leave it out.');
    end if;
    select k into bad from jsonb_object_keys(value) as k where k <> all (allowed) limit 1;
    if found then
        perform job_queue.refuse('JQ007', format('%s has an unknown key "%s".', what, left(bad, 40)),
                                 format('Known keys: %s.', array_to_string(allowed, ', ')));
    end if;
end;
$$;

comment on function job_queue.check_keys(text, jsonb, text[]) is 'Refuses (JQ007) what is not an object or has a key that nobody reads.';

create or replace function job_queue.number_of(
    what text, value jsonb, low numeric, high numeric, fallback numeric, code text default 'JQ007'
) returns numeric
language plpgsql
immutable
set search_path = ''
as $$
declare
    n numeric;
begin
    if value is null or jsonb_typeof(value) = 'null' then
        return fallback;
    end if;
    if jsonb_typeof(value) = 'number' then
        n := value::numeric;
        if n between low and high then
            return n;
        end if;
    end if;
    perform job_queue.refuse(code, format('%s is %s.', what, left(value::text, 40)),
                             format('Give a number from %s to %s.', low, high));
    return null;
end;
$$;

comment on function job_queue.number_of(text, jsonb, numeric, numeric, numeric, text) is
    'A number within its range, or the fallback where none is given; refuses anything else.';

create or replace function job_queue.flag_of(what text, value jsonb, fallback boolean) returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
    if coalesce(jsonb_typeof(value), 'null') not in ('boolean', 'null') then
        perform job_queue.refuse('JQ007', format('%s is %s.', what, left(value::text, 40)), 'Give true or false.');
    end if;
    return coalesce((nullif(value, 'null'))::boolean, fallback);
end;
$$;

comment on function job_queue.flag_of(text, jsonb, boolean) is 'True or false, or the fallback where none is given; refuses (JQ007) anything else.';

create or replace function job_queue.whole_number_of(
    what text, value jsonb, low numeric, high numeric, fallback integer
) returns integer
language plpgsql
immutable
set search_path = ''
as $$
declare
    n numeric := job_queue.number_of(what, value, low, high, fallback);
begin
    if n <> trunc(n) then
        perform job_queue.refuse('JQ007', format('%s is %s.', what, n), format('Give a whole number from %s to %s.', low, high));
    end if;
    return n::integer;
end;
$$;

comment on function job_queue.whole_number_of(text, jsonb, numeric, numeric, integer) is
    'A whole number within its range, or the fallback where none is given; refuses anything else.';

create or replace function job_queue.check_token(value jsonb) returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    n numeric := job_queue.number_of('The token', value, 1, 9223372036854775807, null);
begin
    if n is null or n <> trunc(n) then
        perform job_queue.refuse('JQ007', case when n is null then 'The token is missing.' else format('The token is %s.', n) end,
                                 'Give the token of the lease.');
    end if;
end;
$$;

comment on function job_queue.check_token(jsonb) is 'Refuses (JQ007) what is not the token of a lease.';

create or replace function job_queue.time_of(what text, value jsonb) returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
    t timestamptz;
begin
    if value is null or jsonb_typeof(value) = 'null' then
        return null;
    end if;
    -- PostgreSQL itself would also take "tomorrow", and a time without a zone for one of the session's.
    if (value #>> '{}') ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$' then
        begin
            t := (value #>> '{}')::timestamptz;
        exception when datetime_field_overflow or invalid_datetime_format then
            t := null;
        end;
    end if;
    if t is null then
        perform job_queue.refuse('JQ007', format('%s is %s, not a time.', what, left(value::text, 40)),
                                 'Give an ISO 8601 time with its zone, for example "2026-11-24T12:00:00Z".');
    end if;
    return t;
end;
$$;

comment on function job_queue.time_of(text, jsonb) is 'A finite time, or null where none is given; refuses (JQ007) anything else.';

create or replace function job_queue.check_size(what text, value jsonb) returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
    -- The bound is on the text, which is what travels; 1 MiB.
    if octet_length(value::text) > 1048576 then
        perform job_queue.refuse('JQ005', format('%s is too large: %s bytes.', what, octet_length(value::text)),
                                 'Keep it within 1 MiB (1048576 bytes); put large data in storage and give its address.');
    end if;
    return nullif(value, 'null');
end;
$$;

comment on function job_queue.check_size(text, jsonb) is 'Refuses (JQ005) a payload or result of more than 1 MiB of JSON text.';

create or replace function job_queue.check_name(what text, value text, code text default 'JQ007') returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    if value is null or char_length(btrim(value)) not between 1 and 200 then
        perform job_queue.refuse(code, format('%s is missing, blank or too long.', what), 'Use 1 to 200 characters.');
    end if;
    return value;
end;
$$;

comment on function job_queue.check_name(text, text, text) is 'Refuses a worker id, handler or request id that is missing, blank or longer than 200 characters.';

create or replace function job_queue.names_of(what text, value jsonb) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    if value is null or jsonb_typeof(value) = 'null' then
        return null;
    end if;
    if jsonb_typeof(value) <> 'array' or jsonb_array_length(value) > 1000
       or exists (select from jsonb_array_elements(value) as e where jsonb_typeof(e) <> 'string') then
        perform job_queue.refuse('JQ007', format('%s is not an array of names.', what),
                                 'Give an array of at most 1000 strings, or leave it out to mean any.');
    end if;
    return array(select jsonb_array_elements_text(value));
end;
$$;

comment on function job_queue.names_of(text, jsonb) is 'An array of names, or null (any) where none is given; refuses (JQ007) anything else.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 032_job_queue_admission.sql

-- Private: locks, lines and seats. The lock order of every function (docs/design/concurrency.md):
--   1 the request id (advisory)      job_queue.first_answer
--   2 rows of the mirrored tables    job_queue.lock_mirrored, by job id
--     then the worker's own row    job_queue.note_worker, passing over what is locked
--   3 the settings (advisory)        job_queue.settings: shared; job_queue.settings_alone: alone
--   4 the rows of models             job_queue.lock_models, by name
--   5 the rows of jobs               by job id; claims skip what is locked and so never wait here
--   6 the state row (advisory)       job_queue.refresh_state
-- Each step is taken once a call, before the next. A line (job_queue_lines) changes only under its model's lock.

create or replace function job_queue.first_answer(request_id text) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    if request_id is null then
        return null;
    end if;
    perform job_queue.check_name('The request id', request_id, 'JQ010');
    -- Two copies of one request at the same instant: the second waits here and then finds the first one's answer.
    perform pg_advisory_xact_lock(19025, hashtext(request_id));
    return (select r.answer from public.job_queue_requests as r where r.request_id = first_answer.request_id);
end;
$$;

comment on function job_queue.first_answer(text) is 'The answer this request got before, or null; holds off copies of it until the transaction ends.';

create or replace function job_queue.remember(request_id text, answer jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    if request_id is not null then
        insert into public.job_queue_requests (request_id, answer) values (remember.request_id, remember.answer);
    end if;
    return answer;
end;
$$;

comment on function job_queue.remember(text, jsonb) is 'Keeps the answer for a repeat of the request, and returns it.';

create or replace function job_queue.refuse_isolation() returns void
language plpgsql
set search_path = ''
as $$
begin
    perform job_queue.refuse('JQ011', format('The transaction is %s.', current_setting('transaction_isolation')),
        'Call the job queue in READ COMMITTED: a snapshot older than its locks shows lines that have moved on.');
end;
$$;

comment on function job_queue.refuse_isolation() is 'Refuses (JQ011) a transaction whose snapshot is older than the locks it gets.';

create or replace function job_queue.settings() returns public.job_queue_settings
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    -- For the deferred trigger on jobs, which must not take these locks a second time.
    told constant text := set_config('job_queue.locked', 'on', true);
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        perform job_queue.refuse_isolation();
    end if;
    perform pg_advisory_xact_lock_shared(19026, 0);
    select * into s from public.job_queue_settings where id = 1;
    return s;
end;
$$;

comment on function job_queue.settings() is 'The settings, which then stay as they are until the transaction ends.';

create or replace function job_queue.settings_alone() returns public.job_queue_settings
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    -- For the deferred trigger on jobs, which must not take these locks a second time.
    told constant text := set_config('job_queue.locked', 'on', true);
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        perform job_queue.refuse_isolation();
    end if;
    perform pg_advisory_xact_lock(19026, 0);
    select * into s from public.job_queue_settings where id = 1;
    return s;
end;
$$;

comment on function job_queue.settings_alone() is 'The settings, with every other transition held off until the transaction ends: for changes that touch many lines.';

create or replace function job_queue.lines_of(models text[], s public.job_queue_settings) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    return case when s.max_active_jobs is null then models else models || ''::text end;
end;
$$;

comment on function job_queue.lines_of(text[], public.job_queue_settings) is
    'The lines that a job with these models stands in: the global limit, where there is one, is one more line (the empty name).';

create or replace function job_queue.needs_of(models text[], holding text, steps jsonb, step integer) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    if coalesce(holding, 'whole_run') = 'whole_run' then
        return models;
    end if;
    return array(
        select m.name from jsonb_array_elements(steps) with ordinality as t (e, n)
        cross join jsonb_array_elements_text(e -> 'models') with ordinality as m (name, k)
        where case when holding = 'per_step' then t.n = step + 1 else t.n > step end
        group by m.name order by min(t.n * 1000 + m.k)
    );
end;
$$;

comment on function job_queue.needs_of(text[], text, jsonb, integer) is
    'The models that a job needs from this step (from 0) on, by its holding rule.';

create or replace function job_queue.models_due() returns text[]
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
begin
    return array(
        select m.model from public.job_queue_models as m where m.next_start_at <= moment order by m.next_start_at limit 20
    );
end;
$$;

comment on function job_queue.models_due() is 'Models whose rate allows the next start again, as seen without locks.';

create or replace function job_queue.lock_models(names text[], s public.job_queue_settings) returns void
language plpgsql
set search_path = ''
as $$
declare
    missing text[];
begin
    -- New models first, and in order: a wait for another caller's insert must not come after a lock on an existing row.
    select array_agg(distinct n collate "C") into missing
    from unnest(names) as n
    where not exists (select from public.job_queue_models as m where m.model = n);
    if missing is not null then
        if s.unknown_models = 'refuse' then
            perform job_queue.refuse('JQ008', format('The model "%s" is unknown.', left(missing[1], 200)),
                                     'Add it with job_queue_set_model, or let unknown models in with job_queue_set_limits.');
        end if;
        insert into public.job_queue_models (model, capacity)
        select n, s.default_capacity from unnest(missing) as n order by n collate "C"
        on conflict (model) do nothing;
    end if;

    perform from public.job_queue_models as m where m.model = any (names) order by m.model for no key update;
end;
$$;

comment on function job_queue.lock_models(text[], public.job_queue_settings) is
    'Locks the lines of these models until the transaction ends, by name; an unknown model is created with the default capacity or refused (JQ008).';

create or replace function job_queue.enter(ids text[], s public.job_queue_settings) returns void
language plpgsql
set search_path = ''
as $$
begin
    -- A job that needs a paused model stands in no line, so that it holds nobody up.
    with parted as (
        select j.job_id,
            exists (select from public.job_queue_models as m where m.model = any (j.needs) and m.paused) as paused
        from public.job_queue_jobs as j
        where j.job_id = any (ids)
    )

    update public.job_queue_jobs as j
    set status = case when p.paused then 'delayed' else 'waiting' end,
        due_at = case when p.paused then timestamptz 'infinity' end,
        runnable = false, skipped = false
    from parted as p
    where j.job_id = p.job_id;

    delete from public.job_queue_lines as l
    using public.job_queue_jobs as j
    where l.job_id = any (ids) and j.job_id = l.job_id and j.status = 'delayed';

    insert into public.job_queue_lines (model, line_key, seq, job_id)
    select line, j.line_key, j.seq, j.job_id
    from public.job_queue_jobs as j
    cross join unnest(job_queue.lines_of(j.needs, s)) as line
    where j.job_id = any (ids) and j.status = 'waiting'
    on conflict (model, line_key, seq) do nothing;
end;
$$;

comment on function job_queue.enter(text[], public.job_queue_settings) is
    'Puts locked jobs at the place their key gives them in each of their (locked) lines, or aside while a model they need is paused. job_queue.settle must follow.';

create or replace function job_queue.room(names text[], a_minute_ago timestamptz) returns table (
    model text, free integer, by_capacity integer, free_from timestamptz
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
    -- One statement, one snapshot: a job that is starting at this instant counts as waiting or as started, never as both or neither.
    return query
    select t.model, least(t.by_capacity, t.by_rate), t.by_capacity,
        case when t.by_capacity > 0 and t.by_rate <= 0 then coalesce(t.oldest_start, clock_timestamp()) + interval '1 minute' end
    from (
        select m.model, r.oldest_start,
            case when m.paused then 0 else m.capacity end - h.seats as by_capacity,
            -- Those that have started within the minute, and those that have a seat and may start at any moment.
            m.starts_per_minute - r.starts - h.kept as by_rate
        from public.job_queue_models as m
        cross join lateral (
            select count(*)::integer as seats, count(*) filter (where j.status = 'waiting')::integer as kept
            from public.job_queue_lines as l
            left join public.job_queue_jobs as j on m.starts_per_minute is not null and j.job_id = l.job_id
            where l.model = m.model and l.seat is not null
        ) as h
        left join lateral (
            select count(*)::integer as starts, min(e.started_at) as oldest_start
            from public.job_queue_starts as e
            where e.model = m.model and e.started_at > a_minute_ago
        ) as r on m.starts_per_minute is not null
        where m.model = any (names)
    ) as t
    order by t.model;
end;
$$;

comment on function job_queue.room(text[], timestamptz) is
    'How many seats of these models could still be given: by capacity and starts_per_minute (negative: too many are taken), and when the rate allows the next one. '
    'One settle asks with one minute: a start that left it half-way would make room for a job that is not locked.';

create or replace function job_queue.settle(names text[], entered text[] default '{}') returns void
language plpgsql
set search_path = ''
as $$
declare
    busy text[];
    rated text[];
    contested boolean;
    touched text[] := entered;
    a_minute_ago constant timestamptz := clock_timestamp() - interval '1 minute';
    seats integer[];
    m record;
    first record;
    last record;
    free integer;
    given integer;
begin
    -- Only lines where somebody waits without a seat, or where more seats are taken than there are, can change.
    select array_agg(x.model order by x.model),
        array_agg(x.model) filter (where x.starts_per_minute is not null)
    into busy, rated
    from public.job_queue_models as x
    where x.model = any (names)
      and (exists (select from public.job_queue_lines as l where l.model = x.model and l.seat is null)
           or x.starts_per_minute is not null
           or (select count(*) from public.job_queue_lines as l where l.model = x.model and l.seat is not null) > x.capacity);

    if busy is null and cardinality(entered) = 0 then
        return;
    end if;

    -- First see which jobs can be concerned and lock them in order; then, with nothing moving, share out the seats.
    for m in
        select r.model, r.free, x.capacity from job_queue.room(busy, a_minute_ago) as r
        join public.job_queue_models as x on x.model = r.model order by r.model
    loop
        select l.line_key, l.seq into first
        from public.job_queue_lines as l where l.model = m.model and l.seat is null
        order by l.line_key, l.seq limit 1;
        contested := exists (
            select from public.job_queue_lines as l
            join public.job_queue_jobs as j on j.job_id = l.job_id
            where l.model = m.model and l.seat is not null and j.status = 'waiting'
              and (m.free < 0 or (l.line_key, l.seq) > (first.line_key, first.seq))
        );
        touched := touched || array(
            select l.job_id from public.job_queue_lines as l
            where l.model = m.model and l.seat is null
            order by l.line_key, l.seq
            limit greatest(case when contested then m.capacity else m.free end, 0)
        );
        if contested then
            touched := touched || array(
                select l.job_id from public.job_queue_lines as l
                join public.job_queue_jobs as j on j.job_id = l.job_id
                where l.model = m.model and l.seat is not null and j.status = 'waiting'
            );
        end if;
    end loop;
    perform from public.job_queue_jobs as j where j.job_id = any (touched) order by j.job_id for no key update;

    for m in
        select r.model, r.free, x.capacity from job_queue.room(busy, a_minute_ago) as r
        join public.job_queue_models as x on x.model = r.model order by r.model
    loop
        free := m.free;
        if free > 0 then
            -- In one statement, for a raised capacity may let thousands in; the numbers are looked for no further than needed.
            seats := array(
                select g.n from (select generate_series(1, m.capacity) as n) as g
                where not exists (select from public.job_queue_lines as t where t.model = m.model and t.seat = g.n)
                limit free
            );
            with firsts as (
                select f.line_key, f.seq, row_number() over (order by f.line_key, f.seq) as n
                from (
                    select l.line_key, l.seq from public.job_queue_lines as l
                    where l.model = m.model and l.seat is null
                    order by l.line_key, l.seq limit free
                ) as f
            )

            update public.job_queue_lines as l set seat = seats[f.n]
            from firsts as f
            where l.model = m.model and l.line_key = f.line_key and l.seq = f.seq;
            get diagnostics given = row_count;
            free := free - given;
        end if;
        loop
            select l.line_key, l.seq into first
            from public.job_queue_lines as l where l.model = m.model and l.seat is null
            order by l.line_key, l.seq limit 1;
            if found and free > 0 then
                update public.job_queue_lines as l
                set seat = (
                    select g.n from (select generate_series(1, m.capacity) as n) as g
                    where not exists (select from public.job_queue_lines as t where t.model = m.model and t.seat = g.n)
                    limit 1
                )
                where l.model = m.model and l.line_key = first.line_key and l.seq = first.seq;
                free := free - 1;
                continue;
            end if;
            -- The last of those that have a seat and wait gives it up to one ahead of it, or to a lowered capacity or rate.
            select l.line_key, l.seq into last
            from public.job_queue_lines as l
            join public.job_queue_jobs as j on j.job_id = l.job_id
            where l.model = m.model and l.seat is not null and j.status = 'waiting' and j.job_id = any (touched)
              and (free < 0 or (l.line_key, l.seq) > (first.line_key, first.seq))
            order by l.line_key desc, l.seq desc limit 1;
            exit when not found;
            update public.job_queue_lines as l set seat = null
            where l.model = m.model and l.line_key = last.line_key and l.seq = last.seq;
            free := free + 1;
        end loop;
    end loop;

    if rated is not null then
        -- A line held up by its rate alone is looked at again, by any caller, when the rate allows the next start.
        update public.job_queue_models as x
        set next_start_at = n.at
        from (
            select r.model, case when exists (
                select from public.job_queue_lines as l where l.model = r.model and l.seat is null) then r.free_from end as at
            from job_queue.room(rated, a_minute_ago) as r
        ) as n
        where x.model = n.model and x.next_start_at is distinct from n.at;
    end if;

    -- Derived anew each time, never counted up and down: a job is runnable when none of its lines lacks a seat.
    update public.job_queue_jobs as j
    set runnable = not j.runnable, runnable_since = clock_timestamp()
    where j.job_id = any (touched) and j.status = 'waiting'
      and j.runnable = exists (select from public.job_queue_lines as l where l.job_id = j.job_id and l.seat is null);
end;
$$;

comment on function job_queue.settle(text[], text[]) is
    'Shares out the seats of locked lines again after a change: those that run keep theirs, the first in line get the rest. Marks the jobs that became runnable. '
    'entered: locked jobs that just came into line.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 033_job_queue_places.sql

-- Private: where a job stands, and why it does not run.
--
-- Large in the planner's estimate and small in fact: without jit = off a server with JIT compiles for longer than the query runs.
-- For a batch it is the other way round: each step is materialized and hashed, or it would be done again for each job.

create or replace function job_queue.blockers(ids text[]) returns table (
    job_id text, blocked_by_job_id text, conflict_reason text
)
language plpgsql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
#variable_conflict use_column
begin
    return query
    -- The first line, by name, in which it has no seat; there, who holds the model longest, else (nobody does, or the rate is what
    -- keeps it waiting) who is just ahead.
    with blocked as materialized (
        select distinct on (s.job_id) s.job_id, s.model, h.holder, a.ahead, m.next_start_at
        from public.job_queue_lines as s
        join public.job_queue_models as m on m.model = s.model
        left join lateral (
            select r.job_id as holder
            from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = s.model and l.seat is not null
            order by r.started_at, r.job_id limit 1
        ) as h on m.next_start_at is null
        left join lateral (
            select l.job_id as ahead
            from public.job_queue_lines as l
            left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
            where l.model = s.model and (l.line_key, l.seq) < (s.line_key, s.seq) and r.status is distinct from 'running'
            order by l.line_key desc, l.seq desc limit 1
        ) as a on h.holder is null
        where s.job_id = any (ids) and s.seat is null
        order by s.job_id, h.holder is null, s.model
    )

    select j.job_id, coalesce(b.holder, b.ahead),
        case
            when j.skipped then format('No worker asks for handler %s and its models', j.handler)
            when j.due_at = 'infinity' then format('Model paused: %s', (
                select to_jsonb(array_agg(m.model order by m.model))
                from public.job_queue_models as m where m.model = any (j.needs) and m.paused))
            when j.status = 'delayed' and exists (
                select from public.job_queue_callbacks as k where k.job_id = j.job_id and k.until = j.due_at
            ) then format('Step %s waits for its callback, until %s', j.current_step,
                to_char(j.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when j.status = 'delayed' then format('Not due before %s',
                to_char(j.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when b.holder is not null and b.model = '' then format('Limit of active jobs reached, active job %s', b.holder)
            when b.holder is not null then format('Model conflict with active job %s: %s', b.holder, jsonb_build_array(b.model))
            when b.ahead is not null then format('In line for %s behind job %s',
                case when b.model = '' then 'the limit of active jobs' else jsonb_build_array(b.model)::text end, b.ahead)
            when b.next_start_at is not null then format('Rate reached, next start of %s at %s', jsonb_build_array(b.model),
                to_char(b.next_start_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when b.job_id is not null then format('No capacity: %s', jsonb_build_array(b.model))
            when exists (select from public.job_queue_settings as s where s.paused) then 'Everything is paused'
        end
    from public.job_queue_jobs as j
    left join blocked as b on b.job_id = j.job_id
    where j.job_id = any (ids) and j.status in ('waiting', 'delayed');
end;
$$;

comment on function job_queue.blockers(text[]) is 'Of those of the jobs that wait: a job that is in the way, and the reason in words.';

create or replace function job_queue.places(ids text[]) returns table (
    job_id text, queue_position integer, blocked_by_job_id text, conflict_reason text
)
language plpgsql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
#variable_conflict use_column
begin
    return query
    with standing as materialized (
        select l.job_id, l.model, l.line_key, l.seq
        from public.job_queue_jobs as j
        join public.job_queue_lines as l on l.job_id = j.job_id
        where j.job_id = any (ids) and j.status = 'waiting'
    ),

    lines as materialized (select distinct s.model from standing as s),

    -- Counted from the front, and no further than 10,000: a long line must not cost its length each time.
    fronts as materialized (
        select d.model, f.line_key, f.seq, row_number() over (partition by d.model order by f.line_key, f.seq) as place
        from lines as d
        cross join lateral (
            select l.line_key, l.seq from public.job_queue_lines as l
            where l.model = d.model order by l.line_key, l.seq limit 10000
        ) as f
    ),

    -- Those that run stand in the line's table too, and are not counted.
    running as materialized (
        select l.model, l.line_key, l.seq
        from lines as d
        join public.job_queue_lines as l on l.model = d.model and l.seat is not null
        join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
    ),

    positions as materialized (
        select s.job_id, case when count(f.place) = count(*) then max(f.place - (
            select count(*) from running as r where r.model = s.model and (r.line_key, r.seq) < (s.line_key, s.seq)
        ))::integer end as queue_position
        from standing as s
        left join fronts as f on f.model = s.model and f.line_key = s.line_key and f.seq = s.seq
        group by s.job_id
    )

    select b.job_id, p.queue_position, b.blocked_by_job_id, b.conflict_reason
    from job_queue.blockers(ids) as b
    left join positions as p on p.job_id = b.job_id;
end;
$$;

comment on function job_queue.places(text[]) is
    'job_queue.blockers, and the place in line: the largest over the job''s lines, among those that wait; null past 10,000 and for a delayed job.';

create or replace function job_queue.place(id text) returns jsonb
language sql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
    select jsonb_build_object('queue_position', p.queue_position, 'blocked_by_job_id', p.blocked_by_job_id,
                              'conflict_reason', p.conflict_reason)
    from (select 1) as one left join job_queue.places(array[id]) as p on true;
$$;

comment on function job_queue.place(text) is 'job_queue.places of one job, as an answer gives it.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 034_job_queue_transitions.sql

-- Private: the transitions of a job. Each writes exactly one event per job in the same transaction.

-- The ids grow with time (the form of version 7): random ones would touch a page of the key's index each, all over a large log.
create or replace function job_queue.log_event(
    ids text[], event text, extra jsonb default '{}'
) returns void
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    ends_run boolean := event in ('retry_scheduled', 'lease_expired') or event = 'released' and not extra ? 'released_models';
    ends boolean := event in ('completed', 'failed', 'cancelled', 'expired');
begin
    insert into public.job_queue_log (id, job_id, job_type, event_type, models, blocked_by_job_id, conflict_reason, metadata, created_at)
    select
        encode(set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from moment) * 1000)::bigint) from 3) from 1 for 6
        ), 52, 1), 53, 1), 'hex')::uuid,
        j.job_id, j.job_type, event, to_jsonb(j.models), p.blocked_by_job_id, p.conflict_reason,
        jsonb_strip_nulls(jsonb_build_object(
            'status', j.status, 'handler', j.handler, 'attempt', j.attempt, 'token', j.token, 'worker_id', j.worker_id,
            'error', left(j.error, 500),
            'holding', j.holding, 'current_step', case when j.steps is not null then j.current_step end,
            'needs', case when j.needs <> j.models then to_jsonb(j.needs) end,
            'due_at', case when j.status = 'delayed' then j.due_at end,
            -- Seconds. A job that ends was running if it started after it last began to wait.
            'waited', case when event = 'started' or ends and (j.started_at >= j.waits_since) is not true
                then greatest(round(extract(epoch from moment - j.waits_since), 3), 0) end,
            'ran', case when ends_run or ends and j.started_at >= j.waits_since
                then round(extract(epoch from moment - j.started_at), 3) end
        )) || extra,
        clock_timestamp()
    from public.job_queue_jobs as j
    left join job_queue.blockers(case when event in ('queued', 'blocked') then ids end) as p on p.job_id = j.job_id
    where j.job_id = any (ids)
    order by j.line_key, j.seq;
end;
$$;

comment on function job_queue.log_event(text[], text, jsonb) is
    'Writes one event of each job to job_queue_log, with what it is now (docs/reference/events.md).';

create or replace function job_queue.caller() returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
begin
    return coalesce(claims ->> 'sub', claims ->> 'role', session_user);
end;
$$;

comment on function job_queue.caller() is 'Whose key this call came with: the user or the role of the key, or the database user.';

create or replace function job_queue.log_change(event text, models text[], before jsonb, after jsonb) returns void
language plpgsql
set search_path = ''
as $$
begin
    -- Only what changed; nothing changed is no event.
    select jsonb_object_agg(b.key, b.value), jsonb_object_agg(b.key, after -> b.key) into before, after
    from jsonb_each(before) as b where b.value is distinct from after -> b.key;
    if before is not null then
        insert into public.job_queue_log (job_id, job_type, event_type, models, metadata, created_at)
        values ('', 'normal', event, to_jsonb(models), jsonb_build_object(
            'before', before, 'after', after, 'by', job_queue.caller()
        ), clock_timestamp());
    end if;
end;
$$;

comment on function job_queue.log_change(text, text[], jsonb, jsonb) is
    'Writes the event of an operator''s change, of no job (the empty id): what it was, what it is, and whose key did it.';

create or replace function job_queue.callback_of(j public.job_queue_jobs) returns jsonb
language sql
stable
set search_path = ''
as $$
    select jsonb_build_object('step', c.step, 'token', c.token, 'until', c.until, 'note', c.note)
        || case
            when c.received_at is not null then jsonb_build_object('payload', c.payload, 'received_at', c.received_at)
            when c.until <= clock_timestamp() then '{"timed_out": true}'
            else '{}'
        end
    from public.job_queue_callbacks as c where c.job_id = j.job_id and c.step = j.current_step;
$$;

comment on function job_queue.callback_of(public.job_queue_jobs) is 'The callback that the current step of a job waits for, or has had; null where there is none.';

create or replace function job_queue.lease(j public.job_queue_jobs) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'models', to_jsonb(j.models),
        'attempt', j.attempt, 'max_attempts', j.max_attempts, 'token', j.token, 'worker_id', j.worker_id,
        'lease_seconds', round(extract(epoch from j.lease_until - j.started_at), 3), 'lease_until', j.lease_until,
        'queued_at', j.entered_at, 'started_at', j.started_at, 'payload', j.payload
    ) || case when j.steps is null then '{}' else jsonb_build_object('holding', j.holding, 'steps', j.steps) end
    || case when j.steps is null and j.current_step = 0 then '{}' else jsonb_build_object(
        'current_step', j.current_step, 'step_attempt', j.attempt - j.attempts_before,
        'checkpoints', (select coalesce(jsonb_object_agg(c.step, c.output), '{}')
                        from public.job_queue_checkpoints as c where c.job_id = j.job_id)
    ) end || case when j.job_type = 'workflow' or j.steps is not null then
        coalesce((select jsonb_build_object('callback', b) from job_queue.callback_of(j) as b where b is not null), '{}')
    else '{}' end;
end;
$$;

comment on function job_queue.lease(public.job_queue_jobs) is 'What a worker is given to run a job.';

create or replace function job_queue.count_starts(ids text[], except_models text[]) returns void
language plpgsql
set search_path = ''
as $$
begin
    if exists (select from public.job_queue_models as m where m.starts_per_minute is not null) then
        insert into public.job_queue_starts (model, started_at, token)
        select m.model, clock_timestamp(), j.token
        from public.job_queue_jobs as j
        join public.job_queue_models as m
            on m.model = any (j.needs) and m.model <> all (except_models) and m.starts_per_minute is not null
        where j.job_id = any (ids);
    end if;
end;
$$;

comment on function job_queue.count_starts(text[], text[]) is
    'Notes the start of these jobs for each of their models that has starts_per_minute, but for models that they held before.';

create or replace function job_queue.start_runs(
    ids text[], worker text, lease_seconds numeric, extra jsonb default '{}'
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    leases jsonb;
    workflows boolean;
begin
    with begun as (
        update public.job_queue_jobs as j
        set status = 'running', runnable = false, attempt = j.attempt + 1,
            token = nextval('public.job_queue_token_seq'), worker_id = worker,
            started_at = moment, lease_until = moment + make_interval(secs => lease_seconds),
            progress = 0, progress_note = null, error = null
        where j.job_id = any (ids)
        returning j.*
    )

    select jsonb_agg(job_queue.lease(b) order by b.line_key, b.seq), bool_or(b.job_type = 'workflow') into leases, workflows
    from begun as b;
    perform job_queue.count_starts(ids, '{}');
    perform job_queue.log_event(ids, 'started', extra);
    if workflows then
        perform job_queue.add_executions(ids);
    end if;
    return coalesce(leases, '[]');
end;
$$;

comment on function job_queue.start_runs(text[], text, numeric, jsonb) is 'Starts locked, runnable jobs: a new attempt, token and lease each. Their seats are theirs already.';

create or replace function job_queue.leave(
    ids text[], ended_as text, extra jsonb default '{}', event text default null
) returns void
language plpgsql
set search_path = ''
as $$
begin
    delete from public.job_queue_lines as l where l.job_id = any (ids);
    delete from public.job_queue_callbacks as c where c.job_id = any (ids);
    update public.job_queue_jobs as j
    set status = ended_as, runnable = false, skipped = false, due_at = null, lease_until = null, finished_at = clock_timestamp(),
        progress = case when ended_as = 'completed' then 100 else j.progress end
    where j.job_id = any (ids);
    perform job_queue.log_event(ids, coalesce(event, ended_as), extra);
end;
$$;

comment on function job_queue.leave(text[], text, jsonb, text) is 'Ends locked jobs (completed, failed, cancelled) and gives up their places in their locked lines.';

create or replace function job_queue.recoverable(at_most integer, look boolean default false) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    ids text[];
    -- A variable: an index is not searched by what may change from row to row, as clock_timestamp() may.
    moment timestamptz := clock_timestamp();
begin
    -- Three index probes that find nothing most of the time.
    ids := array(
        select j.job_id from public.job_queue_jobs as j
        where j.status = 'running' and j.lease_until < moment
        order by j.lease_until limit at_most
    ) || array(
        select j.job_id from public.job_queue_jobs as j
        where j.status = 'delayed' and j.due_at <= moment
        order by j.due_at limit at_most
    ) || array(
        select j.job_id from public.job_queue_jobs as j
        where j.status in ('waiting', 'delayed') and j.deadline < moment
        order by j.deadline limit at_most
    );
    if look then
        ids := ids || job_queue.stuck(at_most);
    end if;
    -- One caller at a time sees to them; the others go on.
    if cardinality(ids) > 0 and not pg_try_advisory_xact_lock(19028, 0) then
        return '{}';
    end if;
    return ids;
end;
$$;

comment on function job_queue.recoverable(integer, boolean) is
    'Jobs whose lease ran out, whose time has come or whose deadline has passed, and (look) those that nobody can run, as seen without locks; none if another caller sees to them now.';

create or replace function job_queue.recover(ids text[], s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    lost text[];
    gone text[];
    spent text[];
    back text[];
    due text[];
    late text[];
    aside text[];
begin
    select
        coalesce(array_agg(j.job_id) filter (where j.status = 'running'), '{}'),
        coalesce(array_agg(j.job_id) filter (where j.status = 'running' and j.cancel_requested_at is not null), '{}'),
        coalesce(array_agg(j.job_id) filter (
            where j.status = 'running' and j.cancel_requested_at is null and j.attempt >= j.max_attempts), '{}'),
        coalesce(array_agg(j.job_id) filter (
            where j.status = 'running' and j.cancel_requested_at is null and j.attempt < j.max_attempts), '{}'),
        coalesce(array_agg(j.job_id) filter (where j.status = 'delayed' and j.deadline >= moment is not false), '{}'),
        coalesce(array_agg(j.job_id) filter (where j.status <> 'running' and j.deadline < moment), '{}'),
        coalesce(array_agg(j.job_id) filter (where j.runnable and j.deadline >= moment is not false), '{}')
    into lost, gone, spent, back, due, late, aside
    from public.job_queue_jobs as j
    where j.job_id = any (ids)
      and (j.status = 'running' and j.lease_until < moment or j.status = 'delayed' and j.due_at <= moment
           or j.status in ('waiting', 'delayed') and j.deadline < moment
           or j.skipped
           or j.runnable and greatest(j.runnable_since, s.resumed_at) < moment - s.skip_after and not s.paused
           and job_queue.nobody_runs(j, s.skip_after));

    if cardinality(lost) > 0 then
        update public.job_queue_jobs as j
        set error = format('The lease of attempt %s (worker %s) ran out.', j.attempt, j.worker_id)
        where j.job_id = any (lost);
    end if;
    if cardinality(late) > 0 then
        update public.job_queue_jobs as j set error = 'expired' where j.job_id = any (late);
        perform job_queue.leave(late, 'failed', '{}', 'expired');
    end if;
    if cardinality(gone) > 0 then
        perform job_queue.leave(gone, 'cancelled', '{"lease_expired": true}');
    end if;
    if cardinality(spent) > 0 then
        perform job_queue.leave(spent, 'failed', '{"lease_expired": true, "reason": "attempts are used up"}');
    end if;
    if cardinality(aside) > 0 then
        delete from public.job_queue_lines as l where l.job_id = any (aside);
        update public.job_queue_jobs as j
        set status = 'delayed', due_at = 'infinity', skipped = true, runnable = false
        where j.job_id = any (aside);
        perform job_queue.log_event(aside, 'skipped');
    end if;
    if cardinality(back) > 0 then
        -- Its rows in the lines are still there: it goes back to its own place.
        update public.job_queue_jobs as j set status = 'waiting', lease_until = null, waits_since = moment where j.job_id = any (back);
        perform job_queue.enter(back, s);
        perform job_queue.log_event(back, 'lease_expired');
    end if;
    if cardinality(due) > 0 then
        perform job_queue.enter(due, s);
        perform job_queue.log_event(due, 'queued', '{"due": true}');
    end if;
    return back || due;
end;
$$;

comment on function job_queue.recover(text[], public.job_queue_settings) is
    'Takes back locked jobs whose lease ran out, lets due and skipped ones into their locked lines, fails those past their deadline and sets aside those that nobody can run; '
    'returns those that entered. job_queue.settle must follow.';

create or replace function job_queue.handlers_of(value jsonb) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    if jsonb_typeof(value) is distinct from 'object' then
        return job_queue.names_of('handlers', value);
    end if;
    perform job_queue.whole_number_of(format('The number of jobs of the handler "%s"', left(e.key, 200)), nullif(e.value, 'null'), 0, 1000, null)
    from jsonb_each(value) as e;
    if exists (select from jsonb_each(value) as e where jsonb_typeof(e.value) = 'null') then
        perform job_queue.refuse('JQ007', 'A handler has no number of jobs.', 'Give each handler a whole number from 0 to 1000.');
    end if;
    return job_queue.names_of('handlers', array_to_json(array(select jsonb_object_keys(value)))::jsonb);
end;
$$;

comment on function job_queue.handlers_of(jsonb) is
    'The handlers that a claim names, in an array or as the keys of an object {"handler": how many at most}; null (any) where it names none.';

create or replace function job_queue.within_numbers(handlers jsonb, ids text[]) returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
    if jsonb_typeof(handlers) is distinct from 'object' then
        return ids;
    end if;
    return array(
        select r.job_id from (
            select j.job_id, j.handler, i.n, row_number() over (partition by j.handler order by i.n) as number
            from unnest(ids) with ordinality as i (job_id, n)
            join public.job_queue_jobs as j on j.job_id = i.job_id
        ) as r
        where r.number <= (handlers ->> r.handler)::integer
        order by r.n
    );
end;
$$;

comment on function job_queue.within_numbers(jsonb, text[]) is 'Of these jobs, in order, those that a claim has room for by the numbers of its handlers.';

create or replace function job_queue.take(
    worker text, at_most integer, handlers jsonb, models text[], lease_seconds numeric
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    found_ids text[];
    free text[];
    taken text[] := '{}';
    passed text[] := '{}';
    before integer;
    -- Those that it has room for; null: any.
    open text[] := job_queue.handlers_of(take.handlers);
begin
    -- What is locked by somebody else is being started or changed by them: it is passed over, never waited for. So is a job
    -- whose row somebody edits, for the next one; each time more are looked at, up to a thousand.
    loop
        if jsonb_typeof(take.handlers) = 'object' then
            open := array(
                select h.key from jsonb_each_text(take.handlers) as h
                where h.value::integer > (
                    select count(*) from public.job_queue_jobs as j where j.job_id = any (taken) and j.handler = h.key)
            );
        end if;
        before := cardinality(taken);
        found_ids := array(
            select j.job_id from public.job_queue_jobs as j
            where j.status = 'waiting' and j.runnable
              and (j.deadline is null or j.deadline >= moment)
              and (open is null or j.handler = any (open))
              and (take.models is null or j.models <@ take.models)
              and j.job_id <> all (passed)
            order by j.line_key, j.seq
            limit greatest(at_most - cardinality(taken), cardinality(passed))
            for no key update skip locked
        );
        free := job_queue.lock_mirrored(found_ids, true);
        taken := (job_queue.within_numbers(take.handlers, taken || free))[1:at_most];
        exit when cardinality(taken) in (at_most, before + cardinality(found_ids)) or cardinality(passed) > 1000;
        passed := passed || found_ids;
    end loop;
    if cardinality(taken) = 0 then
        return '[]';
    end if;
    return job_queue.start_runs(taken, worker, lease_seconds);
end;
$$;

comment on function job_queue.take(text, integer, jsonb, text[], numeric) is
    'Starts the first runnable jobs that this worker can run. They have their seats, so no line needs a lock.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 035_job_queue_mirror.sql

-- Private: `jobs` and `workflow_executions` follow the engine, in the same transaction, where the row exists (and an execution exists
-- for each workflow, where the table can take it: 061).
--
-- The functions that touch those tables are written by job_queue.adapt for the tables as they are: with job ids of their type, only
-- columns they have, and words their CHECKs let in; a database without them gets functions that do nothing. When a table or a column
-- comes, goes or changes, the housekeeping notices within a second of traffic and has them written anew.
--
-- A row that refuses what is written (a CHECK, a trigger that raises) stops nothing, for the engine is the truth: the write is tried
-- again with less, and a row that refuses that too stays as it was, with the event mirror_failed.

create or replace function job_queue.mirrored(ids text[]) returns table (
    job_id text, job_type text, status text, required_models jsonb, queue_position integer, blocked_by_job_id text,
    conflict_reason text, queued_at timestamptz, started_at timestamptz, completed_at timestamptz, progress integer,
    error_message text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select j.job_id, j.job_type,
        case
            when j.status in ('waiting', 'delayed') then case when j.attempt > 0 then 'pending_retry' else 'pending' end
            else j.status
        end,
        to_jsonb(j.models), p.queue_position, p.blocked_by_job_id, p.conflict_reason,
        case when j.status in ('waiting', 'delayed') then j.entered_at end,
        j.started_at, j.finished_at, j.progress, j.error
    from public.job_queue_jobs as j
    left join job_queue.places(ids) as p on p.job_id = j.job_id
    where j.job_id = any (ids);
end;
$$;

comment on function job_queue.mirrored(text[]) is 'What the mirrored columns of these jobs say.';

create or replace function job_queue.accepts(relation regclass, name text, word text) returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
    a pg_catalog.pg_attribute;
    type text;
    fits boolean;
    expression text;
begin
    select * into a from pg_catalog.pg_attribute as t where t.attrelid = relation and t.attname = name;
    type := format_type(a.atttypid, a.atttypmod);
    -- An enum without the word raises; a short varchar cuts it.
    execute format('select (%L::%s)::text = %L', word, type, word) into fits;
    -- Only the checks of this column alone can be asked beforehand.
    for expression in
        select pg_get_expr(c.conbin, c.conrelid) from pg_catalog.pg_constraint as c
        where c.conrelid = relation and c.contype = 'c' and c.conkey = array[a.attnum]
    loop
        exit when not fits;
        execute format('select (%s) is not false from (select %L::%s as %I) as t', expression, word, type, name) into fits;
    end loop;
    return fits;
exception when others then
    return false;
end;
$$;

comment on function job_queue.accepts(regclass, text, text) is 'Whether the type and the CHECKs of a column let this value in.';

create or replace function job_queue.status_in(relation regclass) returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    w record;
    word text;
    arms text := '';
    same boolean := true;
begin
    -- Each word of the engine and, where the table knows it not, the nearest. Executions know no "cancelled".
    for w in
        select * from (values
            ('pending', '{pending,queued}'::text[]), ('pending_retry', '{pending_retry,pending,queued}'), ('running', '{running}'),
            ('completed', '{completed}'), ('failed', '{failed}'),
            ('cancelled', case when relation = to_regclass('public.jobs') then '{cancelled,failed}' else '{failed,cancelled}' end::text[])
        ) as v (word, choices)
    loop
        word := (select c from unnest(w.choices) with ordinality as u (c, n)
                 where job_queue.accepts(relation, 'status', c) order by n limit 1);
        same := same and word = w.word;
        -- A table with words of its own has a status that is not ours to write.
        if word is null then
            return null;
        end if;
        arms := arms || format(' when %L then %L', w.word, word);
    end loop;
    return case when same then 'm.status' else format('case m.status%s end', arms) end;
end;
$$;

comment on function job_queue.status_in(regclass) is 'An expression: the status of a job in the words of this table; null where it has other words.';

create or replace function job_queue.written(relation regclass, least_only boolean, with_status boolean) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    c record;
    value text;
    sets text[] := '{}';
    differs text[] := '{}';
    names text[] := '{}';
    fresh text[] := '{}';
    of_executions constant boolean := relation is not distinct from to_regclass('public.workflow_executions');
begin
    for c in
        select v.name, v.type, format_type(a.atttypid, a.atttypmod) as own, a.atttypid
        from (values
            ('status', 'text', true, null), ('required_models', 'jsonb', true, null), ('blocked_by_job_id', 'text', true, null),
            ('queue_position', 'integer', true, false), ('conflict_reason', 'text', true, false), ('queued_at', 'timestamptz', true, false),
            ('started_at', 'timestamptz', false, false), ('completed_at', 'timestamptz', false, false),
            ('progress', 'integer', false, false), ('error_message', 'text', false, false),
            ('current_step', 'integer', true, true), ('current_step_model', 'text', true, true), ('total_steps', 'integer', true, true),
            ('retry_count', 'integer', false, true), ('error_info', 'jsonb', false, true)
        ) as v (name, type, least, executions)
        join pg_catalog.pg_attribute as a
            on a.attrelid = relation and a.attname = v.name and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
        where (v.least or not least_only) and (v.name <> 'status' or with_status)
          and (v.executions is null or v.executions = of_executions)
        order by v.name
    loop
        value := format('m.%I', c.name);
        begin
            execute format('select null::%s::%s', c.type, c.own);
        exception when others then
            continue;
        end;
        if c.name = 'status' then
            value := job_queue.status_in(relation);
            continue when value is null;
        elsif c.name = 'progress' then
            continue when not (job_queue.accepts(relation, c.name, '0') and job_queue.accepts(relation, c.name, '100'));
        elsif c.name = 'error_info' then
            continue when c.atttypid not in ('json'::regtype, 'jsonb'::regtype);
        end if;
        names := names || format('%I', c.name);
        fresh := fresh || format('(%s)::%s', case when c.name in ('current_step', 'total_steps') then format('coalesce(%s, m.current_step, 0)', value) else value end, c.own);
        value := format('(%s)::%s', value, c.own);
        if c.name in ('current_step', 'current_step_model', 'total_steps', 'error_info') then
            -- The steps of a job that has none in the engine are its worker's own business; the latest error stays.
            value := format('case when m.%I is null then r.%I else %s end',
                            case c.name when 'current_step_model' then 'total_steps' else c.name end, c.name, value);
        end if;
        sets := sets || format('%I = %s', c.name, value);
        differs := differs || case
            -- When it was is no difference.
            when c.name = 'error_info' then
                'm.error_info is not null and coalesce(r.error_info::jsonb @> (m.error_info - ''last_attempt''), false) is false'
            when c.atttypid = 'json'::regtype then format('r.%I::text is distinct from %s::text', c.name, value)
            else format('r.%I is distinct from %s', c.name, value)
        end;
    end loop;
    return array[array_to_string(sets, ', '), array_to_string(differs, ' or '), array_to_string(names, ', '), array_to_string(fresh, ', ')];
end;
$$;

comment on function job_queue.written(regclass, boolean, boolean) is
    'Of the mirrored columns that the table has and can take: the SET list, the condition that one differs, and names and values of a new row.';

create or replace function job_queue.own_ids(key regtype) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    base regtype := key;
begin
    while (select t.typtype from pg_catalog.pg_type as t where t.oid = base) = 'd' loop
        base := (select t.typbasetype from pg_catalog.pg_type as t where t.oid = base);
    end loop;
    return case
        when base = 'uuid'::regtype then array[
            'array(select i::uuid from unnest(ids) as i where i ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'')', 'r.job_id']
        when base in ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype) then array[format(
            'array(select i::%1$s from unnest(ids) as i where case when i ~ ''^(0|-?[1-9][0-9]{0,18})$'''
            ' then i::numeric between -power(2::numeric, %2$s) and power(2::numeric, %2$s) - 1 else false end)',
            base, (select 8 * t.typlen - 1 from pg_catalog.pg_type as t where t.oid = base)), 'r.job_id']
        when base in ('text'::regtype, 'varchar'::regtype) then array['ids', 'r.job_id']
        when base = 'bpchar'::regtype then array['ids::bpchar[]', 'r.job_id']
        else array['ids', 'r.job_id::text']
    end;
end;
$$;

comment on function job_queue.own_ids(regtype) is
    'For job ids of this type: the ids that can be of it (the others have no row there), and what to compare them with.';

create or replace function job_queue.shape() returns text
language plpgsql
stable
set search_path = ''
as $$
begin
    return (select md5(string_agg(x.part, ' ' order by x.part)) from (
        select concat_ws(',', c.oid, c.relkind, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated, a.attidentity,
                         (select count(*) from pg_catalog.pg_enum as e where e.enumtypid = a.atttypid)) as part
        from pg_catalog.pg_class as c
        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.oid in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'))
        union all
        select concat_ws(',', k.conrelid, k.oid) from pg_catalog.pg_constraint as k
        where k.contype in ('c', 'f') and k.conrelid in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'))
        union all
        select concat_ws(',', t.tgrelid, t.tgname) from pg_catalog.pg_trigger as t
        where t.tgrelid = to_regclass('public.jobs') and t.tgname like 'job\_queue\_%'
    ) as x);
end;
$$;

comment on function job_queue.shape() is 'Changes when the mirrored tables do: their columns, checks, foreign keys, or our triggers on them.';

create or replace function job_queue.of_executions(
    key pg_catalog.pg_attribute, own text[], written text[], out checkpoints text, out executions text, out additions text
)
language plpgsql
stable
set search_path = ''
as $$
declare
    relation constant regclass := to_regclass('public.workflow_executions');
    there constant text := format($f$
    if has_column_privilege(%s::oid, %s::smallint, 'select') is not null then$f$, relation::oid, key.attnum);
    id constant text := format('m.job_id::%s', format_type(key.atttypid, key.atttypmod));
    names text := 'job_id';
    fresh text := id;
    kept text;
    jobs text := '';
    c record;
begin
    -- The row in jobs can be had at no cost where both ids are of one type.
    if exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.jobs') and a.attname = 'job_id' and a.atttypid = key.atttypid and not a.attisdropped
    ) then
        jobs := format('
            %s join public.jobs as u on u.job_id = %s', case when exists (
            -- Without a row in jobs there cannot be one here, and that is no failure.
            select from pg_catalog.pg_constraint as k
            where k.contype = 'f' and k.conrelid = relation and k.confrelid = to_regclass('public.jobs') and k.conkey = array[key.attnum]
        ) then 'inner' else 'left' end, id);
    end if;
    for c in
        select a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod) as own
        from pg_catalog.pg_attribute as a
        where a.attrelid = relation and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
          and a.attname in ('workflow_id', 'user_id', 'checkpoints')
        order by a.attname
    loop
        if c.attname = 'workflow_id' then
            names := names || ', workflow_id';
            fresh := fresh || format(', m.handler::%s', c.own);
        elsif c.attname = 'user_id' and jobs <> '' and exists (
            select from pg_catalog.pg_attribute as a
            where a.attrelid = to_regclass('public.jobs') and a.attname = 'user_id' and a.atttypid = c.atttypid and not a.attisdropped
        ) then
            names := names || ', user_id';
            fresh := fresh || ', u.user_id';
        elsif c.attname = 'checkpoints' and c.own in ('json', 'jsonb') then
            kept := c.own;
            names := names || ', checkpoints';
            fresh := fresh || format(', job_queue.checkpoints_to_begin_with(m.job_id)::%s', c.own);
        end if;
    end loop;
    if written[3] <> '' then
        names := names || ', ' || written[3];
        fresh := fresh || ', ' || written[4];
    end if;

    executions := there || format($f$
        return query select r.job_id::text, to_jsonb(r) from public.workflow_executions as r where %s = any (%s);
    end if;$f$, own[2], own[1]);
    additions := there || format($f$
        insert into public.workflow_executions (%s)
        select %s
        from job_queue.mirrored_executions(array(select i::text from unnest(%s) as i)) as m%s
        where not exists (select from public.workflow_executions as r where %s = %s);$f$,
        names, fresh, own[1], jobs, own[2], case own[2] when 'r.job_id' then id else 'm.job_id' end)
    || case when kept is null then '' else format($f$
        update public.workflow_executions as r
        set checkpoints = (jsonb_build_object('_input', j.payload) || coalesce(r.checkpoints::jsonb, '{}'))::%s
        from public.job_queue_jobs as j
        where %s = any (%s) and j.job_id = r.job_id::text and j.job_id = any (ids) and j.payload is not null
          and coalesce(jsonb_typeof(r.checkpoints::jsonb), 'object') = 'object' and (r.checkpoints::jsonb ? '_input') is not true;$f$,
        kept, own[2], own[1]) end
    || '
    end if;';
    checkpoints := case when kept is null then '' else there || format($f$
        begin
            -- Each its own key, in one UPDATE: nobody's is lost.
            update public.workflow_executions as r
            set checkpoints = (case when jsonb_typeof(r.checkpoints::jsonb) = 'object' then r.checkpoints::jsonb else '{}' end
                               || jsonb_build_object(step::text, checkpoint))::%s
            where %s = any (%s);
        exception when others then
            perform job_queue.mirror_failed('workflow_executions', ids, sqlstate, sqlerrm);
        end;
    end if;$f$, kept, own[2], own[1]) end;
end;
$$;

comment on function job_queue.of_executions(pg_catalog.pg_attribute, text[], text[]) is
    'For job_queue.adapt: what adds a checkpoint to executions, reads executions and makes them, for that table as it is.';

create or replace function job_queue.adapt() returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    t text;
    relation regclass;
    kind "char";
    key pg_catalog.pg_attribute;
    own text[];
    all_of text[];
    core text[];
    bare text[];
    locks text := '';
    mirrors text := '';
    presence text := '';
    again text;
    checkpoints text := '';
    executions text := '';
    additions text := '';
    source text;
    only_workflows text;
begin
    if to_regclass('public.job_queue_migrations') is null then
        raise exception 'Neither 000 nor 027 was applied, see the error above.';
    end if;
    perform pg_advisory_xact_lock(19030, 0);

    foreach t in array array['jobs', 'workflow_executions'] loop
        relation := to_regclass('public.' || t);
        select c.relkind into kind from pg_catalog.pg_class as c where c.oid = relation;
        select * into key from pg_catalog.pg_attribute as a
        where a.attrelid = relation and a.attname = 'job_id' and not a.attisdropped;
        again := '';
        source := case t when 'jobs' then 'mirrored' else 'mirrored_executions' end;
        only_workflows := case when t = 'workflow_executions' then
            ' and exists (select from public.job_queue_jobs as j where j.job_id = any (ids) and j.job_type = ''workflow'')' else '' end;
        if key.attnum is not null and kind in ('r', 'p') then
            execute format('grant select, insert, update on public.%I to service_role', t);
            own := job_queue.own_ids(key.atttypid);
            all_of := job_queue.written(relation, false, true);
            core := job_queue.written(relation, true, true);
            bare := job_queue.written(relation, true, false);

            -- %1 table, %2 the column's side, %3 oid, %4 attribute number: null once the table or its key is gone.
            locks := locks || format($f$
    if has_column_privilege(%3$s::oid, %4$s::smallint, 'select') is not null%5$s then
        if passing_over then
            present := array(select r.job_id::text from public.%1$I as r where %2$s = any (%8$s));
            if cardinality(present) > 0 then
                locked := array(select r.job_id::text from public.%1$I as r where %2$s = any (%8$s)
                                for no key update skip locked);
                ids := array(select i from unnest(ids) with ordinality as u (i, n)
                             where i <> all (present) or i = any (locked) order by n);
            end if;
        else
            perform from public.%1$I as r where %2$s = any (%8$s) order by r.job_id for no key update;
        end if;
    end if;$f$, t, own[2], relation::oid, key.attnum, replace(only_workflows, 'from public.job_queue_jobs as j where j.job_id = any (ids) and',
                -- A job that is just entering is not known yet.
                'from unnest(ids) as i left join public.job_queue_jobs as j on j.job_id = i where j.job_id is null or'), '', '', own[1]);
            if t = 'jobs' then
                presence := format($f$
    if has_column_privilege(%s::oid, %s::smallint, 'select') is not null then
        return array(select r.job_id::text from public.jobs as r where %s = any (%s));
    end if;$f$, relation::oid, key.attnum, own[2], own[1]);
            end if;

            if all_of[1] <> '' then
                mirrors := mirrors || format($f$
    -- One condition inside the other: a statement that names a table that is gone must not even be looked at.
    if has_column_privilege(%3$s::oid, %4$s::smallint, 'select') is not null%5$s then
        if exists (select from public.%1$I as r where %2$s = any (%8$s)) then
            begin
                quiet := set_config('job_queue.mirroring', 'on', true);
                update public.%1$I as r
                set %6$s
                from job_queue.%9$s(ids) as m
                where %2$s = any (%8$s) and r.job_id::text = m.job_id and (%7$s);
                quiet := set_config('job_queue.mirroring', 'off', true);
            exception when others then
                perform job_queue.mirror_parts('%1$s', ids, sqlstate, sqlerrm);
            end;
        end if;
    end if;$f$, t, own[2], relation::oid, key.attnum, only_workflows, all_of[1], all_of[2], own[1], source);
                again := (
                    select string_agg(format($f$
    if effort = %s then
        update public.%I as r set %s from job_queue.%I(ids) as m
        where %s = any (%s) and r.job_id::text = m.job_id and (%s);
    end if;$f$, e.n, t, e.part[1], source, own[2], own[1], e.part[2]), '')
                    from (values (1, all_of), (2, core), (3, bare)) as e (n, part) where e.part[1] <> ''
                );
            end if;
        end if;
        if t = 'workflow_executions' and key.attnum is not null and kind in ('r', 'p') then
            select * into checkpoints, executions, additions from job_queue.of_executions(key, own, all_of);
        end if;
        execute format($f$
create or replace function job_queue.mirror_%s(ids text[], effort integer) returns void
language plpgsql
set search_path = ''
as $body$
begin%s
end;
$body$;$f$, t, again);
    end loop;

    execute format($f$
create or replace function job_queue.lock_mirrored(ids text[], passing_over boolean) returns text[]
language plpgsql
set search_path = ''
as $body$
declare
    present text[];
    locked text[];
begin
    if cardinality(ids) = 0 then
        return ids;
    end if;%1$s
    return ids;
end;
$body$;

create or replace function job_queue.mirror(ids text[]) returns void
language plpgsql
set search_path = ''
as $body$
declare
    quiet text;
begin
    if cardinality(ids) = 0 then
        return;
    end if;%2$s
end;
$body$;

create or replace function job_queue.rows_of(ids text[]) returns text[]
language plpgsql
set search_path = ''
as $body$
begin%3$s
    return '{}';
end;
$body$;

create or replace function job_queue.mirror_checkpoint(ids text[], step integer, checkpoint jsonb) returns void
language plpgsql
set search_path = ''
as $body$
begin
    -- By step number, as the predecessor kept them.%4$s
end;
$body$;

create or replace function job_queue.executions_of(ids text[]) returns table (job_id text, execution jsonb)
language plpgsql
set search_path = ''
as $body$
begin%5$s
end;
$body$;

create or replace function job_queue.insert_executions(ids text[]) returns void
language plpgsql
set search_path = ''
as $body$
begin%6$s
end;
$body$;

comment on function job_queue.mirror_checkpoint(text[], integer, jsonb) is
    'Adds the checkpoint of a step (job_queue.checkpoint_of) to the workflow executions of these jobs, where there are any.';
comment on function job_queue.executions_of(text[]) is 'The rows of workflow_executions of these jobs.';
comment on function job_queue.insert_executions(text[]) is
    'Makes the executions of these jobs, where there is none and one can be; adds the input to those without one.';
comment on function job_queue.lock_mirrored(text[], boolean) is
    'Locks the mirrored rows of these jobs, in order; passing over: leaves out the jobs whose rows somebody else has locked instead of waiting.';
comment on function job_queue.mirror(text[]) is 'Brings the mirrored rows of these jobs, where they exist, up to date.';
comment on function job_queue.rows_of(text[]) is 'Those of the jobs that have a row in jobs.';
comment on function job_queue.mirror_jobs(text[], integer) is
    'Writes the rows of jobs; effort 1: all columns, 2: those of the coordination, 3: these without the status.';
comment on function job_queue.mirror_workflow_executions(text[], integer) is 'As mirror_jobs, for workflow_executions.';
$f$, locks, mirrors, presence, checkpoints, executions, additions);

    if presence <> '' then
        perform job_queue.add_triggers();
    end if;
    execute format($f$
create or replace function job_queue.shape_known() returns text
language plpgsql
immutable
set search_path = ''
as $body$ begin return %L; end; $body$;
comment on function job_queue.shape_known() is 'The shape that the functions above were written for.';
$f$, job_queue.shape());
end;
$$;

comment on function job_queue.adapt() is
    'Writes the functions that touch jobs and workflow_executions for these tables as they are now, and adds our triggers. The housekeeping '
    'calls it when they have changed; run it yourself to have it at once.';

create or replace function job_queue.adapt_if_changed() returns void
language plpgsql
security definer
set search_path = ''
set lock_timeout = '100ms'
as $$
begin
    if job_queue.shape() is distinct from job_queue.shape_known() and pg_try_advisory_xact_lock(19030, 0) then
        perform job_queue.adapt();
    end if;
exception when others then
    raise warning 'The job queue could not adapt to the changed tables: % (%)', sqlerrm, sqlstate
        using hint = 'Run "select job_queue.adapt()" as the owner of jobs.';
end;
$$;

comment on function job_queue.adapt_if_changed() is 'job_queue.adapt when the mirrored tables have changed; holds nobody up and never raises.';

create or replace function job_queue.mirror_failed(relation text, ids text[], state text, message text) returns void
language plpgsql
set search_path = ''
as $$
begin
    -- What another try of the whole call may put right is the caller's.
    if state ~ '^(40|53|55P03|57|58)' then
        raise exception using errcode = state, message = message;
    end if;
    if state like '42%' then
        perform job_queue.adapt_if_changed();
    end if;
    -- One event a transition, not one a second.
    if cardinality(ids) = 1 and (
        select l.event_type from public.job_queue_log as l where l.job_id = ids[1] order by l.created_at desc limit 1
    ) is distinct from 'mirror_failed' then
        -- No state of the job is in it: nothing of the job has changed.
        insert into public.job_queue_log (job_id, job_type, event_type, models, metadata, created_at)
        select j.job_id, j.job_type, 'mirror_failed', to_jsonb(j.models), jsonb_build_object(
            'relation', relation, 'sqlstate', state, 'message', left(message, 500)), clock_timestamp()
        from public.job_queue_jobs as j where j.job_id = ids[1];
    end if;
end;
$$;

comment on function job_queue.mirror_failed(text, text[], text, text) is
    'After a mirror write failed: raises what may be tried again, adapts to changed tables, and says of a single row that it refused.';

create or replace function job_queue.mirror_parts(relation text, ids text[], state text, message text) returns void
language plpgsql
set search_path = ''
as $$
declare
    half constant integer := cardinality(ids) / 2;
    part text[];
begin
    if half > 0 then
        perform job_queue.mirror_failed(relation, ids, state, message);
        for n in 0..1 loop
            part := case n when 0 then ids[:half] else ids[half + 1:] end;
            begin
                execute format('select job_queue.mirror_%s($1, 1)', relation) using part;
            exception when others then
                perform job_queue.mirror_parts(relation, part, sqlstate, sqlerrm);
            end;
        end loop;
        return;
    end if;

    -- One row: as it was tried, for the table may have been adapted to; with the coordination's own columns only; without its status.
    if state like '42%' then
        perform job_queue.adapt_if_changed();
    end if;
    for effort in 1..3 loop
        begin
            execute format('select job_queue.mirror_%s($1, $2)', relation) using ids, effort;
            if effort < 3 then
                return;
            end if;
        exception when others then
            null;
        end;
    end loop;
    perform job_queue.mirror_failed(relation, ids, state, message);
end;
$$;

comment on function job_queue.mirror_parts(text, text[], text, text) is
    'After a mirror write failed: finds the rows that refuse it, and writes to each what it takes.';

create or replace function job_queue.refresh_state(
    s public.job_queue_settings, ended text[] default '{}', begun boolean default false
) returns boolean
language plpgsql
set search_path = ''
as $$
declare
    known public.job_queue_state;
    stale boolean;
    oldest record;
begin
    select * into known from public.job_queue_state as q where q.id = 1;
    stale := known.last_updated is null or known.last_updated < clock_timestamp() - interval '1 second';
    if s.max_active_jobs = 1 and (begun or cardinality(ended) > 0) then
        -- One at a time: exact. Whoever holds this lock waits for nothing after it.
        perform pg_advisory_xact_lock(19027, 0);
    elsif not (stale or known.active_job_id = any (ended) or (begun and known.active_job_id is null))
        or not pg_try_advisory_xact_lock(19027, 0) then
        return false;
    end if;

    select j.job_id, j.job_type, j.started_at into oldest
    from public.job_queue_jobs as j where j.status = 'running'
    order by j.started_at, j.job_id limit 1;
    insert into public.job_queue_state as q (id, active_job_id, active_job_type, active_models, started_at, last_updated)
    values (1, oldest.job_id, oldest.job_type, (
        select coalesce(jsonb_agg(distinct l.model), '[]')
        from public.job_queue_lines as l
        join public.job_queue_jobs as j on j.job_id = l.job_id and j.status = 'running'
        where l.seat is not null and l.model <> ''
    ), oldest.started_at, clock_timestamp())
    on conflict (id) do update
    set active_job_id = excluded.active_job_id, active_job_type = excluded.active_job_type,
        active_models = excluded.active_models, started_at = excluded.started_at, last_updated = excluded.last_updated;
    return stale;
end;
$$;

comment on function job_queue.refresh_state(public.job_queue_settings, text[], boolean) is
    'Keeps the row of job_queue_state: exact while the global limit is 1, else when the job it names ended, when the first one starts, and once a second. '
    'Returns whether a second had passed: the caller then does the housekeeping.';

create or replace function job_queue.recheck_state() returns void
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings := job_queue.settings();
begin
    if s.max_active_jobs = 1 and exists (
        select from public.job_queue_state as q
        where q.id = 1
          and (q.active_job_id is not null
               and not exists (select from public.job_queue_jobs as j where j.job_id = q.active_job_id and j.status = 'running')
               -- More than one may still run from before the limit, and lose its lease.
               or q.active_models is distinct from (
                   select coalesce(jsonb_agg(distinct l.model), '[]')
                   from public.job_queue_lines as l
                   join public.job_queue_jobs as j on j.job_id = l.job_id and j.status = 'running'
                   where l.seat is not null and l.model <> ''))
    ) then
        perform job_queue.refresh_state(s, begun => true);
    end if;
end;
$$;

comment on function job_queue.recheck_state() is
    'The last step of whoever enters jobs: while one job at a time may run, the state names none whose dead lease was taken back on the way.';

create or replace function job_queue.housekeep(out log_rows integer, out requests integer)
language plpgsql
set search_path = ''
as $$
declare
    ids text[];
begin
    perform job_queue.adapt_if_changed();
    -- What somebody else is deleting or using is passed over: two who keep house never wait for each other.
    if to_regclass('public.jobs') is not null then
        ids := array(
            select distinct f.job_id
            from public.job_queue_models as m
            cross join lateral (
                select l.job_id from public.job_queue_lines as l
                where l.model = m.model order by l.line_key, l.seq limit 100
            ) as f
            limit 1000
        );
        perform job_queue.mirror(job_queue.lock_mirrored(ids, true));
    end if;
    delete from public.job_queue_starts as e
    where (e.model, e.started_at, e.token) in (
        select o.model, o.started_at, o.token from public.job_queue_starts as o
        where o.started_at < now() - interval '1 minute' limit 2000
        for update skip locked
    );
    delete from public.job_queue_workers as w
    where w.worker_id in (
        select o.worker_id from public.job_queue_workers as o where o.seen_at < now() - interval '1 day' for update skip locked
    );
    select t.log_rows, t.requests into log_rows, requests from job_queue.tidy() as t;
end;
$$;

comment on function job_queue.housekeep() is
    'Once a second, by whoever comes along: the trailing columns of the first hundred of each line, starts and workers of the past, and what job_queue.tidy does.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 036_job_queue_insert_trigger.sql

-- Rows that come into `jobs`, get their required_models or go, by anything (SQL, supabase-js, the Table Editor), enter their lines or
-- leave them, in the transaction of whoever does it. Input is checked and a note is left by the statement; the notes are followed when
-- the transaction commits, so that the locks on the lines are held for a moment only, however long the transaction runs.
--
-- Nothing but refused input makes the user's statement or commit fail. A note that cannot be followed now (the snapshot is not READ
-- COMMITTED, a line is locked for long, the transaction has locks of the queue already, or it is one of more than a thousand) stays,
-- as `late`, and the next call that starts jobs, puts one in line or sweeps follows it before it does anything else.

create table if not exists public.job_queue_arrivals (
    id bigint generated always as identity primary key,
    transaction xid8 not null default pg_current_xact_id(),
    job_id text not null,
    job jsonb,
    late boolean not null default false,
    rings boolean not null default false
);

comment on table public.job_queue_arrivals is
    'Notes of rows that came into jobs or went, until they are followed: at the commit of their transaction, or soon after (late).';
comment on column public.job_queue_arrivals.job is 'The checked job that is to enter its lines; null: look only whether the row is there.';
comment on column public.job_queue_arrivals.rings is 'One note of each statement has the notes followed at the commit.';

create index if not exists job_queue_arrivals_transaction_idx on public.job_queue_arrivals (transaction);
create index if not exists job_queue_arrivals_late_idx on public.job_queue_arrivals (id) where late;
alter table public.job_queue_arrivals enable row level security;
revoke all on public.job_queue_arrivals from public, anon, authenticated;
grant select, insert, update, delete on public.job_queue_arrivals to service_role;

create or replace function job_queue.arrival(given jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    type text := coalesce(nullif(btrim(given ->> 'job_type'), ''), 'normal');
    job jsonb;
    unknown text;
begin
    if coalesce(jsonb_typeof(given -> 'required_models'), 'null') = 'null'
       or coalesce(given ->> 'status', 'pending') not in ('pending', 'pending_retry', 'queued') then
        return null;
    end if;
    job := job_queue.check_job(jsonb_strip_nulls(jsonb_build_object(
        'job_id', given ->> 'job_id', 'models', given -> 'required_models',
        'job_type', case when type in ('normal', 'image', 'video', 'workflow') then type else 'normal' end,
        'handler', left(coalesce(case when type = 'workflow' then nullif(btrim(given ->> 'model'), '') end, type), 200),
        -- The predecessor's priorities: 1 (or none) first, then 2, then 3. Only a service-role insert may set one.
        'priority', case
            when not pg_has_role(coalesce(nullif(current_setting('role', true), 'none'), session_user)::name, 'service_role', 'usage') then 0
            when jsonb_typeof(given #> '{metadata,priority}') = 'number'
                then 1 - greatest(1, least(3, round((given #>> '{metadata,priority}')::numeric)))
            else 0
        end
    )));
    if (select s.unknown_models from public.job_queue_settings as s where s.id = 1) = 'refuse'
       and not exists (select from public.job_queue_jobs as k where k.job_id = job ->> 'job_id') then
        select m into unknown from jsonb_array_elements_text(job -> 'models') as m
        where not exists (select from public.job_queue_models as k where k.model = m) limit 1;
        if found then
            perform job_queue.refuse('JQ008', format('The model "%s" is unknown.', left(unknown, 200)),
                                     'Add it with job_queue_set_model, or let unknown models in with job_queue_set_limits.');
        end if;
    end if;
    return job;
end;
$$;

comment on function job_queue.arrival(jsonb) is
    'The checked job of a row of jobs, or null when it is not for the queue (no models, or a status that does not wait); refuses what rule 10 refuses.';

create or replace function job_queue.early() returns boolean
language plpgsql
set search_path = ''
as $$
begin
    return current_setting('transaction_isolation') = 'read committed';
end;
$$;

comment on function job_queue.early() is
    'Whether the notes of this transaction can be followed at its commit: a snapshot that is older than the locks would show a state that has passed.';

create or replace function job_queue.note(notes jsonb, late boolean) returns void
language plpgsql
set search_path = ''
as $$
begin
    insert into public.job_queue_arrivals (job_id, job, late, rings)
    select n.e ->> 'job_id', nullif(n.e -> 'job', 'null'), note.late, not note.late and n.i = 1
    from jsonb_array_elements(notes) with ordinality as n (e, i)
    order by n.i;
end;
$$;

comment on function job_queue.note(jsonb, boolean) is 'Leaves notes, to be followed at the commit or late.';

create or replace function job_queue.note_arrivals() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    notes jsonb;
begin
    -- Also of a row without models whose job is known: it shows from now on what the job does.
    with rows as materialized (select to_jsonb(i) || jsonb_build_object('job_id', i.job_id::text) as row from inserted as i),

    checked as materialized (select r.row ->> 'job_id' as job_id, job_queue.arrival(r.row) as job from rows as r)

    select jsonb_agg(jsonb_build_object('job_id', c.job_id, 'job', c.job)) into notes
    from checked as c
    where c.job_id is not null
      and (c.job is not null or not job_queue.early()
           or exists (select from public.job_queue_jobs as k where k.job_id = c.job_id));
    if notes is not null then
        perform job_queue.note(notes, not job_queue.early() or jsonb_array_length(notes) > 1000);
    end if;
    return null;
exception when undefined_column then
    return null;
end;
$$;

comment on function job_queue.note_arrivals() is 'Trigger on jobs: checks and notes the rows of an insert that are to enter their lines.';

create or replace function job_queue.note_change() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    job jsonb;
begin
    -- Whatever else is edited changes nothing: the columns only show what the engine does.
    if old.required_models is null and new.required_models is not null
       and not exists (select from public.job_queue_jobs as k where k.job_id = new.job_id::text) then
        job := job_queue.arrival(to_jsonb(new) || jsonb_build_object('job_id', new.job_id::text));
        if job is not null then
            perform job_queue.note(jsonb_build_array(jsonb_build_object('job_id', new.job_id::text, 'job', job)), not job_queue.early());
        end if;
    end if;
    return null;
exception when undefined_column then
    return null;
end;
$$;

comment on function job_queue.note_change() is 'Trigger on jobs: a row that gets its required_models later enters its lines then.';

create or replace function job_queue.note_departures() returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    notes jsonb;
begin
    select jsonb_agg(jsonb_build_object('job_id', d.job_id::text)) into notes
    from deleted as d
    left join public.job_queue_jobs as k on k.job_id = d.job_id::text
    where k.status in ('waiting', 'delayed', 'running') or (k.job_id is null and not job_queue.early());
    if notes is not null then
        perform job_queue.note(notes, not job_queue.early() or jsonb_array_length(notes) > 1000);
    end if;
    return null;
exception when undefined_column then
    return null;
end;
$$;

comment on function job_queue.note_departures() is 'Trigger on jobs: notes the deleted rows whose jobs wait or run.';

create or replace function job_queue.note_truncation() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- Late, for at its commit it has the whole table locked, which those that hold a line may be waiting for.
    insert into public.job_queue_arrivals (job_id, late)
    select i, true from unnest(job_queue.rows_of(array(
        select k.job_id from public.job_queue_jobs as k where k.status in ('waiting', 'delayed', 'running')
    ))) as i;
    return null;
end;
$$;

comment on function job_queue.note_truncation() is 'Trigger on jobs: notes all rows whose jobs wait or run before they are gone.';

create or replace function job_queue.models_of(notes jsonb) returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
    return array(
        -- What a known job names now changes nothing; a finished one may be removed at this instant, and is new then.
        select jsonb_array_elements_text(e -> 'job' -> 'models') from jsonb_array_elements(notes) as e
        where jsonb_typeof(e -> 'job') = 'object' and not exists (
            select from public.job_queue_jobs as k
            where k.job_id = e ->> 'job_id' and k.status not in ('completed', 'failed', 'cancelled'))
        union
        select unnest(k.models) from public.job_queue_jobs as k
        where k.job_id in (select e ->> 'job_id' from jsonb_array_elements(notes) as e)
    );
end;
$$;

comment on function job_queue.models_of(jsonb) is 'The models whose lines the following of these notes may change.';

create or replace function job_queue.notes_under_own_names(notes jsonb) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select jsonb_agg(e || jsonb_build_object('job', case when jsonb_typeof(e -> 'job') = 'object'
            then job_queue.under_own_names(jsonb_build_array(e -> 'job')) -> 0 end) order by n)
        from jsonb_array_elements(notes) with ordinality as t (e, n)
    );
end;
$$;

comment on function job_queue.notes_under_own_names(jsonb) is 'Notes, with the models that the names in them stand for now.';

create or replace function job_queue.late_notes(at_most integer) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    seen bigint[];
    ids text[];
    notes jsonb;
begin
    if not pg_try_advisory_xact_lock(19028, 1) then
        return '[]';
    end if;
    select coalesce(array_agg(f.id), '{}'), coalesce(array_agg(distinct f.job_id), '{}') into seen, ids
    from (select a.id, a.job_id from public.job_queue_arrivals as a where a.late order by a.id limit at_most) as f;
    ids := job_queue.lock_mirrored(ids, true);
    with taken as (
        delete from public.job_queue_arrivals as a where a.id = any (seen) and a.job_id = any (ids) returning a.id, a.job_id, a.job
    )

    select jsonb_agg(jsonb_build_object('job_id', t.job_id, 'job', t.job) order by t.id) into notes from taken as t;
    return coalesce(notes, '[]');
end;
$$;

comment on function job_queue.late_notes(integer) is
    'Takes notes that were left for later, their rows locked, first come first; none if another caller does so now. job_queue.follow must follow.';

create or replace function job_queue.follow(notes jsonb, s public.job_queue_settings, locked text[]) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    ids text[] := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
    here text[];
    arrived jsonb;
    fresh text[];
    waited text[];
    ran text[];
begin
    if cardinality(ids) = 0 then
        return '{}';
    end if;
    here := job_queue.rows_of(ids);
    -- One job a row, as it was noted last, at the place of its first note.
    select coalesce(jsonb_agg(l.job order by l.first), '[]') into arrived
    from (
        select (array_agg(e -> 'job' order by n desc))[1] as job, min(n) as first
        from jsonb_array_elements(notes) with ordinality as t (e, n)
        where jsonb_typeof(e -> 'job') = 'object' and e ->> 'job_id' = any (here)
        group by e ->> 'job_id'
    ) as l;
    fresh := job_queue.insert_new(arrived, s);

    select coalesce(array_agg(k.job_id) filter (where k.status <> 'running'), '{}'),
        coalesce(array_agg(k.job_id) filter (where k.status = 'running' and k.cancel_requested_at is null), '{}')
    into waited, ran
    from public.job_queue_jobs as k
    where k.job_id = any (ids) and k.job_id <> all (here) and k.status in ('waiting', 'delayed', 'running')
      and k.models <@ locked;
    if cardinality(waited) > 0 then
        update public.job_queue_jobs as k set error = 'The row of the job was deleted.' where k.job_id = any (waited);
        perform job_queue.leave(waited, 'cancelled', '{"reason": "row deleted"}');
    end if;
    if cardinality(ran) > 0 then
        -- Its worker is told at the next heartbeat; what the run comes to is recorded all the same.
        update public.job_queue_jobs as k set cancel_requested_at = clock_timestamp() where k.job_id = any (ran);
        perform job_queue.log_event(ran, 'cancel_requested', '{"reason": "row deleted"}');
    end if;
    return fresh;
end;
$$;

comment on function job_queue.follow(jsonb, public.job_queue_settings, text[]) is
    'Follows notes whose models are locked: jobs whose rows are there enter their lines, jobs whose rows are gone leave them or are asked to stop. '
    'Returns those that entered; job_queue.settle must follow, then their event, and job_queue.mirror for all of them.';

create or replace function job_queue.admit_arrivals() returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1s'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    notes jsonb;
begin
    -- All notes of the transaction at its first deferred firing, so that their lines are locked in one go and in order.
    begin
        if coalesce(current_setting('job_queue.locked', true), '') <> 'on'
           and (select count(*) from (select from public.job_queue_arrivals as a where a.late limit 101) as l) <= 100 then
            with taken as (
                delete from public.job_queue_arrivals as a
                where a.transaction = pg_current_xact_id() and not a.late returning a.id, a.job_id, a.job
            )

            select jsonb_agg(jsonb_build_object('job_id', t.job_id, 'job', t.job) order by t.id) into notes from taken as t;
            if jsonb_array_length(notes) <= 1000 then
                perform job_queue.enter_new('[]', notes => notes);
                perform job_queue.recheck_state();
                return null;
            elsif notes is null then
                return null;
            end if;
            raise exception using errcode = '55P03', message = 'too many';
        end if;
    exception when others then
        if sqlstate <> '55P03' then
            raise warning 'Rows of jobs enter their lines late: % (%)', sqlerrm, sqlstate;
        end if;
    end;
    update public.job_queue_arrivals as a set late = true where a.transaction = pg_current_xact_id() and not a.late;
    return null;
end;
$$;

comment on function job_queue.admit_arrivals() is 'Deferred trigger: follows the notes of the transaction, or leaves them for later.';

drop trigger if exists job_queue_admit on public.job_queue_arrivals;
create constraint trigger job_queue_admit after insert on public.job_queue_arrivals
deferrable initially deferred for each row when (new.rings) execute function job_queue.admit_arrivals();

create or replace function job_queue.add_triggers() returns void
language plpgsql
set search_path = ''
as $$
declare
    t record;
begin
    -- The paste file adds them at its end: their lock on jobs is held until the commit.
    if current_setting('job_queue.paste', true) = 'on' then
        return;
    end if;
    -- Only those that are missing: creating one waits for whoever writes to jobs. None depends on a column, or it could not be dropped.
    for t in
        select * from (values
            ('job_queue_arrive', 'after insert', 'referencing new table as inserted for each statement execute function job_queue.note_arrivals()'),
            ('job_queue_depart', 'after delete', 'referencing old table as deleted for each statement execute function job_queue.note_departures()'),
            ('job_queue_empty', 'before truncate', 'for each statement execute function job_queue.note_truncation()'),
            -- Not for what job_queue.mirror itself writes.
            ('job_queue_change', 'after update', 'for each row when (pg_trigger_depth() > 0 or '
             'current_setting(''job_queue.mirroring'', true) is distinct from ''on'') execute function job_queue.note_change()')
        ) as v (name, event, action)
        where not exists (
            select from pg_catalog.pg_trigger as g where g.tgrelid = to_regclass('public.jobs') and g.tgname = v.name
        )
    loop
        execute format('create trigger %I %s on public.jobs %s', t.name, t.event, t.action);
    end loop;
end;
$$;

comment on function job_queue.add_triggers() is 'Puts our triggers on jobs.';

create or replace function job_queue.attach() returns void
language plpgsql
set search_path = ''
as $$
declare
    before constant text := current_setting('lock_timeout');
begin
    -- Whoever writes to jobs while this waits for a lock waits behind it: so only for a moment, again and again.
    for attempt in 1..40 loop
        begin
            perform set_config('lock_timeout', '200ms', true);
            perform job_queue.adapt();
            perform set_config('lock_timeout', before, true);
            return;
        exception when lock_not_available then
            if attempt = 40 then
                raise;
            end if;
            perform pg_sleep(0.8);
        end;
    end loop;
end;
$$;

comment on function job_queue.attach() is 'job_queue.adapt for an installation: waits up to 40 seconds for a moment at which nobody writes to jobs.';

select job_queue.attach();

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 037_job_queue_workers.sql

-- Private: who is there to run jobs. A runnable job that nobody can run must not hold up those behind it (the design's rule 3).

create or replace function job_queue.note_worker(worker text, handlers text[], models text[]) returns boolean
language plpgsql
set search_path = ''
as $$
declare
    known public.job_queue_workers;
    often interval;
begin
    select * into known from public.job_queue_workers as w where w.worker_id = worker;
    if not found then
        insert into public.job_queue_workers (worker_id, handlers, models, seen_at)
        values (worker, note_worker.handlers, note_worker.models, clock_timestamp())
        on conflict (worker_id) do nothing;
        return true;
    end if;
    select least(s.skip_after / 4, interval '5 seconds') into often from public.job_queue_settings as s where s.id = 1;
    if known.seen_at > clock_timestamp() - often
       and (known.handlers, known.models) is not distinct from (note_worker.handlers, note_worker.models) then
        return false;
    end if;
    -- Two calls of one worker: the second passes by.
    update public.job_queue_workers as w
    set handlers = note_worker.handlers, models = note_worker.models, seen_at = clock_timestamp()
    where w.worker_id in (
        select o.worker_id from public.job_queue_workers as o where o.worker_id = worker for no key update skip locked
    );
    return found;
end;
$$;

comment on function job_queue.note_worker(text, text[], text[]) is
    'Notes that this worker claims, and what it can run. A write every five seconds at most; returns whether this was one: the caller then looks for jobs that nobody can run.';

create or replace function job_queue.nobody_runs(j public.job_queue_jobs, skip_after interval) returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
    since timestamptz := clock_timestamp() - skip_after;
begin
    return not exists (
        select from public.job_queue_workers as w
        where w.seen_at > since
          and (w.handlers is null or j.handler = any (w.handlers))
          and (w.models is null or j.models <@ w.models)
    );
end;
$$;

comment on function job_queue.nobody_runs(public.job_queue_jobs, interval) is 'Whether no worker that can run this job has been heard of for so long.';

create or replace function job_queue.stuck(at_most integer) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    since timestamptz;
    served text[];
begin
    select * into s from public.job_queue_settings as k where k.id = 1;
    if s.skip_after is null or s.paused then
        return '{}';
    end if;
    -- The handlers of live workers that mind no models; null among them: any handler.
    since := clock_timestamp() - s.skip_after;
    if s.resumed_at > since then
        return '{}';
    end if;
    served := array(
        select distinct h.handler
        from public.job_queue_workers as w
        cross join unnest(coalesce(w.handlers, array[null::text])) as h (handler)
        where w.seen_at > since and w.models is null
    );
    if array_position(served, null) is not null then
        return '{}';
    end if;
    -- What nobody claims stays at the head of those that are runnable.
    return array(
        select h.job_id from (
            select * from public.job_queue_jobs as j
            where j.status = 'waiting' and j.runnable
            order by j.line_key, j.seq limit 1000
        ) as h
        where h.runnable_since < since and h.handler <> all (served)
          and job_queue.nobody_runs(h::public.job_queue_jobs, s.skip_after)
        limit at_most
    );
end;
$$;

comment on function job_queue.stuck(integer) is 'Runnable jobs that are to stand aside because no live worker can run them, as seen without locks, among the first 1,000 in order.';

create or replace function job_queue.awaited(handlers text[], models text[], at_most integer) returns text[]
language plpgsql
set search_path = ''
as $$
begin
    return array(
        select j.job_id from public.job_queue_jobs as j
        where j.skipped
          and (awaited.handlers is null or j.handler = any (awaited.handlers))
          and (awaited.models is null or j.models <@ awaited.models)
        order by j.line_key, j.seq
        limit at_most
    );
end;
$$;

comment on function job_queue.awaited(text[], text[], integer) is 'Jobs that stand aside and that a worker with these handlers and models can run.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 038_job_queue_overtakes.sql

-- Private: max_overtakes. A job that has its turn for one model and waits for another keeps a seat that nobody uses. A later job may
-- start on it, if every job that it passes by this has been passed fewer than max_overtakes times; each then counts one more. Counted
-- and started in one transaction, so the bound is exact.

create or replace function job_queue.lendable(
    handlers text[], models text[], max_overtakes integer, moving text[], rated text[]
) returns text[]
language plpgsql
set search_path = ''
as $$
begin
    if max_overtakes = 0 then
        return '{}';
    end if;
    return array(
        select j.job_id from public.job_queue_jobs as j
        where j.job_id in (
            select n.job_id
            from public.job_queue_lines as k
            join public.job_queue_jobs as p
                on p.job_id = k.job_id and p.status = 'waiting' and not p.runnable and p.overtaken < lendable.max_overtakes
            cross join lateral (
                select l.job_id from public.job_queue_lines as l
                where l.model = k.model and l.seat is null and (l.line_key, l.seq) > (k.line_key, k.seq)
                order by l.line_key, l.seq limit 20
            ) as n
            where k.seat is not null
            union all
            -- What the caller moves may give its seats to one who keeps them, take them from one who has its turn, or come to
            -- stand behind such a one: then they are lent at once.
            select n.job_id
            from (
                select unnest(m.models || ''::text) as model from public.job_queue_jobs as m where m.job_id = any (moving)
                union
                select unnest(rated)
            ) as e
            cross join lateral (
                (select l.job_id from public.job_queue_lines as l
                 where l.model = e.model and l.seat is null
                 order by l.line_key, l.seq limit 20)
                union all
                (select l.job_id from public.job_queue_lines as l
                 join public.job_queue_jobs as w on w.job_id = l.job_id and w.status = 'waiting'
                 where l.model = e.model and l.seat is not null
                 order by l.line_key desc, l.seq desc limit 20)
            ) as n
            union all
            select unnest(moving)
        )
          and (j.status = 'waiting' and (not j.runnable or cardinality(moving || rated) > 0) or j.job_id = any (moving))
          and (lendable.handlers is null or j.handler = any (lendable.handlers))
          and (lendable.models is null or j.models <@ lendable.models)
        order by j.line_key, j.seq
        limit 50
    );
end;
$$;

comment on function job_queue.lendable(text[], text[], integer, text[], text[]) is
    'Jobs that could perhaps start on seats kept for others, as seen without locks: the first 20 behind each such seat, those in the lines of the jobs that '
    'the caller moves and of models whose rate allows a start again, and the moved ones; 50 in all.';

create or replace function job_queue.lend(id text, s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    lacking record;
    ahead text[];
    passed text[] := '{}';
    ready integer;
begin
    if s.max_overtakes = 0 or s.paused then
        return null;
    end if;
    -- Whoever is locked by somebody else is just changing: then it is not lent this time. Never waits, for the jobs ahead stand in other lines too.
    perform from public.job_queue_jobs as j
    where j.job_id = id and j.status = 'waiting' and not j.runnable and (j.deadline is null or j.deadline >= clock_timestamp())
    for no key update skip locked;
    if not found then
        return null;
    end if;

    for lacking in
        select l.model, l.line_key, l.seq from public.job_queue_lines as l
        where l.job_id = id and l.seat is null order by l.model
    loop
        ahead := array(
            select l.job_id from public.job_queue_lines as l
            left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
            where l.model = lacking.model and (l.line_key, l.seq) < (lacking.line_key, lacking.seq)
              and r.status is distinct from 'running'
            order by l.line_key, l.seq limit 101
        );
        perform from public.job_queue_jobs as j where j.job_id = any (ahead) order by j.job_id for no key update skip locked;
        get diagnostics ready = row_count;
        if ready < cardinality(ahead) or ready > 100 or (select r.free from job_queue.room(array[lacking.model], now() - interval '1 minute') as r) < 0 then
            return null;
        end if;
        -- Each of them is held up by another of its models, or it would be the first to have this seat.
        select count(*) into ready
        from public.job_queue_jobs as j
        where j.job_id = any (ahead) and j.status = 'waiting' and j.overtaken < s.max_overtakes
          and exists (select from public.job_queue_lines as o
                      where o.job_id = j.job_id and o.model <> lacking.model and o.seat is null);
        if ready < cardinality(ahead)
           or not exists (select from public.job_queue_lines as l
                          where l.model = lacking.model and l.seat is not null and l.job_id = any (ahead)) then
            return null;
        end if;
        passed := array(select unnest(passed) union select unnest(ahead));
    end loop;

    -- The last of those that keep a seat lends it; when the job ends, the first in line has it again.
    for lacking in
        select l.model, l.line_key, l.seq from public.job_queue_lines as l
        where l.job_id = id and l.seat is null order by l.model
    loop
        with lent as (
            select l.model, l.line_key, l.seq, l.seat from public.job_queue_lines as l
            where l.model = lacking.model and l.seat is not null and l.job_id = any (passed)
            order by l.line_key desc, l.seq desc limit 1
        ),

        -- Away first: a seat is never two jobs'.
        gone as (
            update public.job_queue_lines as l set seat = null
            from lent as t
            where l.model = t.model and l.line_key = t.line_key and l.seq = t.seq
            returning t.seat
        )

        select g.seat into ready from gone as g;
        update public.job_queue_lines as l set seat = ready
        where l.model = lacking.model and l.line_key = lacking.line_key and l.seq = lacking.seq;
    end loop;
    update public.job_queue_jobs as j set overtaken = j.overtaken + 1 where j.job_id = any (passed);
    update public.job_queue_jobs as j set runnable = true, runnable_since = clock_timestamp() where j.job_id = id;
    return passed;
end;
$$;

comment on function job_queue.lend(text, public.job_queue_settings) is
    'Gives a waiting job, all of whose lines are locked, the seats it lacks from jobs that keep them and are held up elsewhere; returns those it passes, or null. '
    'The caller starts it in the same transaction.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 039_job_queue_version_number.sql

-- Private: the version of this SQL. Raised by the release that changes it.

create or replace function job_queue.version() returns text
language sql
immutable
set search_path = ''
as $$
    select '0.1.0'::text;
$$;

comment on function job_queue.version() is 'The version of the installed SQL.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 040_job_queue_enqueue.sql

create or replace function job_queue.under_own_names(jobs jsonb) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    if not exists (
        select from jsonb_array_elements(jobs) as e
        cross join jsonb_array_elements_text(e -> 'models') as m
        join public.job_queue_aliases as a on a.alias = m
        where jsonb_typeof(e) = 'object'
    ) then
        return jobs;
    end if;
    return (
        select jsonb_agg(e || jsonb_build_object(
            'models', to_jsonb(job_queue.own_names(e -> 'models')),
            'steps', case when jsonb_typeof(e -> 'steps') = 'array' then (
                select jsonb_agg(t.step || jsonb_build_object('models', to_jsonb(job_queue.own_names(t.step -> 'models'))) order by t.k)
                from jsonb_array_elements(e -> 'steps') with ordinality as t (step, k)
            ) end
        ) order by g.n)
        from jsonb_array_elements(jobs) with ordinality as g (e, n)
    );
end;
$$;

comment on function job_queue.under_own_names(jsonb) is 'Checked jobs, with the models that their names stand for now.';

create or replace function job_queue.insert_new(jobs jsonb, s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    -- Under the locks, so that nobody who enters later in any of these lines can have an earlier key.
    moment timestamptz := clock_timestamp();
    fresh text[];
begin
    with inserted as (
        insert into public.job_queue_jobs (
            job_id, job_type, handler, models, needs, holding, steps, status, priority, entered_at, waits_since, line_key, seq,
            due_at, deadline,
            attempt, attempts_before, max_attempts, payload, error
        )
        select n.job_id, n.job_type, n.handler, n.models, job_queue.needs_of(n.models, n.holding, n.steps, 0), n.holding, n.steps,
            case when n.run_at > moment then 'delayed' else 'waiting' end,
            n.priority, n.entered_at, greatest(n.entered_at, n.run_at), n.entered_at - n.priority * s.priority_step, n.seq,
            case when n.run_at > moment then n.run_at end, n.deadline, n.attempt, n.attempt, n.max_attempts, n.payload, n.error
        from (
            select e ->> 'job_id' as job_id, e ->> 'job_type' as job_type, e ->> 'handler' as handler,
                array(select jsonb_array_elements_text(e -> 'models')) as models,
                e ->> 'holding' as holding, nullif(e -> 'steps', 'null') as steps,
                (e ->> 'priority')::integer as priority, (e ->> 'run_at')::timestamptz as run_at,
                (e ->> 'deadline')::timestamptz as deadline,
                (e ->> 'max_attempts')::integer as max_attempts, nullif(e -> 'payload', 'null') as payload,
                -- Of a job that another system had in line (091): since when, and what has become of it there.
                least(coalesce((e ->> 'entered_at')::timestamptz, moment), moment) as entered_at,
                coalesce((e ->> 'attempt')::integer, 0) as attempt, e ->> 'error' as error,
                nextval('public.job_queue_line_seq') as seq
            from jsonb_array_elements(jobs) with ordinality as t (e, n)
            order by t.n
        ) as n
        -- Numbered as given, written by id: two callers with the same new jobs in other orders must not wait for each other.
        order by n.job_id
        on conflict (job_id) do nothing
        returning job_id
    )

    select coalesce(array_agg(e.job_id), '{}') into fresh from inserted as e;
    if jobs @> '[{"job_type": "workflow"}]' then
        perform job_queue.adopt(fresh, jobs);
    end if;
    perform job_queue.enter(array(
        select j.job_id from public.job_queue_jobs as j where j.job_id = any (fresh) and j.status = 'waiting'
    ), s);
    return fresh;
end;
$$;

comment on function job_queue.insert_new(jsonb, public.job_queue_settings) is
    'Puts those of the checked jobs that are not known yet in their locked lines; returns their ids. job_queue.settle must follow.';

create or replace function job_queue.enter_new(jobs jsonb, asked boolean default false, notes jsonb default '[]') returns text[]
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    ids text[] := array(select e ->> 'job_id' from jsonb_array_elements(jobs) as e);
    noted text[] := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
    noted_models text[];
    needs text[];
    fresh text[];
    due text[];
    entered text[];
    came text[] := '{}';
    rated text[];
begin
    perform job_queue.lock_mirrored(ids || noted, false);
    -- Those that came before and could not enter then, enter first.
    if exists (select from public.job_queue_arrivals as a where a.late) then
        notes := job_queue.late_notes(100) || notes;
    end if;
    -- A job that is asked for has somebody to run it: it comes back, and is not set aside.
    due := array(
        select u.id from unnest(job_queue.lock_mirrored(job_queue.recoverable(20, asked), true)) as u (id)
        where not asked or u.id <> all (ids) or not exists (
            select from public.job_queue_jobs as j where j.job_id = u.id and j.runnable)
        union
        select j.job_id from public.job_queue_jobs as j
        where asked and j.job_id = any (ids)
          and (j.skipped or j.status in ('waiting', 'delayed') and j.deadline < clock_timestamp())
    );
    s := job_queue.settings();
    -- A name may have become an alias since it was checked (a user's transaction may be long); from here on none can.
    jobs := job_queue.under_own_names(jobs);
    if notes <> '[]' then
        notes := job_queue.notes_under_own_names(notes);
    end if;
    rated := job_queue.models_due();
    needs := job_queue.lines_of(array(
        select distinct m from jsonb_array_elements(jobs) as e
        cross join jsonb_array_elements_text(e -> 'models') as m
        -- A finished one may be removed at this instant, and is new then.
        where not exists (select from public.job_queue_jobs as j
                          where j.job_id = e ->> 'job_id' and j.status not in ('completed', 'failed', 'cancelled'))
        union
        -- Known ones too: their rows are waited for, or shown as they are, under the locks of their lines only.
        select unnest(j.models) from public.job_queue_jobs as j where j.job_id = any (due || ids)
    ), s) || rated;
    if notes <> '[]' then
        noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
        noted_models := job_queue.models_of(notes);
        -- Their models were let in when they were noted, whatever the setting is now.
        -- (Otherwise job_queue.lock_models creates them, in one go with the others and so in order.)
        if s.unknown_models = 'refuse' then
            insert into public.job_queue_models (model, capacity)
            select n, s.default_capacity from unnest(noted_models) as n order by n collate "C"
            on conflict (model) do nothing;
        end if;
        needs := needs || noted_models;
    end if;
    perform job_queue.lock_models(needs, s);
    if cardinality(due || noted) > 0 then
        perform from public.job_queue_jobs as j where j.job_id = any (due || noted) order by j.job_id for no key update;
        came := job_queue.follow(notes, s, needs);
        entered := job_queue.recover(due, s);
    end if;

    fresh := job_queue.insert_new(jobs, s);
    if cardinality(fresh || due || rated || noted) > 0 then
        perform job_queue.settle(needs, came || fresh || entered);
    end if;
    if cardinality(came) > 0 then
        perform job_queue.log_event(came, 'queued');
        if notes @> '[{"job": {"job_type": "workflow"}}]' then
            perform job_queue.add_executions(came);
        end if;
    end if;
    if cardinality(due || noted) > 0 then
        perform job_queue.mirror(due || noted);
    end if;
    return fresh;
end;
$$;

comment on function job_queue.enter_new(jsonb, boolean, jsonb) is
    'Puts checked jobs (job_queue.check_job) that are not known yet in line, under the locks of all their models; returns their ids. On the way it '
    'follows notes of the rows of jobs, takes back dead leases and lets due jobs in. asked: somebody asks for these very jobs, known ones too.';

create or replace function job_queue.check_job(job jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    given text;
    unrestricted boolean := job_queue.flag_of('unrestricted', job -> 'unrestricted', false);
    steps jsonb;
    models jsonb := job -> 'models';
begin
    perform job_queue.check_keys('A job', job,
        '{job_id,job_type,handler,models,steps,holding,unrestricted,priority,run_at,deadline,max_attempts,payload,row}');
    if jsonb_typeof(coalesce(job -> 'job_id', '""')) <> 'string' then
        perform job_queue.refuse('JQ001', 'The job id is not text.', 'Give every job an id of 1 to 200 characters.');
    end if;
    perform job_queue.check_job_id(job ->> 'job_id');
    if jsonb_typeof(job -> 'steps') <> 'null' then
        if jsonb_typeof(models) <> 'null' then
            perform job_queue.refuse('JQ002', 'The job names models and steps.', 'Leave out the models: they are those of its steps.');
        end if;
        steps := job_queue.check_steps(job -> 'steps');
        models := (
            select coalesce(jsonb_agg(d.m order by d.n), '[]')
            from (select m, min(n) as n from jsonb_path_query(steps, '$[*].models[*]') with ordinality as t (m, n) group by m) as d
        );
    elsif jsonb_typeof(job -> 'holding') <> 'null' then
        perform job_queue.refuse('JQ007', 'The job has a holding rule and no steps.', 'Name its steps, or leave the holding rule out.');
    end if;
    if coalesce(job ->> 'holding', 'whole_run') not in ('whole_run', 'release_as_used', 'per_step') then
        perform job_queue.refuse('JQ007', format('The holding rule "%s" is unknown.', left(job ->> 'holding', 40)),
                                 'Use whole_run, release_as_used or per_step.');
    end if;
    given := coalesce(job ->> 'job_type', case when steps is null then 'normal' else 'workflow' end);
    return jsonb_build_object(
        'job_id', job ->> 'job_id',
        'job_type', job_queue.check_job_type(given),
        'handler', job_queue.check_name('The handler', coalesce(job ->> 'handler', given), 'JQ003'),
        'models', to_jsonb(job_queue.check_models(models, unrestricted)),
        'steps', steps, 'holding', case when steps is not null then coalesce(job ->> 'holding', 'whole_run') end,
        'priority', job_queue.whole_number_of('The priority', job -> 'priority', -100, 100, 0),
        'run_at', job_queue.time_of('run_at', job -> 'run_at'),
        'deadline', job_queue.time_of('deadline', job -> 'deadline'),
        'max_attempts', job_queue.whole_number_of('max_attempts', job -> 'max_attempts', 1, 100, 3),
        'payload', job_queue.check_size('The payload', job -> 'payload')
    );
end;
$$;

comment on function job_queue.check_job(jsonb) is 'A new job with its defaults filled in; refuses what is not one.';

create or replace function job_queue.insert_row(id text, given jsonb) returns void
language plpgsql
set search_path = ''
as $$
declare
    columns text;
begin
    if to_regclass('public.jobs') is null then
        perform job_queue.refuse('JQ007', 'There is no table jobs to put a row in.', 'Leave the row out: the queue needs none.');
    end if;
    perform job_queue.check_keys('row', given, array(
        select a.attname from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.jobs') and a.attnum > 0 and not a.attisdropped
          and a.attname <> 'required_models'
    ));
    given := given || jsonb_build_object('job_id', id);
    select string_agg(format('%I', k), ', ') into columns from jsonb_object_keys(given) as k;
    execute format('insert into public.jobs (%1$s) select %1$s from jsonb_populate_record(null::public.jobs, $1) '
                   'on conflict (job_id) do nothing', columns) using given;
end;
$$;

comment on function job_queue.insert_row(text, jsonb) is 'Creates the jobs row that an enqueue asks for, unless it is there.';

create or replace function public.job_queue_enqueue(jobs jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    answer jsonb;
    checked jsonb := '[]';
    job jsonb;
    fresh text[];
    places jsonb;
begin
    perform job_queue.check_keys('options', options, '{request_id}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    if jobs is null or jsonb_typeof(jobs) <> 'array' or jsonb_array_length(jobs) not between 1 and 1000 then
        perform job_queue.refuse('JQ007', 'The jobs are not an array of 1 to 1,000 jobs.', 'Send larger batches in parts.');
    end if;

    select jsonb_agg(job_queue.check_job(e) order by n) into checked from jsonb_array_elements(jobs) with ordinality as t (e, n);
    if (select count(distinct e ->> 'job_id') from jsonb_array_elements(checked) as e) < jsonb_array_length(checked) then
        perform job_queue.refuse('JQ001', 'The same job id is twice in one call.', 'Give each job an id of its own.');
    end if;
    for job in
        select e from jsonb_array_elements(jobs) as e where jsonb_typeof(e -> 'row') <> 'null' order by e ->> 'job_id'
    loop
        perform job_queue.insert_row(job ->> 'job_id', job -> 'row');
    end loop;

    fresh := job_queue.enter_new(checked);
    perform job_queue.log_event(fresh, 'queued');
    if checked @> '[{"job_type": "workflow"}]' then
        perform job_queue.add_executions(fresh);
    end if;
    -- A row that was created for a job known before says what that job is now.
    perform job_queue.mirror(fresh || array(
        select e ->> 'job_id' from jsonb_array_elements(jobs) as e where jsonb_typeof(e -> 'row') <> 'null'
    ));

    -- Asked once for all: joined below, it would be asked anew for each job.
    select coalesce(jsonb_object_agg(p.job_id, to_jsonb(p) - 'job_id'), '{}') into places
    from job_queue.places(array(select e ->> 'job_id' from jsonb_array_elements(checked) as e)) as p;
    select jsonb_build_object('jobs', jsonb_agg(
        jsonb_build_object(
            'job_id', j.job_id, 'result', case when j.job_id = any (fresh) then 'entered' else 'exists' end, 'status', j.status,
            'queue_position', null, 'blocked_by_job_id', null, 'conflict_reason', null
        ) || coalesce(places -> j.job_id, '{}')
    order by t.n)) into answer
    from jsonb_array_elements(checked) with ordinality as t (e, n)
    join public.job_queue_jobs as j on j.job_id = t.e ->> 'job_id';
    perform job_queue.recheck_state();
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_enqueue(jsonb, jsonb) is
    'Puts 1-1,000 jobs in line, all or none; a job known already keeps its place. docs/reference/rpc.md. Example: '
    'select job_queue_enqueue(''[{"job_id": "job-42", "models": ["motion-2.0-fast"]}]'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 041_job_queue_start.sql

create or replace function public.job_queue_start(job_id text, models jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    answer jsonb;
    job jsonb;
    worker text;
    lease_seconds numeric;
    fresh text[];
    passed text[];
    in_time boolean;
    wanted text[];
    s public.job_queue_settings;
    j public.job_queue_jobs;
begin
    perform job_queue.check_keys('options', options,
        '{request_id,worker_id,lease_seconds,job_type,handler,priority,max_attempts,payload,unrestricted,run_at,deadline,steps,holding}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    worker := job_queue.check_name('The worker id', coalesce(options ->> 'worker_id', 'direct'));
    lease_seconds := job_queue.number_of('The lease time in seconds', options -> 'lease_seconds', 1, 3600, 30, 'JQ004');
    job := job_queue.check_job(
        (options - '{request_id,worker_id,lease_seconds}'::text[]) || jsonb_build_object('job_id', job_id, 'models', models));

    fresh := job_queue.enter_new(jsonb_build_array(job), asked => exists (
        select from public.job_queue_jobs as k where k.job_id = job_queue_start.job_id));
    s := job_queue.settings();
    if cardinality(fresh) = 0 then
        -- Before its row is waited for: only with these models are its lines locked.
        select * into j from public.job_queue_jobs as k where k.job_id = job ->> 'job_id';
        wanted := job_queue.own_names(job -> 'models');
    end if;
    if not (j.models @> wanted and j.models <@ wanted) then
        perform job_queue.refuse('JQ009', 'The job is known with other models.',
            format('It needs %s; ask for these, or use a new job id.', to_jsonb(j.models)));
    end if;
    select * into j from public.job_queue_jobs as k where k.job_id = job ->> 'job_id' for no key update;

    in_time := j.deadline is null or j.deadline >= clock_timestamp();
    if j.status = 'waiting' and not j.runnable and in_time then
        passed := job_queue.lend(j.job_id, s);
    end if;
    if j.status = 'waiting' and (j.runnable or passed is not null) and not s.paused and in_time then
        answer := jsonb_build_object('result', 'started', 'lease', job_queue.start_runs(
            array[j.job_id], worker, lease_seconds, jsonb_strip_nulls(jsonb_build_object('passed', to_jsonb(passed)))) -> 0);
        perform job_queue.mirror(array[j.job_id]);
        perform job_queue.refresh_state(s, begun => true);
    elsif j.status in ('waiting', 'delayed') then
        if cardinality(fresh) > 0 then
            perform job_queue.log_event(fresh, 'blocked');
            if j.job_type = 'workflow' then
                perform job_queue.add_executions(fresh);
            end if;
            perform job_queue.mirror(fresh);
        end if;
        answer := jsonb_build_object('result', 'queued', 'status', j.status) || job_queue.place(j.job_id);
    elsif j.status = 'running' then
        answer := jsonb_build_object('result', 'running', 'worker_id', j.worker_id, 'attempt', j.attempt, 'lease_until', j.lease_until);
    else
        answer := jsonb_build_object('result', 'finished', 'status', j.status);
    end if;
    perform job_queue.recheck_state();
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_start(text, jsonb, jsonb) is
    'Can this job start? Starts it now, with a lease, or puts it in line, where it keeps its place however often it asks. '
    'docs/reference/rpc.md. Example: select job_queue_start(''job-42'', ''["motion-2.0-fast"]'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 042_job_queue_complete.sql

create or replace function job_queue.verdicts(outcomes jsonb, moment timestamptz) returns table (
    n bigint, job_id text, token bigint, verdict text, changes boolean, retry_at timestamptz, result jsonb, error text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select o.n, o.e ->> 'job_id', (o.e ->> 'token')::bigint,
        case
            when j.job_id is null then 'unknown_job'
            -- The same outcome again, without a request id to know it by.
            when j.token = (o.e ->> 'token')::bigint and j.status = 'completed' and o.e ->> 'outcome' = 'complete' then 'completed'
            when j.token = (o.e ->> 'token')::bigint and j.status = 'failed' and o.e ->> 'outcome' = 'fail' then 'failed'
            when j.status <> 'running' then 'not_running'
            when j.token <> (o.e ->> 'token')::bigint then 'stale'
            when o.e ->> 'outcome' = 'complete' then 'completed'
            when j.cancel_requested_at is not null then 'cancelled'
            when o.e ->> 'outcome' = 'fail' then 'failed'
            when o.e ->> 'outcome' = 'release' then 'released'
            when j.attempt >= j.max_attempts then 'failed'
            else 'retry_scheduled'
        end,
        coalesce(j.status = 'running' and j.token = (o.e ->> 'token')::bigint, false),
        coalesce((o.e ->> 'retry_at')::timestamptz, moment + make_interval(secs => (o.e ->> 'retry_in_seconds')::numeric)),
        o.e -> 'result', o.e ->> 'error'
    from jsonb_array_elements(outcomes) with ordinality as o (e, n)
    left join public.job_queue_jobs as j on j.job_id = o.e ->> 'job_id';
end;
$$;

comment on function job_queue.verdicts(jsonb, timestamptz) is 'What each outcome comes to for its (locked) job: the token decides whether it changes anything.';

create or replace function job_queue.settle_outcomes(outcomes jsonb, s public.job_queue_settings) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    verdicts jsonb;
    retried text[];
    released text[];
    delayed text[];
    kind record;
begin
    select coalesce(jsonb_agg(to_jsonb(v) order by v.n), '[]') into verdicts from job_queue.verdicts(outcomes, moment) as v;

    update public.job_queue_jobs as j
    set result = nullif(v.result, 'null'), error = v.error
    from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean, result jsonb, error text)
    where j.job_id = v.job_id and v.changes;

    for kind in
        select v.verdict, array_agg(v.job_id) as ids
        from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean, verdict text)
        where v.changes and v.verdict in ('completed', 'failed', 'cancelled') group by v.verdict
    loop
        perform job_queue.leave(kind.ids, kind.verdict);
    end loop;

    select coalesce(array_agg(v.job_id) filter (where v.verdict = 'retry_scheduled'), '{}'),
        coalesce(array_agg(v.job_id) filter (where v.verdict = 'released'), '{}'),
        coalesce(array_agg(v.job_id) filter (where v.verdict = 'retry_scheduled' and v.retry_at > moment), '{}')
    into retried, released, delayed
    from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean, verdict text, retry_at timestamptz)
    where v.changes;

    if cardinality(retried || released) > 0 then
        update public.job_queue_jobs as j
        set status = case when j.job_id = any (delayed) then 'delayed' else 'waiting' end,
            due_at = case when j.job_id = any (delayed) then v.retry_at end,
            attempt = case when v.verdict = 'released' then j.attempt - 1 else j.attempt end,
            lease_until = null,
            waits_since = case when j.job_id = any (delayed) then v.retry_at else moment end
        from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean, verdict text, retry_at timestamptz)
        where j.job_id = v.job_id and v.changes and j.job_id = any (retried || released);
        -- The step is done again, and with it what it waits for.
        delete from public.job_queue_callbacks as c where c.job_id = any (retried);
        -- A job that backs off stands in no line; the others still have their places.
        delete from public.job_queue_lines as l where l.job_id = any (delayed);
        perform job_queue.enter(array(select unnest(retried || released) except select unnest(delayed)), s);
        perform job_queue.log_event(retried, 'retry_scheduled');
        perform job_queue.log_event(released, 'released');
    end if;
    return verdicts;
end;
$$;

comment on function job_queue.settle_outcomes(jsonb, public.job_queue_settings) is
    'Carries out the outcomes of runs whose jobs and lines are locked; returns the verdicts. job_queue.settle must follow.';

create or replace function job_queue.advance(outcomes jsonb, worker text, claim jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    ids text[] := array(select e ->> 'job_id' from jsonb_array_elements(outcomes) as e);
    due text[] := '{}';
    notes jsonb := '[]';
    noted text[] := '{}';
    came text[] := '{}';
    rated text[] := '{}';
    behind text[] := '{}';
    handlers text[];
    models text[];
    id text;
    passed text[];
    needs text[];
    verdicts jsonb := '[]';
    back text[];
    leases jsonb := '[]';
    ended text[];
    begun text[];
    answer jsonb;
begin
    perform job_queue.lock_mirrored(ids, false);
    if claim is not null then
        handlers := job_queue.handlers_of(claim -> 'handlers');
        models := job_queue.names_of('models', claim -> 'models');
        if exists (select from public.job_queue_arrivals as a where a.late) then
            notes := job_queue.late_notes(100);
            noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
        end if;
        due := job_queue.recoverable(20, look => job_queue.note_worker(worker, handlers, models))
            || job_queue.awaited(handlers, models, 20);
        due := array(select unnest(job_queue.lock_mirrored(due, true)) except select unnest(ids));
        rated := job_queue.models_due();
    end if;
    s := job_queue.settings();
    if claim is not null then
        behind := job_queue.lock_mirrored(job_queue.lendable(handlers, models, s.max_overtakes, ids || due, rated), true);
    end if;

    if cardinality(ids || due || noted || rated || behind) > 0 then
        needs := job_queue.lines_of(array(
            select distinct unnest(j.models) from public.job_queue_jobs as j where j.job_id = any (ids || due || behind)
        ), s) || rated;
        if notes <> '[]' then
            -- Their models are known, or were let in when they were noted.
            notes := job_queue.notes_under_own_names(notes);
            needs := needs || job_queue.models_of(notes);
            s.unknown_models := 'create';
        end if;
        perform job_queue.lock_models(needs, s);
        perform from public.job_queue_jobs as j where j.job_id = any (ids || due || noted) order by j.job_id for no key update;
        verdicts := job_queue.settle_outcomes(outcomes, s);
        back := job_queue.recover(due, s);
        came := job_queue.follow(notes, s, needs);
        ended := array(
            select v.job_id from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean) where v.changes
        );
        perform job_queue.settle(needs, ended || back || came);
        if cardinality(came) > 0 then
            perform job_queue.log_event(came, 'queued');
        end if;
    end if;

    if claim is not null and not s.paused then
        leases := job_queue.take(worker, (claim ->> 'max_jobs')::integer, claim -> 'handlers', models, (claim ->> 'lease_seconds')::numeric);
        foreach id in array behind loop
            exit when jsonb_array_length(leases) >= (claim ->> 'max_jobs')::integer;
            begun := array(select l ->> 'job_id' from jsonb_array_elements(leases) as l) || id;
            continue when cardinality(job_queue.within_numbers(claim -> 'handlers', begun)) < cardinality(begun);
            passed := job_queue.lend(id, s);
            if passed is not null then
                leases := leases || job_queue.start_runs(array[id], worker, (claim ->> 'lease_seconds')::numeric,
                                                         jsonb_build_object('passed', to_jsonb(passed)));
            end if;
        end loop;
    end if;
    begun := array(select l ->> 'job_id' from jsonb_array_elements(leases) as l);
    perform job_queue.mirror(ended || due || noted || begun);
    if job_queue.refresh_state(s, ended || due, cardinality(begun) > 0) then
        perform job_queue.housekeep();
    end if;

    select jsonb_build_object('outcomes', coalesce(
        jsonb_agg(jsonb_build_object('job_id', v.job_id, 'token', v.token, 'result', v.verdict) order by v.n), '[]'
    )) into answer
    from jsonb_to_recordset(verdicts) as v (n bigint, job_id text, token bigint, verdict text);
    if claim is not null then
        answer := answer || jsonb_build_object('leases', leases, 'next_due_at', least(
            (select min(j.due_at) from public.job_queue_jobs as j where j.status = 'delayed' and j.due_at < 'infinity'),
            (select min(j.lease_until) from public.job_queue_jobs as j where j.status = 'running'),
            (select min(m.next_start_at) from public.job_queue_models as m where m.next_start_at is not null)
        ));
    end if;
    return answer;
end;
$$;

comment on function job_queue.advance(jsonb, text, jsonb) is
    'One step of a worker: carries out checked outcomes and, with a claim, takes back dead leases, lets due jobs in and starts the next jobs.';

create or replace function job_queue.check_claim(claim jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    perform job_queue.check_keys('claim', claim, '{max_jobs,handlers,models,lease_seconds}');
    perform job_queue.handlers_of(claim -> 'handlers');
    perform job_queue.names_of('models', claim -> 'models');
    return claim || jsonb_build_object(
        'max_jobs', job_queue.whole_number_of('max_jobs', claim -> 'max_jobs', 1, 1000, 1),
        'lease_seconds', job_queue.number_of('The lease time in seconds', claim -> 'lease_seconds', 1, 3600, 30, 'JQ004'));
end;
$$;

comment on function job_queue.check_claim(jsonb) is 'A claim with its defaults filled in; refuses what is not one.';

create or replace function job_queue.check_outcome(outcome jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    perform job_queue.check_keys('An outcome', outcome, '{job_id,token,outcome,result,error,retry_at,retry_in_seconds}');
    perform job_queue.check_job_id(outcome ->> 'job_id');
    if coalesce(outcome ->> 'outcome', '') not in ('complete', 'fail', 'retry', 'release') then
        perform job_queue.refuse('JQ007', format('The outcome "%s" is unknown.', left(outcome ->> 'outcome', 40)),
                                 'Use complete, fail, retry or release.');
    end if;
    perform job_queue.check_token(outcome -> 'token');
    return jsonb_build_object(
        'job_id', outcome ->> 'job_id', 'token', outcome -> 'token', 'outcome', outcome ->> 'outcome',
        'result', job_queue.check_size('The result', outcome -> 'result'), 'error', left(outcome ->> 'error', 10000),
        'retry_at', job_queue.time_of('retry_at', outcome -> 'retry_at'),
        'retry_in_seconds', job_queue.number_of('retry_in_seconds', outcome -> 'retry_in_seconds', 0, 31536000, 0));
end;
$$;

comment on function job_queue.check_outcome(jsonb) is 'The outcome of a run with its defaults filled in; refuses what is not one.';

create or replace function public.job_queue_complete(outcomes jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    answer jsonb;
    worker text;
    claim jsonb;
    checked jsonb;
begin
    perform job_queue.check_keys('options', options, '{request_id,worker_id,claim}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    if outcomes is null or jsonb_typeof(outcomes) <> 'array' or jsonb_array_length(outcomes) > 1000 then
        perform job_queue.refuse('JQ007', 'The outcomes are not an array of at most 1,000 outcomes.', 'Send larger batches in parts.');
    end if;
    worker := job_queue.check_name('The worker id', coalesce(options ->> 'worker_id', 'direct'));
    if jsonb_typeof(options -> 'claim') <> 'null' then
        claim := job_queue.check_claim(options -> 'claim');
    end if;
    select coalesce(jsonb_agg(job_queue.check_outcome(e) order by n), '[]') into checked
    from jsonb_array_elements(outcomes) with ordinality as t (e, n);
    if (select count(distinct e ->> 'job_id') from jsonb_array_elements(checked) as e) < jsonb_array_length(checked) then
        perform job_queue.refuse('JQ007', 'The same job is twice in one call.', 'A job has one outcome.');
    end if;

    return job_queue.remember(options ->> 'request_id', job_queue.advance(checked, worker, claim));
end;
$$;

comment on function public.job_queue_complete(jsonb, jsonb) is
    'Ends runs (complete, fail, retry, release), each under the token of its lease, and with options.claim starts the next jobs in the same transaction. '
    'docs/reference/rpc.md. Example: select job_queue_complete(''[{"job_id": "job-42", "token": 7, "outcome": "complete"}]'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 043_job_queue_claim.sql

create or replace function public.job_queue_claim(worker_id text, max_jobs integer default 1, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    answer jsonb;
    claim jsonb;
begin
    perform job_queue.check_keys('options', options, '{request_id,handlers,models,lease_seconds}');
    perform job_queue.check_name('The worker id', worker_id);
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    claim := job_queue.check_claim((options - 'request_id') || jsonb_build_object('max_jobs', max_jobs));
    answer := job_queue.advance('[]', worker_id, claim) - 'outcomes';
    -- A poll that finds nothing is remembered too, or a late copy of it could start jobs that nobody runs. It need not wait for the disk:
    -- what a crash can take with it is this answer, and transitions that the next claim makes again.
    if jsonb_array_length(answer -> 'leases') = 0 then
        perform set_config('synchronous_commit', 'off', true);
    end if;
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_claim(text, integer, jsonb) is
    'Starts up to max_jobs (1-1,000) runnable jobs that this worker can run, in order; takes back dead leases and lets due jobs into their lines. '
    'docs/reference/rpc.md. Example: select job_queue_claim(''worker-1'', 4, ''{"handlers": ["image"]}'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 044_job_queue_heartbeat.sql

create or replace function public.job_queue_heartbeat(worker_id text, leases jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    lease_seconds numeric;
    moment timestamptz := clock_timestamp();
    answer jsonb;
    progressed text[];
begin
    perform job_queue.check_name('The worker id', worker_id);
    perform job_queue.check_keys('options', options, '{lease_seconds}');
    lease_seconds := job_queue.number_of('The lease time in seconds', options -> 'lease_seconds', 1, 3600, 30, 'JQ004');
    if leases is null or jsonb_typeof(leases) <> 'array' or jsonb_array_length(leases) > 1000 then
        perform job_queue.refuse('JQ007', 'The leases are not an array of at most 1,000 leases.', 'Send larger batches in parts.');
    end if;
    perform job_queue.check_keys('A lease', e, '{job_id,token,progress,note}'),
        job_queue.check_job_id(e ->> 'job_id'),
        job_queue.check_token(e -> 'token'),
        job_queue.whole_number_of('progress', e -> 'progress', 0, 100, null)
    from jsonb_array_elements(leases) as e;

    -- A job that somebody else has locked is just ending or being taken back; it is not waited for. Its lease is renewed
    -- at the next beat if it is still held.
    with given as (
        select * from jsonb_to_recordset(leases) as g (job_id text, token bigint, progress integer, note text)
    ),

    held as (
        select j.job_id, g.progress, left(g.note, 500) as note
        from public.job_queue_jobs as j
        join given as g on g.job_id = j.job_id and g.token = j.token
        where j.status = 'running'
        for no key update of j skip locked
    ),

    renewed as (
        update public.job_queue_jobs as j
        set lease_until = greatest(j.lease_until, moment + make_interval(secs => lease_seconds)),
            progress = coalesce(h.progress, j.progress),
            progress_note = coalesce(h.note, j.progress_note)
        from held as h
        where j.job_id = h.job_id
        returning j.job_id, h.progress
    )

    select coalesce(array_agg(r.job_id) filter (where r.progress is not null), '{}') into progressed from renewed as r;
    perform job_queue.mirror(job_queue.lock_mirrored(progressed, true));

    -- A busy worker does not claim, and is there all the same. Two beats of one worker: the second passes by.
    update public.job_queue_workers as w set seen_at = moment
    where w.worker_id in (
        select o.worker_id from public.job_queue_workers as o
        where o.worker_id = job_queue_heartbeat.worker_id
          and o.seen_at < moment - (select least(s.skip_after / 4, interval '5 seconds') from public.job_queue_settings as s where s.id = 1)
        for no key update skip locked
    );

    select jsonb_build_object('leases', coalesce(jsonb_agg(jsonb_build_object(
        'job_id', g.job_id, 'token', g.token,
        'result', case when j.job_id is null then 'lost' when j.cancel_requested_at is not null then 'cancel_requested' else 'held' end,
        'lease_until', j.lease_until
    )), '[]')) into answer
    from jsonb_to_recordset(leases) as g (job_id text, token bigint)
    left join public.job_queue_jobs as j on j.job_id = g.job_id and j.token = g.token and j.status = 'running';
    return answer;
end;
$$;

comment on function public.job_queue_heartbeat(text, jsonb, jsonb) is
    'Renews up to 1,000 leases; says of each: held, lost or cancel_requested. docs/reference/rpc.md. Example: '
    'select job_queue_heartbeat(''worker-1'', ''[{"job_id": "job-42", "token": 7, "progress": 50}]'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 045_job_queue_release_models.sql

create or replace function public.job_queue_release_models(job_id text, token bigint, models jsonb) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    names text[] := job_queue.check_models(models, false);
    needs text[];
    given text[];
    j public.job_queue_jobs;
    verdict text;
begin
    perform job_queue.check_job_id(job_id);
    s := job_queue.settings();
    -- All its lines: whoever waits for a job's row has them.
    select job_queue.lines_of(k.models, s) into needs from public.job_queue_jobs as k where k.job_id = job_queue_release_models.job_id;
    perform job_queue.lock_models(needs, s);
    given := array(select l.model from public.job_queue_lines as l where l.job_id = job_queue_release_models.job_id and l.model = any (names));
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_release_models.job_id for no key update;
    verdict := case
        when j.job_id is null then 'unknown_job'
        when j.status <> 'running' then 'not_running'
        when j.token is distinct from job_queue_release_models.token then 'stale'
        else 'released'
    end;
    if verdict = 'released' and cardinality(given) > 0 then
        delete from public.job_queue_lines as l where l.job_id = j.job_id and l.model = any (given);
        perform job_queue.log_event(array[j.job_id], 'released', jsonb_build_object('released_models', to_jsonb(given)));
        perform job_queue.settle(given);
        if s.max_active_jobs = 1 then
            perform job_queue.refresh_state(s, begun => true);
        end if;
    end if;
    return jsonb_build_object('result', verdict, 'models', array(
        select l.model from public.job_queue_lines as l
        where l.job_id = job_queue_release_models.job_id and l.seat is not null and l.model <> '' and j.status = 'running'
        order by l.model
    ));
end;
$$;

comment on function public.job_queue_release_models(text, bigint, jsonb) is
    'Gives some of a running job''s models back early; its lease goes on with the rest. docs/reference/rpc.md. Example: '
    'select job_queue_release_models(''job-42'', 7, ''["nano-banana-pro-leonardo"]'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 046_job_queue_cancel.sql

create or replace function public.job_queue_cancel(job_id text, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    needs text[];
    j public.job_queue_jobs;
    answer jsonb;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{reason}');
    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into needs from public.job_queue_jobs as k where k.job_id = job_queue_cancel.job_id;
    perform job_queue.lock_models(needs, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_cancel.job_id for no key update;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; finished jobs stay known as long as the log is kept.');
    end if;

    if j.status in ('waiting', 'delayed') then
        update public.job_queue_jobs as k set error = coalesce(options ->> 'reason', 'cancelled') where k.job_id = j.job_id;
        perform job_queue.leave(array[j.job_id], 'cancelled', jsonb_build_object('by', job_queue.caller()));
        perform job_queue.settle(needs);
        perform job_queue.mirror(array[j.job_id]);
        answer := jsonb_build_object('result', 'cancelled', 'status', 'cancelled');
    elsif j.status = 'running' then
        -- Its worker is told at the next heartbeat; its models are free when it ends or when its lease runs out.
        if j.cancel_requested_at is null then
            update public.job_queue_jobs as k set cancel_requested_at = clock_timestamp() where k.job_id = j.job_id;
            perform job_queue.log_event(array[j.job_id], 'cancel_requested', jsonb_build_object('by', job_queue.caller()));
        end if;
        answer := jsonb_build_object('result', 'cancel_requested', 'status', 'running');
    else
        answer := jsonb_build_object('result', 'finished', 'status', j.status);
    end if;
    return answer;
end;
$$;

comment on function public.job_queue_cancel(text, jsonb) is
    'Cancels a job that waits; asks the worker of one that runs to stop. docs/reference/rpc.md. Example: select job_queue_cancel(''job-42'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 047_job_queue_set_model.sql

create or replace function job_queue.set_alias(name text, settings jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    target text := settings ->> 'alias_of';
    was jsonb := jsonb_build_object('alias_of', (select a.model from public.job_queue_aliases as a where a.alias = name));
begin
    if settings - 'alias_of' <> '{}' then
        perform job_queue.refuse('JQ007', 'An alias has no settings of its own.', 'Give alias_of alone.');
    end if;
    if jsonb_typeof(settings -> 'alias_of') not in ('string', 'null') then
        perform job_queue.refuse('JQ007', format('alias_of is a %s.', jsonb_typeof(settings -> 'alias_of')), 'Name the model, or give null.');
    end if;
    perform job_queue.settings_alone();
    if target is null then
        delete from public.job_queue_aliases as a where a.alias = name;
        perform job_queue.log_change('model_changed', array[name], was, '{"alias_of": null}');
        return jsonb_build_object('model', name, 'alias_of', null);
    end if;
    target := (job_queue.check_models(jsonb_build_array(target), false))[1];
    if target = name or exists (select from public.job_queue_aliases as a where a.model = name) then
        perform job_queue.refuse('JQ007', 'An alias cannot stand for itself or for another alias.', 'Name the model itself.');
    end if;
    -- Jobs that stand in its line would stay there, beside those of the model.
    if exists (select from public.job_queue_lines as l where l.model = name)
       or exists (select from public.job_queue_jobs as j where j.status not in ('completed', 'failed', 'cancelled') and name = any (j.models)) then
        perform job_queue.refuse('JQ007', format('Jobs are in line for "%s" under this name.', name),
                                 'Let them end first: pause their source, or cancel them.');
    end if;
    insert into public.job_queue_aliases as a (alias, model) values (name, target)
    on conflict (alias) do update set model = excluded.model;
    perform job_queue.log_change('model_changed', array[name], was, jsonb_build_object('alias_of', target));
    return jsonb_build_object('model', name, 'alias_of', target);
end;
$$;

comment on function job_queue.set_alias(text, jsonb) is 'Makes a name another spelling of a model, or ends that.';

create or replace function public.job_queue_set_model(model text, settings jsonb) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    name text;
    new_capacity integer;
    new_paused boolean;
    rate integer;
    was public.job_queue_models;
    before jsonb;
    moved text[];
    halted text[];
    touched text[];
begin
    perform job_queue.check_models(jsonb_build_array(model), false);
    name := btrim(model, E' \t\r\n');
    perform job_queue.check_keys('settings', settings, '{capacity,paused,starts_per_minute,alias_of}');
    new_capacity := job_queue.whole_number_of('The capacity', settings -> 'capacity', 0, 10000, null);
    new_paused := job_queue.flag_of('paused', settings -> 'paused', null);
    rate := job_queue.whole_number_of('starts_per_minute', settings -> 'starts_per_minute', 1, 100000, null);

    if settings ? 'alias_of' then
        return job_queue.set_alias(name, settings);
    end if;
    -- A pause moves jobs out of and into the lines of all their models: nothing else may move meanwhile.
    s := job_queue.settings_alone();
    if exists (select from public.job_queue_aliases as a where a.alias = name) then
        perform job_queue.refuse('JQ007', format('"%s" is an alias.', name), 'Change the model it stands for, or end it with "alias_of": null.');
    end if;
    before := coalesce((select to_jsonb(m) - 'next_start_at' from public.job_queue_models as m where m.model = name),
                       '{"capacity": null, "paused": null, "starts_per_minute": null}');
    insert into public.job_queue_models as m (model, capacity) values (name, coalesce(new_capacity, s.default_capacity))
    on conflict on constraint job_queue_models_pkey do nothing;
    select * into was from public.job_queue_models as m where m.model = name for no key update;
    update public.job_queue_models as m
    set capacity = coalesce(new_capacity, m.capacity), paused = coalesce(new_paused, m.paused),
        starts_per_minute = case when settings ? 'starts_per_minute' then rate else m.starts_per_minute end,
        next_start_at = null
    where m.model = name;
    perform job_queue.log_change('model_changed', array[name], before, (
        select to_jsonb(m) - 'next_start_at' from public.job_queue_models as m where m.model = name));
    -- The minute that a new rate looks back on began before it.
    if rate is not null and was.starts_per_minute is null then
        -- Starts noted under an earlier rate are in the log as well.
        delete from public.job_queue_starts as e where e.model = name;
        insert into public.job_queue_starts (model, started_at, token)
        select name, l.created_at, (l.metadata ->> 'token')::bigint
        from public.job_queue_log as l
        where l.event_type = 'started' and l.created_at > now() - interval '1 minute' and coalesce(l.metadata -> 'needs', l.models) ? name
          and l.metadata ? 'token'
        on conflict do nothing;
    end if;

    touched := array[name];
    if new_paused <> was.paused then
        moved := array(
            select j.job_id from public.job_queue_jobs as j
            where name = any (j.needs)
              and (j.status = 'waiting' or j.status = 'delayed' and j.due_at = 'infinity' and not j.skipped)
            order by j.job_id
            for no key update
        );
        touched := job_queue.lines_of(array(
            select distinct unnest(j.models) from public.job_queue_jobs as j where j.job_id = any (moved)
            union select name
        ), s);
        halted := array(select j.job_id from public.job_queue_jobs as j where j.job_id = any (moved) and j.status = 'waiting');
        perform job_queue.enter(moved, s);
        if not was.paused then
            perform job_queue.log_event(halted, 'blocked', '{"paused": true}');
        else
            perform job_queue.log_event(array(
                select j.job_id from public.job_queue_jobs as j where j.job_id = any (moved) and j.status = 'waiting'
            ), 'queued', '{"resumed": true}');
        end if;
    end if;
    perform job_queue.settle(touched, moved);
    perform job_queue.mirror(job_queue.lock_mirrored(moved, true));

    return jsonb_build_object(
        'model', name,
        'capacity', (select m.capacity from public.job_queue_models as m where m.model = name),
        'paused', (select m.paused from public.job_queue_models as m where m.model = name),
        'starts_per_minute', (select m.starts_per_minute from public.job_queue_models as m where m.model = name),
        'holders', (select count(*) from public.job_queue_lines as l join public.job_queue_jobs as j on j.job_id = l.job_id
                    where l.model = name and j.status = 'running'),
        'waiting', (select count(*) from public.job_queue_lines as l join public.job_queue_jobs as j on j.job_id = l.job_id
                    where l.model = name and j.status = 'waiting')
    );
end;
$$;

comment on function public.job_queue_set_model(text, jsonb) is
    'Creates or changes a model: capacity (0-10,000), paused, starts_per_minute; or makes the name an alias (alias_of). A lower capacity lets those that run end and nobody in until it fits. '
    'docs/reference/rpc.md. Example: select job_queue_set_model(''motion-2.0-fast'', ''{"capacity": 2}'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 048_job_queue_set_limits.sql

create or replace function job_queue.limits() returns jsonb
language sql
stable
set search_path = ''
as $$
    select jsonb_build_object(
        'max_active_jobs', s.max_active_jobs, 'priority_step_seconds', extract(epoch from s.priority_step),
        'default_capacity', s.default_capacity, 'unknown_models', s.unknown_models,
        'log_retention_days', extract(epoch from s.log_retention) / 86400,
        'paused', s.paused, 'max_overtakes', s.max_overtakes, 'skip_after_seconds', extract(epoch from s.skip_after))
    from public.job_queue_settings as s where s.id = 1;
$$;

comment on function job_queue.limits() is 'The settings of the whole queue, as answers give them.';

create or replace function public.job_queue_set_limits(settings jsonb) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    was integer;
    before jsonb;
    limit_line constant text := '';
    unknown text;
    n numeric;
begin
    perform job_queue.check_keys('settings', settings,
        '{max_active_jobs,priority_step_seconds,default_capacity,unknown_models,log_retention_days,paused,max_overtakes,skip_after_seconds}');
    s := job_queue.settings_alone();
    was := s.max_active_jobs;
    before := to_jsonb(s) - 'resumed_at';

    if settings ? 'max_active_jobs' then
        s.max_active_jobs := job_queue.whole_number_of('max_active_jobs', settings -> 'max_active_jobs', 1, 10000, null);
    end if;
    n := job_queue.number_of('priority_step_seconds', settings -> 'priority_step_seconds', 0, 86400, null);
    s.priority_step := coalesce(make_interval(secs => n), s.priority_step);
    s.default_capacity := job_queue.whole_number_of('default_capacity', settings -> 'default_capacity', 0, 10000, s.default_capacity);
    unknown := coalesce(settings ->> 'unknown_models', s.unknown_models);
    if unknown not in ('create', 'refuse') then
        perform job_queue.refuse('JQ007', format('unknown_models is "%s".', left(unknown, 40)), 'Use create or refuse.');
    end if;
    if settings ? 'log_retention_days' then
        n := job_queue.number_of('log_retention_days', settings -> 'log_retention_days', 1, 3650, null);
        s.log_retention := make_interval(secs => n * 86400);
    end if;
    if s.paused and job_queue.flag_of('paused', settings -> 'paused', true) is false then
        s.resumed_at := clock_timestamp();
    end if;
    s.paused := job_queue.flag_of('paused', settings -> 'paused', s.paused);
    s.max_overtakes := job_queue.whole_number_of('max_overtakes', settings -> 'max_overtakes', 0, 1000, s.max_overtakes);
    if settings ? 'skip_after_seconds' then
        n := job_queue.number_of('skip_after_seconds', settings -> 'skip_after_seconds', 1, 86400, null);
        s.skip_after := make_interval(secs => n);
    end if;
    update public.job_queue_settings
    set paused = s.paused, resumed_at = s.resumed_at, max_overtakes = s.max_overtakes, skip_after = s.skip_after,
        max_active_jobs = s.max_active_jobs, priority_step = s.priority_step, default_capacity = s.default_capacity,
        unknown_models = unknown, log_retention = s.log_retention
    where id = 1;
    perform job_queue.log_change('limits_changed', null, before, (
        select to_jsonb(q) - 'resumed_at' from public.job_queue_settings as q where q.id = 1));

    if s.max_active_jobs is distinct from was then
        update public.job_queue_models as m set capacity = coalesce(s.max_active_jobs, 0) where m.model = limit_line;
        if s.max_active_jobs is null then
            delete from public.job_queue_lines as l where l.model = limit_line;
        elsif was is null then
            -- Those that run hold the limit's seats, even past it: nobody new until it fits.
            insert into public.job_queue_lines (model, line_key, seq, job_id, seat)
            select limit_line, j.line_key, j.seq, j.job_id,
                case when j.status = 'running' then row_number() over (partition by j.status order by j.started_at, j.job_id) end
            from public.job_queue_jobs as j where j.status in ('waiting', 'running');
        end if;
        perform job_queue.settle(array[limit_line]);
        update public.job_queue_jobs as j
        set runnable = not j.runnable, runnable_since = clock_timestamp()
        where j.status = 'waiting'
          and j.runnable = exists (select from public.job_queue_lines as l where l.job_id = j.job_id and l.seat is null);
        perform job_queue.refresh_state(s, begun => true);
    end if;

    return job_queue.limits();
end;
$$;

comment on function public.job_queue_set_limits(jsonb) is
    'Changes the settings of the whole queue: max_active_jobs (null = none, 1 = one job at a time), priority_step_seconds, default_capacity, unknown_models, '
    'log_retention_days, paused (nobody starts), max_overtakes, skip_after_seconds (null = never). '
    'docs/reference/rpc.md. Example: select job_queue_set_limits(''{"max_active_jobs": 1}'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 049_job_queue_tidy.sql

-- Private: what is old goes, oldest first, a bounded part at a time (docs/design/log.md). Each part begins where the one before
-- ended, not at the dead rows that were removed before and that a vacuum may not have come to yet.

create or replace function job_queue.trim_log(
    begin_at timestamptz, end_at timestamptz, at_most integer, out removed integer, out reached timestamptz
)
language plpgsql
set search_path = ''
as $$
declare
    old tid[];
    ended text[];
begin
    removed := 0;
    -- A minute back: an event is written a moment before its transaction commits.
    with oldest as materialized (
        select l.ctid, l.job_id, l.event_type, l.created_at from public.job_queue_log as l
        where l.seq > (select m.log_begins_after from public.job_queue_marks as m where m.id = 1)
          and l.created_at > begin_at - interval '1 minute' and l.created_at < end_at
        order by l.created_at limit at_most
    )

    select array_agg(o.ctid), max(o.created_at),
        array_agg(o.job_id) filter (where o.event_type in ('completed', 'failed', 'cancelled', 'expired'))
    into old, reached, ended
    from oldest as o;
    if old is null then
        return;
    end if;

    -- A job goes with the event of its end, so that the log and the jobs always tell of the same ones. One that somebody has locked,
    -- to bring it back perhaps, is not waited for: the next time will do.
    ended := array(
        select j.job_id from public.job_queue_jobs as j
        where j.job_id = any (ended) and j.status in ('completed', 'failed', 'cancelled') and j.finished_at < end_at
    );
    if (select count(*) from (
            select from public.job_queue_jobs as j where j.job_id = any (ended) for update skip locked
        ) as locked) < cardinality(ended) then
        reached := null;
        return;
    end if;
    delete from public.job_queue_jobs as j
    where j.job_id = any (ended) and j.status in ('completed', 'failed', 'cancelled') and j.finished_at < end_at;
    delete from public.job_queue_log as l where l.ctid = any (old) and l.created_at < end_at;
    get diagnostics removed = row_count;
end;
$$;

comment on function job_queue.trim_log(timestamptz, timestamptz, integer) is
    'Removes the oldest events between two times, and the jobs whose end is among them; says how many and how far it came (null: nothing).';

create or replace function job_queue.measure_runs(begin_at timestamptz) returns timestamptz
language plpgsql
set search_path = ''
as $$
declare
    reached timestamptz;
begin
    -- The newest are enough.
    with latest as materialized (
        select l.models, l.metadata, l.created_at from public.job_queue_log as l
        where l.created_at > begin_at order by l.created_at desc limit 2000
    ),

    runs as (
        select m as model, array_agg((l.metadata ->> 'ran')::double precision order by l.created_at desc) as seconds
        from latest as l
        cross join lateral (
            select jsonb_array_elements_text(l.models) as m union all select ''
        ) as named
        where l.metadata ? 'ran'
        group by m
    ),

    kept as (
        insert into public.job_queue_run_times as t (model, seconds)
        select r.model, r.seconds[1:100] from runs as r order by r.model collate "C"
        on conflict (model) do update set seconds = (excluded.seconds || t.seconds)[1:100]
    )

    select max(l.created_at) into reached from latest as l;
    return reached;
end;
$$;

comment on function job_queue.measure_runs(timestamptz) is 'Notes what the runs that ended since then took; returns how far it came, or null.';

create or replace function job_queue.tidy(out log_rows integer, out requests integer)
language plpgsql
set search_path = ''
as $$
declare
    retention interval;
    known public.job_queue_marks;
    new public.job_queue_marks;
    moment timestamptz := clock_timestamp();
begin
    log_rows := 0;
    requests := 0;
    -- One at a time; nobody waits.
    if not pg_try_advisory_xact_lock(19029, 0) then
        return;
    end if;
    select * into known from public.job_queue_marks as m where m.id = 1;
    new := known;

    new.measured_to := coalesce(job_queue.measure_runs(known.measured_to), known.measured_to);

    select s.log_retention into retention from public.job_queue_settings as s where s.id = 1;
    if retention is not null then
        select t.removed, greatest(t.reached, known.log_whole_from) into log_rows, new.log_whole_from
        from job_queue.trim_log(known.log_whole_from, moment - retention, 5000) as t;
    end if;

    with gone as (
        delete from public.job_queue_requests as r
        where r.request_id in (
            select o.request_id from public.job_queue_requests as o
            where o.created_at > known.requests_whole_from - interval '1 hour' and o.created_at < moment - interval '15 minutes'
            order by o.created_at limit 5000
        )
        returning r.created_at
    )

    select count(*), greatest(max(g.created_at), known.requests_whole_from) into requests, new.requests_whole_from from gone as g;

    if new is distinct from known then
        update public.job_queue_marks as m
        set log_whole_from = new.log_whole_from, requests_whole_from = new.requests_whole_from, measured_to = new.measured_to
        where m.id = 1;
    end if;
end;
$$;

comment on function job_queue.tidy() is
    'Notes what runs took; removes old events with the jobs that ended then, and answers nobody can ask for any more; at most 5,000 each. Says how many.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 050_job_queue_explain.sql

create or replace function job_queue.turn(remaining double precision[], run double precision, turns bigint) returns double precision
language plpgsql
immutable
set search_path = ''
as $$
declare
    early double precision := 0;
    late double precision := (select max(r) from unnest(remaining) as r) + turns * run / cardinality(remaining) + run;
    middle double precision;
begin
    -- Each seat comes free after what remains of its run and then once a run; halved until the turn is known to a hundredth.
    while late - early > 0.01 loop
        middle := (early + late) / 2;
        if (select sum(floor((middle - r) / greatest(run, 0.001)) + 1) from unnest(remaining) as r where r <= middle) >= turns then
            late := middle;
        else
            early := middle;
        end if;
    end loop;
    return late;
end;
$$;

comment on function job_queue.turn(double precision[], double precision, bigint) is
    'When a seat comes free for the so-manieth time, in seconds, if every run takes as long as this.';

create or replace function job_queue.estimate(j public.job_queue_jobs, lines jsonb) returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    unknown constant jsonb := '{"seconds": null, "low": null, "high": null, "start_at": null, "samples": null}';
    moment timestamptz := clock_timestamp();
    l record;
    times double precision[];
    now_used double precision[];
    t record;
    turns bigint;
    by_rate double precision;
    seconds double precision := 0;
    low double precision := 0;
    high double precision := 0;
    samples integer;
begin
    if j.status <> 'waiting' or (select s.paused from public.job_queue_settings as s where s.id = 1) then
        return unknown || jsonb_build_object('reason', case
            when j.status = 'running' then 'It runs.'
            when j.status = 'delayed' then (select b.conflict_reason || '.' from job_queue.blockers(array[j.job_id]) as b)
            when j.status = 'waiting' then 'Everything is paused.'
            else 'It has ended.'
        end);
    end if;

    for l in
        select * from jsonb_to_recordset(lines) as x (
            model text, capacity integer, admitted boolean, stands boolean, holders jsonb, ahead_count bigint,
            starts_per_minute integer, next_start_at timestamptz)
        where x.stands and not x.admitted
    loop
        if l.capacity = 0 then
            return unknown || jsonb_build_object('reason', format('No capacity: %s.', jsonb_build_array(l.model)));
        end if;
        select r.seconds into times from public.job_queue_run_times as r where r.model = coalesce(l.model, '');
        if coalesce(cardinality(times), 0) < 5 then
            return unknown || jsonb_build_object('reason', format('Too few runs of %s measured: %s, at least 5 are needed.',
                coalesce(jsonb_build_array(l.model)::text, 'any model'), coalesce(cardinality(times), 0)));
        end if;
        samples := least(samples, cardinality(times));
        select avg(x) as mean, percentile_cont(0.1) within group (order by x) as short, percentile_cont(0.9) within group (order by x) as long
        into t from unnest(times) as x;

        -- Since when each seat in use has been so; more of them than the capacity must first become fewer.
        now_used := array(
            select extract(epoch from moment - (h ->> 'started_at')::timestamptz)::double precision from jsonb_array_elements(l.holders) as h
        );
        turns := l.ahead_count + 1 + greatest(cardinality(now_used) - l.capacity, 0);
        by_rate := greatest(extract(epoch from l.next_start_at - moment), 0) + coalesce(l.ahead_count * 60.0 / l.starts_per_minute, 0);
        seconds := greatest(seconds, by_rate, job_queue.turn(array(
            select coalesce((select avg(x) - u from unnest(times) as x where x > u), 0) from unnest(now_used) as u
        ) || array_fill(0::double precision, array[greatest(l.capacity - cardinality(now_used), 0)]), t.mean, turns));
        low := greatest(low, by_rate, job_queue.turn(array(
            select greatest(t.short - u, 0) from unnest(now_used) as u
        ) || array_fill(0::double precision, array[greatest(l.capacity - cardinality(now_used), 0)]), t.short, turns));
        high := greatest(high, by_rate, job_queue.turn(array(
            select greatest(t.long - u, 0) from unnest(now_used) as u
        ) || array_fill(0::double precision, array[greatest(l.capacity - cardinality(now_used), 0)]), t.long, turns));
    end loop;

    high := greatest(high, seconds);
    low := least(low, seconds);
    return jsonb_build_object(
        'seconds', round(seconds::numeric, 1), 'low', round(low::numeric, 1), 'high', round(high::numeric, 1),
        'start_at', moment + make_interval(secs => seconds), 'samples', samples,
        'reason', case when j.runnable then 'It has its turn: the next claim of a worker that can run it starts it.' end);
end;
$$;

comment on function job_queue.estimate(public.job_queue_jobs, jsonb) is
    'When a waiting job may start, from its place and the latest runs of its models; how it is reckoned: docs/reference/rpc.md.';

create or replace function public.job_queue_explain(job_id text) returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    j public.job_queue_jobs;
    lines jsonb;
begin
    perform job_queue.check_job_id(job_id);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_explain.job_id;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; a row of jobs enters with required_models set.');
    end if;

    select coalesce(jsonb_agg(jsonb_build_object(
        'model', nullif(m.model, ''), 'capacity', m.capacity, 'paused', m.paused,
        'starts_per_minute', m.starts_per_minute, 'next_start_at', m.next_start_at, 'stands', own.model is not null,
        'admitted', own.seat is not null and j.status = 'waiting',
        'holders', coalesce((
            select jsonb_agg(jsonb_build_object('job_id', r.job_id, 'worker_id', r.worker_id, 'started_at', r.started_at,
                                                'lease_until', r.lease_until)
                             order by r.started_at, r.job_id)
            from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = m.model and l.seat is not null
        ), '[]'),
        'position', case when j.status = 'waiting' and own.model is not null then ahead.total + 1 end,
        'ahead', coalesce(to_jsonb(ahead.first), '[]'), 'ahead_count', coalesce(ahead.total, 0)
    ) order by m.model), '[]') into lines
    from public.job_queue_models as m
    left join public.job_queue_lines as own on own.model = m.model and own.job_id = j.job_id
    left join lateral (
        -- Every real one, however long the line: this is the exact answer.
        select count(*) as total, (array_agg(l.job_id order by l.line_key, l.seq))[1:20] as first
        from public.job_queue_lines as l
        left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
        where l.model = m.model and (l.line_key, l.seq) < (j.line_key, j.seq) and r.status is distinct from 'running'
    ) as ahead on j.status = 'waiting' and own.model is not null
    where m.model = any (j.models) or own.model is not null;

    return jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'status', j.status, 'runnable', j.runnable,
        'priority', j.priority, 'attempt', j.attempt, 'max_attempts', j.max_attempts, 'queued_at', j.entered_at,
        'run_at', nullif(j.due_at, 'infinity'), 'deadline', j.deadline, 'started_at', j.started_at, 'finished_at', j.finished_at,
        'worker_id', case when j.status = 'running' then j.worker_id end, 'lease_until', j.lease_until,
        'progress', j.progress, 'note', j.progress_note, 'error', j.error, 'result', j.result, 'models', lines, 'estimate', job_queue.estimate(j, lines),
        'skipped', j.skipped, 'cancel_requested_at', j.cancel_requested_at, 'now', clock_timestamp()
    ) || job_queue.place(j.job_id)
      || case when j.job_type = 'workflow' or j.steps is not null then jsonb_build_object(
        'callback', job_queue.callback_of(j), 'holding', j.holding, 'current_step', j.current_step, 'step_attempt', j.attempt - j.attempts_before,
        'steps', (
            select jsonb_agg(jsonb_build_object('name', s.step -> 'name', 'models', s.step -> 'models', 'saved_at', c.saved_at) order by s.number)
            from jsonb_array_elements(j.steps) with ordinality as s (step, number)
            left join public.job_queue_checkpoints as c on c.job_id = j.job_id and c.step = s.number - 1
        )) else '{}' end
      || case when j.status = 'waiting' then jsonb_build_object('queue_position', (
        select max((l ->> 'position')::bigint) from jsonb_array_elements(lines) as l
    )) else '{}' end;
end;
$$;

comment on function public.job_queue_explain(text) is
    'Why a job waits: of each model its holders with lease ends, the job''s exact place in its line, and an estimate of its start. docs/reference/rpc.md. '
    'Example: select job_queue_explain(''job-42'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 051_job_queue_status.sql

create or replace function public.job_queue_status() returns jsonb
language sql
stable
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
    with counts as materialized (
        select l.model, count(*) as places from public.job_queue_lines as l group by l.model
    ),

    -- Those that somebody needs first.
    shown as materialized (
        select m.* from public.job_queue_models as m
        left join counts as c on c.model = m.model
        where m.model <> '' order by c.model is null, m.model limit 1000
    ),

    standing as (
        select m.model, m.capacity, m.paused, m.starts_per_minute, m.next_start_at,
            array(
                select r.job_id from public.job_queue_lines as l
                join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
                where l.model = m.model and l.seat is not null
                order by r.started_at, r.job_id limit 100
            ) as holders,
            array(
                select l.job_id from public.job_queue_lines as l
                left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
                where l.model = m.model and r.status is distinct from 'running'
                order by l.line_key, l.seq limit 20
            ) as line
        from shown as m
    ),

    -- Each by its own index: what this costs grows with those that wait and run, never with those that have ended.
    jobs as (
        select
            (select count(*) from public.job_queue_jobs as j where j.status = 'running') as running,
            (select count(*) from public.job_queue_jobs as j where j.status = 'delayed') as delayed,
            (select count(*) from public.job_queue_jobs as j where j.status = 'waiting' and j.runnable) as runnable,
            (select count(*) from (select distinct l.job_id from public.job_queue_lines as l where l.seat is null) as n) as blocked
    ),

    -- Worked out up to 100,000 of each.
    last_minute as (
        select e.event, (
            select count(*) from (
                select from public.job_queue_log as l
                where l.event_type = e.event and l.created_at > now() - interval '1 minute' limit 100000
            ) as n
        ) as number
        from unnest(array['started', 'completed', 'failed', 'retry_scheduled', 'cancelled', 'expired', 'lease_expired', 'skipped']) as e (event)
    )

    select jsonb_build_object(
        'now', clock_timestamp(),
        'version', job_queue.version(),
        'limits', job_queue.limits(),
        'jobs', (
            select jsonb_build_object('waiting', n.runnable + n.blocked, 'delayed', n.delayed, 'running', n.running, 'runnable', n.runnable)
            from jobs as n
        ),
        'last_minute', (select jsonb_object_agg(r.event, r.number) from last_minute as r),
        'models', coalesce((
            select jsonb_agg(jsonb_build_object(
                'model', t.model, 'capacity', t.capacity, 'paused', t.paused,
                'starts_per_minute', t.starts_per_minute, 'next_start_at', t.next_start_at,
                'holders', coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'job_id', j.job_id, 'handler', j.handler, 'worker_id', j.worker_id, 'attempt', j.attempt,
                        'started_at', j.started_at, 'lease_until', j.lease_until,
                        'progress', j.progress, 'note', j.progress_note) order by j.started_at, j.job_id)
                    from public.job_queue_jobs as j where j.job_id = any (t.holders)
                ), '[]'),
                'waiting', coalesce(c.places, 0) - (
                    select count(*) from public.job_queue_lines as l
                    join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
                    where l.model = t.model and l.seat is not null),
                'longest_wait_seconds', (
                    select round(extract(epoch from greatest(max(clock_timestamp() - j.waits_since), '0')), 3)
                    from public.job_queue_jobs as j where j.job_id = any (t.line)
                ),
                'line', coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'job_id', j.job_id, 'handler', j.handler, 'runnable', j.runnable, 'queued_at', j.entered_at)
                        order by j.line_key, j.seq)
                    from public.job_queue_jobs as j where j.job_id = any (t.line)
                ), '[]')
            ) order by t.model)
            from standing as t
            left join counts as c on c.model = t.model
        ), '[]'),
        -- Those heard of within the last minute, and those that have a job.
        'workers', coalesce((
            select jsonb_agg(jsonb_build_object(
                'worker_id', w.worker_id, 'running', w.running, 'seen_at', w.seen_at, 'handlers', to_jsonb(w.handlers), 'models', to_jsonb(w.models)
            ) order by w.worker_id)
            from (
                select coalesce(r.worker_id, k.worker_id) as worker_id, coalesce(r.running, 0) as running, k.seen_at, k.handlers, k.models
                from (
                    select j.worker_id collate "C" as worker_id, count(*) as running
                    from public.job_queue_jobs as j where j.status = 'running' group by 1
                ) as r
                full join (
                    select * from public.job_queue_workers as x where x.seen_at > now() - interval '1 minute'
                ) as k on k.worker_id = r.worker_id
                order by 1 limit 1000
            ) as w
        ), '[]')
    );
$$;

comment on function public.job_queue_status() is
    'One call for a dashboard: every model with its holders and the head of its line, the limits, the counts. docs/reference/rpc.md. Example: select job_queue_status()';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 052_job_queue_sweep.sql

create or replace function public.job_queue_sweep() returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    recovered integer := 0;
    tidied record;
    ids text[];
begin
    -- The same step that every claim takes, for queues that nobody polls.
    ids := job_queue.recoverable(200);
    perform job_queue.enter_new('[]');
    recovered := (
        select count(distinct i) from unnest(ids) as i
        join public.job_queue_jobs as j on j.job_id = i
        where not (j.status = 'running' and j.lease_until < clock_timestamp())
          and not (j.status = 'delayed' and j.due_at <= clock_timestamp())
    );
    select * into s from public.job_queue_settings where id = 1;
    perform job_queue.refresh_state(s, begun => true);
    select * into tidied from job_queue.housekeep();
    return jsonb_build_object('recovered', recovered, 'requests_removed', tidied.requests, 'log_rows_removed', tidied.log_rows);
end;
$$;

comment on function public.job_queue_sweep() is
    'All housekeeping, bounded per call and safe for anyone at any time: dead leases, due jobs, trailing columns, old requests and log rows. Example: select job_queue_sweep()';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 053_job_queue_version.sql

create or replace function public.job_queue_version() returns jsonb
language sql
stable
set search_path = ''
as $$
    -- An SDK that is written to contract n works with this SQL when oldest_contract <= n <= contract.
    select jsonb_build_object(
        'version', job_queue.version(), 'contract', 1, 'oldest_contract', 1,
        'migrations', coalesce((
            select jsonb_agg(jsonb_build_object('name', m.name, 'checksum', m.checksum, 'applied_at', m.applied_at) order by m.name)
            from public.job_queue_migrations as m
        ), '[]'));
$$;

comment on function public.job_queue_version() is 'What is installed. The SDK checks once that its contract number is between oldest_contract and contract. Example: select job_queue_version()';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 054_job_queue_metrics.sql

create or replace function job_queue.seat_times(begin_at timestamptz, end_at timestamptz) returns table (model text, seconds numeric)
language sql
stable
set search_path = ''
set jit = off
as $$
    -- What each model could have given: its capacity, as it was changed on the way, times the time.
    with changes as (
        select l.models ->> 0 as model, l.created_at, (l.metadata #>> '{before,capacity}')::integer as before,
            lag(l.created_at, 1, begin_at) over (partition by l.models ->> 0 order by l.seq) as changed_before
        from public.job_queue_log as l
        where l.event_type = 'model_changed' and l.job_id = '' and l.created_at >= begin_at and l.created_at <= end_at
          and l.metadata #> '{before,capacity}' is not null
    ),

    earlier as (
        select c.model, max(c.created_at) as changed_at,
            sum(coalesce(c.before, 0) * extract(epoch from c.created_at - c.changed_before)) as seconds
        from changes as c group by c.model
    )

    select m.model, coalesce(e.seconds, 0) + m.capacity * extract(epoch from end_at - coalesce(e.changed_at, begin_at))
    from public.job_queue_models as m
    left join earlier as e on e.model = m.model collate "C"
    where m.model <> '';
$$;

comment on function job_queue.seat_times(timestamptz, timestamptz) is 'Capacity times time of each model, in seconds.';

create or replace function job_queue.busy_times(begin_at timestamptz, end_at timestamptz) returns table (model text, seconds double precision)
language sql
stable
set search_path = ''
set jit = off
as $$
    -- Jobs that give models back as they go: from each of their events to the next.
    with partly as (
        select l.models, l.metadata, l.created_at,
            lead(l.created_at, 1, end_at) over (partition by l.metadata -> 'token' order by l.seq) as until
        from public.job_queue_log as l
        where l.created_at >= begin_at and l.created_at <= end_at
          and l.metadata ->> 'holding' in ('release_as_used', 'per_step') and l.metadata ? 'token'
          -- Read once more only where there are any.
          and exists (
              select from public.job_queue_log as c
              where c.event_type = 'checkpoint' and c.created_at >= begin_at and c.created_at <= end_at
          )
    ),

    times as (
        select m as model, extract(epoch from p.until - p.created_at) as seconds
        from partly as p
        cross join lateral jsonb_array_elements_text(coalesce(p.metadata -> 'needs', p.models)) as m
        where p.metadata ->> 'status' = 'running' and not coalesce(p.metadata -> 'released_models' ? m, false)
        union all
        -- The others that run now.
        select l.model, extract(epoch from end_at - greatest(j.started_at, begin_at))
        from public.job_queue_jobs as j
        join public.job_queue_lines as l on l.job_id = j.job_id and l.seat is not null and l.model <> ''
        where j.status = 'running' and coalesce(j.holding, 'whole_run') = 'whole_run' and j.started_at < end_at
    )

    select t.model, sum(t.seconds)::double precision from times as t group by t.model;
$$;

comment on function job_queue.busy_times(timestamptz, timestamptz) is
    'How long each model was held since then, in seconds together, by jobs that run now and by those that give models back as they go.';

-- One pass over the events, folded into counts by model set, kind of event and length of time (25 lengths to each factor of e, so
-- that a percentile is right to two hundredths); the rest is done on those few counts. Measured: docs/design/log.md.
create or replace function job_queue.measured(begin_at timestamptz, end_at timestamptz) returns table (
    kind text, name text, counts jsonb, waits jsonb, runs jsonb, waited double precision, busy double precision
)
language sql
stable
set search_path = ''
set jit = off
set work_mem = '32MB'
set enable_sort = off
set max_parallel_workers_per_gather = 0
as $$
    with taken as (
        select l.event_type as event, l.job_type, l.models, l.metadata ? 'ran' as ran, l.blocked_by_job_id is not null as conflict,
            l.event_type = 'lease_expired' or l.metadata ? 'lease_expired' as lost,
            coalesce(l.metadata -> 'waited', l.metadata -> 'ran')::double precision as seconds,
            case when coalesce(l.metadata ->> 'holding', 'whole_run') = 'whole_run'
                then extract(epoch from l.created_at - begin_at)::double precision else 0 end as since
        from public.job_queue_log as l
        where l.created_at >= begin_at and l.created_at <= end_at and l.job_id <> '' and l.metadata ? 'attempt'
        -- Each expression once a row.
        offset 0
    ),

    folded as materialized (
        select t.event, t.job_type, t.models, t.ran, t.conflict, t.lost,
            case when t.seconds is not null then round(ln(greatest(t.seconds, 0.001)) * 25) end as length,
            count(*) as n, sum(t.seconds) as total, max(t.seconds) as highest,
            sum(least(t.seconds, t.since)) filter (where t.ran) as busy
        from taken as t
        group by t.event, t.job_type, t.models, t.ran, t.conflict, t.lost, length
    ),

    named as materialized (
        select u.kind, u.name, u.event, u.ran, u.length, sum(u.n) as n, sum(u.n) filter (where u.conflict) as conflicts,
            sum(u.n) filter (where u.lost) as losses, sum(u.total) as total, max(u.highest) as highest, sum(u.busy) as busy
        from (
            select 'model' as kind, m as name, f.* from folded as f cross join lateral jsonb_array_elements_text(f.models) as m
            union all
            select 'job_type', f.job_type, f.* from folded as f
        ) as u
        group by u.kind, u.name, u.event, u.ran, u.length
    ),

    lengths as (
        select n.kind, n.name, n.ran, n.length, sum(n.n) as n
        from named as n where n.ran or n.event = 'started' group by n.kind, n.name, n.ran, n.length
    ),

    placed as (
        select l.*, sum(l.n) over (partition by l.kind, l.name, l.ran order by l.length) as upto,
            sum(l.n) over (partition by l.kind, l.name, l.ran) as total
        from lengths as l
    ),

    percentiles as (
        select q.kind, q.name, q.ran, jsonb_build_object(
            'p50', round(exp(min(q.length) filter (where q.upto >= q.total * 0.5) / 25)::numeric, 3),
            'p95', round(exp(min(q.length) filter (where q.upto >= q.total * 0.95) / 25)::numeric, 3),
            'p99', round(exp(min(q.length) filter (where q.upto >= q.total * 0.99) / 25)::numeric, 3)
        ) as answer
        from placed as q group by q.kind, q.name, q.ran
    )

    select n.kind, n.name,
        jsonb_build_object(
            'entered', coalesce(sum(n.n) filter (where n.event in ('queued', 'blocked')), 0),
            'conflicts', coalesce(sum(n.conflicts), 0),
            'started', coalesce(sum(n.n) filter (where n.event = 'started'), 0),
            'completed', coalesce(sum(n.n) filter (where n.event = 'completed'), 0),
            'failed', coalesce(sum(n.n) filter (where n.event = 'failed'), 0),
            'cancelled', coalesce(sum(n.n) filter (where n.event = 'cancelled'), 0),
            'expired', coalesce(sum(n.n) filter (where n.event = 'expired'), 0),
            'retries', coalesce(sum(n.n) filter (where n.event = 'retry_scheduled'), 0),
            'released', coalesce(sum(n.n) filter (where n.event = 'released' and n.ran), 0),
            'lease_losses', coalesce(sum(n.losses), 0)
        ),
        jsonb_build_object(
            'count', coalesce(sum(n.n) filter (where n.event = 'started'), 0),
            'mean', round((sum(n.total) filter (where n.event = 'started') / sum(n.n) filter (where n.event = 'started'))::numeric, 3),
            'p50', null, 'p95', null, 'p99', null,
            'max', round((max(n.highest) filter (where n.event = 'started'))::numeric, 3)
        ) || coalesce((select p.answer from percentiles as p where p.kind = n.kind and p.name = n.name and not p.ran), '{}'),
        jsonb_build_object(
            'count', coalesce(sum(n.n) filter (where n.ran), 0),
            'mean', round((sum(n.total) filter (where n.ran) / sum(n.n) filter (where n.ran))::numeric, 3),
            'p50', null, 'p95', null, 'p99', null,
            'max', round((max(n.highest) filter (where n.ran))::numeric, 3)
        ) || coalesce((select p.answer from percentiles as p where p.kind = n.kind and p.name = n.name and p.ran), '{}'),
        coalesce(sum(n.total) filter (where not n.ran), 0), coalesce(sum(n.busy), 0)
    from named as n
    group by n.kind, n.name;
$$;

comment on function job_queue.measured(timestamptz, timestamptz) is 'What the log says of a time, by model and by job type.';

create or replace function public.job_queue_metrics(since timestamptz default null) returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    moment timestamptz := clock_timestamp();
    asked timestamptz := coalesce(since, moment - interval '1 hour');
    known_from timestamptz;
    whole_from timestamptz;
    capped_from timestamptz;
    begin_at timestamptz;
    minutes numeric;
    answer jsonb;
begin
    if not isfinite(asked) or asked > moment then
        perform job_queue.refuse('JQ007', format('since is %s, not a time in the past.', asked),
                                 'Give a time with its zone, for example "2026-11-24T12:00:00Z", or null for the last hour.');
    end if;

    -- What retention removed and what was before the first event is no part of the answer; nor more than the newest 500,000 events.
    select m.log_whole_from into known_from from public.job_queue_marks as m where m.id = 1;
    select greatest(known_from, l.created_at) into whole_from
    from public.job_queue_log as l where l.created_at > known_from order by l.created_at limit 1;
    select l.created_at into capped_from
    from public.job_queue_log as l where l.created_at >= asked and l.created_at <= moment
    order by l.created_at desc offset 500000 limit 1;
    begin_at := least(greatest(asked, whole_from, capped_from), moment);
    minutes := greatest(extract(epoch from moment - begin_at) / 60, 0.001);

    with measured as materialized (
        select m.*, jsonb_build_object(
            'waits', m.waits, 'runs', m.runs, 'events', m.counts, 'seconds_waited', round(m.waited::numeric, 3),
            'starts_per_minute', round((m.counts ->> 'started')::numeric / minutes, 3),
            'completions_per_minute', round((m.counts ->> 'completed')::numeric / minutes, 3)
        ) as answer
        from job_queue.measured(begin_at, moment) as m
    ),

    models as (
        select coalesce(m.name, b.model) as name, coalesce(m.waited, 0) as waited,
            coalesce(m.answer, '{}') || jsonb_build_object(
                'model', coalesce(m.name, b.model), 'capacity', c.capacity,
                'busy_seconds', round((coalesce(m.busy, 0) + coalesce(b.seconds, 0))::numeric, 3),
                'utilisation', round((coalesce(m.busy, 0) + coalesce(b.seconds, 0))::numeric / nullif(t.seconds, 0), 4)
            ) as answer
        from (select * from measured as k where k.kind = 'model') as m
        full join job_queue.busy_times(begin_at, moment) as b on b.model = m.name collate "C"
        left join public.job_queue_models as c on c.model = coalesce(b.model, m.name collate "C")
        left join job_queue.seat_times(begin_at, moment) as t on t.model = c.model
    )

    select jsonb_build_object(
        'now', moment, 'since', asked, 'from', begin_at, 'complete', asked >= known_from and capped_from is null, 'log_from', whole_from,
        'seconds', round(minutes * 60, 3),
        'totals', jsonb_build_object(
            'events', coalesce((
                select jsonb_object_agg(t.key, t.n) from (
                    select e.key, sum(e.value::numeric) as n
                    from measured as m cross join lateral jsonb_each(m.counts) as e where m.kind = 'job_type' group by e.key
                ) as t
            ), '{}'),
            'starts_per_minute', (select coalesce(sum((m.answer ->> 'starts_per_minute')::numeric), 0) from measured as m where m.kind = 'job_type'),
            'completions_per_minute', (select coalesce(sum((m.answer ->> 'completions_per_minute')::numeric), 0) from measured as m where m.kind = 'job_type')
        ),
        -- Those that are waited for most, first.
        'models', coalesce((
            select jsonb_agg(m.answer order by m.waited desc, m.name) from (
                select * from models as n order by n.waited desc, n.name limit 1000
            ) as m
        ), '[]'),
        'job_types', coalesce((
            select jsonb_agg(m.answer || jsonb_build_object('job_type', m.name) order by m.name)
            from measured as m where m.kind = 'job_type'
        ), '[]')
    ) into answer;
    return answer;
end;
$$;

comment on function public.job_queue_metrics(timestamptz) is
    'Waits, runs, throughput, outcomes and utilisation by model and by job type since a time (null: the last hour), from the log. docs/reference/rpc.md. '
    'Example: select job_queue_metrics(now() - interval ''1 day'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 055_job_queue_checkpoint.sql

create or replace function public.job_queue_checkpoint(
    job_id text, token bigint, step integer, output jsonb default null, options jsonb default '{}'
) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    j public.job_queue_jobs;
    answer jsonb;
    locked text[];
    held text[];
    going_to integer;
    next_needs text[];
    verdict text;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{request_id,next_step,steps}');
    if step is null or step not between 0 and 99 then
        perform job_queue.refuse('JQ007', format('The step is %s.', coalesce(step::text, 'null')), 'Steps are counted from 0; a job has 100 at most.');
    end if;
    going_to := job_queue.whole_number_of('next_step', options -> 'next_step', step + 1, 100, step + 1);
    output := job_queue.check_size('The output', output);
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into locked from public.job_queue_jobs as k where k.job_id = job_queue_checkpoint.job_id;
    perform job_queue.lock_models(locked, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_checkpoint.job_id for no key update;
    verdict := case
        when j.job_id is null then 'unknown_job'
        when j.token is distinct from job_queue_checkpoint.token then 'stale'
        -- Its own checkpoint, sent again after it went back into line with it.
        when j.status in ('waiting', 'delayed') and j.current_step > step then 'waiting'
        when j.status <> 'running' then 'not_running'
        else 'saved'
    end;

    if verdict = 'saved' then
        j := job_queue.give_steps(j, options -> 'steps');
    end if;
    if verdict = 'saved' and (j.steps is null or step > j.current_step) then
        perform job_queue.refuse('JQ007',
            case when j.steps is null then 'The job has no steps.'
                 else format('Step %s is not the current one, which is %s.', step, j.current_step) end,
            'Save the checkpoint of the current step, in order; a job gets its steps when it enters, or with its first checkpoint (options.steps).');
    elsif verdict = 'saved' and step = j.current_step then
        if going_to > jsonb_array_length(j.steps) then
            perform job_queue.refuse('JQ007', format('next_step is %s.', going_to),
                                     format('The job has %s steps, counted from 0.', jsonb_array_length(j.steps)));
        end if;
        insert into public.job_queue_checkpoints (job_id, step, output)
        values (j.job_id, job_queue_checkpoint.step, job_queue_checkpoint.output);
        delete from public.job_queue_callbacks as c where c.job_id = j.job_id;
        held := array(select l.model from public.job_queue_lines as l where l.job_id = j.job_id);
        next_needs := job_queue.needs_of(j.models, j.holding, j.steps, going_to);
        update public.job_queue_jobs as k
        set current_step = going_to, needs = next_needs, attempts_before = j.attempt - 1
        where k.job_id = j.job_id;
        delete from public.job_queue_lines as l
        where l.job_id = j.job_id and j.holding <> 'whole_run' and l.model <> all (job_queue.lines_of(next_needs, s));

        if j.holding <> 'per_step' or next_needs <@ held then
            perform job_queue.log_event(array[j.job_id], 'checkpoint', jsonb_build_object('step', step));
            perform job_queue.settle(locked);
        elsif j.cancel_requested_at is not null then
            -- Where it would have to take other models is a good place to stop a job that is to be cancelled.
            verdict := 'cancelled';
            perform job_queue.leave(array[j.job_id], 'cancelled', jsonb_build_object('step', step));
            perform job_queue.settle(locked);
        else
            -- Back in line for the models of the next step, at its own place; if that is its turn at once, the run goes on.
            update public.job_queue_jobs as k
            set status = 'waiting', lease_until = null, attempt = j.attempt - 1, waits_since = clock_timestamp()
            where k.job_id = j.job_id;
            perform job_queue.enter(array[j.job_id], s);
            perform job_queue.settle(locked, array[j.job_id]);
            update public.job_queue_jobs as k
            set status = 'running', runnable = false, lease_until = j.lease_until, attempt = j.attempt, waits_since = j.waits_since
            where k.job_id = j.job_id and k.status = 'waiting' and k.runnable;
            if found then
                perform job_queue.count_starts(array[j.job_id], held);
                perform job_queue.log_event(array[j.job_id], 'checkpoint', jsonb_build_object('step', step));
            else
                verdict := 'waiting';
                perform job_queue.log_event(array[j.job_id], 'released', jsonb_build_object('step', step));
            end if;
        end if;
        perform job_queue.mirror(array[j.job_id]);
        perform job_queue.mirror_checkpoint(array[j.job_id], step, job_queue.checkpoint_of(j.steps, step, output, clock_timestamp()));
        if s.max_active_jobs = 1 then
            perform job_queue.refresh_state(s, begun => true);
        end if;
    end if;

    select jsonb_build_object(
        'result', verdict, 'status', k.status, 'current_step', k.current_step,
        'models', case when k.status = 'running' then array(
            select l.model from public.job_queue_lines as l where l.job_id = k.job_id and l.model <> '' order by l.model
        ) else '{}' end
    ) || case when verdict = 'waiting' then job_queue.place(k.job_id) else '{}' end
    into answer
    from public.job_queue_jobs as k where k.job_id = job_queue_checkpoint.job_id;
    return job_queue.remember(options ->> 'request_id', coalesce(answer, jsonb_build_object('result', verdict)));
end;
$$;

comment on function public.job_queue_checkpoint(text, bigint, integer, jsonb, jsonb) is
    'Saves the output of the current step (from 0) of a running job and goes to the next: gives models back and takes the next step''s, as its holding rule says. '
    'docs/reference/rpc.md. Example: select job_queue_checkpoint(''job-42'', 7, 0, ''{"image_url": "https://example.com/1.png"}'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 056_job_queue_retry.sql

create or replace function public.job_queue_retry(job_id text, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    j public.job_queue_jobs;
    own text[];
    own_steps jsonb;
    needs text[];
    answer jsonb;
    attempts integer;
    due timestamptz;
    new_deadline timestamptz;
    moment timestamptz;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{request_id,attempts,run_at,deadline}');
    attempts := job_queue.whole_number_of('attempts', options -> 'attempts', 1, 100, 1);
    due := job_queue.time_of('run_at', options -> 'run_at');
    new_deadline := job_queue.time_of('deadline', options -> 'deadline');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    -- Under the models' own names as they are now: an alias may have been set since it ended.
    select job_queue.own_names(to_jsonb(k.models)) into own
    from public.job_queue_jobs as k where k.job_id = job_queue_retry.job_id;
    needs := job_queue.lines_of(own, s);
    perform job_queue.lock_models(needs, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_retry.job_id for no key update;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; finished jobs stay known as long as the log is kept.');
    end if;

    if j.status = 'completed' then
        answer := jsonb_build_object('result', 'completed', 'status', j.status);
    elsif j.status not in ('failed', 'cancelled') then
        answer := jsonb_build_object('result', 'unfinished', 'status', j.status);
    else
        moment := clock_timestamp();
        own_steps := case when j.steps is not null then job_queue.check_steps(j.steps) end;
        update public.job_queue_jobs as k
        set models = own, steps = own_steps, needs = job_queue.needs_of(own, k.holding, own_steps, k.current_step),
            status = case when due > moment then 'delayed' else 'waiting' end,
            due_at = case when due > moment then due end,
            deadline = coalesce(new_deadline, case when k.deadline > moment then k.deadline end),
            max_attempts = k.attempt + attempts,
            waits_since = greatest(moment, due), finished_at = null, cancel_requested_at = null, result = null, error = null, progress = 0, progress_note = null
        where k.job_id = j.job_id;
        if due > moment is not true then
            perform job_queue.enter(array[j.job_id], s);
            perform job_queue.settle(needs, array[j.job_id]);
        end if;
        perform job_queue.log_event(array[j.job_id], 'retried', jsonb_build_object(
            'by', job_queue.caller(), 'max_attempts', j.attempt + attempts, 'max_attempts_before', j.max_attempts));
        perform job_queue.mirror(array[j.job_id]);
        select jsonb_build_object('result', 'retried', 'status', k.status) || job_queue.place(k.job_id) into answer
        from public.job_queue_jobs as k where k.job_id = j.job_id;
    end if;
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_retry(text, jsonb) is
    'Brings a failed or cancelled job back to the place in line that it had, with its checkpoints and (attempts, 1-100, default 1) more attempts. '
    'docs/reference/rpc.md. Example: select job_queue_retry(''job-42'', ''{"attempts": 3}'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 057_job_queue_reprioritize.sql

create or replace function public.job_queue_reprioritize(job_id text, priority integer) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    j public.job_queue_jobs;
    needs text[];
    new_key timestamptz;
begin
    perform job_queue.check_job_id(job_id);
    if priority is null or priority not between -100 and 100 then
        perform job_queue.refuse('JQ007', format('The priority is %s.', coalesce(priority::text, 'null')),
                                 'Give a whole number from -100 to 100.');
    end if;
    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into needs from public.job_queue_jobs as k where k.job_id = job_queue_reprioritize.job_id;
    perform job_queue.lock_models(needs, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_reprioritize.job_id for no key update;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; finished jobs stay known as long as the log is kept.');
    end if;
    if j.status in ('completed', 'failed', 'cancelled') then
        return jsonb_build_object('result', 'finished', 'status', j.status);
    end if;

    if j.priority <> job_queue_reprioritize.priority then
        new_key := j.entered_at - job_queue_reprioritize.priority * s.priority_step;
        update public.job_queue_jobs as k
        set priority = job_queue_reprioritize.priority, line_key = new_key
        where k.job_id = j.job_id;
        update public.job_queue_lines as l set line_key = new_key where l.job_id = j.job_id;
        if j.status = 'waiting' then
            perform job_queue.settle(needs, array[j.job_id]);
        end if;
        perform job_queue.log_event(array[j.job_id], 'reprioritized', jsonb_build_object(
            'by', job_queue.caller(), 'priority', job_queue_reprioritize.priority, 'priority_before', j.priority));
        perform job_queue.mirror(array[j.job_id]);
    end if;
    return (
        select jsonb_build_object('result', 'reprioritized', 'status', k.status, 'priority', k.priority) || job_queue.place(k.job_id)
        from public.job_queue_jobs as k where k.job_id = j.job_id
    );
end;
$$;

comment on function public.job_queue_reprioritize(text, integer) is
    'Gives a job another priority (-100 to 100) and the place in line that it would have had with it from the start. docs/reference/rpc.md. '
    'Example: select job_queue_reprioritize(''job-42'', 10)';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 058_job_queue_replay.sql

-- Rule 11 of the design, as a function: the log alone must say what every job is and which models it holds.

create or replace function job_queue.replayed(ids text[]) returns table (
    job_id text, covered boolean, status text, attempt integer, token bigint, worker_id text, held text[], last_at timestamptz, wrong text
)
language plpgsql
stable
set search_path = ''
set jit = off
as $$
#variable_conflict use_column
declare
    e record;
    came_from text;
begin
    for e in
        select l.job_id, l.event_type, l.models, l.metadata, l.created_at, l.seq
        from public.job_queue_log as l
        where l.job_id = any (ids)
          -- The predecessor's rows, and those that others write, are not the engine's events.
          and l.metadata ? 'attempt' and l.metadata ? 'status'
        order by l.job_id, l.seq
    loop
        if e.job_id is distinct from job_id then
            if job_id is not null then
                return next;
            end if;
            job_id := e.job_id;
            -- The first event of all is an entry, or a start at once.
            covered := e.event_type in ('queued', 'blocked') and not e.metadata ?| '{due,resumed,paused,callback}'
                       and (e.metadata -> 'attempt' = '0' or e.metadata ? 'adopted')
                       or e.event_type = 'started' and e.metadata -> 'attempt' = '1';
            status := null;
            -- Another system may have tried it before.
            attempt := case when e.metadata ? 'adopted' then (e.metadata ->> 'attempt')::integer else 0 end;
            token := null;
            worker_id := null;
            held := '{}';
            wrong := null;
        end if;
        came_from := coalesce(status, 'new');
        last_at := e.created_at;

        if wrong is null and covered and not (came_from = any (case e.event_type
            when 'queued' then '{new,waiting,delayed}'
            when 'blocked' then '{new,waiting,delayed}'
            when 'started' then '{new,waiting}'
            when 'expired' then '{waiting,delayed}'
            when 'cancelled' then '{waiting,delayed,running}'
            when 'retried' then '{failed,cancelled}'
            when 'skipped' then '{waiting}'
            when 'reprioritized' then '{waiting,delayed,running}'
            else '{running}'
        end::text[])) then
            wrong := format('event %s (%s) of a job that was %s', e.seq, e.event_type, came_from);
        end if;

        case
            when e.event_type = 'started' then
                status := 'running';
                attempt := attempt + 1;
                if wrong is null and covered and (e.metadata ->> 'token')::bigint <= token then
                    wrong := format('event %s (started) has no new token', e.seq);
                end if;
                token := (e.metadata ->> 'token')::bigint;
                worker_id := e.metadata ->> 'worker_id';
                held := array(select jsonb_array_elements_text(coalesce(e.metadata -> 'needs', e.models)));
            when e.event_type in ('completed', 'failed', 'cancelled') then status := e.event_type;
            when e.event_type = 'expired' then status := 'failed';
            when e.event_type in ('cancel_requested', 'reprioritized') or e.metadata ? 'released_models' then
                held := array(select unnest(held) except select jsonb_array_elements_text(e.metadata -> 'released_models'));
            when e.event_type = 'checkpoint' then
                -- A step's own models are taken anew; otherwise those that are still needed are kept.
                held := array(
                    select m from jsonb_array_elements_text(coalesce(e.metadata -> 'needs', e.models)) as m
                    where m = any (held) or e.metadata ->> 'holding' = 'per_step'
                );
            when e.event_type = 'released' then
                attempt := attempt - 1;
                status := e.metadata ->> 'status';
            else
                status := e.metadata ->> 'status';
        end case;
        if status <> 'running' then
            held := '{}';
        end if;

        if not covered then
            attempt := (e.metadata ->> 'attempt')::integer;
        elsif wrong is null and (e.metadata ->> 'status' <> status or (e.metadata ->> 'attempt')::integer <> attempt
                                 or (e.metadata ->> 'token')::bigint is distinct from token) then
            wrong := format('event %s (%s) says %s, attempt %s, token %s; the events before it make %s, attempt %s, token %s', e.seq, e.event_type,
                            e.metadata ->> 'status', e.metadata ->> 'attempt', e.metadata ->> 'token', status, attempt, token);
        end if;
    end loop;
    if job_id is not null then
        return next;
    end if;
end;
$$;

comment on function job_queue.replayed(text[]) is
    'What the events of these jobs, in order, make of each: its state, the models it holds, and the first event that cannot follow those before it.';

create or replace function job_queue.compared(ids text[]) returns table (job_id text, covered boolean, differences jsonb)
language sql
stable
set search_path = ''
set jit = off
as $$
    select i.id, known.covered,
        case when known.covered then (
            select jsonb_agg(jsonb_build_object('job_id', i.id, 'what', d.what, 'log', d.log, 'table', d.stored) order by d.what)
            from (values
                ('events', coalesce(r.wrong, case when not r.covered then 'the first event is missing' end), null),
                ('status', r.status, j.status),
                ('attempt', r.attempt::text, j.attempt::text),
                ('token', r.token::text, j.token::text),
                ('worker_id', case when r.status = 'running' then r.worker_id end, case when j.status = 'running' then j.worker_id end),
                ('held', (select string_agg(m, ', ' order by m collate "C") from unnest(r.held) as m), seats.held)
            ) as d (what, log, stored)
            where d.log is distinct from d.stored
        ) end
    from unnest(ids) as i (id)
    left join job_queue.replayed(ids) as r on r.job_id = i.id
    left join public.job_queue_jobs as j on j.job_id = i.id collate "C"
    left join public.job_queue_marks as s on s.id = 1
    left join lateral (
        select string_agg(l.model, ', ' order by l.model) as held
        from public.job_queue_lines as l
        where l.job_id = j.job_id and j.status = 'running' and l.seat is not null and l.model <> ''
    ) as seats on true
    -- What began before the oldest event that is kept cannot be judged.
    cross join lateral (
        select coalesce(r.covered, false) and j.job_id is not null
            or coalesce(j.entered_at, r.last_at) > s.log_whole_from as covered
    ) as known
    where r.job_id is not null or j.job_id is not null;
$$;

comment on function job_queue.compared(text[]) is 'The differences between what the log makes of these jobs and what the tables say; null where there is none.';

create or replace function public.job_queue_replay(options jsonb default '{}') returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    after text := options ->> 'after';
    at_most integer;
    of_jobs boolean;
    ids text[];
    answer jsonb;
begin
    perform job_queue.check_keys('options', options, '{after,max_jobs}');
    at_most := job_queue.whole_number_of('max_jobs', options -> 'max_jobs', 1, 10000, 1000);
    if after is not null and after !~ '^(jobs|log):' then
        perform job_queue.refuse('JQ007', 'after is not a place to go on from.', 'Give the "next" of the answer before, or leave it out to begin.');
    end if;
    of_jobs := after is null or after like 'jobs:%';
    after := coalesce(substring(after from ':(.*)$'), '');

    -- First the jobs that the tables know, then those that only the log knows; each by its own index.
    if of_jobs then
        ids := array(
            select j.job_id from public.job_queue_jobs as j where j.job_id > after collate "C" order by j.job_id limit at_most
        );
    else
        ids := array(
            with recursive found as (
                (select l.job_id, 1 as n from public.job_queue_log as l where l.job_id > after order by l.job_id limit 1)
                union all
                select (select l.job_id from public.job_queue_log as l where l.job_id > f.job_id order by l.job_id limit 1), f.n + 1
                from found as f where f.job_id is not null and f.n < at_most
            )

            select f.job_id from found as f where f.job_id is not null
        );
    end if;

    with seen as materialized (
        select c.* from job_queue.compared(ids) as c
        where of_jobs or not exists (select from public.job_queue_jobs as j where j.job_id = c.job_id collate "C")
    )

    select jsonb_build_object(
        'checked', count(*) filter (where c.covered), 'not_covered', count(*) filter (where not c.covered),
        'differences', coalesce((
            select jsonb_agg(d.value) from (
                select e.value from seen as x, jsonb_array_elements(x.differences) as e limit 1000
            ) as d
        ), '[]')
    ) into answer
    from seen as c;
    return answer || jsonb_build_object(
        'consistent', answer -> 'differences' = '[]',
        'next', case
            when cardinality(ids) = at_most then case when of_jobs then 'jobs:' else 'log:' end || ids[at_most]
            when of_jobs then 'log:'
        end
    );
end;
$$;

comment on function public.job_queue_replay(jsonb) is
    'Audit: rebuilds the jobs and the models they hold from job_queue_log alone, up to max_jobs a call, and says where the tables differ. '
    'docs/reference/rpc.md. Example: select job_queue_replay(''{"max_jobs": 1000}'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 059_job_queue_await.sql

create or replace function public.job_queue_await(job_id text, token bigint, step integer, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    j public.job_queue_jobs;
    c public.job_queue_callbacks;
    answer jsonb;
    locked text[];
    seconds numeric;
    keep boolean;
    kept_note jsonb;
    verdict text;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{request_id,within_seconds,keep_models,note,steps}');
    if step is null or step not between 0 and 99 then
        perform job_queue.refuse('JQ007', format('The step is %s.', coalesce(step::text, 'null')), 'Steps are counted from 0; a job has 100 at most.');
    end if;
    seconds := job_queue.number_of('within_seconds', options -> 'within_seconds', 1, 31536000, 86400);
    keep := job_queue.flag_of('keep_models', options -> 'keep_models', false);
    kept_note := job_queue.check_size('The note', options -> 'note');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into locked from public.job_queue_jobs as k where k.job_id = job_queue_await.job_id;
    perform job_queue.lock_models(locked, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_await.job_id for no key update;
    select * into c from public.job_queue_callbacks as k where k.job_id = j.job_id and k.step = job_queue_await.step;
    verdict := case
        when j.job_id is null then 'unknown_job'
        when j.token is distinct from job_queue_await.token then 'stale'
        -- Its own call, sent again after it gave up its lease with it.
        when j.status in ('waiting', 'delayed') and c.until is not null then 'waiting'
        when j.status <> 'running' then 'not_running'
    end;

    if verdict is null then
        j := job_queue.give_steps(j, options -> 'steps');
        if j.steps is null or step <> j.current_step then
            perform job_queue.refuse('JQ007',
                case when j.steps is null then 'The job has no steps.'
                     else format('Step %s is not the current one, which is %s.', step, j.current_step) end,
                'Wait in the current step; a job gets its steps when it enters, or with its first call (options.steps).');
        end if;
        -- A wait that another run began goes on, with its bound and its token: what was submitted then still answers to that.
        if c.until is null then
            insert into public.job_queue_callbacks as k (job_id, step, token, until, note)
            values (j.job_id, job_queue_await.step, j.token, clock_timestamp() + make_interval(secs => seconds), kept_note)
            on conflict on constraint job_queue_callbacks_pkey do update
            set token = excluded.token, until = excluded.until, note = excluded.note
            returning * into c;
        end if;
        if c.received_at is not null then
            verdict := 'arrived';
        elsif c.until <= clock_timestamp() then
            verdict := 'timed_out';
        elsif j.cancel_requested_at is not null then
            -- Where it would only wait is a good place to stop a job that is to be cancelled.
            verdict := 'cancelled';
            perform job_queue.leave(array[j.job_id], 'cancelled', jsonb_build_object('awaits', step));
            perform job_queue.settle(locked);
        elsif keep then
            verdict := 'held';
        else
            verdict := 'waiting';
            delete from public.job_queue_lines as l where l.job_id = j.job_id;
            update public.job_queue_jobs as k
            set status = 'delayed', due_at = c.until, lease_until = null, attempt = j.attempt - 1, waits_since = c.until
            where k.job_id = j.job_id;
            perform job_queue.log_event(array[j.job_id], 'released', jsonb_build_object('awaits', step));
            perform job_queue.settle(locked);
        end if;
        if verdict in ('cancelled', 'waiting') then
            perform job_queue.mirror(array[j.job_id]);
            perform job_queue.refresh_state(s, array[j.job_id]);
        end if;
    end if;

    select jsonb_build_object('result', verdict, 'status', k.status, 'until', c.until)
        || case when verdict = 'arrived' then jsonb_build_object('payload', c.payload) else '{}' end
    into answer
    from public.job_queue_jobs as k where k.job_id = job_queue_await.job_id;
    return job_queue.remember(options ->> 'request_id', coalesce(answer, jsonb_build_object('result', verdict)));
end;
$$;

comment on function public.job_queue_await(text, bigint, integer, jsonb) is
    'The current step of a running job waits for a callback: gives up the lease and the models until it comes, or (keep_models) goes on under the lease. '
    'docs/reference/rpc.md. Example: select job_queue_await(''job-42'', 7, 1, ''{"within_seconds": 600, "note": {"request": "r-1"}}'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 060_job_queue_callback.sql

create or replace function public.job_queue_callback(
    job_id text, step integer, payload jsonb default null, options jsonb default '{}'
) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    j public.job_queue_jobs;
    c public.job_queue_callbacks;
    moment timestamptz;
    answer jsonb;
    locked text[];
    extend numeric;
    verdict text;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{request_id,token,extend_seconds}');
    if step is null or step not between 0 and 99 then
        perform job_queue.refuse('JQ007', format('The step is %s.', coalesce(step::text, 'null')), 'Steps are counted from 0; a job has 100 at most.');
    end if;
    if options ? 'token' then
        perform job_queue.check_token(options -> 'token');
    end if;
    extend := job_queue.number_of('extend_seconds', options -> 'extend_seconds', 1, 31536000, null);
    payload := job_queue.check_size('The payload', payload);
    if extend is not null and payload is not null then
        perform job_queue.refuse('JQ007', 'The call has a payload and extend_seconds.', 'Bring the payload, or extend the wait.');
    end if;
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into locked from public.job_queue_jobs as k where k.job_id = job_queue_callback.job_id;
    perform job_queue.lock_models(locked, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_callback.job_id for no key update;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; finished jobs stay known as long as the log is kept.');
    end if;
    select * into c from public.job_queue_callbacks as k where k.job_id = j.job_id and k.step = job_queue_callback.step;
    moment := clock_timestamp();
    verdict := case
        when j.status in ('completed', 'failed', 'cancelled') then 'finished'
        when step < j.current_step then 'step_done'
        -- While nobody waits yet, what may bring it is the run that is under way: after a retry, what the try before submitted is no answer.
        when options ? 'token' and (options ->> 'token')::bigint is distinct from
            coalesce(c.token, case when j.status = 'running' then j.token end) then 'stale'
        when c.received_at is not null then 'received_before'
        when extend is not null and (c.until is null or c.until <= moment) then 'not_waiting'
        when extend is not null then 'extended'
        else 'received'
    end;
    if verdict in ('received', 'extended') and (step > j.current_step or j.job_type <> 'workflow' and j.steps is null) then
        perform job_queue.refuse('JQ007',
            case when j.job_type <> 'workflow' and j.steps is null then 'The job is not a workflow.'
                 else format('Step %s has not begun; the current one is %s.', step, j.current_step) end,
            'Send the callback of the step that asked for it.');
    end if;

    if verdict = 'extended' then
        update public.job_queue_callbacks as k set until = moment + make_interval(secs => extend)
        where k.job_id = j.job_id and k.step = c.step;
        update public.job_queue_jobs as k
        set due_at = moment + make_interval(secs => extend), waits_since = moment + make_interval(secs => extend)
        where k.job_id = j.job_id and k.status = 'delayed' and k.due_at = c.until;
        perform job_queue.mirror(array[j.job_id]);
    elsif verdict = 'received' then
        insert into public.job_queue_callbacks as k (job_id, step, payload, received_at)
        values (j.job_id, job_queue_callback.step, job_queue_callback.payload, moment)
        on conflict on constraint job_queue_callbacks_pkey do update set payload = excluded.payload, received_at = excluded.received_at;
        if j.status = 'delayed' and j.due_at = c.until then
            -- Back to its own place; from now on it waits for its models.
            update public.job_queue_jobs as k set waits_since = moment where k.job_id = j.job_id;
            perform job_queue.enter(array[j.job_id], s);
            perform job_queue.log_event(array[j.job_id], 'queued', jsonb_build_object('callback', step));
            perform job_queue.settle(locked, array[j.job_id]);
            perform job_queue.mirror(array[j.job_id]);
        end if;
    end if;

    select jsonb_build_object('result', verdict, 'status', k.status) into answer
    from public.job_queue_jobs as k where k.job_id = j.job_id;
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_callback(text, integer, jsonb, jsonb) is
    'Brings what a step of a workflow waits for (job_queue_await), or extends its wait; kept where it comes before the step waits. '
    'docs/reference/rpc.md. Example: select job_queue_callback(''job-42'', 1, ''{"video_url": "https://example.com/1.mp4"}'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 061_job_queue_executions.sql

-- Private: the row in workflow_executions that each workflow has, and what it takes over of one that another system began.
--
-- One row a job, though nothing in the table says so: it is made by whoever inserted the job into job_queue_jobs, whose key it is, or
-- by a start, which has the job locked; each looks first whether there is one.

create or replace function job_queue.checkpoint_of(steps jsonb, step integer, output jsonb, saved_at timestamptz) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return jsonb_build_object(
        'step_name', steps #>> array[step::text, 'name'], 'status', 'completed', 'output', output, 'completed_at', saved_at);
end;
$$;

comment on function job_queue.checkpoint_of(jsonb, integer, jsonb, timestamptz) is 'A checkpoint as the predecessor kept it.';

create or replace function job_queue.mirrored_executions(ids text[]) returns table (
    job_id text, handler text, status text, required_models jsonb, blocked_by_job_id text, current_step integer, current_step_model text,
    total_steps integer, retry_count integer, error_info jsonb
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select m.job_id, j.handler, m.status, m.required_models, m.blocked_by_job_id,
        case when j.steps is not null or j.current_step > 0 then j.current_step end,
        case when m.status not in ('completed', 'failed', 'cancelled') then j.steps #>> array[j.current_step::text, 'models', '0'] end,
        jsonb_array_length(j.steps), greatest(j.attempt - 1, 0),
        case when j.error is not null and m.status <> 'running' then jsonb_build_object(
            'error', j.error, 'failed_step', j.steps #>> array[j.current_step::text, 'name'], 'failed_step_index', j.current_step,
            'model', j.steps #>> array[j.current_step::text, 'models', '0'], 'attempt', j.attempt, 'last_attempt', clock_timestamp()
        ) end
    from job_queue.mirrored(array(
        select k.job_id from public.job_queue_jobs as k where k.job_id = any (ids) and k.job_type = 'workflow'
    )) as m
    join public.job_queue_jobs as j on j.job_id = m.job_id;
end;
$$;

comment on function job_queue.mirrored_executions(text[]) is
    'What the mirrored columns of the executions of those of these jobs that are workflows say; null: what the row says already.';

create or replace function job_queue.checkpoints_to_begin_with(id text) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select case when j.payload is null then '{}' else jsonb_build_object('_input', j.payload) end || coalesce((
            select jsonb_object_agg(c.step, job_queue.checkpoint_of(j.steps, c.step, c.output, c.saved_at))
            from public.job_queue_checkpoints as c where c.job_id = j.job_id), '{}')
        from public.job_queue_jobs as j where j.job_id = id
    );
end;
$$;

comment on function job_queue.checkpoints_to_begin_with(text) is 'The checkpoints of a row that is only now made: the input and the steps done already.';

create or replace function job_queue.add_executions(ids text[]) returns void
language plpgsql
set search_path = ''
-- A new row waits for whoever has its user locked, and nobody may wait for that with lines locked.
set lock_timeout = '200ms'
as $$
declare
    state text;
    message text;
begin
    ids := array(select j.job_id from public.job_queue_jobs as j where j.job_id = any (ids) and j.job_type = 'workflow');
    begin
        perform job_queue.insert_executions(ids);
        return;
    exception when others then
        state := sqlstate;
        message := sqlerrm;
    end;
    if state like '42%' then
        perform job_queue.adapt_if_changed();
    end if;
    for n in 1..cardinality(ids) loop
        if state is distinct from '55P03' then
            begin
                perform job_queue.insert_executions(ids[n:n]);
                continue;
            exception when others then
                state := sqlstate;
                message := sqlerrm;
            end;
        end if;
        -- Under a code that is no reason to try the whole call again: the next start makes the row.
        perform job_queue.mirror_failed('workflow_executions', ids[n:n], case state when '55P03' then '55006' else state end, message);
    end loop;
end;
$$;

comment on function job_queue.add_executions(text[]) is
    'Makes the executions of those of these locked or new jobs that are workflows and have none, and adds the input to those that lack it. A table '
    'that refuses stops nothing.';

create or replace function job_queue.steps_done(checkpoints jsonb) returns integer
language plpgsql
immutable
set search_path = ''
as $$
declare
    done integer := 0;
    c jsonb;
begin
    if jsonb_typeof(checkpoints) is distinct from 'object' then
        return 0;
    end if;
    while done < 100 loop
        c := checkpoints -> done::text;
        exit when c is null or jsonb_typeof(c) = 'object' and c ? 'status' and c ->> 'status' is distinct from 'completed';
        done := done + 1;
    end loop;
    return done;
end;
$$;

comment on function job_queue.steps_done(jsonb) is 'How many steps from the first on these checkpoints of an execution say are done.';

create or replace function job_queue.adopt(ids text[], jobs jsonb) returns void
language plpgsql
set search_path = ''
as $$
declare
    e record;
begin
    ids := array(
        select j ->> 'job_id' from jsonb_array_elements(jobs) as j where j ->> 'job_type' = 'workflow' and j ->> 'job_id' = any (ids)
    );
    for e in
        -- Of several rows the one that has come furthest, of equals the latest.
        select distinct on (x.job_id) x.job_id, x.execution -> 'checkpoints' as checkpoints,
            least(job_queue.steps_done(x.execution -> 'checkpoints'), jsonb_array_length(j.steps)) as done
        from job_queue.executions_of(ids) as x
        join public.job_queue_jobs as j on j.job_id = x.job_id
        order by x.job_id, job_queue.steps_done(x.execution -> 'checkpoints') desc, x.execution ->> 'updated_at' desc nulls last
    loop
        insert into public.job_queue_checkpoints (job_id, step, output)
        select e.job_id, n, case when jsonb_typeof(c) = 'object' and c ? 'status' then c -> 'output' else c end
        from generate_series(0, e.done - 1) as n
        cross join lateral (select e.checkpoints -> n::text as c) as v;
        update public.job_queue_jobs as j
        set current_step = e.done, needs = job_queue.needs_of(j.models, j.holding, j.steps, e.done),
            payload = coalesce(j.payload, case when jsonb_typeof(e.checkpoints) = 'object' then nullif(e.checkpoints -> '_input', 'null') end)
        where j.job_id = e.job_id;
    end loop;
end;
$$;

comment on function job_queue.adopt(text[], jsonb) is
    'Those of these new jobs that are workflows, and that another system began, go on after the checkpoints in their executions.';

create or replace function job_queue.give_steps(j public.job_queue_jobs, steps jsonb) returns public.job_queue_jobs
language plpgsql
set search_path = ''
as $$
declare
    unknown text;
begin
    if j.steps is not null or coalesce(jsonb_typeof(give_steps.steps), 'null') = 'null' then
        return j;
    end if;
    steps := job_queue.under_own_names(jsonb_build_array(jsonb_build_object(
        'models', jsonb_path_query_array(job_queue.check_steps(give_steps.steps), '$[*].models[*]'),
        'steps', job_queue.check_steps(give_steps.steps)
    ))) -> 0 -> 'steps';
    select m #>> '{}' into unknown from jsonb_path_query(steps, '$[*].models[*]') as m where m #>> '{}' <> all (j.models) limit 1;
    if found then
        perform job_queue.refuse('JQ002', format('A step needs the model "%s", which the job does not hold.', left(unknown, 200)),
            format('It holds %s; a job whose steps are given late needs all their models from the start.', to_jsonb(j.models)));
    end if;
    update public.job_queue_jobs as k
    set steps = give_steps.steps, holding = 'whole_run', current_step = least(k.current_step, jsonb_array_length(give_steps.steps))
    where k.job_id = j.job_id
    returning k.* into j;
    return j;
end;
$$;

comment on function job_queue.give_steps(public.job_queue_jobs, jsonb) is
    'Gives a locked job that came without steps the ones that its worker knows; it holds its models as before. A job that has steps keeps them.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 090_job_queue_grants.sql

-- Every function of ours: for service_role alone; every sequence for nobody else. Run it again after any file above.

do $migration$
declare
    f regprocedure;
    s regclass;
begin
    for f in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = to_regnamespace('job_queue')
           or p.pronamespace = to_regnamespace('public') and p.proname like 'job\_queue\_%'
    loop
        execute format('revoke all on function %s from public, anon, authenticated', f);
        execute format('grant execute on function %s to service_role', f);
    end loop;
    -- In projects of before autumn 2026 whatever is created is granted to everybody, the sequence of an identity column too.
    for s in
        select c.oid::regclass from pg_catalog.pg_class as c
        where c.relnamespace = to_regnamespace('public') and c.relkind = 'S' and c.relname like 'job\_queue\_%'
    loop
        execute format('revoke all on sequence %s from public, anon, authenticated', s);
    end loop;
end;
$migration$;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 091_job_queue_adopt.sql

-- Brings the waiting jobs of an existing `jobs` table, which another system (the predecessor) had in line, into their lines in their old
-- order. It reads what that system left: statuses, queued_at and created_at, metadata, executions. docs/guides/adopting.md.

create or replace function job_queue.rows_to_adopt(
    statuses text[], ids text[], after_at timestamptz, after_id text, at_most integer
) returns table (job_id text, at timestamptz, job jsonb)
language plpgsql
stable
set search_path = ''
set enable_seqscan = on
set enable_bitmapscan = on
set enable_hashjoin = on
set enable_mergejoin = on
as $$
declare
    key pg_catalog.pg_attribute;
    old_time text;
begin
    select a.* into key from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind in ('r', 'p')
    where a.attrelid = to_regclass('public.jobs') and a.attname = 'job_id' and not a.attisdropped;
    if key.attnum is null or not exists (
        select from pg_catalog.pg_attribute as a where a.attrelid = key.attrelid and a.attname = 'status' and not a.attisdropped
    ) then
        perform job_queue.refuse('JQ007', format('There is nothing to adopt: this database has no table jobs%s.',
            case when to_regclass('public.jobs') is not null then ' with the columns job_id and status' else '' end),
            'Check that it is the right project; what another table holds is put in line with job_queue_enqueue.');
    end if;

    -- The old line's own order where it had put the job in line, else the order in which they came. Those without a time come last.
    select coalesce(string_agg(format('(case when isfinite(r.%1$I) then r.%1$I end)::timestamptz, ', a.attname), '' order by a.attname desc), '')
    into old_time
    from pg_catalog.pg_attribute as a
    where a.attrelid = key.attrelid and a.attname in ('queued_at', 'created_at') and not a.attisdropped
      and a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype);
    old_time := format('coalesce(%stimestamptz ''infinity'')', old_time);

    return query execute format($q$
        with picked as materialized (
            select r.job_id, %1$s as old_time
            from (select $2::text[] as ids) as given
            cross join public.jobs as r
            where r.status::text = any ($1) and %2$s
              and not exists (select from public.job_queue_jobs as k where k.job_id = r.job_id::text collate "C")
              and ($3 is null or (%1$s, r.job_id::text collate "C") > ($3, $4))
            order by old_time, r.job_id::text collate "C" limit $5
        )

        select p.job_id::text, p.old_time, to_jsonb(r) || jsonb_build_object('job_id', p.job_id::text)
        from picked as p
        join public.jobs as r on r.job_id = p.job_id
        order by p.old_time, p.job_id::text collate "C"
    $q$, old_time, case when ids is null then 'true' else format('r.job_id = any (%s)', (job_queue.own_ids(key.atttypid))[1]) end)
    using statuses, ids, after_at, after_id, at_most;
end;
$$;

comment on function job_queue.rows_to_adopt(text[], text[], timestamptz, text, integer) is
    'Rows of jobs with one of these statuses that the queue does not know, in their old order: those of ids, or the first after a time and an id.';

create or replace function job_queue.as_adopted(given jsonb, old_time timestamptz, workflows jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    of_workflow constant boolean := btrim(given ->> 'job_type') is not distinct from 'workflow';
    -- Of several rows the one that has come furthest first, as job_queue.adopt takes them.
    executions constant jsonb := case when of_workflow then (
        select jsonb_agg(x.execution order by job_queue.steps_done(x.execution -> 'checkpoints') desc, x.execution ->> 'updated_at' desc nulls last)
        from job_queue.executions_of(array[given ->> 'job_id']) as x) end;
    model text := nullif(btrim(given ->> 'model'), '');
    old_status constant text := given ->> 'status';
    choices jsonb[] := array[given -> 'required_models'];
    choice jsonb;
    refusal text;
    job jsonb;
    failures integer;
    due timestamptz;
begin
    if of_workflow then
        model := coalesce(model, nullif(btrim(executions #>> '{0,workflow_id}'), ''), nullif(btrim(given #>> '{metadata,workflow_id}'), ''));
        choices := choices || array(select e -> 'required_models' from jsonb_array_elements(executions) as e) || (workflows -> model);
    elsif model is not null then
        choices := choices || jsonb_build_array(model);
    end if;
    foreach choice in array choices loop
        continue when coalesce(jsonb_typeof(choice), 'null') = 'null';
        begin
            job := job_queue.arrival(given || jsonb_build_object('status', 'pending', 'model', model, 'required_models', choice));
            exit;
        exception when sqlstate 'JQ002' then
            refusal := coalesce(refusal, 'Its required_models are of no use: ' || sqlerrm);
        end;
    end loop;
    if job is null and of_workflow then
        perform job_queue.refuse('JQ002', concat_ws(' ', refusal, format('Nothing says which models the workflow "%s" needs.', coalesce(left(model, 200), ''))),
            format('Give them: {"workflows": {%s: ["a-model", "another"]}}.', to_jsonb(coalesce(model, ''))));
    elsif job is null then
        perform job_queue.refuse('JQ002', coalesce(refusal, 'The job names no model.'), 'Set required_models or model of its row.');
    end if;

    -- What the old system counted: for an execution its failed steps, for another job its resets; a run that was cut off counts too.
    select max(case when n ~ '^[0-9]{1,9}$' then n::integer end) into failures
    from (
        select given #>> '{metadata,pending_retry_count}' as n
        union all
        select e ->> 'retry_count' from jsonb_array_elements(executions) as e
    ) as c;
    failures := least(99, coalesce(failures, 0) + case when old_status = 'running' then 1 else 0 end);
    if old_status = 'pending_retry' then
        failures := greatest(failures, 1);
    end if;
    if old_status <> 'running' then
        begin
            -- A time without a zone is UTC there.
            due := job_queue.time_of('retry_after', to_jsonb((given #>> '{metadata,retry_after}')
                || case when given #>> '{metadata,retry_after}' ~ '(Z|[+-][0-9]{2}(:?[0-9]{2})?)$' then '' else 'Z' end));
        exception when sqlstate 'JQ007' then
            due := null;
        end;
    end if;

    return job || jsonb_build_object(
        'old_status', old_status, 'entered_at', old_time,
        -- The old line knew no priority, and in their old order is how they start.
        'priority', 0,
        'run_at', case when due > clock_timestamp() then due end,
        -- One attempt is left at least: nothing that is adopted fails unseen.
        'attempt', failures, 'max_attempts', greatest((job ->> 'max_attempts')::integer, failures + 1),
        -- An execution keeps its own error_info, which says more.
        'error', case when not of_workflow and failures > 0 then given ->> 'error_message' end,
        'current_step', (select max(job_queue.steps_done(e -> 'checkpoints')) from jsonb_array_elements(executions) as e),
        'payload', (
            select to_jsonb(i) from coalesce(given ->> 'image_url', given #>> '{metadata,input_image_url}') as i
            where of_workflow and octet_length(i) < 1000000
              and jsonb_path_exists(executions, '$[*].checkpoints._input') is not true
        )
    );
end;
$$;

comment on function job_queue.as_adopted(jsonb, timestamptz, jsonb) is
    'The checked job of a row that another system had in line, with what has become of it there; refuses (JQ002, JQ008) one whose models cannot be known.';

create or replace function job_queue.places_to_come(jobs jsonb) returns table (job_id text, queue_position integer)
language sql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
    with coming as materialized (
        select e ->> 'job_id' as job_id, line as model, least((e ->> 'entered_at')::timestamptz, clock_timestamp()) as line_key, n
        from jsonb_array_elements(jobs) with ordinality as t (e, n)
        cross join public.job_queue_settings as s
        cross join unnest(job_queue.lines_of(array(select jsonb_array_elements_text(e -> 'models')), s)) as line
        where s.id = 1 and e ->> 'run_at' is null
          and not exists (select from public.job_queue_models as m where m.paused and e -> 'models' ? m.model)
    ),

    places as (
        select o.job_id, row_number() over (partition by o.model order by o.line_key, o.n) as place
        from (
            select c.job_id, c.model, c.line_key, c.n from coming as c
            union all
            -- No further than job_queue.places counts.
            select null, f.model, f.line_key, 0
            from (select distinct c.model from coming as c) as d
            cross join lateral (
                select l.model, l.line_key, l.seat, l.job_id from public.job_queue_lines as l
                where l.model = d.model order by l.line_key, l.seq limit 10000
            ) as f
            left join public.job_queue_jobs as k on f.seat is not null and k.job_id = f.job_id
            where k.status is distinct from 'running'
        ) as o
    )

    select p.job_id, case when max(p.place) <= 10000 then max(p.place)::integer end
    from places as p where p.job_id is not null group by p.job_id;
$$;

comment on function job_queue.places_to_come(jsonb) is 'The queue_position that these jobs are going to have when they have entered.';

create or replace function public.job_queue_adopt(options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    answer jsonb;
    dry boolean;
    statuses text[] := '{pending,pending_retry,queued}';
    workflows jsonb := coalesce(nullif(options -> 'workflows', 'null'), '{}');
    at_most integer;
    after_at timestamptz;
    after_id text := substring(options ->> 'after' from ' (.*)$');
    seen text[];
    ids text[];
    next text;
    r record;
    jobs jsonb[] := '{}';
    refused jsonb[] := '{}';
    hint text;
    fresh text[];
    group_status text;
begin
    perform job_queue.check_keys('options', options, '{request_id,dry_run,running,workflows,max_jobs,after}');
    dry := job_queue.flag_of('dry_run', options -> 'dry_run', false);
    if job_queue.flag_of('running', options -> 'running', false) then
        statuses := statuses || 'running'::text;
    end if;
    at_most := job_queue.whole_number_of('max_jobs', options -> 'max_jobs', 1, 1000, 1000);
    perform job_queue.check_keys('workflows', workflows, array(select jsonb_object_keys(workflows) where jsonb_typeof(workflows) = 'object'));
    perform job_queue.check_models(w.value, false) from jsonb_each(workflows) as w;
    if options ->> 'after' is not null then
        begin
            after_at := split_part(options ->> 'after', ' ', 1)::timestamptz;
        exception when invalid_datetime_format or datetime_field_overflow then
            after_id := null;
        end;
        if after_id is null then
            perform job_queue.refuse('JQ007', 'after is not a place to go on from.', 'Give the "next" of the answer before, or leave it out to begin.');
        end if;
    end if;
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    select coalesce(array_agg(w.job_id order by w.n), '{}'),
        (array_agg(to_jsonb(w.at) #>> '{}' || ' ' || w.job_id order by w.n))[at_most]
    into seen, next
    from job_queue.rows_to_adopt(statuses, null, after_at, after_id, at_most) with ordinality as w (job_id, at, job, n);
    -- Whoever edits a row, or adopts it, at this instant has it: it is passed over, and a later call finds what has become of it.
    ids := case when dry then seen else job_queue.lock_mirrored(seen, true) end;
    for r in select w.at, w.job from job_queue.rows_to_adopt(statuses, ids, null, null, at_most) as w loop
        begin
            jobs := jobs || job_queue.as_adopted(r.job, r.at, workflows);
        exception when others then
            if sqlstate not like 'JQ%' then
                raise;
            end if;
            get stacked diagnostics hint = pg_exception_hint;
            refused := refused || jsonb_build_object(
                'job_id', r.job -> 'job_id', 'status', r.job -> 'status', 'code', sqlstate, 'reason', sqlerrm, 'hint', hint);
        end;
    end loop;

    select coalesce(jsonb_agg(jsonb_build_object(
        'job_id', j -> 'job_id', 'status', j -> 'old_status', 'job_type', j -> 'job_type', 'handler', j -> 'handler', 'models', j -> 'models',
        'queued_at', least((j ->> 'entered_at')::timestamptz, clock_timestamp()), 'due_at', j -> 'run_at', 'queue_position', p.queue_position,
        'current_step', j -> 'current_step', 'attempt', j -> 'attempt', 'max_attempts', j -> 'max_attempts'
    ) order by t.n), '[]') into answer
    from unnest(jobs) with ordinality as t (j, n)
    left join job_queue.places_to_come(to_jsonb(jobs)) as p on p.job_id = t.j ->> 'job_id'
    where t.n <= 100;
    answer := jsonb_build_object(
        'adopted', cardinality(jobs), 'passed_over', cardinality(seen) - cardinality(ids), 'not_adopted', to_jsonb(refused),
        'jobs', answer, 'next', next
    );
    if dry then
        return answer;
    end if;

    if cardinality(jobs) > 0 then
        fresh := job_queue.enter_new(to_jsonb(jobs));
        for group_status in select distinct j ->> 'old_status' from unnest(jobs) as j order by 1 loop
            perform job_queue.log_event(
                array(select j ->> 'job_id' from unnest(jobs) as j where j ->> 'old_status' = group_status and j ->> 'job_id' = any (fresh)),
                'queued', jsonb_build_object('adopted', group_status));
        end loop;
        perform job_queue.add_executions(fresh);
        perform job_queue.mirror(fresh);
        perform job_queue.recheck_state();
        if cardinality(fresh) < cardinality(jobs) then
            -- The others came in by their late notes, on the way.
            answer := answer || jsonb_build_object('adopted', cardinality(fresh), 'jobs', (
                select coalesce(jsonb_agg(j order by n), '[]') from jsonb_array_elements(answer -> 'jobs') with ordinality as t (j, n)
                where j ->> 'job_id' = any (fresh)));
        end if;
    end if;
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_adopt(jsonb) is
    'Brings waiting jobs of the table jobs that the queue does not know into their lines, in their old order, up to max_jobs (1-1,000) a call; with '
    'dry_run it only says what it would do. docs/reference/rpc.md. Example: select job_queue_adopt(''{"dry_run": true}'')';

revoke all on function job_queue.rows_to_adopt(text[], text[], timestamptz, text, integer), job_queue.as_adopted(jsonb, timestamptz, jsonb),
job_queue.places_to_come(jsonb), public.job_queue_adopt(jsonb) from public, anon, authenticated;
grant execute on function job_queue.rows_to_adopt(text[], text[], timestamptz, text, integer), job_queue.as_adopted(jsonb, timestamptz, jsonb),
job_queue.places_to_come(jsonb), public.job_queue_adopt(jsonb) to service_role;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 092_job_queue_inspect.sql

-- What is there: every object of ours as the catalog has it, and what a doctor needs to know of the data. Changes nothing.
--
-- Runs on any database, ours installed or not, in part or in another version: `Migrator` then sends these two functions as pg_temp ones
-- and has what they say as the message of an error. So each question is asked by itself, when what it needs is there, and one that fails
-- is answered with its reason under `unknown`.

create or replace function job_queue.inspect_objects() returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        with mirrored as materialized (
            select c.oid, c.relname::text as name, c.relkind
            from pg_catalog.pg_class as c where c.oid in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'))
        ),

        -- The sequence of an identity column comes with the column.
        ours as materialized (
            select c.oid, c.relname::text as name, c.relkind, c.relrowsecurity
            from pg_catalog.pg_class as c
            where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
              and c.relname like 'job\_queue\_%'
              and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid and d.deptype = 'i')
        ),

        functions as materialized (
            select p.*, p.oid::regprocedure::text as signature
            from pg_catalog.pg_proc as p
            where p.pronamespace = to_regnamespace('job_queue')
               or p.pronamespace = to_regnamespace('public') and p.proname like 'job\_queue\_%'
        ),

        roles as materialized (
            select r.oid, r.rolname::text as name from pg_catalog.pg_roles as r
            where r.rolname in ('anon', 'authenticated', 'service_role')
        ),

        -- What each may do, by grants of its own, of PUBLIC or of a role that it is in.
        access as (
            select format('access to %s %s: %s', case o.relkind when 'S' then 'sequence' else 'table' end, o.name, r.name) as object, (
                select string_agg(k.word, ', ' order by k.word) from (values
                    ('select', case o.relkind when 'S' then has_sequence_privilege(r.oid, o.oid, 'select') else has_any_column_privilege(r.oid, o.oid, 'select') end),
                    ('insert', o.relkind <> 'S' and has_any_column_privilege(r.oid, o.oid, 'insert')),
                    ('update', case o.relkind when 'S' then r.name <> 'service_role' and has_sequence_privilege(r.oid, o.oid, 'update') else has_any_column_privilege(r.oid, o.oid, 'update') end),
                    ('delete', o.relkind <> 'S' and has_table_privilege(r.oid, o.oid, 'delete')),
                    ('truncate', o.relkind <> 'S' and r.name <> 'service_role' and has_table_privilege(r.oid, o.oid, 'truncate')),
                    ('usage', o.relkind = 'S' and has_sequence_privilege(r.oid, o.oid, 'usage'))
                ) as k (word, allowed) where k.allowed) as is
            from ours as o cross join roles as r
            union all
            select format('access to table %s: %s', o.name, r.name), (
                select string_agg(k.word, ', ' order by k.word) from unnest(array['select', 'insert', 'update']) as k (word)
                where has_any_column_privilege(r.oid, o.oid, k.word))
            from mirrored as o join roles as r on r.name = 'service_role'
            union all
            select format('access to function %s: %s', f.signature, r.name),
                case when has_function_privilege(r.oid, f.oid, 'execute') then 'execute' end
            from functions as f cross join roles as r
            union all
            select format('access to schema job_queue: %s', r.name), (
                select string_agg(k.word, ', ' order by k.word) from unnest(array['usage', 'create']) as k (word)
                where has_schema_privilege(r.oid, to_regnamespace('job_queue')::oid, k.word))
            from roles as r where to_regnamespace('job_queue') is not null
        ),

        everything as (
            select format('table %s', o.name) as object, o.relkind::text as is from ours as o where o.relkind <> 'S'
            union all
            select format('row level security of %s', o.name), case when o.relrowsecurity then 'on' else 'off' end
            from ours as o where o.relkind in ('r', 'p')
            union all
            select format('sequence %s', o.name), format('%s, by %s', s.seqtypid::regtype, s.seqincrement)
            from ours as o join pg_catalog.pg_sequence as s on s.seqrelid = o.oid
            union all
            select format('column %s.%s', o.name, a.attname), concat_ws(
                ' ', format_type(a.atttypid, a.atttypmod),
                (select format('collate %I', l.collname) from pg_catalog.pg_collation as l where l.oid = a.attcollation and l.collname <> 'default'),
                case when a.attnotnull then 'not null' end, case when a.attidentity <> '' then 'identity' end,
                (select format('default %s', pg_get_expr(d.adbin, d.adrelid)) from pg_catalog.pg_attrdef as d
                 where d.adrelid = a.attrelid and d.adnum = a.attnum))
            from ours as o join pg_catalog.pg_attribute as a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
            where o.relkind <> 'S'
            union all
            select format('column %s.%s', o.name, a.attname), format_type(a.atttypid, a.atttypmod)
            from mirrored as o join pg_catalog.pg_attribute as a on a.attrelid = o.oid and not a.attisdropped
            where a.attname in ('required_models', 'blocked_by_job_id')
               or o.name = 'jobs' and a.attname in ('queue_position', 'conflict_reason', 'queued_at')
               or o.name = 'workflow_executions' and a.attname = 'current_step_model'
            union all
            select format('constraint %s.%s', o.name, c.conname), pg_get_constraintdef(c.oid)
            from ours as o join pg_catalog.pg_constraint as c on c.conrelid = o.oid and c.contype in ('p', 'u', 'f', 'c', 'x')
            union all
            -- Of the seed's on your tables: that they are there. Yours are yours.
            select format('index %s.%s', t.relname, c.relname), case when not i.indisvalid then 'invalid: ' else '' end
                || case when c.relname like 'idx\_%' then 'there' else pg_get_indexdef(c.oid) end
            from pg_catalog.pg_index as i
            join pg_catalog.pg_class as c on c.oid = i.indexrelid
            join pg_catalog.pg_class as t on t.oid = i.indrelid
            where not exists (select from pg_catalog.pg_constraint as k where k.conindid = c.oid)
              and (i.indrelid in (select o.oid from ours as o)
                   or i.indrelid in (select o.oid from mirrored as o) and c.relname in (
                       'idx_jobs_queue', 'idx_jobs_blocked', 'idx_jobs_required_models', 'idx_workflow_executions_models'))
            union all
            -- Not pg_get_triggerdef: that one waits for whoever has locked the table.
            select format('trigger %s.%s', c.relname, t.tgname), concat_ws(
                ' ', case when t.tgenabled <> 'O' then 'disabled:' end, 'type', t.tgtype, case when t.tginitdeferred then 'deferred' end,
                case when t.tgqual is not null then 'when' end, 'old ' || t.tgoldtable, 'new ' || t.tgnewtable, t.tgfoid::regprocedure)
            from pg_catalog.pg_trigger as t join pg_catalog.pg_class as c on c.oid = t.tgrelid
            where not t.tgisinternal
              and (t.tgrelid in (select o.oid from ours as o)
                   or t.tgrelid in (select o.oid from mirrored as o) and t.tgname like 'job\_queue\_%')
            union all
            select format('policy %s.%s', o.name, p.polname), format('using (%s)', pg_get_expr(p.polqual, p.polrelid))
            from ours as o join pg_catalog.pg_policy as p on p.polrelid = o.oid
            union all
            select format('function %s', f.signature), concat_ws(
                ' ', 'returns', pg_get_function_result(f.oid),
                case f.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
                case when f.prosecdef then 'security definer' end, array_to_string(f.proconfig, ' '),
                -- Those that job_queue.adapt writes for the tables as they are have a text of their own in each database.
                case when f.pronamespace = to_regnamespace('job_queue') and f.proname in (
                    'executions_of', 'insert_executions', 'lock_mirrored', 'mirror', 'mirror_checkpoint', 'mirror_jobs',
                    'mirror_workflow_executions', 'rows_of', 'shape_known')
                    then 'written by job_queue.adapt'
                    else encode(sha256(convert_to(replace(f.prosrc, E'\r', ''), 'UTF8')), 'hex') end)
            from functions as f
            union all
            select a.object, a.is from access as a where a.is is not null
        )

        select coalesce(jsonb_object_agg(e.object, e.is), '{}') from everything as e
    );
end;
$$;

comment on function job_queue.inspect_objects() is
    'Every object of ours as the catalog has it: a description by kind and name. job_queue_inspect tells it; the SDK compares it with manifest.json.';

create or replace function public.job_queue_inspect() returns jsonb
language plpgsql
stable
-- For what a service role cannot see: whose transactions are long, and tables that it has no rights to.
security definer
set search_path = ''
-- Each question waits so long at most for a table that somebody has locked.
set lock_timeout = '500ms'
set jit = off
as $$
declare
    q record;
    key text := (
        select format_type(a.atttypid, null) from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.jobs') and a.attname = 'job_id' and not a.attisdropped);
    -- A text as a job id, for a look-up by index; null where it cannot be one.
    blocker text := case
        when key = 'uuid' then 'case when r.blocked_by_job_id ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'' then r.blocked_by_job_id::uuid end'
        when key in ('bigint', 'integer', 'smallint') then 'case when r.blocked_by_job_id ~ ''^[0-9]{1,18}$'' then r.blocked_by_job_id::bigint end'
        else format('r.blocked_by_job_id::%s', coalesce(key, 'text'))
    end;
    -- A large table without an index by status is not read through.
    by_status boolean := not exists (
        select from pg_catalog.pg_class as c
        where c.oid = to_regclass('public.jobs') and c.reltuples > 300000 and not exists (
            select from pg_catalog.pg_index as i
            join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] and a.attname = 'status'
            where i.indrelid = c.oid and i.indisvalid and i.indpred is null));
    of_jobs text[] := array['public.jobs', 'public.job_queue_jobs'];
    answer jsonb;
    facts jsonb := '{}';
    unknown jsonb := '{}';
begin
    for q in
        select * from (values
            ('version', array['job_queue.version()'], 'select to_jsonb(job_queue.version())'),
            ('migrations', array['public.job_queue_migrations'], $q$
                select jsonb_build_object('applied', coalesce(jsonb_object_agg(m.name, m.checksum), '{}'), 'since', min(m.applied_at))
                from public.job_queue_migrations as m $q$),
            ('rows', array['public.job_queue_state', 'public.job_queue_settings', 'public.job_queue_models', 'public.job_queue_marks'], $q$
                select jsonb_build_object(
                    'job_queue_state', (select count(*) from public.job_queue_state as t where t.id = 1),
                    'job_queue_settings', (select count(*) from public.job_queue_settings as t where t.id = 1),
                    'job_queue_models', (select count(*) from public.job_queue_models as t where t.model = ''),
                    'job_queue_marks', (select count(*) from public.job_queue_marks as t where t.id = 1)) $q$),
            ('state', array['public.job_queue_state'], $q$
                select jsonb_agg(to_jsonb(s)) from (select * from public.job_queue_state limit 10) as s $q$),
            ('adapted', array['job_queue.shape()', 'job_queue.shape_known()'], $q$
                select to_jsonb(job_queue.shape() is not distinct from job_queue.shape_known()) $q$),
            ('token_sequence', array['public.job_queue_token_seq', 'public.job_queue_jobs', 'public.job_queue_log'], $q$
                select jsonb_build_object('at', (select s.last_value from public.job_queue_token_seq as s), 'used', greatest(
                    (select max(j.token) from public.job_queue_jobs as j where j.status = 'running'),
                    (select max((l.metadata ->> 'token')::bigint)
                     from (select * from public.job_queue_log as e order by e.created_at desc limit 1000) as l
                     where jsonb_typeof(l.metadata -> 'token') = 'number'))) $q$),

            -- Rows of jobs that the coordinator does not answer for.
            ('running_unleased', case when by_status then of_jobs end, $q$
                select jsonb_build_object('count', count(*), 'jobs', coalesce((array_agg(r.id))[1:20], '{}')) from (
                    select r.job_id::text as id from public.jobs as r
                    left join public.job_queue_jobs as k on k.job_id = r.job_id::text and k.status = 'running'
                    where r.status::text = 'running' and k.job_id is null limit 10000) as r $q$),
            ('waiting_unknown', case when by_status then of_jobs end, $q$
                select jsonb_build_object('count', count(*), 'jobs', coalesce((array_agg(r.id))[1:20], '{}')) from (
                    select r.job_id::text as id
                    from (select * from public.jobs as w
                          where w.status::text in ('pending', 'pending_retry', 'queued') and w.required_models is not null limit 100000) as r
                    left join public.job_queue_jobs as k on k.job_id = r.job_id::text
                    where k.job_id is null and r.blocked_by_job_id is null
                      and not exists (select from public.job_queue_arrivals as n where n.job_id = r.job_id::text) limit 10000) as r $q$),
            ('waiting_without_models', case when by_status then of_jobs end, $q$
                select jsonb_build_object('count', count(*), 'jobs', coalesce((array_agg(r.id))[1:20], '{}')) from (
                    select r.job_id::text as id
                    from (select * from public.jobs as w
                          where w.status::text in ('pending', 'pending_retry', 'queued') and w.required_models is null limit 100000) as r
                    left join public.job_queue_jobs as k on k.job_id = r.job_id::text
                    where k.job_id is null and r.blocked_by_job_id is null limit 10000) as r $q$),
            ('blocked_unknown', of_jobs, replace($q$
                select jsonb_build_object('count', count(*), 'blocker_gone', count(*) filter (where r.gone),
                                          'jobs', coalesce((array_agg(r.id order by r.gone desc))[1:20], '{}')) from (
                    select r.job_id::text as id, not exists (
                        select from public.job_queue_jobs as b
                        where b.job_id = r.blocked_by_job_id and b.status in ('waiting', 'delayed', 'running')
                    ) and not exists (
                        select from public.jobs as b
                        where b.job_id = $blocker and b.status::text in ('pending', 'pending_retry', 'queued', 'running')
                    ) as gone
                    from (select * from public.jobs as w where w.blocked_by_job_id is not null limit 100000) as r
                    left join public.job_queue_jobs as k on k.job_id = r.job_id::text
                    where k.job_id is null
                      and not exists (select from public.job_queue_arrivals as n where n.job_id = r.job_id::text) limit 10000) as r $q$,
                '$blocker', blocker)),

            -- The predecessor.
            ('old_slots', array['public.job_queue_state', 'public.job_queue_state.active_jobs'], $q$
                select coalesce(jsonb_path_query_array(s.active_jobs, '$[*].job_id'), '[]')
                from public.job_queue_state as s where s.id = 1 $q$),
            ('old_events', array['public.job_queue_log', 'public.job_queue_migrations'], $q$
                select jsonb_build_object('count', count(*), 'latest', max(l.created_at), 'events', to_jsonb(array_agg(distinct l.event_type)))
                from (select * from public.job_queue_log as e where e.created_at > now() - interval '1 hour'
                      order by e.created_at desc limit 10000) as l
                where l.metadata is null and l.created_at > (select min(m.applied_at) from public.job_queue_migrations as m) $q$),

            -- Whether the work gets done.
            ('queue', array['public.job_queue_jobs', 'public.job_queue_settings', 'public.job_queue_workers'], $q$
                select jsonb_build_object(
                    'paused', s.paused,
                    'waiting', (select count(*) from (select from public.job_queue_jobs as j where j.status in ('waiting', 'delayed')
                        and (j.due_at is null or j.due_at = 'infinity') limit 10000) as w),
                    'dead_leases', (select coalesce(jsonb_agg(j.job_id), '[]') from (
                        select j.job_id from public.job_queue_jobs as j
                        where j.status = 'running' and j.lease_until < clock_timestamp() - interval '1 minute' order by j.lease_until limit 20) as j),
                    'overdue', (select coalesce(jsonb_agg(j.job_id), '[]') from (
                        select j.job_id from public.job_queue_jobs as j
                        where j.status = 'delayed' and j.due_at < clock_timestamp() - interval '1 minute' order by j.due_at limit 20) as j),
                    'unclaimed', (select coalesce(jsonb_agg(j.job_id), '[]') from (
                        select * from public.job_queue_jobs as j where j.status = 'waiting' and j.runnable order by j.line_key, j.seq limit 1000) as j
                        where j.runnable_since < clock_timestamp() - interval '1 minute'),
                    'skipped', (select coalesce(jsonb_object_agg(k.handler, k.number), '{}') from (
                        select j.handler, count(*) as number from public.job_queue_jobs as j where j.skipped group by j.handler limit 20) as k),
                    'live_workers', (select count(*) from public.job_queue_workers as w
                        where w.seen_at > clock_timestamp() - coalesce(s.skip_after, interval '1 minute')),
                    'last_worker_seen', (select max(w.seen_at) from public.job_queue_workers as w))
                from public.job_queue_settings as s where s.id = 1 $q$),
            ('closed_models', array['public.job_queue_models', 'public.job_queue_lines', 'public.job_queue_jobs'], $q$
                select coalesce(jsonb_agg(jsonb_build_object('model', m.model, 'paused', m.paused, 'capacity', m.capacity) order by m.model), '[]')
                from (select * from public.job_queue_models as m where m.model <> '' and (m.paused or m.capacity = 0) limit 1000) as m
                where exists (select from public.job_queue_lines as l where l.model = m.model and l.seat is null)
                   or m.model in (select unnest(d.needs) from (
                       select j.needs from public.job_queue_jobs as j where j.status = 'delayed' and j.due_at = 'infinity' limit 10000) as d) $q$),
            ('mirror_failures', array['public.job_queue_log'], $q$
                select jsonb_build_object('count', count(*), 'latest', (array_agg(l.metadata || jsonb_build_object('job_id', l.job_id)))[1])
                from (select * from public.job_queue_log as e where e.event_type = 'mirror_failed' and e.created_at > now() - interval '1 day'
                      order by e.created_at desc limit 1000) as l $q$),
            ('log', array['public.job_queue_log', 'public.job_queue_marks', 'public.job_queue_settings'], $q$
                select jsonb_build_object(
                    'bytes', pg_total_relation_size('public.job_queue_log'),
                    'rows', (select c.reltuples::bigint from pg_catalog.pg_class as c where c.oid = 'public.job_queue_log'::regclass),
                    'retention_days', extract(epoch from s.log_retention) / 86400,
                    'oldest', o.created_at, 'overdue_days', extract(epoch from now() - s.log_retention - o.created_at) / 86400)
                from public.job_queue_settings as s
                join public.job_queue_marks as m on m.id = 1
                left join lateral (select l.created_at from public.job_queue_log as l
                    where l.created_at > m.log_whole_from - interval '1 minute' order by l.created_at limit 1) as o on true
                where s.id = 1 $q$),

            -- The database.
            ('transactions', '{}', $q$
                select coalesce(jsonb_agg(jsonb_build_object(
                    'pid', t.pid, 'user', t.usename, 'application', t.application_name, 'state', t.state,
                    'seconds', round(extract(epoch from clock_timestamp() - t.xact_start))) order by t.xact_start), '[]')
                from (select * from pg_catalog.pg_stat_activity as a
                      where a.datname = current_database() and a.pid <> pg_backend_pid() and (a.backend_xid is not null or a.backend_xmin is not null)
                        and a.xact_start < clock_timestamp() - interval '1 minute' and a.backend_type = 'client backend'
                      order by a.xact_start limit 5) as t $q$),
            ('invalid_indexes', '{}', $q$
                select coalesce(jsonb_agg(jsonb_build_object('index', c.relname, 'table', t.relname, 'definition', pg_get_indexdef(c.oid)) order by 1), '[]')
                from pg_catalog.pg_index as i
                join pg_catalog.pg_class as c on c.oid = i.indexrelid
                join pg_catalog.pg_class as t on t.oid = i.indrelid
                where not i.indisvalid and t.relnamespace = 'public'::regnamespace
                  and (t.relname in ('jobs', 'workflow_executions') or t.relname like 'job\_queue\_%')
                  and not exists (select from pg_catalog.pg_stat_progress_create_index as p where p.index_relid = c.oid) $q$),
            ('tables', '{}', $q$
                select coalesce(jsonb_object_agg(c.relname, jsonb_build_object(
                    'rows', c.reltuples::bigint, 'rls', c.relrowsecurity, 'by_job_id', exists (
                        select from pg_catalog.pg_index as i
                        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0] and a.attname = 'job_id'
                        where i.indrelid = c.oid and i.indisvalid and i.indpred is null),
                    'open_to', (select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]') from pg_catalog.pg_roles as r
                        where r.rolname in ('anon', 'authenticated') and (
                            has_any_column_privilege(r.oid, c.oid, 'select, insert, update') or has_table_privilege(r.oid, c.oid, 'delete, truncate'))))), '{}')
                from pg_catalog.pg_class as c
                where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                  and (c.relname in ('jobs', 'workflow_executions') or c.relname like 'job\_queue\_%') $q$),
            ('insert_notify', array['public.jobs'], $q$
                select coalesce(jsonb_agg(jsonb_build_object('trigger', t.tgname, 'function', t.tgfoid::regprocedure)), '[]')
                from pg_catalog.pg_trigger as t where t.tgrelid = 'public.jobs'::regclass and t.tgname = 'job_insert_notify' $q$),
            ('open_functions', '{}', $q$
                select coalesce(jsonb_agg(jsonb_build_object('function', p.oid::regprocedure, 'open_to', r.rolname) order by p.oid::regprocedure::text, r.rolname), '[]')
                from pg_catalog.pg_proc as p
                join pg_catalog.pg_roles as r on r.rolname in ('anon', 'authenticated') and has_function_privilege(r.oid, p.oid, 'execute')
                where p.pronamespace = 'public'::regnamespace
                  and p.proname in ('exec_sql', 'try_claim_coordinator_slot', 'release_coordinator_slot', 'reset_all_coordinator_slots') $q$),
            ('server', '{}', $q$
                select jsonb_build_object('exec_sql', to_regprocedure('public.exec_sql(text)') is not null, 'version', current_setting('server_version'), 'time_zone', current_setting('TimeZone'),
                    'safeupdate', coalesce(current_setting('session_preload_libraries', true), '') ~ 'safeupdate'
                        or current_setting('safeupdate.enabled', true) is not null,
                    'read_only', pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on') $q$)
        ) as v (name, needs, query)
    loop
        -- Left out: what is not there to be asked about.
        continue when q.needs is null or exists (
            select from unnest(q.needs) as n (what)
            where case
                when n.what like '%()' then to_regprocedure(n.what) is null
                when n.what like '%.%.%' then not exists (
                    select from pg_catalog.pg_attribute as a
                    where a.attrelid = to_regclass(regexp_replace(n.what, '\.[^.]*$', '')) and a.attname = regexp_replace(n.what, '^.*\.', '')
                      and not a.attisdropped)
                else to_regclass(n.what) is null
            end);
        begin
            execute q.query into answer;
            facts := facts || jsonb_build_object(q.name, answer);
        exception when others then
            unknown := unknown || jsonb_build_object(q.name, format('%s (%s)', sqlerrm, sqlstate));
        end;
    end loop;
    if not by_status then
        unknown := unknown || '{"waiting_unknown": "jobs is large and has no index by status", "running_unleased": "jobs is large and has no index by status"}';
    end if;
    return facts || jsonb_build_object('now', clock_timestamp(), 'objects', job_queue.inspect_objects(), 'unknown', unknown);
end;
$$;

comment on function public.job_queue_inspect() is
    'Facts for verify and doctor: every object of ours, and what may be wrong with the data; bounded, changes nothing. docs/reference/rpc.md. Example: select job_queue_inspect()';

revoke all on function public.job_queue_inspect(), job_queue.inspect_objects() from public, anon, authenticated;
grant execute on function public.job_queue_inspect(), job_queue.inspect_objects() to service_role;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 093_job_queue_checks.sql

-- Private: checks that every call makes (031, 040, 042). A function that refuses, and says what was wrong, is called where something is
-- wrong or might be: a call costs more than the question whether it is needed.

create or replace function job_queue.check_keys(what text, value jsonb, allowed text[]) returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    bad text;
begin
    if value is null or jsonb_typeof(value) <> 'object' then
        perform job_queue.refuse('JQ007', format('%s is not a JSON object.', what), 'Give an object, or leave it out.');
    elsif value - allowed <> '{}' then
        select k into bad from jsonb_object_keys(value - allowed) as k limit 1;
        perform job_queue.refuse('JQ007', format('%s has an unknown key "%s".', what, left(bad, 40)),
                                 format('Known keys: %s.', array_to_string(allowed, ', ')));
    end if;
end;
$$;

comment on function job_queue.check_keys(text, jsonb, text[]) is 'Refuses (JQ007) what is not an object or has a key that nobody reads.';

create or replace function job_queue.check_models(models jsonb, unrestricted boolean) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    hint constant text := 'Give an array of model names, for example ["motion-2.0-fast"].';
    bad jsonb;
begin
    if models is null or jsonb_typeof(models) = 'null' then
        perform job_queue.refuse('JQ002', 'The models are null.', hint);
    elsif jsonb_typeof(models) <> 'array' then
        perform job_queue.refuse('JQ002', format('The models are not an array but a JSON %s.', jsonb_typeof(models)), hint);
    elsif jsonb_array_length(models) = 0 and not unrestricted then
        perform job_queue.refuse('JQ002', 'The models are empty.',
                                 hint || ' A job that truly needs no model says so with "unrestricted": true.');
    elsif jsonb_array_length(models) > 0 and unrestricted then
        perform job_queue.refuse('JQ002', 'The job names models and is unrestricted.',
                                 'Leave out one of the two: an unrestricted job has "models": [].');
    elsif jsonb_array_length(models) > 64 then
        perform job_queue.refuse('JQ002', format('The job names %s models.', jsonb_array_length(models)),
                                 'A job may need at most 64 models.');
    end if;

    -- Nearly always it is one name; of more, each is looked at.
    if jsonb_array_length(models) = 1 and jsonb_typeof(models -> 0) = 'string'
       and char_length(btrim(models ->> 0, E' \t\r\n')) between 1 and 200 then
        return job_queue.own_names(models);
    end if;
    for bad in
        select e from jsonb_array_elements(models) as e
        where jsonb_typeof(e) <> 'string' or char_length(btrim(e #>> '{}', E' \t\r\n')) not between 1 and 200 limit 1
    loop
        if jsonb_typeof(bad) <> 'string' then
            perform job_queue.refuse('JQ002', format('One of the models is not a name but a JSON %s.', jsonb_typeof(bad)), hint);
        end if;
        perform job_queue.refuse('JQ002', format('A model name is blank or too long: "%s".', left(btrim(bad #>> '{}', E' \t\r\n'), 40)),
                                 'A model name has 1 to 200 characters, besides blanks around it.');
    end loop;

    return job_queue.own_names(models);
end;
$$;

comment on function job_queue.check_models(jsonb, boolean) is
    'The model names of a job, trimmed, aliases resolved, without duplicates; refuses (JQ002) anything but an array of 1 to 64 names, or an empty one with unrestricted.';

create or replace function job_queue.check_job(job jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    known constant text[] := '{job_id,job_type,handler,models,steps,holding,unrestricted,priority,run_at,deadline,max_attempts,payload,row}';
    given text;
    unrestricted boolean := false;
    steps jsonb;
    models jsonb;
begin
    if jsonb_typeof(job) is distinct from 'object' or job - known <> '{}' then
        perform job_queue.check_keys('A job', job, known);
    end if;
    if jsonb_typeof(coalesce(job -> 'job_id', '""')) <> 'string' then
        perform job_queue.refuse('JQ001', 'The job id is not text.', 'Give every job an id of 1 to 200 characters.');
    end if;
    if (btrim(job ->> 'job_id') <> '' and char_length(job ->> 'job_id') <= 200) is not true then
        perform job_queue.check_job_id(job ->> 'job_id');
    end if;
    models := job -> 'models';
    if job ? 'unrestricted' then
        unrestricted := job_queue.flag_of('unrestricted', job -> 'unrestricted', false);
    end if;
    if jsonb_typeof(job -> 'steps') <> 'null' then
        if jsonb_typeof(models) <> 'null' then
            perform job_queue.refuse('JQ002', 'The job names models and steps.', 'Leave out the models: they are those of its steps.');
        end if;
        steps := job_queue.check_steps(job -> 'steps');
        models := (
            select coalesce(jsonb_agg(d.m order by d.n), '[]')
            from (select m, min(n) as n from jsonb_path_query(steps, '$[*].models[*]') with ordinality as t (m, n) group by m) as d
        );
    elsif jsonb_typeof(job -> 'holding') <> 'null' then
        perform job_queue.refuse('JQ007', 'The job has a holding rule and no steps.', 'Name its steps, or leave the holding rule out.');
    end if;
    if coalesce(job ->> 'holding', 'whole_run') not in ('whole_run', 'release_as_used', 'per_step') then
        perform job_queue.refuse('JQ007', format('The holding rule "%s" is unknown.', left(job ->> 'holding', 40)),
                                 'Use whole_run, release_as_used or per_step.');
    end if;
    given := coalesce(job ->> 'job_type', case when steps is null then 'normal' else 'workflow' end);
    return jsonb_build_object(
        'job_id', job ->> 'job_id',
        'job_type', case when given in ('normal', 'workflow') then given else job_queue.check_job_type(given) end,
        'handler', case when job ? 'handler' then job_queue.check_name('The handler', coalesce(job ->> 'handler', given), 'JQ003') else given end,
        'models', to_jsonb(job_queue.check_models(models, unrestricted)),
        'steps', steps, 'holding', case when steps is not null then coalesce(job ->> 'holding', 'whole_run') end,
        'priority', case when job ? 'priority' then job_queue.whole_number_of('The priority', job -> 'priority', -100, 100, 0) else 0 end,
        'run_at', case when job ? 'run_at' then job_queue.time_of('run_at', job -> 'run_at') end,
        'deadline', case when job ? 'deadline' then job_queue.time_of('deadline', job -> 'deadline') end,
        'max_attempts', case when job ? 'max_attempts' then job_queue.whole_number_of('max_attempts', job -> 'max_attempts', 1, 100, 3) else 3 end,
        'payload', case when job ? 'payload' then job_queue.check_size('The payload', job -> 'payload') end
    );
end;
$$;

comment on function job_queue.check_job(jsonb) is 'A new job with its defaults filled in; refuses what is not one.';

create or replace function job_queue.check_claim(claim jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    known constant text[] := '{max_jobs,handlers,models,lease_seconds}';
begin
    -- The names are looked at by job_queue.advance, which reads them, before it does anything.
    if jsonb_typeof(claim) is distinct from 'object' or claim - known <> '{}' then
        perform job_queue.check_keys('claim', claim, known);
    end if;
    return claim || jsonb_build_object(
        'max_jobs', job_queue.whole_number_of('max_jobs', claim -> 'max_jobs', 1, 1000, 1),
        'lease_seconds', case when claim ? 'lease_seconds'
            then job_queue.number_of('The lease time in seconds', claim -> 'lease_seconds', 1, 3600, 30, 'JQ004') else 30 end);
end;
$$;

comment on function job_queue.check_claim(jsonb) is 'A claim with its defaults filled in; refuses what is not one, but for its names.';

create or replace function job_queue.check_outcome(outcome jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    known constant text[] := '{job_id,token,outcome,result,error,retry_at,retry_in_seconds}';
begin
    if jsonb_typeof(outcome) is distinct from 'object' or outcome - known <> '{}' then
        perform job_queue.check_keys('An outcome', outcome, known);
    end if;
    if (btrim(outcome ->> 'job_id') <> '' and char_length(outcome ->> 'job_id') <= 200) is not true then
        perform job_queue.check_job_id(outcome ->> 'job_id');
    end if;
    if coalesce(outcome ->> 'outcome', '') not in ('complete', 'fail', 'retry', 'release') then
        perform job_queue.refuse('JQ007', format('The outcome "%s" is unknown.', left(outcome ->> 'outcome', 40)),
                                 'Use complete, fail, retry or release.');
    end if;
    if (jsonb_typeof(outcome -> 'token') = 'number' and outcome ->> 'token' ~ '^[1-9][0-9]{0,17}$') is not true then
        perform job_queue.check_token(outcome -> 'token');
    end if;
    return jsonb_build_object(
        'job_id', outcome ->> 'job_id', 'token', outcome -> 'token', 'outcome', outcome ->> 'outcome',
        'result', case when outcome ? 'result' then job_queue.check_size('The result', outcome -> 'result') end, 'error', left(outcome ->> 'error', 10000),
        'retry_at', case when outcome ? 'retry_at' then job_queue.time_of('retry_at', outcome -> 'retry_at') end,
        'retry_in_seconds', case when outcome ? 'retry_in_seconds' then job_queue.number_of('retry_in_seconds', outcome -> 'retry_in_seconds', 0, 31536000, 0) else 0 end);
end;
$$;

comment on function job_queue.check_outcome(jsonb) is 'The outcome of a run with its defaults filled in; refuses what is not one.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 094_job_queue_places.sql

-- Private: places and reasons (033, 034), looked for only where a job lacks something.

create or replace function job_queue.blockers(ids text[]) returns table (
    job_id text, blocked_by_job_id text, conflict_reason text
)
language plpgsql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
#variable_conflict use_column
begin
    return query
    -- The first line, by name, in which it has no seat; there, who holds the model longest, else (nobody does, or the rate is what
    -- keeps it waiting) who is just ahead.
    with blocked as materialized (
        select distinct on (s.job_id) s.job_id, s.model, h.holder, a.ahead, m.next_start_at
        -- Fenced (offset 0): joined, the planner may take the models first and read all their lines.
        from (select l.* from public.job_queue_lines as l where l.job_id = any (ids) and l.seat is null offset 0) as s
        join public.job_queue_models as m on m.model = s.model
        left join lateral (
            select r.job_id as holder
            from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = s.model and l.seat is not null
            order by r.started_at, r.job_id limit 1
        ) as h on m.next_start_at is null
        left join lateral (
            select l.job_id as ahead
            from public.job_queue_lines as l
            left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
            where l.model = s.model and (l.line_key, l.seq) < (s.line_key, s.seq) and r.status is distinct from 'running'
            order by l.line_key desc, l.seq desc limit 1
        ) as a on h.holder is null
        order by s.job_id, h.holder is null, s.model
    )

    select j.job_id, coalesce(b.holder, b.ahead),
        case
            when j.skipped then format('No worker asks for handler %s and its models', j.handler)
            when j.due_at = 'infinity' then format('Model paused: %s', (
                select to_jsonb(array_agg(m.model order by m.model))
                from public.job_queue_models as m where m.model = any (j.needs) and m.paused))
            when j.status = 'delayed' and exists (
                select from public.job_queue_callbacks as k where k.job_id = j.job_id and k.until = j.due_at
            ) then format('Step %s waits for its callback, until %s', j.current_step,
                to_char(j.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when j.status = 'delayed' then format('Not due before %s',
                to_char(j.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when b.holder is not null and b.model = '' then format('Limit of active jobs reached, active job %s', b.holder)
            when b.holder is not null then format('Model conflict with active job %s: %s', b.holder, jsonb_build_array(b.model))
            when b.ahead is not null then format('In line for %s behind job %s',
                case when b.model = '' then 'the limit of active jobs' else jsonb_build_array(b.model)::text end, b.ahead)
            when b.next_start_at is not null then format('Rate reached, next start of %s at %s', jsonb_build_array(b.model),
                to_char(b.next_start_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when b.job_id is not null then format('No capacity: %s', jsonb_build_array(b.model))
            when exists (select from public.job_queue_settings as s where s.paused) then 'Everything is paused'
        end
    from public.job_queue_jobs as j
    left join blocked as b on b.job_id = j.job_id
    where j.job_id = any (ids) and j.status in ('waiting', 'delayed');
end;
$$;

comment on function job_queue.blockers(text[]) is 'Of those of the jobs that wait: a job that is in the way, and the reason in words.';

create or replace function job_queue.held_up(ids text[]) returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
    return array(
        select j.job_id from public.job_queue_jobs as j
        where j.job_id = any (ids) and j.status in ('waiting', 'delayed')
          and (not j.runnable or exists (select from public.job_queue_settings as s where s.paused))
    );
end;
$$;

comment on function job_queue.held_up(text[]) is 'Those of the jobs that wait for something: there is a reason to name.';

create or replace function job_queue.places(ids text[]) returns table (
    job_id text, queue_position integer, blocked_by_job_id text, conflict_reason text
)
language plpgsql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
#variable_conflict use_column
declare
    crowd constant boolean := cardinality(ids) > 4;
    held_up constant text[] := job_queue.held_up(ids);
begin
    -- Each of a few counts those ahead of it; so does one that has its turn, for it is near the front. No further than 10,000: a long
    -- line must not cost its length each time. Those that run stand in the line's table too, and are not counted: they are found by their
    -- seats, so that the line itself is counted in its index, without its rows.
    return query
    select j.job_id, p.queue_position, b.blocked_by_job_id, b.conflict_reason
    from public.job_queue_jobs as j
    left join lateral (
        select case when max(a.ahead) < 10000 then max(a.ahead - r.run + 1)::integer end as queue_position
        from public.job_queue_lines as s
        cross join lateral (
            select count(*) as ahead
            from (
                select from public.job_queue_lines as l
                where l.model = s.model and (l.line_key, l.seq) < (s.line_key, s.seq) order by l.line_key, l.seq limit 10000
            ) as f
        ) as a
        cross join lateral (
            -- By the order of the seats their index is read, not the line's; the status is asked one by one, for in a join the planner may
            -- read all jobs to find these few.
            select count(*) as run
            from (
                select l.line_key, l.seq, l.job_id from public.job_queue_lines as l
                where l.model = s.model and l.seat is not null order by l.seat offset 0
            ) as f
            where (f.line_key, f.seq) < (s.line_key, s.seq)
              and (select k.status from public.job_queue_jobs as k where k.job_id = f.job_id) = 'running'
        ) as r
        where s.job_id = j.job_id and j.status = 'waiting'
    ) as p on true
    left join job_queue.blockers(held_up) as b on b.job_id = j.job_id
    where j.job_id = any (ids) and j.status in ('waiting', 'delayed') and (j.runnable or not crowd);

    if not crowd or cardinality(held_up) = 0 then
        return;
    end if;

    -- In a crowd, each counts those between it and the one before it of the crowd: no part of a line is read twice.
    return query
    with standing as materialized (
        select l.job_id, l.model, l.line_key, l.seq,
            lag(l.line_key, 1, timestamptz '-infinity') over line as after_key, lag(l.seq, 1, 0::bigint) over line as after_seq
        from public.job_queue_jobs as j
        join public.job_queue_lines as l on l.job_id = j.job_id
        where j.job_id = any (ids) and j.status = 'waiting' and not j.runnable
        window line as (partition by l.model order by l.line_key, l.seq)
    ),

    marks as (
        select s.job_id, s.model, s.line_key, s.seq, a.between, 0 as runs
        from standing as s
        cross join lateral (
            select count(*) as between
            from (
                select from public.job_queue_lines as l
                where l.model = s.model and (l.line_key, l.seq) >= (s.after_key, s.after_seq) and (l.line_key, l.seq) < (s.line_key, s.seq)
                order by l.line_key, l.seq limit 10000
            ) as f
        ) as a
        union all
        select null, d.model, f.line_key, f.seq, 0, 1
        from (select distinct s.model from standing as s) as d
        cross join lateral (
            select l.line_key, l.seq, l.job_id from public.job_queue_lines as l
            where l.model = d.model and l.seat is not null order by l.seat offset 0
        ) as f
        where (select k.status from public.job_queue_jobs as k where k.job_id = f.job_id) = 'running'
    ),

    counted as (
        select m.job_id, sum(m.between) over line as ahead, sum(m.runs) over line as run
        from marks as m
        window line as (partition by m.model order by m.line_key, m.seq)
    ),

    positions as materialized (
        select c.job_id, case when max(c.ahead) < 10000 then max(c.ahead - c.run + 1)::integer end as queue_position
        from counted as c where c.job_id is not null group by c.job_id
    )

    select j.job_id, p.queue_position, b.blocked_by_job_id, b.conflict_reason
    from public.job_queue_jobs as j
    left join positions as p on p.job_id = j.job_id
    left join job_queue.blockers(held_up) as b on b.job_id = j.job_id
    where j.job_id = any (ids) and j.status in ('waiting', 'delayed') and not j.runnable;
end;
$$;

comment on function job_queue.places(text[]) is
    'job_queue.blockers, and the place in line: the largest over the job''s lines, among those that wait; null past 10,000 and for a delayed job.';

create or replace function job_queue.log_event(
    ids text[], event text, extra jsonb default '{}'
) returns void
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    ends_run boolean := event in ('retry_scheduled', 'lease_expired') or event = 'released' and not extra ? 'released_models';
    ends boolean := event in ('completed', 'failed', 'cancelled', 'expired');
    reasons jsonb;
begin
    -- Asked for these events alone, and of jobs that lack something: the question costs as much as the event.
    if event in ('queued', 'blocked') then
        reasons := (select jsonb_object_agg(b.job_id, to_jsonb(b)) from job_queue.blockers(job_queue.held_up(ids)) as b);
    end if;
    insert into public.job_queue_log (id, job_id, job_type, event_type, models, blocked_by_job_id, conflict_reason, metadata, created_at)
    select
        encode(set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from moment) * 1000)::bigint) from 3) from 1 for 6
        ), 52, 1), 53, 1), 'hex')::uuid,
        j.job_id, j.job_type, event, to_jsonb(j.models),
        reasons -> j.job_id ->> 'blocked_by_job_id', reasons -> j.job_id ->> 'conflict_reason',
        jsonb_strip_nulls(jsonb_build_object(
            'status', j.status, 'handler', j.handler, 'attempt', j.attempt, 'token', j.token, 'worker_id', j.worker_id,
            -- Seconds. A job that ends was running if it started after it last began to wait.
            'waited', case when event = 'started' or ends and (j.started_at >= j.waits_since) is not true
                then greatest(round(extract(epoch from moment - j.waits_since), 3), 0) end,
            'ran', case when ends_run or ends and j.started_at >= j.waits_since
                then round(extract(epoch from moment - j.started_at), 3) end
        ))
        -- Most jobs have none of these.
        || case when j.error is null and j.steps is null and j.needs = j.models and j.status <> 'delayed' then '{}'
            else jsonb_strip_nulls(jsonb_build_object(
                'error', left(j.error, 500),
                'holding', j.holding, 'current_step', case when j.steps is not null then j.current_step end,
                'needs', case when j.needs <> j.models then to_jsonb(j.needs) end,
                'due_at', case when j.status = 'delayed' then j.due_at end
            )) end || extra,
        clock_timestamp()
    from public.job_queue_jobs as j
    where j.job_id = any (ids)
    order by j.line_key, j.seq;
end;
$$;

comment on function job_queue.log_event(text[], text, jsonb) is
    'Writes one event of each job to job_queue_log, with what it is now (docs/reference/events.md).';

revoke all on function job_queue.held_up(text[]) from public, anon, authenticated;
grant execute on function job_queue.held_up(text[]) to service_role;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 095_job_queue_settle.sql

-- Private: seats shared out again after a change (032), with no more questions than the common case needs: a line whose seats are all free.

create or replace function job_queue.settle(names text[], entered text[] default '{}') returns void
language plpgsql
set search_path = ''
as $$
declare
    busy text[];
    rated text[];
    contested boolean;
    touched text[] := entered;
    a_minute_ago constant timestamptz := clock_timestamp() - interval '1 minute';
    seats integer[];
    lines text[] := '{}';
    frees integer[] := '{}';
    capacities integer[] := '{}';
    contests boolean[] := '{}';
    m record;
    first record;
    last record;
    free integer;
    given integer;
begin
    -- Only lines where somebody waits without a seat, or where more seats are taken than there are, can change. (Then one has a number
    -- above the capacity.)
    select array_agg(x.model order by x.model),
        array_agg(x.model) filter (where x.starts_per_minute is not null)
    into busy, rated
    from public.job_queue_models as x
    where x.model = any (names)
      and (exists (select from public.job_queue_lines as l where l.model = x.model and l.seat is null)
           or x.starts_per_minute is not null
           or exists (select from public.job_queue_lines as l where l.model = x.model and l.seat > x.capacity));

    if busy is null and cardinality(entered) = 0 then
        return;
    end if;

    -- First see which jobs can be concerned and lock them in order; then, with nothing moving, share out the seats.
    for m in
        select r.model, r.free, x.capacity from job_queue.room(busy, a_minute_ago) as r
        join public.job_queue_models as x on x.model = r.model order by r.model
    loop
        -- Where all seats are free nobody has one to give up.
        contested := false;
        if m.free < m.capacity then
            select l.line_key, l.seq into first
            from public.job_queue_lines as l where l.model = m.model and l.seat is null
            order by l.line_key, l.seq limit 1;
            contested := exists (
                select from public.job_queue_lines as l
                join public.job_queue_jobs as j on j.job_id = l.job_id
                where l.model = m.model and l.seat is not null and j.status = 'waiting'
                  and (m.free < 0 or (l.line_key, l.seq) > (first.line_key, first.seq))
            );
        end if;
        lines := lines || m.model;
        frees := frees || m.free;
        capacities := capacities || m.capacity;
        contests := contests || contested;
        touched := touched || array(
            select l.job_id from public.job_queue_lines as l
            where l.model = m.model and l.seat is null
            order by l.line_key, l.seq
            limit greatest(case when contested then m.capacity else m.free end, 0)
        );
        if contested then
            touched := touched || array(
                select l.job_id from public.job_queue_lines as l
                join public.job_queue_jobs as j on j.job_id = l.job_id
                where l.model = m.model and l.seat is not null and j.status = 'waiting'
            );
        end if;
    end loop;
    perform from public.job_queue_jobs as j where j.job_id = any (touched) order by j.job_id for no key update;

    for i in 1..cardinality(lines) loop
        -- The capacity's part cannot change under the lines' locks; the rate's can, by a start that was under way.
        free := frees[i];
        if lines[i] = any (rated) then
            select r.free into free from job_queue.room(lines[i:i], a_minute_ago) as r;
        end if;
        if free > 0 then
            -- In one statement, for a raised capacity may let thousands in; the numbers are looked for no further than needed.
            seats := array(
                select g.n from (select generate_series(1, capacities[i]) as n) as g
                where not exists (select from public.job_queue_lines as t where t.model = lines[i] and t.seat = g.n)
                limit free
            );
            with firsts as materialized (
                select f.place, row_number() over (order by f.line_key, f.seq) as n
                from (
                    select l.ctid as place, l.line_key, l.seq from public.job_queue_lines as l
                    where l.model = lines[i] and l.seat is null
                    order by l.line_key, l.seq limit free
                ) as f
            )

            -- Under the line's lock each stays where it is. (By its key, the planner may read the line anew for each.)
            update public.job_queue_lines as l set seat = seats[f.n] from firsts as f where l.ctid = f.place;
            get diagnostics given = row_count;
            free := free - given;
        end if;
        -- Unless somebody has a seat to give up, that was all.
        while contests[i] or free < 0 loop
            select l.line_key, l.seq into first
            from public.job_queue_lines as l where l.model = lines[i] and l.seat is null
            order by l.line_key, l.seq limit 1;
            if found and free > 0 then
                update public.job_queue_lines as l
                set seat = (
                    select g.n from (select generate_series(1, capacities[i]) as n) as g
                    where not exists (select from public.job_queue_lines as t where t.model = lines[i] and t.seat = g.n)
                    limit 1
                )
                where l.model = lines[i] and l.line_key = first.line_key and l.seq = first.seq;
                free := free - 1;
                continue;
            end if;
            -- The last of those that have a seat and wait gives it up to one ahead of it, or to a lowered capacity or rate.
            select l.line_key, l.seq into last
            from public.job_queue_lines as l
            join public.job_queue_jobs as j on j.job_id = l.job_id
            where l.model = lines[i] and l.seat is not null and j.status = 'waiting' and j.job_id = any (touched)
              and (free < 0 or (l.line_key, l.seq) > (first.line_key, first.seq))
            order by l.line_key desc, l.seq desc limit 1;
            exit when not found;
            update public.job_queue_lines as l set seat = null
            where l.model = lines[i] and l.line_key = last.line_key and l.seq = last.seq;
            free := free + 1;
        end loop;
    end loop;

    if rated is not null then
        -- A line held up by its rate alone is looked at again, by any caller, when the rate allows the next start.
        update public.job_queue_models as x
        set next_start_at = n.at
        from (
            select r.model, case when exists (
                select from public.job_queue_lines as l where l.model = r.model and l.seat is null) then r.free_from end as at
            from job_queue.room(rated, a_minute_ago) as r
        ) as n
        where x.model = n.model and x.next_start_at is distinct from n.at;
    end if;

    -- Derived anew each time, never counted up and down: a job is runnable when none of its lines lacks a seat.
    update public.job_queue_jobs as j
    set runnable = not j.runnable, runnable_since = clock_timestamp()
    where j.job_id = any (touched) and j.status = 'waiting'
      and j.runnable = exists (select from public.job_queue_lines as l where l.job_id = j.job_id and l.seat is null);
end;
$$;

comment on function job_queue.settle(text[], text[]) is
    'Shares out the seats of locked lines again after a change: those that run keep theirs, the first in line get the rest. Marks the jobs that became runnable. '
    'entered: locked jobs that just came into line.';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 096_job_queue_entering.sql

-- Private: how jobs enter (035, 040) and what is given to who runs them (034), with each row written once where nobody is in the way.
--
-- A single job that is asked for and finds all its lines free starts as it enters. Jobs that find room in all their lines, and nobody who
-- waits there, have their seats as they enter. All others go the long way: into their lines, and then the seats are shared out.

create or replace function job_queue.open_seats(lines text[], coming bigint[]) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    -- Line by line, by fences (offset 0) and scalar questions: of a plain join or an EXISTS the planner may make one that reads every
    -- line there is to know of this one.
    return (
        select coalesce(jsonb_object_agg(c.line, g.seats), '{}')
        from unnest(lines, coming) as c (line, coming)
        cross join lateral (
            select m.capacity from public.job_queue_models as m
            where m.model = c.line and not m.paused and m.starts_per_minute is null
              -- Nobody waits there, so no seat can be another's; and none is taken that a lowered capacity has no room for.
              and (select l.seq from public.job_queue_lines as l where l.model = c.line and l.seat is null order by l.line_key, l.seq limit 1) is null
              and (select l.seat from public.job_queue_lines as l where l.model = c.line and l.seat > m.capacity limit 1) is null
            offset 0
        ) as m
        cross join lateral (
            -- The numbers one by one, to the last that is needed: in FROM all of them would come first.
            select array(
                select t.n from (select generate_series(1, m.capacity) as n) as t
                where (select l.seat from public.job_queue_lines as l where l.model = c.line and l.seat = t.n) is null
                limit c.coming
            ) as seats
            offset 0
        ) as g
        where cardinality(g.seats) = c.coming
    );
end;
$$;

comment on function job_queue.open_seats(text[], bigint[]) is
    'Of these locked lines those in which nobody waits without a seat and as many as come have room: an object of the numbers of their seats.';

create or replace function job_queue.start_at_once(job jsonb, lines text[], s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    id text;
    seats jsonb;
begin
    if s.paused or job ->> 'job_type' = 'workflow' or job ->> 'steps' is not null
       or (job ->> 'run_at')::timestamptz > moment or (job ->> 'deadline')::timestamptz < moment then
        return '{}';
    end if;
    seats := job_queue.open_seats(lines, array_fill(1::bigint, array[cardinality(lines)]));
    if not seats ?& lines then
        return '{}';
    end if;

    with begun as (
        insert into public.job_queue_jobs (
            job_id, job_type, handler, models, needs, status, runnable_since, priority, entered_at, waits_since, line_key, seq, deadline,
            max_attempts, payload, attempt, token, worker_id, started_at, lease_until
        )
        select e.job_id, e.job_type, e.handler, e.models, e.models, 'running', moment, e.priority, moment, moment,
            moment - e.priority * s.priority_step, nextval('public.job_queue_line_seq'), e.deadline,
            e.max_attempts, nullif(e.payload, 'null'), 1, nextval('public.job_queue_token_seq'), e.run ->> 'worker_id', moment,
            moment + make_interval(secs => (e.run ->> 'lease_seconds')::numeric)
        from jsonb_to_record(job) as e (
            job_id text, job_type text, handler text, models text[], priority integer, deadline timestamptz, max_attempts integer,
            payload jsonb, run jsonb
        )
        on conflict (job_id) do nothing
        returning job_id, line_key, seq
    ),

    places as (
        insert into public.job_queue_lines (model, line_key, seq, job_id, seat)
        select f.model, b.line_key, b.seq, b.job_id, (seats -> f.model ->> 0)::integer from begun as b cross join unnest(lines) as f (model)
    )

    select b.job_id into id from begun as b;
    if id is null then
        return '{}';
    end if;
    perform job_queue.log_event(array[id], 'started');
    return array[id];
end;
$$;

comment on function job_queue.start_at_once(jsonb, text[], public.job_queue_settings) is
    'Starts a new job, checked and with "run", in its locked lines if all of them are free; returns its id, or nothing and then nothing was done.';

create or replace function job_queue.lease(j public.job_queue_jobs) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    lease jsonb := jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'models', to_jsonb(j.models),
        'attempt', j.attempt, 'max_attempts', j.max_attempts, 'token', j.token, 'worker_id', j.worker_id,
        'lease_seconds', round(extract(epoch from j.lease_until - j.started_at), 3), 'lease_until', j.lease_until,
        'queued_at', j.entered_at, 'started_at', j.started_at, 'payload', j.payload
    );
    callback jsonb;
begin
    -- A question in an expression, even one that is not asked, makes a statement of it: for most jobs there is none.
    if j.steps is not null then
        lease := lease || jsonb_build_object('holding', j.holding, 'steps', j.steps);
    end if;
    if j.steps is not null or j.current_step > 0 then
        lease := lease || jsonb_build_object(
            'current_step', j.current_step, 'step_attempt', j.attempt - j.attempts_before,
            'checkpoints', (select coalesce(jsonb_object_agg(c.step, c.output), '{}')
                            from public.job_queue_checkpoints as c where c.job_id = j.job_id)
        );
    end if;
    if j.steps is not null or j.job_type = 'workflow' then
        callback := job_queue.callback_of(j);
        if callback is not null then
            lease := lease || jsonb_build_object('callback', callback);
        end if;
    end if;
    return lease;
end;
$$;

comment on function job_queue.lease(public.job_queue_jobs) is 'What a worker is given to run a job.';

create or replace function job_queue.insert_new(jobs jsonb, s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    -- Under the locks, so that nobody who enters later in any of these lines can have an earlier key.
    moment timestamptz := clock_timestamp();
    workflows constant boolean := jobs @> '[{"job_type": "workflow"}]';
    open jsonb := '{}';
    fresh text[];
    others text[];
begin
    -- A job all of whose lines are open has its seats as it enters, and nothing changes for anybody else. (What a workflow needs is known
    -- only after its execution was read.) How many come is an upper bound: some may be known already.
    if not workflows then
        select job_queue.open_seats(array_agg(w.line), array_agg(w.coming)) into open
        from (
            select l.line, count(*) as coming
            from jsonb_array_elements(jobs) as e
            cross join unnest(job_queue.lines_of(array(select jsonb_array_elements_text(e -> 'models')), s)) as l (line)
            group by l.line
        ) as w;
    end if;

    with inserted as (
        insert into public.job_queue_jobs (
            job_id, job_type, handler, models, needs, holding, steps, status, runnable, runnable_since, priority, entered_at, waits_since,
            line_key, seq, due_at, deadline, attempt, attempts_before, max_attempts, payload, error
        )
        select n.job_id, n.job_type, n.handler, n.models,
            case when n.steps is null then n.models else job_queue.needs_of(n.models, n.holding, n.steps, 0) end, n.holding, n.steps,
            case when n.run_at > moment then 'delayed' else 'waiting' end, o.runnable, case when o.runnable then moment end,
            n.priority, n.entered_at, greatest(n.entered_at, n.run_at), n.entered_at - n.priority * s.priority_step, n.seq,
            case when n.run_at > moment then n.run_at end, n.deadline, n.attempt, n.attempt, n.max_attempts, n.payload, n.error
        from (
            select e.job_id, e.job_type, e.handler, e.models, e.holding, nullif(e.steps, 'null') as steps, e.priority, e.run_at, e.deadline,
                e.max_attempts, nullif(e.payload, 'null') as payload,
                -- Of a job that another system had in line (091): since when, and what has become of it there.
                least(coalesce(e.entered_at, moment), moment) as entered_at, coalesce(e.attempt, 0) as attempt, e.error,
                nextval('public.job_queue_line_seq') as seq
            from rows from (jsonb_to_recordset(jobs) as (
                job_id text, job_type text, handler text, models text[], holding text, steps jsonb, priority integer, run_at timestamptz,
                deadline timestamptz, max_attempts integer, payload jsonb, entered_at timestamptz, attempt integer, error text
            )) with ordinality as e (
                job_id, job_type, handler, models, holding, steps, priority, run_at, deadline, max_attempts, payload, entered_at, attempt,
                error, n
            )
            order by e.n
        ) as n
        cross join lateral (
            select not workflows and n.steps is null and (n.run_at > moment) is not true and open ?& job_queue.lines_of(n.models, s) as runnable
        ) as o
        -- Numbered as given, written by id: two callers with the same new jobs in other orders must not wait for each other.
        order by n.job_id
        on conflict (job_id) do nothing
        returning job_id, runnable
    )

    select coalesce(array_agg(e.job_id), '{}'), coalesce(array_agg(e.job_id) filter (where not e.runnable), '{}')
    into fresh, others
    from inserted as e;
    if workflows then
        perform job_queue.adopt(fresh, jobs);
    end if;
    if cardinality(others) < cardinality(fresh) then
        insert into public.job_queue_lines (model, line_key, seq, job_id, seat)
        select p.line, p.line_key, p.seq, p.job_id, (open -> p.line ->> p.n - 1)::integer
        from (
            select w.line, j.line_key, j.seq, j.job_id,
                (row_number() over (partition by w.line order by j.line_key, j.seq))::integer as n
            from public.job_queue_jobs as j
            cross join unnest(job_queue.lines_of(j.needs, s)) as w (line)
            where j.job_id = any (fresh) and j.runnable
        ) as p;
    end if;
    if cardinality(others) > 0 then
        perform job_queue.enter(array(
            select j.job_id from public.job_queue_jobs as j where j.job_id = any (others) and j.status = 'waiting'
        ), s);
    end if;
    return fresh;
end;
$$;

comment on function job_queue.insert_new(jsonb, public.job_queue_settings) is
    'Puts those of the checked jobs that are not known yet in their locked lines; returns their ids. job_queue.settle must follow for those that are not runnable then.';

create or replace function job_queue.anything_due() returns boolean
language plpgsql
set search_path = ''
as $$
declare
    -- A variable: an index is not searched by what may change from row to row, as clock_timestamp() may.
    moment timestamptz := clock_timestamp();
begin
    -- One statement for what nearly always is not; each question is a look at the first entry of an index.
    return exists (select from public.job_queue_jobs as j where j.status = 'running' and j.lease_until < moment)
        or exists (select from public.job_queue_jobs as j where j.status = 'delayed' and j.due_at <= moment)
        or exists (select from public.job_queue_jobs as j where j.status in ('waiting', 'delayed') and j.deadline < moment)
        or exists (select from public.job_queue_jobs as j where j.skipped)
        or exists (select from public.job_queue_models as m where m.next_start_at <= moment)
        or exists (select from public.job_queue_arrivals as a where a.late);
end;
$$;

comment on function job_queue.anything_due() is
    'Is there a job to take back, let in or fail, one that stands aside, a rate that allows the next start, or a late row of a user''s?';

create or replace function job_queue.enter_new(jobs jsonb, asked boolean default false, notes jsonb default '[]') returns text[]
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    ids text[] := array(select e ->> 'job_id' from jsonb_array_elements(jobs) as e);
    noted text[] := '{}';
    noted_models text[];
    needs text[];
    fresh text[];
    found text[] := '{}';
    due text[] := '{}';
    entered text[];
    came text[] := '{}';
    rated text[] := '{}';
    unsettled text[];
begin
    if notes <> '[]' then
        noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
    end if;
    perform job_queue.lock_mirrored(ids || noted, false);
    if job_queue.anything_due() then
        -- Those that came before and could not enter then, enter first.
        if exists (select from public.job_queue_arrivals as a where a.late) then
            notes := job_queue.late_notes(100) || notes;
        end if;
        found := job_queue.recoverable(20, asked);
        rated := job_queue.models_due();
    elsif asked then
        found := job_queue.recoverable(20, true);
    end if;
    -- A job that is asked for has somebody to run it: it comes back, and is not set aside.
    if asked or cardinality(found) > 0 then
        due := array(
            select u.id from unnest(job_queue.lock_mirrored(found, true)) as u (id)
            where not asked or u.id <> all (ids) or not exists (
                select from public.job_queue_jobs as j where j.job_id = u.id and j.runnable)
            union
            select j.job_id from public.job_queue_jobs as j
            where asked and j.job_id = any (ids)
              and (j.skipped or j.status in ('waiting', 'delayed') and j.deadline < clock_timestamp())
        );
    end if;
    s := job_queue.settings();
    -- A name may have become an alias since it was checked (a user's transaction may be long); from here on none can.
    jobs := job_queue.under_own_names(jobs);
    if notes <> '[]' then
        notes := job_queue.notes_under_own_names(notes);
    end if;
    needs := job_queue.lines_of(array(
        select distinct m from jsonb_array_elements(jobs) as e
        cross join jsonb_array_elements_text(e -> 'models') as m
        -- A finished one may be removed at this instant, and is new then.
        where not exists (select from public.job_queue_jobs as j
                          where j.job_id = e ->> 'job_id' and j.status not in ('completed', 'failed', 'cancelled'))
        union
        -- Known ones too: their rows are waited for, or shown as they are, under the locks of their lines only.
        select unnest(j.models) from public.job_queue_jobs as j where j.job_id = any (due || ids)
    ), s) || rated;
    if notes <> '[]' then
        noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
        noted_models := job_queue.models_of(notes);
        -- Their models were let in when they were noted, whatever the setting is now.
        -- (Otherwise job_queue.lock_models creates them, in one go with the others and so in order.)
        if s.unknown_models = 'refuse' then
            insert into public.job_queue_models (model, capacity)
            select n, s.default_capacity from unnest(noted_models) as n order by n collate "C"
            on conflict (model) do nothing;
        end if;
        needs := needs || noted_models;
    end if;
    perform job_queue.lock_models(needs, s);
    if cardinality(due || noted) > 0 then
        perform from public.job_queue_jobs as j where j.job_id = any (due || noted) order by j.job_id for no key update;
        came := job_queue.follow(notes, s, needs);
        entered := job_queue.recover(due, s);
    end if;

    if jobs -> 0 ? 'run' and cardinality(due || rated || noted) = 0 then
        fresh := job_queue.start_at_once(jobs -> 0, needs, s);
        if cardinality(fresh) > 0 then
            return fresh;
        end if;
    end if;
    fresh := job_queue.insert_new(jobs, s);
    unsettled := array(select j.job_id from public.job_queue_jobs as j where j.job_id = any (fresh) and not j.runnable);
    if cardinality(unsettled || due || rated || noted) > 0 then
        perform job_queue.settle(needs, came || unsettled || entered);
    end if;
    if cardinality(came) > 0 then
        perform job_queue.log_event(came, 'queued');
        if notes @> '[{"job": {"job_type": "workflow"}}]' then
            perform job_queue.add_executions(came);
        end if;
    end if;
    if cardinality(due || noted) > 0 then
        perform job_queue.mirror(due || noted);
    end if;
    return fresh;
end;
$$;

comment on function job_queue.enter_new(jsonb, boolean, jsonb) is
    'Puts checked jobs (job_queue.check_job) that are not known yet in line, under the locks of all their models; returns their ids. On the way it '
    'follows notes of the rows of jobs, takes back dead leases and lets due jobs in. asked: somebody asks for these very jobs, known ones too. '
    'A single job with "run" (worker_id, lease_seconds) is started on the way where all its lines are free.';

revoke all on function job_queue.start_at_once(jsonb, text[], public.job_queue_settings), job_queue.open_seats(text[], bigint[]), job_queue.anything_due() from public, anon, authenticated;
grant execute on function job_queue.start_at_once(jsonb, text[], public.job_queue_settings), job_queue.open_seats(text[], bigint[]), job_queue.anything_due() to service_role;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 097_job_queue_start.sql

-- Starts a job at once where all its lines are free (096); otherwise as in 041.

create or replace function public.job_queue_start(job_id text, models jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    answer jsonb;
    job jsonb;
    worker text;
    lease_seconds numeric;
    fresh text[];
    passed text[];
    in_time boolean;
    wanted text[];
    s public.job_queue_settings;
    j public.job_queue_jobs;
begin
    perform job_queue.check_keys('options', options,
        '{request_id,worker_id,lease_seconds,job_type,handler,priority,max_attempts,payload,unrestricted,run_at,deadline,steps,holding}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    worker := job_queue.check_name('The worker id', coalesce(options ->> 'worker_id', 'direct'));
    lease_seconds := job_queue.number_of('The lease time in seconds', options -> 'lease_seconds', 1, 3600, 30, 'JQ004');
    job := job_queue.check_job(
        (options - '{request_id,worker_id,lease_seconds}'::text[]) || jsonb_build_object('job_id', job_id, 'models', models))
        || jsonb_build_object('run', jsonb_build_object('worker_id', worker, 'lease_seconds', lease_seconds));

    fresh := job_queue.enter_new(jsonb_build_array(job), asked => exists (
        select from public.job_queue_jobs as k where k.job_id = job_queue_start.job_id));
    -- Under the lock that enter_new took.
    select * into s from public.job_queue_settings as k where k.id = 1;
    if cardinality(fresh) = 0 then
        -- Before its row is waited for: only with these models are its lines locked.
        select * into j from public.job_queue_jobs as k where k.job_id = job ->> 'job_id';
        wanted := job_queue.own_names(job -> 'models');
    end if;
    if not (j.models @> wanted and j.models <@ wanted) then
        perform job_queue.refuse('JQ009', 'The job is known with other models.',
            format('It needs %s; ask for these, or use a new job id.', to_jsonb(j.models)));
    end if;
    select * into j from public.job_queue_jobs as k where k.job_id = job ->> 'job_id' for no key update;

    if cardinality(fresh) > 0 and j.status = 'running' then
        perform job_queue.mirror(fresh);
        perform job_queue.refresh_state(s, begun => true);
        return job_queue.remember(options ->> 'request_id', jsonb_build_object('result', 'started', 'lease', job_queue.lease(j)));
    end if;
    in_time := j.deadline is null or j.deadline >= clock_timestamp();
    if j.status = 'waiting' and not j.runnable and in_time then
        passed := job_queue.lend(j.job_id, s);
    end if;
    if j.status = 'waiting' and (j.runnable or passed is not null) and not s.paused and in_time then
        answer := jsonb_build_object('result', 'started', 'lease', job_queue.start_runs(
            array[j.job_id], worker, lease_seconds, jsonb_strip_nulls(jsonb_build_object('passed', to_jsonb(passed)))) -> 0);
        perform job_queue.mirror(array[j.job_id]);
        perform job_queue.refresh_state(s, begun => true);
    elsif j.status in ('waiting', 'delayed') then
        if cardinality(fresh) > 0 then
            perform job_queue.log_event(fresh, 'blocked');
            if j.job_type = 'workflow' then
                perform job_queue.add_executions(fresh);
            end if;
            perform job_queue.mirror(fresh);
        end if;
        answer := jsonb_build_object('result', 'queued', 'status', j.status) || job_queue.place(j.job_id);
    elsif j.status = 'running' then
        answer := jsonb_build_object('result', 'running', 'worker_id', j.worker_id, 'attempt', j.attempt, 'lease_until', j.lease_until);
    else
        answer := jsonb_build_object('result', 'finished', 'status', j.status);
    end if;
    perform job_queue.recheck_state();
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_start(text, jsonb, jsonb) is
    'Can this job start? Starts it now, with a lease, or puts it in line, where it keeps its place however often it asks. '
    'docs/reference/rpc.md. Example: select job_queue_start(''job-42'', ''["motion-2.0-fast"]'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 098_job_queue_outcomes.sql

-- Private: the outcomes of runs (042) and claims (034). Each job is written once, whatever became of it, only lines where a place came free
-- are looked at, and a claim that finds nothing asks no more than it has to. job_queue.settle_outcomes is used no more; it stays for calls that are under way while this is applied.

create or replace function job_queue.end_runs(
    outcomes jsonb, s public.job_queue_settings, out told jsonb, out ended text[], out back text[]
)
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    words text[];
    has_steps boolean;
    word text;
    now_so text[];
begin
    -- What each outcome comes to for its job: the token decides whether it changes anything.
    with verdicts as materialized (
        select o.n, o.e ->> 'job_id' as job_id, (o.e ->> 'token')::bigint as token,
            case
                when j.job_id is null then 'unknown_job'
                -- The same outcome again, without a request id to know it by.
                when j.token = (o.e ->> 'token')::bigint and j.status = 'completed' and o.e ->> 'outcome' = 'complete' then 'completed'
                when j.token = (o.e ->> 'token')::bigint and j.status = 'failed' and o.e ->> 'outcome' = 'fail' then 'failed'
                when j.status <> 'running' then 'not_running'
                when j.token <> (o.e ->> 'token')::bigint then 'stale'
                when o.e ->> 'outcome' = 'complete' then 'completed'
                when j.cancel_requested_at is not null then 'cancelled'
                when o.e ->> 'outcome' = 'fail' then 'failed'
                when o.e ->> 'outcome' = 'release' then 'released'
                when j.attempt >= j.max_attempts then 'failed'
                else 'retry_scheduled'
            end as word,
            coalesce(j.status = 'running' and j.token = (o.e ->> 'token')::bigint, false) as changes,
            coalesce((o.e ->> 'retry_at')::timestamptz, moment + make_interval(secs => (o.e ->> 'retry_in_seconds')::numeric)) as at,
            nullif(o.e -> 'result', 'null') as result, o.e ->> 'error' as error, j.ctid as place
        from jsonb_array_elements(outcomes) with ordinality as o (e, n)
        left join public.job_queue_jobs as j on j.job_id = o.e ->> 'job_id'
    ),

    changed as (
        update public.job_queue_jobs as j
        set status = case
                when v.word = 'released' or v.word = 'retry_scheduled' and v.at <= moment then 'waiting'
                when v.word = 'retry_scheduled' then 'delayed'
                else v.word
            end,
            due_at = case when v.word = 'retry_scheduled' and v.at > moment then v.at end,
            waits_since = case when v.word = 'released' then moment when v.word = 'retry_scheduled' then greatest(v.at, moment) else j.waits_since end,
            attempt = j.attempt - (v.word = 'released')::integer,
            finished_at = case when v.word in ('completed', 'failed', 'cancelled') then moment end,
            progress = case when v.word = 'completed' then 100 else j.progress end,
            lease_until = null, result = v.result, error = v.error
        from verdicts as v
        -- It is locked and stays where it is. (By its id, the planner may read all jobs to find these few.)
        where v.changes and j.ctid = v.place
        returning v.n, j.job_id, v.word, j.status, j.job_type = 'workflow' or j.steps is not null as has_steps
    ),

    -- A job that backs off stands in no line; those that come back at once still have their places.
    left_line as (
        -- An array, no join: of an empty table, as the statistics may have it, a join would read every line there is by then.
        delete from public.job_queue_lines as l where l.job_id = any (array(select c.job_id from changed as c where c.status <> 'waiting'))
    )

    select
        (select coalesce(jsonb_agg(jsonb_build_object('job_id', v.job_id, 'token', v.token, 'result', v.word) order by v.n), '[]') from verdicts as v),
        coalesce(array_agg(c.job_id order by c.n), '{}'), array_agg(c.word order by c.n),
        coalesce(array_agg(c.job_id) filter (where c.status = 'waiting'), '{}'), bool_or(c.has_steps)
    into told, ended, words, back, has_steps
    from changed as c;
    if cardinality(ended) = 0 then
        return;
    end if;

    if has_steps then
        -- A step that is done again has its callback again.
        delete from public.job_queue_callbacks as c
        using unnest(ended, words) as v (job_id, word)
        where c.job_id = v.job_id and v.word <> 'released';
    end if;
    if cardinality(back) > 0 then
        perform job_queue.enter(back, s);
    end if;
    if words[1] = all (words) then
        perform job_queue.log_event(ended, words[1]);
        return;
    end if;
    foreach word in array array(select distinct w from unnest(words) as w) loop
        now_so := array(select v.job_id from unnest(ended, words) as v (job_id, w) where v.w = word);
        perform job_queue.log_event(now_so, word);
    end loop;
end;
$$;

comment on function job_queue.end_runs(jsonb, public.job_queue_settings) is
    'Carries out the outcomes of runs whose jobs and lines are locked; returns the answers, the jobs whose run ended and those of them that are in line again. '
    'job_queue.settle must follow.';

create or replace function job_queue.take(
    worker text, at_most integer, handlers jsonb, models text[], lease_seconds numeric
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    found_ids text[];
    free text[];
    taken text[] := '{}';
    passed text[] := '{}';
    before integer;
    -- Those that it has room for; null: any.
    open text[];
begin
    if jsonb_typeof(take.handlers) = 'array' then
        open := array(select jsonb_array_elements_text(take.handlers));
    end if;
    -- What is locked by somebody else is being started or changed by them: it is passed over, never waited for. So is a job
    -- whose row somebody edits, for the next one; each time more are looked at, up to a thousand.
    loop
        if jsonb_typeof(take.handlers) = 'object' then
            open := array(
                select h.key from jsonb_each_text(take.handlers) as h
                where h.value::integer > (
                    select count(*) from public.job_queue_jobs as j where j.job_id = any (taken) and j.handler = h.key)
            );
        end if;
        before := cardinality(taken);
        found_ids := array(
            select j.job_id from public.job_queue_jobs as j
            where j.status = 'waiting' and j.runnable
              and (j.deadline is null or j.deadline >= moment)
              and (open is null or j.handler = any (open))
              and (take.models is null or j.models <@ take.models)
              and j.job_id <> all (passed)
            order by j.line_key, j.seq
            limit greatest(at_most - cardinality(taken), cardinality(passed))
            for no key update skip locked
        );
        free := job_queue.lock_mirrored(found_ids, true);
        taken := (job_queue.within_numbers(take.handlers, taken || free))[1:at_most];
        exit when cardinality(taken) in (at_most, before + cardinality(found_ids)) or cardinality(passed) > 1000;
        passed := passed || found_ids;
    end loop;
    if cardinality(taken) = 0 then
        return '[]';
    end if;
    return job_queue.start_runs(taken, worker, lease_seconds);
end;
$$;

comment on function job_queue.take(text, integer, jsonb, text[], numeric) is
    'Starts the first runnable jobs that this worker can run; the handlers have been looked at. They have their seats, so no line needs a lock.';

create or replace function job_queue.advance(outcomes jsonb, worker text, claim jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    ids text[] := '{}';
    due text[] := '{}';
    notes jsonb := '[]';
    noted text[] := '{}';
    came text[] := '{}';
    rated text[] := '{}';
    behind text[] := '{}';
    handlers text[];
    models text[];
    id text;
    passed text[];
    needs text[];
    told jsonb := '[]';
    back text[];
    leases jsonb := '[]';
    ended text[] := '{}';
    begun text[] := '{}';
    answer jsonb;
begin
    if outcomes <> '[]' then
        ids := array(select e ->> 'job_id' from jsonb_array_elements(outcomes) as e);
        perform job_queue.lock_mirrored(ids, false);
    end if;
    if claim is not null then
        handlers := job_queue.handlers_of(claim -> 'handlers');
        models := job_queue.names_of('models', claim -> 'models');
        if job_queue.anything_due() then
            if exists (select from public.job_queue_arrivals as a where a.late) then
                notes := job_queue.late_notes(100);
                noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
            end if;
            due := job_queue.recoverable(20, look => job_queue.note_worker(worker, handlers, models))
                || job_queue.awaited(handlers, models, 20);
            rated := job_queue.models_due();
        elsif job_queue.note_worker(worker, handlers, models) then
            due := job_queue.recoverable(20, true);
        end if;
        if cardinality(due) > 0 then
            due := array(select unnest(job_queue.lock_mirrored(due, true)) except select unnest(ids));
        end if;
    end if;
    s := job_queue.settings();
    if claim is not null and s.max_overtakes > 0 then
        behind := job_queue.lock_mirrored(job_queue.lendable(handlers, models, s.max_overtakes, ids || due, rated), true);
    end if;

    if cardinality(ids || due || noted || rated || behind) > 0 then
        needs := job_queue.lines_of(array(
            select distinct unnest(j.models) from public.job_queue_jobs as j where j.job_id = any (ids || due || behind)
        ), s) || rated;
        if notes <> '[]' then
            -- Their models are known, or were let in when they were noted.
            notes := job_queue.notes_under_own_names(notes);
            needs := needs || job_queue.models_of(notes);
            s.unknown_models := 'create';
        end if;
        perform job_queue.lock_models(needs, s);
        perform from public.job_queue_jobs as j where j.job_id = any (ids || due || noted) order by j.job_id for no key update;
        select o.told, o.ended, o.back into told, ended, back from job_queue.end_runs(outcomes, s) as o;
        if cardinality(due) > 0 then
            back := back || job_queue.recover(due, s);
        end if;
        if notes <> '[]' then
            came := job_queue.follow(notes, s, needs);
        end if;
        perform job_queue.settle(needs, back || came);
        if cardinality(came) > 0 then
            perform job_queue.log_event(came, 'queued');
        end if;
    end if;

    if claim is not null and not s.paused then
        leases := job_queue.take(worker, (claim ->> 'max_jobs')::integer, claim -> 'handlers', models, (claim ->> 'lease_seconds')::numeric);
        foreach id in array behind loop
            exit when jsonb_array_length(leases) >= (claim ->> 'max_jobs')::integer;
            begun := array(select l ->> 'job_id' from jsonb_array_elements(leases) as l) || id;
            continue when cardinality(job_queue.within_numbers(claim -> 'handlers', begun)) < cardinality(begun);
            passed := job_queue.lend(id, s);
            if passed is not null then
                leases := leases || job_queue.start_runs(array[id], worker, (claim ->> 'lease_seconds')::numeric,
                                                         jsonb_build_object('passed', to_jsonb(passed)));
            end if;
        end loop;
    end if;
    if leases = '[]' then
        begun := '{}';
    else
        begun := array(select l ->> 'job_id' from jsonb_array_elements(leases) as l);
    end if;
    perform job_queue.mirror(ended || due || noted || begun);
    if job_queue.refresh_state(s, ended || due, cardinality(begun) > 0) then
        perform job_queue.housekeep();
    end if;

    answer := jsonb_build_object('outcomes', told);
    if claim is not null then
        answer := answer || jsonb_build_object('leases', leases, 'next_due_at', least(
            (select min(j.due_at) from public.job_queue_jobs as j where j.status = 'delayed' and j.due_at < 'infinity'),
            (select min(j.lease_until) from public.job_queue_jobs as j where j.status = 'running'),
            (select min(m.next_start_at) from public.job_queue_models as m where m.next_start_at is not null)
        ));
    end if;
    return answer;
end;
$$;

comment on function job_queue.advance(jsonb, text, jsonb) is
    'One step of a worker: carries out checked outcomes and, with a claim, takes back dead leases, lets due jobs in and starts the next jobs.';

revoke all on function job_queue.end_runs(jsonb, public.job_queue_settings) from public, anon, authenticated;
grant execute on function job_queue.end_runs(jsonb, public.job_queue_settings) to service_role;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 099_job_queue_explain.sql

-- As in 050, but a long line is counted in its index, not collected.

create or replace function public.job_queue_explain(job_id text) returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    j public.job_queue_jobs;
    lines jsonb;
begin
    perform job_queue.check_job_id(job_id);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_explain.job_id;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; a row of jobs enters with required_models set.');
    end if;

    select coalesce(jsonb_agg(jsonb_build_object(
        'model', nullif(m.model, ''), 'capacity', m.capacity, 'paused', m.paused,
        'starts_per_minute', m.starts_per_minute, 'next_start_at', m.next_start_at, 'stands', own.model is not null,
        'admitted', own.seat is not null and j.status = 'waiting',
        'holders', coalesce((
            select jsonb_agg(jsonb_build_object('job_id', r.job_id, 'worker_id', r.worker_id, 'started_at', r.started_at,
                                                'lease_until', r.lease_until)
                             order by r.started_at, r.job_id)
            from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = m.model and l.seat is not null
        ), '[]'),
        'position', case when j.status = 'waiting' and own.model is not null then ahead.total + 1 end,
        'ahead', coalesce(to_jsonb(ahead.first), '[]'), 'ahead_count', coalesce(ahead.total, 0)
    ) order by m.model), '[]') into lines
    from public.job_queue_models as m
    left join public.job_queue_lines as own on own.model = m.model and own.job_id = j.job_id
    left join lateral (
        -- Every real one, however long the line: this is the exact answer. Counted in the index alone; those that run are few.
        select (
            select count(*) from public.job_queue_lines as l where l.model = m.model and (l.line_key, l.seq) < (j.line_key, j.seq)
        ) - (
            select count(*) from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = m.model and l.seat is not null and (l.line_key, l.seq) < (j.line_key, j.seq)
        ) as total, array(
            select l.job_id from public.job_queue_lines as l
            left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
            where l.model = m.model and (l.line_key, l.seq) < (j.line_key, j.seq) and r.status is distinct from 'running'
            order by l.line_key, l.seq limit 20
        ) as first
    ) as ahead on j.status = 'waiting' and own.model is not null
    where m.model = any (j.models) or own.model is not null;

    return jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'status', j.status, 'runnable', j.runnable,
        'priority', j.priority, 'attempt', j.attempt, 'max_attempts', j.max_attempts, 'queued_at', j.entered_at,
        'run_at', nullif(j.due_at, 'infinity'), 'deadline', j.deadline, 'started_at', j.started_at, 'finished_at', j.finished_at,
        'worker_id', case when j.status = 'running' then j.worker_id end, 'lease_until', j.lease_until,
        'progress', j.progress, 'note', j.progress_note, 'error', j.error, 'result', j.result, 'models', lines, 'estimate', job_queue.estimate(j, lines),
        'skipped', j.skipped, 'cancel_requested_at', j.cancel_requested_at, 'now', clock_timestamp()
    ) || job_queue.place(j.job_id)
      || case when j.job_type = 'workflow' or j.steps is not null then jsonb_build_object(
        'callback', job_queue.callback_of(j), 'holding', j.holding, 'current_step', j.current_step, 'step_attempt', j.attempt - j.attempts_before,
        'steps', (
            select jsonb_agg(jsonb_build_object('name', s.step -> 'name', 'models', s.step -> 'models', 'saved_at', c.saved_at) order by s.number)
            from jsonb_array_elements(j.steps) with ordinality as s (step, number)
            left join public.job_queue_checkpoints as c on c.job_id = j.job_id and c.step = s.number - 1
        )) else '{}' end
      || case when j.status = 'waiting' then jsonb_build_object('queue_position', (
        select max((l ->> 'position')::bigint) from jsonb_array_elements(lines) as l
    )) else '{}' end;
end;
$$;

comment on function public.job_queue_explain(text) is
    'Why a job waits: of each model its holders with lease ends, the job''s exact place in its line, and an estimate of its start. docs/reference/rpc.md. '
    'Example: select job_queue_explain(''job-42'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 100_job_queue_status.sql

-- As in 051, but long lines are counted in their index.

create or replace function public.job_queue_status() returns jsonb
language sql
stable
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
    with counts as materialized (
        select l.model, count(*) as places from public.job_queue_lines as l group by l.model
    ),

    -- Those that somebody needs first.
    shown as materialized (
        select m.* from public.job_queue_models as m
        left join counts as c on c.model = m.model
        where m.model <> '' order by c.model is null, m.model limit 1000
    ),

    standing as (
        select m.model, m.capacity, m.paused, m.starts_per_minute, m.next_start_at,
            array(
                select r.job_id from public.job_queue_lines as l
                join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
                where l.model = m.model and l.seat is not null
                order by r.started_at, r.job_id limit 100
            ) as holders,
            array(
                select l.job_id from public.job_queue_lines as l
                left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
                where l.model = m.model and r.status is distinct from 'running'
                order by l.line_key, l.seq limit 20
            ) as line
        from shown as m
    ),

    -- Each by its own index: what this costs grows with those that wait and run, never with those that have ended.
    jobs as (
        select
            (select count(*) from public.job_queue_jobs as j where j.status = 'running') as running,
            (select count(*) from public.job_queue_jobs as j where j.status = 'delayed') as delayed,
            (select count(*) from public.job_queue_jobs as j where j.status = 'waiting' and j.runnable) as runnable,
            -- All that stand in a line, counted in its index, but for those that run or are counted already.
            (select count(*) from (select distinct l.job_id from public.job_queue_lines as l) as n) - (
                select count(*) from public.job_queue_jobs as j
                where (j.status = 'running' or j.status = 'waiting' and j.runnable)
                  and exists (select from public.job_queue_lines as l where l.job_id = j.job_id)
            ) as blocked
    ),

    -- Worked out up to 100,000 of each.
    last_minute as (
        select e.event, (
            select count(*) from (
                select from public.job_queue_log as l
                where l.event_type = e.event and l.created_at > now() - interval '1 minute' limit 100000
            ) as n
        ) as number
        from unnest(array['started', 'completed', 'failed', 'retry_scheduled', 'cancelled', 'expired', 'lease_expired', 'skipped']) as e (event)
    )

    select jsonb_build_object(
        'now', clock_timestamp(),
        'version', job_queue.version(),
        'limits', job_queue.limits(),
        'jobs', (
            select jsonb_build_object('waiting', n.runnable + n.blocked, 'delayed', n.delayed, 'running', n.running, 'runnable', n.runnable)
            from jobs as n
        ),
        'last_minute', (select jsonb_object_agg(r.event, r.number) from last_minute as r),
        'models', coalesce((
            select jsonb_agg(jsonb_build_object(
                'model', t.model, 'capacity', t.capacity, 'paused', t.paused,
                'starts_per_minute', t.starts_per_minute, 'next_start_at', t.next_start_at,
                'holders', coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'job_id', j.job_id, 'handler', j.handler, 'worker_id', j.worker_id, 'attempt', j.attempt,
                        'started_at', j.started_at, 'lease_until', j.lease_until,
                        'progress', j.progress, 'note', j.progress_note) order by j.started_at, j.job_id)
                    from public.job_queue_jobs as j where j.job_id = any (t.holders)
                ), '[]'),
                'waiting', coalesce(c.places, 0) - (
                    select count(*) from public.job_queue_lines as l
                    join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
                    where l.model = t.model and l.seat is not null),
                'longest_wait_seconds', (
                    select round(extract(epoch from greatest(max(clock_timestamp() - j.waits_since), '0')), 3)
                    from public.job_queue_jobs as j where j.job_id = any (t.line)
                ),
                'line', coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'job_id', j.job_id, 'handler', j.handler, 'runnable', j.runnable, 'queued_at', j.entered_at)
                        order by j.line_key, j.seq)
                    from public.job_queue_jobs as j where j.job_id = any (t.line)
                ), '[]')
            ) order by t.model)
            from standing as t
            left join counts as c on c.model = t.model
        ), '[]'),
        -- Those heard of within the last minute, and those that have a job.
        'workers', coalesce((
            select jsonb_agg(jsonb_build_object(
                'worker_id', w.worker_id, 'running', w.running, 'seen_at', w.seen_at, 'handlers', to_jsonb(w.handlers), 'models', to_jsonb(w.models)
            ) order by w.worker_id)
            from (
                select coalesce(r.worker_id, k.worker_id) as worker_id, coalesce(r.running, 0) as running, k.seen_at, k.handlers, k.models
                from (
                    select j.worker_id collate "C" as worker_id, count(*) as running
                    from public.job_queue_jobs as j where j.status = 'running' group by 1
                ) as r
                full join (
                    select * from public.job_queue_workers as x where x.seen_at > now() - interval '1 minute'
                ) as k on k.worker_id = r.worker_id
                order by 1 limit 1000
            ) as w
        ), '[]')
    );
$$;

comment on function public.job_queue_status() is
    'One call for a dashboard: every model with its holders and the head of its line, the limits, the counts. docs/reference/rpc.md. Example: select job_queue_status()';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 101_job_queue_state.sql

-- Private: the row of job_queue_state (035), found by what runs, and written less often: every version of that one row stays for as long
-- as somebody holds a transaction open, and each look at it passes over all of them.

create or replace function job_queue.models_held() returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    -- From the few that run: of those that wait, a hundred thousand may have seats.
    return (
        select coalesce(jsonb_agg(distinct l.model), '[]')
        from public.job_queue_jobs as j
        cross join lateral (
            select s.model from public.job_queue_lines as s where s.job_id = j.job_id and s.seat is not null and s.model <> '' offset 0
        ) as l
        where j.status = 'running'
    );
end;
$$;

comment on function job_queue.models_held() is 'The models of which running jobs have seats, by name.';

create or replace function job_queue.refresh_state(
    s public.job_queue_settings, ended text[] default '{}', begun boolean default false
) returns boolean
language plpgsql
set search_path = ''
as $$
declare
    known public.job_queue_state;
    stale boolean;
    oldest record;
begin
    select * into known from public.job_queue_state as q where q.id = 1;
    stale := known.last_updated is null or known.last_updated < clock_timestamp() - interval '1 second';
    if s.max_active_jobs = 1 and (begun or cardinality(ended) > 0) then
        -- One at a time: exact. Whoever holds this lock waits for nothing after it.
        perform pg_advisory_xact_lock(19027, 0);
    elsif (stale or known.active_job_id = any (ended)) is not true or not pg_try_advisory_xact_lock(19027, 0) then
        return false;
    end if;

    select j.job_id, j.job_type, j.started_at into oldest
    from public.job_queue_jobs as j where j.status = 'running'
    order by j.started_at, j.job_id limit 1;
    insert into public.job_queue_state as q (id, active_job_id, active_job_type, active_models, started_at, last_updated)
    values (1, oldest.job_id, oldest.job_type, job_queue.models_held(), oldest.started_at, clock_timestamp())
    on conflict (id) do update
    set active_job_id = excluded.active_job_id, active_job_type = excluded.active_job_type,
        active_models = excluded.active_models, started_at = excluded.started_at, last_updated = excluded.last_updated;
    return stale;
end;
$$;

comment on function job_queue.refresh_state(public.job_queue_settings, text[], boolean) is
    'Keeps the row of job_queue_state: exact while the global limit is 1, else when the job it names ended and once a second. '
    'Returns whether a second had passed: the caller then does the housekeeping.';

create or replace function job_queue.recheck_state() returns void
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings := job_queue.settings();
begin
    -- One condition inside the other: without a limit the first is null, and null does not keep the second from being looked at.
    if s.max_active_jobs is distinct from 1 then
        return;
    end if;
    if exists (
        select from public.job_queue_state as q
        where q.id = 1
          and (q.active_job_id is not null
               and not exists (select from public.job_queue_jobs as j where j.job_id = q.active_job_id and j.status = 'running')
               -- More than one may still run from before the limit, and lose its lease.
               or q.active_models is distinct from job_queue.models_held())
    ) then
        perform job_queue.refresh_state(s, begun => true);
    end if;
end;
$$;

comment on function job_queue.recheck_state() is
    'The last step of whoever enters jobs: while one job at a time may run, the state names none whose dead lease was taken back on the way.';

revoke all on function job_queue.models_held() from public, anon, authenticated;
grant execute on function job_queue.models_held() to service_role;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 102_job_queue_locks.sql

-- Private: two questions that every call asks (032), asked in the way that the common case can be answered with least: to start a
-- statement costs more than to run it.

create or replace function job_queue.own_names(models jsonb) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    only_one constant text := case when jsonb_array_length(models) = 1 then btrim(models ->> 0, E' \t\r\n') end;
begin
    if only_one is not null then
        return array[coalesce((select a.model from public.job_queue_aliases as a where a.alias = only_one), only_one)];
    end if;
    return array(
        select t.name
        from (
            select coalesce(a.model, btrim(e, E' \t\r\n')) as name, min(n) as first
            from jsonb_array_elements_text(models) with ordinality as g (e, n)
            left join public.job_queue_aliases as a on a.alias = btrim(e, E' \t\r\n')
            group by 1
        ) as t
        order by t.first
    );
end;
$$;

comment on function job_queue.own_names(jsonb) is 'The models with these names, in the order given: trimmed, aliases resolved, without duplicates.';

create or replace function job_queue.lock_models(names text[], s public.job_queue_settings) returns void
language plpgsql
set search_path = ''
as $$
declare
    missing text[];
begin
    -- New models first, and in order: a wait for another caller's insert must not come after a lock on an existing row.
    if (select count(*) from public.job_queue_models as m where m.model = any (names)) < cardinality(names) then
        select array_agg(distinct n collate "C") into missing
        from unnest(names) as n
        where not exists (select from public.job_queue_models as m where m.model = n);
    end if;
    if missing is not null then
        if s.unknown_models = 'refuse' then
            perform job_queue.refuse('JQ008', format('The model "%s" is unknown.', left(missing[1], 200)),
                                     'Add it with job_queue_set_model, or let unknown models in with job_queue_set_limits.');
        end if;
        insert into public.job_queue_models (model, capacity)
        select n, s.default_capacity from unnest(missing) as n order by n collate "C"
        on conflict (model) do nothing;
    end if;

    perform from public.job_queue_models as m where m.model = any (names) order by m.model for no key update;
end;
$$;

comment on function job_queue.lock_models(text[], public.job_queue_settings) is
    'Locks the lines of these models until the transaction ends, by name; an unknown model is created with the default capacity or refused (JQ008).';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 103_job_queue_heartbeat.sql

-- As in 044; and it names a running job in job_queue_state where none is: one that starts within a second of the last change is not named
-- by its start.

create or replace function public.job_queue_heartbeat(worker_id text, leases jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    lease_seconds numeric;
    moment timestamptz := clock_timestamp();
    answer jsonb;
    progressed text[];
begin
    perform job_queue.check_name('The worker id', worker_id);
    perform job_queue.check_keys('options', options, '{lease_seconds}');
    lease_seconds := job_queue.number_of('The lease time in seconds', options -> 'lease_seconds', 1, 3600, 30, 'JQ004');
    if leases is null or jsonb_typeof(leases) <> 'array' or jsonb_array_length(leases) > 1000 then
        perform job_queue.refuse('JQ007', 'The leases are not an array of at most 1,000 leases.', 'Send larger batches in parts.');
    end if;
    perform job_queue.check_keys('A lease', e, '{job_id,token,progress,note}'),
        job_queue.check_job_id(e ->> 'job_id'),
        job_queue.check_token(e -> 'token'),
        job_queue.whole_number_of('progress', e -> 'progress', 0, 100, null)
    from jsonb_array_elements(leases) as e;

    -- A job that somebody else has locked is just ending or being taken back; it is not waited for. Its lease is renewed
    -- at the next beat if it is still held.
    with given as (
        select * from jsonb_to_recordset(leases) as g (job_id text, token bigint, progress integer, note text)
    ),

    held as (
        select j.job_id, g.progress, left(g.note, 500) as note
        from public.job_queue_jobs as j
        join given as g on g.job_id = j.job_id and g.token = j.token
        where j.status = 'running'
        for no key update of j skip locked
    ),

    renewed as (
        update public.job_queue_jobs as j
        set lease_until = greatest(j.lease_until, moment + make_interval(secs => lease_seconds)),
            progress = coalesce(h.progress, j.progress),
            progress_note = coalesce(h.note, j.progress_note)
        from held as h
        where j.job_id = h.job_id
        returning j.job_id, h.progress
    )

    select coalesce(array_agg(r.job_id) filter (where r.progress is not null), '{}') into progressed from renewed as r;
    perform job_queue.mirror(job_queue.lock_mirrored(progressed, true));

    -- A busy worker does not claim, and is there all the same. Two beats of one worker: the second passes by.
    update public.job_queue_workers as w set seen_at = moment
    where w.worker_id in (
        select o.worker_id from public.job_queue_workers as o
        where o.worker_id = job_queue_heartbeat.worker_id
          and o.seen_at < moment - (select least(s.skip_after / 4, interval '5 seconds') from public.job_queue_settings as s where s.id = 1)
        for no key update skip locked
    );

    -- Only where it names nobody: the housekeeping, which comes with it once a second, is left to those who claim and complete. (While one
    -- job at a time may run, the row is exact already.)
    if exists (
        select from public.job_queue_state as q
        where q.id = 1 and q.active_job_id is null and q.last_updated < moment - interval '1 second'
    ) then
        perform job_queue.refresh_state(null);
    end if;

    select jsonb_build_object('leases', coalesce(jsonb_agg(jsonb_build_object(
        'job_id', g.job_id, 'token', g.token,
        'result', case when j.job_id is null then 'lost' when j.cancel_requested_at is not null then 'cancel_requested' else 'held' end,
        'lease_until', j.lease_until
    )), '[]')) into answer
    from jsonb_to_recordset(leases) as g (job_id text, token bigint)
    left join public.job_queue_jobs as j on j.job_id = g.job_id and j.token = g.token and j.status = 'running';
    return answer;
end;
$$;

comment on function public.job_queue_heartbeat(text, jsonb, jsonb) is
    'Renews up to 1,000 leases; says of each: held, lost or cancel_requested. docs/reference/rpc.md. Example: '
    'select job_queue_heartbeat(''worker-1'', ''[{"job_id": "job-42", "token": 7, "progress": 50}]'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 104_job_queue_enqueue.sql

-- As in 040; and the jobs for the answer are looked up one by one, whatever the statistics say.

create or replace function public.job_queue_enqueue(jobs jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set jit = off
as $$
declare
    answer jsonb;
    checked jsonb := '[]';
    job jsonb;
    fresh text[];
    places jsonb;
begin
    perform job_queue.check_keys('options', options, '{request_id}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    if jobs is null or jsonb_typeof(jobs) <> 'array' or jsonb_array_length(jobs) not between 1 and 1000 then
        perform job_queue.refuse('JQ007', 'The jobs are not an array of 1 to 1,000 jobs.', 'Send larger batches in parts.');
    end if;

    select jsonb_agg(job_queue.check_job(e) order by n) into checked from jsonb_array_elements(jobs) with ordinality as t (e, n);
    if (select count(distinct e ->> 'job_id') from jsonb_array_elements(checked) as e) < jsonb_array_length(checked) then
        perform job_queue.refuse('JQ001', 'The same job id is twice in one call.', 'Give each job an id of its own.');
    end if;
    for job in
        select e from jsonb_array_elements(jobs) as e where jsonb_typeof(e -> 'row') <> 'null' order by e ->> 'job_id'
    loop
        perform job_queue.insert_row(job ->> 'job_id', job -> 'row');
    end loop;

    fresh := job_queue.enter_new(checked);
    perform job_queue.log_event(fresh, 'queued');
    if checked @> '[{"job_type": "workflow"}]' then
        perform job_queue.add_executions(fresh);
    end if;
    -- A row that was created for a job known before says what that job is now.
    perform job_queue.mirror(fresh || array(
        select e ->> 'job_id' from jsonb_array_elements(jobs) as e where jsonb_typeof(e -> 'row') <> 'null'
    ));

    -- Asked once for all: joined below, it would be asked anew for each job.
    select coalesce(jsonb_object_agg(p.job_id, to_jsonb(p) - 'job_id'), '{}') into places
    from job_queue.places(array(select e ->> 'job_id' from jsonb_array_elements(checked) as e)) as p;
    select jsonb_build_object('jobs', jsonb_agg(
        jsonb_build_object(
            'job_id', j.job_id, 'result', case when j.job_id = any (fresh) then 'entered' else 'exists' end, 'status', j.status,
            'queue_position', null, 'blocked_by_job_id', null, 'conflict_reason', null
        ) || coalesce(places -> j.job_id, '{}')
    order by t.n)) into answer
    from jsonb_array_elements(checked) with ordinality as t (e, n)
    -- One by one by the key: of a plain join the planner may make one that reads all jobs.
    cross join lateral (select k.job_id, k.status from public.job_queue_jobs as k where k.job_id = t.e ->> 'job_id' offset 0) as j;
    perform job_queue.recheck_state();
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_enqueue(jsonb, jsonb) is
    'Puts 1-1,000 jobs in line, all or none; a job known already keeps its place. docs/reference/rpc.md. Example: '
    'select job_queue_enqueue(''[{"job_id": "job-42", "models": ["motion-2.0-fast"]}]'')';

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 105_job_queue_plans.sql

-- How the calls are planned (030), one setting more. Where the statistics are of a time when few of many jobs were left, the planner takes
-- the tables for small, and would rather read and keep all of one than ask its index for each of the rows at hand; by the time the plan is
-- used, a hundred thousand jobs may wait. What it may not keep it does not read. A function that is replaced needs it again.

alter function public.job_queue_start(text, jsonb, jsonb) set enable_material = off;
alter function public.job_queue_complete(jsonb, jsonb) set enable_material = off;
alter function public.job_queue_claim(text, integer, jsonb) set enable_material = off;
alter function public.job_queue_heartbeat(text, jsonb, jsonb) set enable_material = off;
alter function public.job_queue_release_models(text, bigint, jsonb) set enable_material = off;
alter function public.job_queue_cancel(text, jsonb) set enable_material = off;
alter function public.job_queue_set_model(text, jsonb) set enable_material = off;
alter function public.job_queue_set_limits(jsonb) set enable_material = off;
alter function public.job_queue_sweep() set enable_material = off;
alter function public.job_queue_checkpoint(text, bigint, integer, jsonb, jsonb) set enable_material = off;
alter function public.job_queue_retry(text, jsonb) set enable_material = off;
alter function public.job_queue_reprioritize(text, integer) set enable_material = off;
alter function public.job_queue_await(text, bigint, integer, jsonb) set enable_material = off;
alter function public.job_queue_callback(text, integer, jsonb, jsonb) set enable_material = off;
alter function public.job_queue_adopt(jsonb) set enable_material = off;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- 106_job_queue_version_number.sql

-- Private: the version of this SQL. The last file of a release.

create or replace function job_queue.version() returns text
language sql
immutable
set search_path = ''
as $$
    select '0.2.0'::text;
$$;

notify pgrst, 'reload schema';

-- ----------------------------------------------------------------------------------------------------
-- what was applied

insert into public.job_queue_migrations (name, checksum) values ('000_clean_schema_no_coins.sql', '1feff27887982abe538583c8f90eb594deac2096f12618ef318d55f2b71c2939') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('030_job_queue_tables.sql', 'd44ba7a73d3184e394b8cc532cd9e7c8d25aabcdd7aef186231771c2d5755fed') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('031_job_queue_checks.sql', '188bd5f716725779787108f9aed09e4c4253053ee178d3855ca1d5ab1e75bbf5') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('032_job_queue_admission.sql', '647c8f7b850c601d56357f83642c89e0e5003e58576b9ab8473561fe3e822580') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('033_job_queue_places.sql', '58f7e1e74e34d9034955117413c4b93811b3ed0327afc4cb700074c4cc0a71be') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('034_job_queue_transitions.sql', 'dcdd439dea2df85f33cbe75f8667ce429e81f37f9f0f3b7f98ec21697f00bd4b') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('035_job_queue_mirror.sql', '4353b707a20769c0cae3f2b91ee71f06036747f26db06e990bdb67008754a2e4') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('036_job_queue_insert_trigger.sql', '1c8645c2b8cf71080b2f456812154a2110bf937ca325e5c96aee68e68e619b28') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('037_job_queue_workers.sql', 'bb4187d909abcd4e9ef2db88e0fb38f494733490efb1ec16c6a86cc946700e2f') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('038_job_queue_overtakes.sql', '3682362636cc29a685b510e7532075f483cde257df4b52c424732c8687e2ea21') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('039_job_queue_version_number.sql', 'f760d9c6f94c5f6d4f823824915f02e1bfd09e4bd3e1a153e56dd0c0930ddc79') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('040_job_queue_enqueue.sql', 'c80f3096a7bd8b70ffbe1aea037a2bfdb3964d6ba929f85b56d79f33e0674c4a') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('041_job_queue_start.sql', '2c102ac327e1a03c0f75dceccf975db5c0b4c8792419e11870ac2cbffd57775e') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('042_job_queue_complete.sql', '0c53eaf90de2b8ff94d1f63e0b8967f75f2c46ec95532b97863ffe7992453697') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('043_job_queue_claim.sql', '5a9ba4d32a197dc10ffbb7bb0370647644699aa572d9896e5354dd2cb4880d52') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('044_job_queue_heartbeat.sql', '1548e2050765b9d60821a5ef0421df5ba529e7cd4111a22dbc812728fcf6e899') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('045_job_queue_release_models.sql', 'd635ccab477108f8b9377b4c9b45ed937172840bf7c3c5398b3019bf07e79307') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('046_job_queue_cancel.sql', '74f0bd6650f950ab89b717e5686ea0aa136db22db181f2f89936cff5586ed022') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('047_job_queue_set_model.sql', 'd3bc2c3e239469f1e1cbb5f84e4ef6ec95bbbd10d6a1c594d44d6b97d87b6327') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('048_job_queue_set_limits.sql', 'dd1f0b72b252e5c68a1744a537bad2b4d997a0efa6115afee6063e6cb57fe403') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('049_job_queue_tidy.sql', 'e96d78a9476a857125d856a760ffaaf63d4b1f375f0ed75948339810e6749725') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('050_job_queue_explain.sql', '37f2cdf47b76cd88e85e6f09b9e359b05489b5f5951ae0ed2a7c0c2d6ffdb248') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('051_job_queue_status.sql', 'e67befd6783c02bc8d5117be8f5bb4a24ee6afa048e8b20e4be62c3fbe5cda54') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('052_job_queue_sweep.sql', '7d9466c6d87b77a6f2405229703c0d587edbed83a42be432621f3cac5dd29a67') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('053_job_queue_version.sql', '18852cdedd817246af2a97c5f6d0d36fbf8fa4af7536c0cd15e64ed9e99da0e5') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('054_job_queue_metrics.sql', 'dca92bfcb961494e3b939ad6c025d6422a5944a93a8f3e8e4bc630fa8dbc705c') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('055_job_queue_checkpoint.sql', 'f6d15d23ebfd563def0f2b18aa7ad2bafa6314c3d7bd7a32a76bc8884f1712b1') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('056_job_queue_retry.sql', '4fe6407a79d9232a509d44abf54f05355a087450ee246d8a57f7efc313856ec8') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('057_job_queue_reprioritize.sql', 'e93aa141b80be8c59219643481ceb586108c2aec86c8e38b9a1adade4c5852be') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('058_job_queue_replay.sql', 'f81a4e38ec0bbe604fccdaae42467032020a862e879d00a596a9f0ecdae2f208') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('059_job_queue_await.sql', '56fa3a3d5caaa6564fa441a67d7cb80dd6d83e560d398d984f57bf328d61a3d2') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('060_job_queue_callback.sql', 'fb23458f6571129778c6027535d072ea4c070af8aa4f6af67bcaba4a4c63a7ca') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('061_job_queue_executions.sql', 'c02e9514dbe93330f484b575108548da62555c8e2fcd40f2e4888e19f020d78e') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('090_job_queue_grants.sql', '38afa1a91bc6238a19970393c1754d74352a8df3258eeaa62c4e4362ff5ed173') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('091_job_queue_adopt.sql', '8a890ea901725d97e3dbd28db91e0b14d60993c1076a7a5543a017c2a06872be') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('092_job_queue_inspect.sql', '7680708b7a7673807030010bad85e08a858315bc63f197eea6255f0583ef4759') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('093_job_queue_checks.sql', '0d01cb2a05dbc06dd024388daf27340188332b92864207acbac24c45c7710dd7') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('094_job_queue_places.sql', '2feac632a5fce116b4041a78cf04219aadc99e4b76a594502657eb3be5ec1706') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('095_job_queue_settle.sql', '609179d3984c126d840f5f71c0e5d5914e7479bdfd8b2df56ad42fe1c44818d8') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('096_job_queue_entering.sql', 'b9b0e862d7d6f98cfa47c7caebd07d54a7f8c54431529ea62283d81c37e4c4f9') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('097_job_queue_start.sql', '9433278ba77dd0cd4a84a60cc13984a25c2b885e897066327bc14c9cd33d7250') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('098_job_queue_outcomes.sql', '417c66f26396ea1dbaaf70eccb79d5aca8a1c7610c60c2f79b909eac18739b30') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('099_job_queue_explain.sql', '3a8abf7a357099f0c1c51f9ebe6815850866b8c579561774508d9641d1c3d0b6') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('100_job_queue_status.sql', '81b8ed82a662914cd3cf0370fc61fb74a9d47c95498b1f47b5f98d0c96c38eae') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('101_job_queue_state.sql', '5706312facd6d330ff83b8f6cf4776f2f20f3d1d030b5b58ed5e74aa2a4d93fd') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('102_job_queue_locks.sql', '8c155c6d4e8394a8c01457ca4ee0d813355a6896f91277bee5d9964a12756204') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('103_job_queue_heartbeat.sql', '0852bd3d75cb97feb3ff458d1128b232de6e611005a0397ef88076a02c4493fe') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('104_job_queue_enqueue.sql', '5d24a37bca160ad7a05def3e1ac941718febcee9c6535d44d09d3c948e77cc09') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('105_job_queue_plans.sql', '8f74325d84e17afb97316df2620dc45fb6aefce26add05eaa09ca2a283b7a66b') on conflict (name) do nothing;
insert into public.job_queue_migrations (name, checksum) values ('106_job_queue_version_number.sql', '742e4c2d56fbe0247cb62cdcf05ef8eb129bab58e1c175ce0c51f5f0527ef5cd') on conflict (name) do nothing;

do $interlock$
begin
    perform set_config('job_queue.paste', '', true);
    if to_regprocedure('job_queue.add_columns()') is not null then
        perform job_queue.add_columns();
        drop function job_queue.add_columns();
    end if;
    perform job_queue.attach();
end;
$interlock$;
