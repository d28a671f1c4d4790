-- Upon before_027.sql: the predecessor's own migration 027 was applied (one database for jobs and slots), with the doors it left open.

alter table public.jobs
    add column required_models jsonb,
    add column queue_position integer,
    add column blocked_by_job_id text,
    add column conflict_reason text,
    add column queued_at timestamptz;
comment on column public.jobs.required_models is 'Array of model names required by this job';
create index idx_jobs_queue on public.jobs (status, queue_position) where status in ('pending', 'queued');
create index idx_jobs_blocked on public.jobs (blocked_by_job_id) where blocked_by_job_id is not null;
create index idx_jobs_required_models on public.jobs using gin (required_models) where required_models is not null;

alter table public.workflow_executions
    add column required_models jsonb,
    add column current_step_model text,
    add column blocked_by_job_id text;
create index idx_workflow_executions_models on public.workflow_executions using gin (required_models)
where status in ('running', 'pending_retry');
create index idx_workflow_executions_blocked on public.workflow_executions (blocked_by_job_id) where blocked_by_job_id is not null;

create table public.job_queue_state (
    id integer primary key default 1,
    active_job_id text,
    active_job_type text,
    active_models jsonb,
    started_at timestamptz,
    last_updated timestamptz default now(),
    constraint single_row check (id = 1)
);
insert into public.job_queue_state (id, active_job_id, active_job_type, active_models) values (1, null, null, '[]');
create index idx_queue_state_active on public.job_queue_state (active_job_id) where active_job_id is not null;

create table public.job_queue_log (
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
create index idx_queue_log_job on public.job_queue_log (job_id, created_at desc);
create index idx_queue_log_event on public.job_queue_log (event_type, created_at desc);
create index idx_queue_log_created on public.job_queue_log (created_at desc);

alter table public.job_queue_state disable row level security;
alter table public.job_queue_log disable row level security;
grant all on public.job_queue_state, public.job_queue_log to anon, authenticated, service_role;
