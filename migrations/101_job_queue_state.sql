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
