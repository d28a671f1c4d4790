-- As in 051, but long lines are counted in their index.

create or replace function public.job_queue_status() returns jsonb
language sql
stable
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
    with counts as materialized (
        select l.model, count(*) as places from public.job_queue_lines as l group by l.model
    ),

    -- Those that somebody needs first.
    shown as materialized (
        select m.* from public.job_queue_models as m
        left join counts as c on c.model = m.model
        where m.model <> '' order by c.model is null, m.model limit 1000
    ),

    standing as (
        select m.model, m.capacity, m.paused, m.starts_per_minute, m.next_start_at,
            array(
                select r.job_id from public.job_queue_lines as l
                join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
                where l.model = m.model and l.seat is not null
                order by r.started_at, r.job_id limit 100
            ) as holders,
            array(
                select l.job_id from public.job_queue_lines as l
                left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
                where l.model = m.model and r.status is distinct from 'running'
                order by l.line_key, l.seq limit 20
            ) as line
        from shown as m
    ),

    -- Each by its own index: what this costs grows with those that wait and run, never with those that have ended.
    jobs as (
        select
            (select count(*) from public.job_queue_jobs as j where j.status = 'running') as running,
            (select count(*) from public.job_queue_jobs as j where j.status = 'delayed') as delayed,
            (select count(*) from public.job_queue_jobs as j where j.status = 'waiting' and j.runnable) as runnable,
            -- All that stand in a line, counted in its index, but for those that run or are counted already.
            (select count(*) from (select distinct l.job_id from public.job_queue_lines as l) as n) - (
                select count(*) from public.job_queue_jobs as j
                where (j.status = 'running' or j.status = 'waiting' and j.runnable)
                  and exists (select from public.job_queue_lines as l where l.job_id = j.job_id)
            ) as blocked
    ),

    -- Worked out up to 100,000 of each.
    last_minute as (
        select e.event, (
            select count(*) from (
                select from public.job_queue_log as l
                where l.event_type = e.event and l.created_at > now() - interval '1 minute' limit 100000
            ) as n
        ) as number
        from unnest(array['started', 'completed', 'failed', 'retry_scheduled', 'cancelled', 'expired', 'lease_expired', 'skipped']) as e (event)
    )

    select jsonb_build_object(
        'now', clock_timestamp(),
        'version', job_queue.version(),
        'limits', job_queue.limits(),
        'jobs', (
            select jsonb_build_object('waiting', n.runnable + n.blocked, 'delayed', n.delayed, 'running', n.running, 'runnable', n.runnable)
            from jobs as n
        ),
        'last_minute', (select jsonb_object_agg(r.event, r.number) from last_minute as r),
        'models', coalesce((
            select jsonb_agg(jsonb_build_object(
                'model', t.model, 'capacity', t.capacity, 'paused', t.paused,
                'starts_per_minute', t.starts_per_minute, 'next_start_at', t.next_start_at,
                'holders', coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'job_id', j.job_id, 'handler', j.handler, 'worker_id', j.worker_id, 'attempt', j.attempt,
                        'started_at', j.started_at, 'lease_until', j.lease_until,
                        'progress', j.progress, 'note', j.progress_note) order by j.started_at, j.job_id)
                    from public.job_queue_jobs as j where j.job_id = any (t.holders)
                ), '[]'),
                'waiting', coalesce(c.places, 0) - (
                    select count(*) from public.job_queue_lines as l
                    join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
                    where l.model = t.model and l.seat is not null),
                'longest_wait_seconds', (
                    select round(extract(epoch from greatest(max(clock_timestamp() - j.waits_since), '0')), 3)
                    from public.job_queue_jobs as j where j.job_id = any (t.line)
                ),
                'line', coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'job_id', j.job_id, 'handler', j.handler, 'runnable', j.runnable, 'queued_at', j.entered_at)
                        order by j.line_key, j.seq)
                    from public.job_queue_jobs as j where j.job_id = any (t.line)
                ), '[]')
            ) order by t.model)
            from standing as t
            left join counts as c on c.model = t.model
        ), '[]'),
        -- Those heard of within the last minute, and those that have a job.
        'workers', coalesce((
            select jsonb_agg(jsonb_build_object(
                'worker_id', w.worker_id, 'running', w.running, 'seen_at', w.seen_at, 'handlers', to_jsonb(w.handlers), 'models', to_jsonb(w.models)
            ) order by w.worker_id)
            from (
                select coalesce(r.worker_id, k.worker_id) as worker_id, coalesce(r.running, 0) as running, k.seen_at, k.handlers, k.models
                from (
                    select j.worker_id collate "C" as worker_id, count(*) as running
                    from public.job_queue_jobs as j where j.status = 'running' group by 1
                ) as r
                full join (
                    select * from public.job_queue_workers as x where x.seen_at > now() - interval '1 minute'
                ) as k on k.worker_id = r.worker_id
                order by 1 limit 1000
            ) as w
        ), '[]')
    );
$$;

comment on function public.job_queue_status() is
    'One call for a dashboard: every model with its holders and the head of its line, the limits, the counts. docs/reference/rpc.md. Example: select job_queue_status()';

notify pgrst, 'reload schema';
