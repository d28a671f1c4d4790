-- Upon coordination_only.sql (as it was in "worker1"), or upon before_027.sql and after_027.sql (all in one database): the change to
-- parallel slots. The three functions run as their owner, without a search_path of their own, and anybody may execute them: what
-- CREATE FUNCTION gives to PUBLIC was never taken back.

alter table public.job_queue_state add column if not exists last_updated timestamptz default now();
alter table public.job_queue_state add column active_jobs jsonb not null default '[]';

create function public.try_claim_coordinator_slot(p_job_id text, p_job_type text, p_models jsonb) returns jsonb
language plpgsql security definer as $$
declare
    slots jsonb;
    slot jsonb;
    shared jsonb;
begin
    select active_jobs into slots from job_queue_state where id = 1 for update;
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
    update job_queue_state set active_jobs = slots, last_updated = now() where id = 1;
    return jsonb_build_object('result', 'claimed', 'active_jobs', slots);
end;
$$;

create function public.release_coordinator_slot(p_job_id text) returns jsonb
language plpgsql security definer as $$
declare
    slots jsonb;
begin
    select coalesce(jsonb_agg(s), '[]') into slots
    from job_queue_state, jsonb_array_elements(active_jobs) as s where id = 1 and s ->> 'job_id' <> p_job_id;
    update job_queue_state set active_jobs = slots, last_updated = now() where id = 1;
    return jsonb_build_object('result', 'released', 'active_jobs', slots);
end;
$$;

create function public.reset_all_coordinator_slots() returns jsonb
language plpgsql security definer as $$
begin
    update job_queue_state
    set active_jobs = '[]', active_job_id = null, active_job_type = null, active_models = '[]', started_at = null, last_updated = now()
    where id = 1;
    return jsonb_build_object('result', 'reset');
end;
$$;

grant execute on function public.try_claim_coordinator_slot(text, text, jsonb) to service_role;
grant execute on function public.release_coordinator_slot(text) to service_role;
grant execute on function public.reset_all_coordinator_slots() to service_role;
