-- An existing project as it was before 027: the main database of the predecessor, jobs and all that stands around it, and nothing of a queue.
-- Our own SQL, from the facts in failures.md 1.1 to 1.8. For an empty schema public; run as the owner (postgres).

-- On Supabase these are there; a bare database gets stand-ins.
create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;
create extension if not exists "uuid-ossp" with schema extensions;
do $$
begin
    if to_regprocedure('auth.uid()') is null then
        create schema if not exists auth;
        grant usage on schema auth to anon, authenticated, service_role;
        create function auth.uid() returns uuid language sql stable set search_path = '' as
            'select nullif(current_setting(''request.jwt.claims'', true)::jsonb ->> ''sub'', '''')::uuid';
    end if;
    if not exists (select from pg_publication where pubname = 'supabase_realtime') then
        create publication supabase_realtime;
    end if;
end;
$$;
grant usage on schema public to anon, authenticated, service_role;

create table public.users (
    id uuid primary key default extensions.uuid_generate_v4(),
    email text not null unique,
    display_name text,
    generation_count integer not null default 0,
    created_at timestamptz default now()
);
alter table public.users enable row level security;
create policy "Users can view own profile" on public.users for select using (id = auth.uid());
grant select, update on public.users to authenticated;
grant all on public.users to service_role;

create table public.jobs (
    job_id uuid primary key default extensions.uuid_generate_v4(),
    user_id uuid not null references public.users (id) on delete cascade,
    status text not null default 'pending',
    prompt text not null,
    model text default 'flux1-krea-dev.safetensors',
    aspect_ratio text default '1:1',
    image_url text,
    thumbnail_url text,
    video_url text,
    error_message text,
    progress integer default 0 constraint jobs_progress_check check (progress >= 0 and progress <= 100),
    width integer,
    height integer,
    job_type text not null default 'image',
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    started_at timestamptz,
    completed_at timestamptz,
    metadata jsonb default '{}',
    workflow_metadata jsonb,
    constraint jobs_status_check check (status in ('pending', 'running', 'completed', 'failed', 'cancelled', 'pending_retry')),
    constraint jobs_job_type_check check (job_type in ('image', 'video', 'workflow'))
);
comment on table public.jobs is 'Generation jobs of all users';

create index idx_jobs_user_id on public.jobs (user_id);
create index idx_jobs_status on public.jobs (status);
create index idx_jobs_created_at on public.jobs (created_at desc);
create index idx_jobs_user_status on public.jobs (user_id, status);
create index idx_jobs_user_created on public.jobs (user_id, created_at desc);
create index idx_jobs_status_created on public.jobs (status, created_at desc);
create index idx_jobs_video_url on public.jobs (video_url) where video_url is not null;
create index idx_jobs_user_type_status on public.jobs (user_id, job_type, status, created_at desc);
create index idx_jobs_pending_retry on public.jobs (status, updated_at) where status = 'pending_retry';
create index idx_jobs_workflow on public.jobs (job_type, status, created_at desc) where job_type = 'workflow';

create function public.update_jobs_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end;
$$;
create trigger trigger_jobs_updated_at before update on public.jobs
for each row execute function public.update_jobs_updated_at();

-- Nobody listens any more; an id, a type and a prompt of any length go out on every insert.
create function public.notify_job_insert() returns trigger language plpgsql as $$
begin
    perform pg_notify('job_events', json_build_object(
        'job_id', new.job_id, 'status', new.status, 'job_type', new.job_type, 'model', new.model, 'user_id', new.user_id,
        'prompt', new.prompt)::text);
    return new;
end;
$$;
create trigger job_insert_notify after insert on public.jobs
for each row when (new.status = 'pending') execute function public.notify_job_insert();

alter table public.jobs replica identity full;
alter publication supabase_realtime add table public.jobs;

alter table public.jobs enable row level security;
create policy "Users can view own jobs" on public.jobs for select using (user_id = auth.uid());
create policy "Users can insert own jobs" on public.jobs for insert with check (user_id = auth.uid());
create policy "Users can update own jobs" on public.jobs for update using (user_id = auth.uid());
create policy "Users can delete own jobs" on public.jobs for delete using (user_id = auth.uid());
create policy "Service role full access to jobs" on public.jobs to service_role using (true) with check (true);
grant select, insert, update, delete on public.jobs to authenticated;
grant select on public.jobs to anon;
grant all on public.jobs to service_role;

create table public.workflow_executions (
    id uuid primary key default extensions.uuid_generate_v4(),
    job_id uuid references public.jobs (job_id) on delete cascade,
    workflow_id text not null,
    user_id uuid references public.users (id) on delete cascade,
    current_step integer default 0,
    total_steps integer not null,
    status text default 'pending'
    constraint workflow_executions_status_check check (status in ('pending', 'running', 'completed', 'failed', 'pending_retry')),
    checkpoints jsonb default '{}',
    error_info jsonb,
    retry_count integer default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create index idx_workflow_executions_job_id on public.workflow_executions (job_id);
create index idx_workflow_executions_status on public.workflow_executions (status);
create index idx_workflow_executions_user_id on public.workflow_executions (user_id);
create index idx_workflow_executions_workflow_id on public.workflow_executions (workflow_id);
create index idx_workflow_executions_pending_retry on public.workflow_executions (status, updated_at) where status = 'pending_retry';

create function public.update_workflow_executions_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end;
$$;
create trigger trigger_workflow_executions_updated_at before update on public.workflow_executions
for each row execute function public.update_workflow_executions_updated_at();

alter table public.workflow_executions enable row level security;
create policy "Users can view own workflow executions" on public.workflow_executions for select using (user_id = auth.uid());
create policy "Service role full access to workflow executions" on public.workflow_executions to service_role using (true) with check (true);
grant select, insert, update, delete on public.workflow_executions to authenticated;
grant all on public.workflow_executions to service_role;

do $$
begin
    for n in 1..3 loop
        execute format('
            create table public.priority%1$s_queue (
                queue_id uuid primary key default extensions.uuid_generate_v4(),
                user_id uuid not null references public.users (id) on delete cascade,
                job_id uuid not null references public.jobs (job_id) on delete cascade,
                request_payload jsonb not null,
                created_at timestamptz default now(),
                processed boolean default false,
                processed_at timestamptz
            );
            create index idx_priority%1$s_processed on public.priority%1$s_queue (processed);
            create index idx_priority%1$s_unprocessed on public.priority%1$s_queue (created_at) where processed = false;
            create index idx_priority%1$s_job on public.priority%1$s_queue (job_id);
            create index idx_priority%1$s_user on public.priority%1$s_queue (user_id);
            create index idx_priority%1$s_user_processed on public.priority%1$s_queue (user_id, processed);
            alter table public.priority%1$s_queue enable row level security;
            create policy "Users can view own entries" on public.priority%1$s_queue for select using (user_id = auth.uid());
            create policy "Service role full access" on public.priority%1$s_queue to service_role using (true) with check (true);
            grant select, insert, update, delete on public.priority%1$s_queue to authenticated;
            grant all on public.priority%1$s_queue to service_role', n);
    end loop;
end;
$$;

create table public.system_flags (
    key text primary key,
    value boolean not null default false,
    updated_at timestamptz default now()
);
insert into public.system_flags (key) values ('priority_lock');
alter table public.system_flags replica identity full;
alter publication supabase_realtime add table public.system_flags;
grant select on public.system_flags to anon, authenticated;
grant all on public.system_flags to service_role;

create table public.system_restarts (
    id bigint generated always as identity primary key,
    service text not null,
    reason text,
    errors_in_window integer,
    triggered_by text check (triggered_by in ('auto', 'manual')),
    triggered_at timestamptz default now()
);
alter table public.system_restarts enable row level security;
grant all on public.system_restarts to service_role;

-- Its functions run as their owner, with whatever search_path the caller has.
create function public.increment_generation_count(p_user_id uuid) returns integer language sql security definer as $$
    update public.users set generation_count = generation_count + 1 where id = p_user_id returning generation_count;
$$;
create function public.create_job_batch(p_user_id uuid, p_prompt text, p_model text, p_aspect_ratio text, p_count integer) returns setof uuid
language sql security definer as $$
    insert into public.jobs (user_id, prompt, model, aspect_ratio)
    select p_user_id, p_prompt, p_model, p_aspect_ratio from generate_series(1, p_count) returning job_id;
$$;
create function public.get_next_priority_job() returns table (job_id uuid, priority integer) language sql security definer as $$
    select q.job_id, q.priority from (
        select p.job_id, p.created_at, 1 as priority from public.priority1_queue p where not p.processed
        union all select p.job_id, p.created_at, 2 from public.priority2_queue p where not p.processed
        union all select p.job_id, p.created_at, 3 from public.priority3_queue p where not p.processed
    ) as q order by q.priority, q.created_at limit 1;
$$;
grant execute on function public.increment_generation_count(uuid), public.create_job_batch(uuid, text, text, text, integer) to authenticated;

insert into public.users (id, email) values
('11111111-0000-4000-8000-000000000001', 'ann@example.com'), ('11111111-0000-4000-8000-000000000002', 'ben@example.com'),
('11111111-0000-4000-8000-000000000003', 'cleo@example.com');
