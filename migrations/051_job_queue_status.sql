create or replace function public.job_queue_status() returns jsonb
language sql
stable
set search_path = ''
set jit = off
as $$
    with standing as (
        select m.model, m.capacity, m.paused,
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
        from public.job_queue_models as m
        where m.model <> ''
    ),

    counts as (
        select l.model, count(*) as places from public.job_queue_lines as l group by l.model
    ),

    -- Indexed by status where it matters; finished jobs are not counted here.
    jobs as (
        select count(*) filter (where j.status = 'waiting') as waiting, count(*) filter (where j.status = 'delayed') as delayed,
            count(*) filter (where j.status = 'running') as running, count(*) filter (where j.runnable) as runnable
        from public.job_queue_jobs as j where j.status in ('waiting', 'delayed', 'running')
    )

    select jsonb_build_object(
        'now', clock_timestamp(),
        'version', job_queue.version(),
        'limits', job_queue.limits(),
        'jobs', (select to_jsonb(n) from jobs as n),
        'models', coalesce((
            select jsonb_agg(jsonb_build_object(
                'model', t.model, 'capacity', t.capacity, 'paused', t.paused,
                'holders', coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'job_id', j.job_id, 'handler', j.handler, 'worker_id', j.worker_id, 'attempt', j.attempt,
                        'started_at', j.started_at, 'lease_until', j.lease_until) order by j.started_at, j.job_id)
                    from public.job_queue_jobs as j where j.job_id = any (t.holders)
                ), '[]'),
                'waiting', coalesce(c.places, 0) - (
                    select count(*) from public.job_queue_lines as l
                    join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
                    where l.model = t.model and l.seat is not null),
                'line', coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'job_id', j.job_id, 'handler', j.handler, 'runnable', j.runnable, 'queued_at', j.entered_at)
                        order by j.line_key, j.seq)
                    from public.job_queue_jobs as j where j.job_id = any (t.line)
                ), '[]')
            ) order by t.model)
            from (select * from standing as x order by cardinality(x.holders || x.line) = 0, x.model limit 1000) as t
            left join counts as c on c.model = t.model
        ), '[]'),
        'workers', coalesce((
            select jsonb_agg(jsonb_build_object('worker_id', w.worker_id, 'running', w.running) order by w.worker_id)
            from (
                select j.worker_id, count(*) as running
                from public.job_queue_jobs as j where j.status = 'running' group by j.worker_id
            ) as w
        ), '[]')
    );
$$;

comment on function public.job_queue_status() is
    'One call for a dashboard: every model with its holders and the head of its line, the limits, the counts. docs/reference/rpc.md. Example: select job_queue_status()';

notify pgrst, 'reload schema';
