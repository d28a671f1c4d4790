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
