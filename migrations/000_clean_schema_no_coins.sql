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
