-- An existing project of another hand: job ids are text, columns and constraints have other names and types, one more is NOT NULL,
-- row level security is off (it "blocked Realtime") and anybody may read and write. For an empty schema public; run as the owner.

grant usage on schema public to anon, authenticated, service_role;

create table public.users (
    id uuid primary key default gen_random_uuid(),
    email text not null
);

create sequence public.job_numbers;
create table public.jobs (
    job_id text primary key default 'job_' || nextval('public.job_numbers'),
    user_id uuid not null references public.users (id) on delete cascade,
    tenant text not null default 'main',
    status character varying(20) not null default 'pending'
    constraint check_status check (status in ('pending', 'running', 'completed', 'failed', 'cancelled', 'pending_retry')),
    prompt text not null,
    model text,
    job_type character varying(20) not null default 'image' constraint check_job_type check (job_type in ('image', 'video', 'workflow')),
    image_url text,
    error_message character varying(200),
    progress smallint default 0 check (progress between 0 and 100),
    created_at timestamp not null default now(),
    updated_at timestamp not null default now(),
    started_at timestamp,
    completed_at timestamp,
    metadata json default '{}',
    workflow_metadata json,
    -- A job that has ended says when.
    constraint jobs_ended_when check (status <> 'completed' or completed_at is not null)
);
create index jobs_by_status on public.jobs (status, created_at desc);
create index jobs_by_user on public.jobs (user_id);

-- Its own guard: what has ended stays as it is.
create function public.guard_finished_jobs() returns trigger language plpgsql as $$
begin
    if old.status in ('completed', 'cancelled') and new.status <> old.status then
        raise exception 'job % has ended', old.job_id;
    end if;
    new.updated_at := now();
    return new;
end;
$$;
create trigger guard_finished_jobs before update on public.jobs for each row execute function public.guard_finished_jobs();

create table public.workflow_executions (
    id uuid primary key default gen_random_uuid(),
    job_id text references public.jobs (job_id) on delete cascade,
    workflow_id text not null,
    user_id uuid references public.users (id) on delete cascade,
    current_step integer default 0,
    total_steps integer not null,
    status text default 'pending' check (status in ('pending', 'running', 'completed', 'failed', 'pending_retry')),
    checkpoints json default '{}',
    error_info json,
    retry_count integer default 0,
    created_at timestamp default now(),
    updated_at timestamp default now()
);
create index workflow_executions_by_job on public.workflow_executions (job_id);

grant all on public.users, public.jobs, public.workflow_executions to anon, authenticated, service_role;
grant usage on sequence public.job_numbers to anon, authenticated, service_role;

insert into public.users (id, email) values
('11111111-0000-4000-8000-000000000001', 'ann@example.com'), ('11111111-0000-4000-8000-000000000002', 'ben@example.com'),
('11111111-0000-4000-8000-000000000003', 'cleo@example.com');
