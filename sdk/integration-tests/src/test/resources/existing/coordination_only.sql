-- The predecessor's second project ("worker1"): state, log and provider keys; no jobs, no users. For an empty schema public; run as the owner.

grant usage on schema public to anon, authenticated, service_role;

create table public.job_queue_state (
    id integer primary key default 1 constraint single_row check (id = 1),
    active_job_id text,
    active_job_type text,
    active_models jsonb default '[]',
    started_at timestamptz
);
insert into public.job_queue_state (id) values (1);

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

create table public.providers (
    id uuid primary key default gen_random_uuid(),
    provider_name text not null unique,
    created_at timestamptz default now()
);
create table public.provider_api_keys (
    id uuid primary key default gen_random_uuid(),
    provider_id uuid not null references public.providers (id) on delete cascade,
    key_number integer not null default 1,
    api_key text not null,
    created_at timestamptz default now(),
    unique (provider_id, key_number)
);
alter table public.providers enable row level security;
alter table public.provider_api_keys enable row level security;
grant all on public.providers, public.provider_api_keys to service_role;

create table public.model_quotas (
    provider text,
    model text,
    used integer not null default 0,
    quota integer not null default 100,
    primary key (provider, model)
);
grant select on public.model_quotas to anon;
grant all on public.model_quotas to service_role;
create function public.increment_quota(p_provider text, p_model text) returns void language sql security definer as $$
    update public.model_quotas set used = used + 1 where provider = p_provider and model = p_model;
$$;
