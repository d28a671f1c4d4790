-- As in 044; and it names a running job in job_queue_state where none is: one that starts within a second of the last change is not named
-- by its start.

create or replace function public.job_queue_heartbeat(worker_id text, leases jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    lease_seconds numeric;
    moment timestamptz := clock_timestamp();
    answer jsonb;
    progressed text[];
begin
    perform job_queue.check_name('The worker id', worker_id);
    perform job_queue.check_keys('options', options, '{lease_seconds}');
    lease_seconds := job_queue.number_of('The lease time in seconds', options -> 'lease_seconds', 1, 3600, 30, 'JQ004');
    if leases is null or jsonb_typeof(leases) <> 'array' or jsonb_array_length(leases) > 1000 then
        perform job_queue.refuse('JQ007', 'The leases are not an array of at most 1,000 leases.', 'Send larger batches in parts.');
    end if;
    perform job_queue.check_keys('A lease', e, '{job_id,token,progress,note}'),
        job_queue.check_job_id(e ->> 'job_id'),
        job_queue.check_token(e -> 'token'),
        job_queue.whole_number_of('progress', e -> 'progress', 0, 100, null)
    from jsonb_array_elements(leases) as e;

    -- A job that somebody else has locked is just ending or being taken back; it is not waited for. Its lease is renewed
    -- at the next beat if it is still held.
    with given as (
        select * from jsonb_to_recordset(leases) as g (job_id text, token bigint, progress integer, note text)
    ),

    held as (
        select j.job_id, g.progress, left(g.note, 500) as note
        from public.job_queue_jobs as j
        join given as g on g.job_id = j.job_id and g.token = j.token
        where j.status = 'running'
        for no key update of j skip locked
    ),

    renewed as (
        update public.job_queue_jobs as j
        set lease_until = greatest(j.lease_until, moment + make_interval(secs => lease_seconds)),
            progress = coalesce(h.progress, j.progress),
            progress_note = coalesce(h.note, j.progress_note)
        from held as h
        where j.job_id = h.job_id
        returning j.job_id, h.progress
    )

    select coalesce(array_agg(r.job_id) filter (where r.progress is not null), '{}') into progressed from renewed as r;
    perform job_queue.mirror(job_queue.lock_mirrored(progressed, true));

    -- A busy worker does not claim, and is there all the same. Two beats of one worker: the second passes by.
    update public.job_queue_workers as w set seen_at = moment
    where w.worker_id in (
        select o.worker_id from public.job_queue_workers as o
        where o.worker_id = job_queue_heartbeat.worker_id
          and o.seen_at < moment - (select least(s.skip_after / 4, interval '5 seconds') from public.job_queue_settings as s where s.id = 1)
        for no key update skip locked
    );

    -- Only where it names nobody: the housekeeping, which comes with it once a second, is left to those who claim and complete. (While one
    -- job at a time may run, the row is exact already.)
    if exists (
        select from public.job_queue_state as q
        where q.id = 1 and q.active_job_id is null and q.last_updated < moment - interval '1 second'
    ) then
        perform job_queue.refresh_state(null);
    end if;

    select jsonb_build_object('leases', coalesce(jsonb_agg(jsonb_build_object(
        'job_id', g.job_id, 'token', g.token,
        'result', case when j.job_id is null then 'lost' when j.cancel_requested_at is not null then 'cancel_requested' else 'held' end,
        'lease_until', j.lease_until
    )), '[]')) into answer
    from jsonb_to_recordset(leases) as g (job_id text, token bigint)
    left join public.job_queue_jobs as j on j.job_id = g.job_id and j.token = g.token and j.status = 'running';
    return answer;
end;
$$;

comment on function public.job_queue_heartbeat(text, jsonb, jsonb) is
    'Renews up to 1,000 leases; says of each: held, lost or cancel_requested. docs/reference/rpc.md. Example: '
    'select job_queue_heartbeat(''worker-1'', ''[{"job_id": "job-42", "token": 7, "progress": 50}]'')';

notify pgrst, 'reload schema';
