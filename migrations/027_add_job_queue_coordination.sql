-- Adds the coordination to an EXISTING project: 5 columns on jobs, 3 on workflow_executions, two tables, 8 indexes; then verifies itself.
-- Re-runnable. The engine's files (030 and on) follow. A database without jobs or workflow_executions (one for the coordination alone)
-- gets the two tables, and a notice of what was left out.
--
-- Locks: a column without a default is added without rewriting the table. The partial indexes on new columns are small, but building them reads
-- the table once, and writers of jobs wait meanwhile: about a second for a million rows. Nobody is made to wait for a lock longer than lock_timeout.

-- What is there already must have types that the coordination can write, or nothing is changed.
do $migration$
declare
    wrong text;
begin
    select string_agg(format('%s.%s is %s, not %s', w.relation, w.name, c.udt_name, w.types[1]), '; ') into wrong
    from (values
        ('jobs', 'required_models', array['jsonb']), ('jobs', 'queue_position', array['int4', 'int8', 'int2']),
        ('jobs', 'blocked_by_job_id', array['text', 'varchar']), ('jobs', 'conflict_reason', array['text', 'varchar']),
        ('jobs', 'queued_at', array['timestamptz', 'timestamp']), ('workflow_executions', 'required_models', array['jsonb']),
        ('workflow_executions', 'current_step_model', array['text', 'varchar']),
        ('workflow_executions', 'blocked_by_job_id', array['text', 'varchar']),
        ('job_queue_state', 'active_job_id', array['text', 'varchar']), ('job_queue_state', 'active_job_type', array['text', 'varchar']),
        ('job_queue_state', 'active_models', array['jsonb']), ('job_queue_state', 'started_at', array['timestamptz', 'timestamp']),
        ('job_queue_state', 'last_updated', array['timestamptz', 'timestamp']), ('job_queue_log', 'job_id', array['text', 'varchar']),
        ('job_queue_log', 'job_type', array['text', 'varchar']), ('job_queue_log', 'event_type', array['text', 'varchar']),
        ('job_queue_log', 'models', array['jsonb']), ('job_queue_log', 'blocked_by_job_id', array['text', 'varchar']),
        ('job_queue_log', 'conflict_reason', array['text', 'varchar']), ('job_queue_log', 'metadata', array['jsonb']),
        ('job_queue_log', 'created_at', array['timestamptz', 'timestamp'])
    ) as w (relation, name, types)
    join information_schema.columns as c on c.table_schema = 'public' and c.table_name = w.relation and c.column_name = w.name
    where c.udt_name <> all (w.types);
    if wrong is not null then
        raise exception 'Migration 027 cannot use columns that are there already: %', wrong
            using hint = 'Rename them or change their type, then run this again.';
    end if;

    perform set_config('lock_timeout', '5s', true);

    if to_regclass('public.jobs') is null then
        raise notice 'There is no table jobs: its 5 columns were left out. A new project starts with 000_clean_schema_no_coins.sql.';
    else
        alter table public.jobs
            add column if not exists required_models jsonb,
            add column if not exists queue_position integer,
            add column if not exists blocked_by_job_id text,
            add column if not exists conflict_reason text,
            add column if not exists queued_at timestamptz;
        comment on column public.jobs.required_models is
            'Array of model names, for example ["motion-2.0-fast"]; a row inserted with it enters the lines of these models.';
        comment on column public.jobs.queue_position is 'Position in queue (1 = next); null when it does not wait.';
        comment on column public.jobs.blocked_by_job_id is 'ID of a blocking job; not null means waiting.';
        comment on column public.jobs.conflict_reason is 'Why the job is blocked.';
        comment on column public.jobs.queued_at is 'When the job entered the queue; null when it does not wait.';
        begin
            create index if not exists idx_jobs_queue on public.jobs (status, queue_position) where status in ('pending', 'queued');
        exception when undefined_column or invalid_text_representation or undefined_function then
            -- Jobs without a status, or with one that has other words.
            create index if not exists idx_jobs_queue on public.jobs (queue_position) where queue_position is not null;
        end;
        create index if not exists idx_jobs_blocked on public.jobs (blocked_by_job_id) where blocked_by_job_id is not null;
        create index if not exists idx_jobs_required_models on public.jobs using gin (required_models)
        where required_models is not null;
    end if;

    if to_regclass('public.workflow_executions') is null then
        raise notice 'There is no table workflow_executions: its 3 columns were left out.';
    else
        alter table public.workflow_executions
            add column if not exists required_models jsonb,
            add column if not exists current_step_model text,
            add column if not exists blocked_by_job_id text;
        comment on column public.workflow_executions.required_models is 'All models needed for the workflow.';
        comment on column public.workflow_executions.current_step_model is 'Model for the current step.';
        comment on column public.workflow_executions.blocked_by_job_id is 'ID of a blocking job.';
        begin
            create index if not exists idx_workflow_executions_models on public.workflow_executions using gin (required_models)
            where status in ('running', 'pending_retry');
        exception when undefined_column or invalid_text_representation or undefined_function then
            create index if not exists idx_workflow_executions_models on public.workflow_executions using gin (required_models)
            where required_models is not null;
        end;
    end if;
end;
$migration$;

create table if not exists public.job_queue_state (
    id integer primary key default 1 constraint single_row check (id = 1),
    active_job_id text,
    active_job_type text,
    active_models jsonb,
    started_at timestamptz,
    last_updated timestamptz default now()
);

comment on table public.job_queue_state is 'Global state tracker (one row): the longest-running active job and all models in use.';

-- One that was there already may lack some: the predecessor's had no last_updated at first.
alter table public.job_queue_state
    add column if not exists active_job_id text,
    add column if not exists active_job_type text,
    add column if not exists active_models jsonb,
    add column if not exists started_at timestamptz,
    add column if not exists last_updated timestamptz default now();

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

alter table public.job_queue_log
    add column if not exists models jsonb,
    add column if not exists blocked_by_job_id text,
    add column if not exists conflict_reason text,
    add column if not exists metadata jsonb,
    add column if not exists created_at timestamptz default now();

create index if not exists idx_queue_log_job on public.job_queue_log (job_id, created_at desc);
create index if not exists idx_queue_log_event on public.job_queue_log (event_type, created_at desc);
create index if not exists idx_queue_log_created on public.job_queue_log (created_at desc);

-- The predecessor had both open to the anon key.
alter table public.job_queue_state enable row level security;
alter table public.job_queue_log enable row level security;
revoke all on public.job_queue_state, public.job_queue_log from public, anon, authenticated;
grant select, insert, update, delete on public.job_queue_state, public.job_queue_log to service_role;

do $migration$
declare
    missing text;
begin
    select string_agg(format('%s.%s', w.relation, w.name), ', ') into missing
    from (values
        ('jobs', 'required_models'), ('jobs', 'queue_position'), ('jobs', 'blocked_by_job_id'), ('jobs', 'conflict_reason'),
        ('jobs', 'queued_at'), ('workflow_executions', 'required_models'), ('workflow_executions', 'current_step_model'),
        ('workflow_executions', 'blocked_by_job_id'), ('job_queue_state', 'active_job_id'), ('job_queue_state', 'active_job_type'),
        ('job_queue_state', 'started_at'), ('job_queue_log', 'job_id'), ('job_queue_log', 'job_type'), ('job_queue_log', 'event_type')
    ) as w (relation, name)
    where to_regclass('public.' || w.relation) is not null
      and not exists (
          select from information_schema.columns as c
          where c.table_schema = 'public' and c.table_name = w.relation and c.column_name = w.name
      );
    if missing is not null then
        raise exception 'Migration 027 failed verification: missing %', missing;
    end if;

    if to_regclass('public.jobs') is null then
        raise notice 'Migration 027 completed for a database without jobs: job_queue_state and job_queue_log are there.';
    elsif to_regclass('public.workflow_executions') is null then
        raise notice 'Migration 027 completed for a database without workflow_executions.';
    else
        raise notice E'✅ Migration 027 completed successfully!\n   - Added 5 columns to jobs table\n   - Added 3 columns to workflow_executions table\n   - Created job_queue_state table\n   - Created job_queue_log table\n   - Created 8 new indexes';
    end if;
end;
$migration$;

notify pgrst, 'reload schema';
