-- The tables and functions of the Python system's third coordinator, beside Interlock's in the same database, by names of their own: the
-- same columns and indexes for its jobs as Interlock's jobs table has, none of Interlock's triggers. It had its tables in two projects;
-- here they are in one, which is the faster layout for it.

create table public.python_jobs (like public.jobs including all);

create function public.python_jobs_updated_at() returns trigger
language plpgsql
as $$
begin
    new.updated_at := now();
    return new;
end;
$$;

create trigger trigger_jobs_updated_at before update on public.python_jobs
for each row execute function public.python_jobs_updated_at();
alter table public.python_jobs replica identity full;

create table public.python_queue_state (
    id integer primary key default 1 constraint single_row check (id = 1),
    active_job_id text,
    active_job_type text,
    active_models jsonb,
    started_at timestamptz,
    last_updated timestamptz default now(),
    active_jobs jsonb not null default '[]'
);
insert into public.python_queue_state (id, active_models) values (1, '[]');

create table public.python_queue_log (
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
create index python_queue_log_job on public.python_queue_log (job_id, created_at desc);
create index python_queue_log_event on public.python_queue_log (event_type, created_at desc);
create index python_queue_log_created on public.python_queue_log (created_at desc);

-- What it asks for beside the coordination, in the life of a job: the keys of the model's provider.
create table public.python_providers (provider_id uuid primary key, name text not null unique);
create table public.python_provider_keys (
    provider_id uuid not null, key_number integer not null, api_key text not null, primary key (provider_id, key_number)
);
insert into public.python_providers values ('00000000-0000-0000-0000-000000000001', 'vision-nova');
insert into public.python_provider_keys
select '00000000-0000-0000-0000-000000000001', n, 'not-a-key-' || n from generate_series(1, 3) as n;

create function public.python_claim(p_job_id text, p_job_type text, p_models jsonb) returns jsonb
language plpgsql security definer
as $$
declare
    slots jsonb;
    slot jsonb;
    shared jsonb;
begin
    select active_jobs into slots from public.python_queue_state where id = 1 for update;
    for slot in select * from jsonb_array_elements(slots) loop
        if slot ->> 'job_id' = p_job_id then
            return jsonb_build_object('result', 'already_active', 'active_jobs', slots);
        end if;
    end loop;
    for slot in select * from jsonb_array_elements(slots) loop
        select jsonb_agg(m) into shared
        from jsonb_array_elements(slot -> 'models') as m where p_models @> jsonb_build_array(m);
        if shared is not null then
            return jsonb_build_object('result', 'conflict', 'active_jobs', slots, 'conflicting_models', shared);
        end if;
    end loop;
    slots := slots || jsonb_build_array(jsonb_build_object('job_id', p_job_id, 'job_type', p_job_type, 'models', p_models,
        'started_at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
    update public.python_queue_state set active_jobs = slots, last_updated = now() where id = 1;
    return jsonb_build_object('result', 'claimed', 'active_jobs', slots);
end;
$$;

create function public.python_release(p_job_id text) returns jsonb
language plpgsql security definer
as $$
declare
    slots jsonb;
begin
    select coalesce(jsonb_agg(s), '[]') into slots
    from public.python_queue_state, jsonb_array_elements(active_jobs) as s where id = 1 and s ->> 'job_id' <> p_job_id;
    update public.python_queue_state set active_jobs = slots, last_updated = now() where id = 1;
    return jsonb_build_object('result', 'released', 'active_jobs', slots);
end;
$$;

grant select, insert, update, delete on public.python_jobs, public.python_queue_state, public.python_queue_log,
public.python_providers, public.python_provider_keys to service_role;

notify pgrst, 'reload schema';
