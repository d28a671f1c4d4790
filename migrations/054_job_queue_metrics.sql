create or replace function job_queue.seat_times(begin_at timestamptz, end_at timestamptz) returns table (model text, seconds numeric)
language sql
stable
set search_path = ''
set jit = off
as $$
    -- What each model could have given: its capacity, as it was changed on the way, times the time.
    with changes as (
        select l.models ->> 0 as model, l.created_at, (l.metadata #>> '{before,capacity}')::integer as before,
            lag(l.created_at, 1, begin_at) over (partition by l.models ->> 0 order by l.seq) as changed_before
        from public.job_queue_log as l
        where l.event_type = 'model_changed' and l.job_id = '' and l.created_at >= begin_at and l.created_at <= end_at
          and l.metadata #> '{before,capacity}' is not null
    ),

    earlier as (
        select c.model, max(c.created_at) as changed_at,
            sum(coalesce(c.before, 0) * extract(epoch from c.created_at - c.changed_before)) as seconds
        from changes as c group by c.model
    )

    select m.model, coalesce(e.seconds, 0) + m.capacity * extract(epoch from end_at - coalesce(e.changed_at, begin_at))
    from public.job_queue_models as m
    left join earlier as e on e.model = m.model collate "C"
    where m.model <> '';
$$;

comment on function job_queue.seat_times(timestamptz, timestamptz) is 'Capacity times time of each model, in seconds.';

create or replace function job_queue.busy_times(begin_at timestamptz, end_at timestamptz) returns table (model text, seconds double precision)
language sql
stable
set search_path = ''
set jit = off
as $$
    -- Jobs that give models back as they go: from each of their events to the next.
    with partly as (
        select l.models, l.metadata, l.created_at,
            lead(l.created_at, 1, end_at) over (partition by l.metadata -> 'token' order by l.seq) as until
        from public.job_queue_log as l
        where l.created_at >= begin_at and l.created_at <= end_at
          and l.metadata ->> 'holding' in ('release_as_used', 'per_step') and l.metadata ? 'token'
          -- Read once more only where there are any.
          and exists (
              select from public.job_queue_log as c
              where c.event_type = 'checkpoint' and c.created_at >= begin_at and c.created_at <= end_at
          )
    ),

    times as (
        select m as model, extract(epoch from p.until - p.created_at) as seconds
        from partly as p
        cross join lateral jsonb_array_elements_text(coalesce(p.metadata -> 'needs', p.models)) as m
        where p.metadata ->> 'status' = 'running' and not coalesce(p.metadata -> 'released_models' ? m, false)
        union all
        -- The others that run now.
        select l.model, extract(epoch from end_at - greatest(j.started_at, begin_at))
        from public.job_queue_jobs as j
        join public.job_queue_lines as l on l.job_id = j.job_id and l.seat is not null and l.model <> ''
        where j.status = 'running' and coalesce(j.holding, 'whole_run') = 'whole_run' and j.started_at < end_at
    )

    select t.model, sum(t.seconds)::double precision from times as t group by t.model;
$$;

comment on function job_queue.busy_times(timestamptz, timestamptz) is
    'How long each model was held since then, in seconds together, by jobs that run now and by those that give models back as they go.';

-- One pass over the events, folded into counts by model set, kind of event and length of time (25 lengths to each factor of e, so
-- that a percentile is right to two hundredths); the rest is done on those few counts. Measured: docs/design/log.md.
create or replace function job_queue.measured(begin_at timestamptz, end_at timestamptz) returns table (
    kind text, name text, counts jsonb, waits jsonb, runs jsonb, waited double precision, busy double precision
)
language sql
stable
set search_path = ''
set jit = off
set work_mem = '32MB'
set enable_sort = off
set max_parallel_workers_per_gather = 0
as $$
    with taken as (
        select l.event_type as event, l.job_type, l.models, l.metadata ? 'ran' as ran, l.blocked_by_job_id is not null as conflict,
            l.event_type = 'lease_expired' or l.metadata ? 'lease_expired' as lost,
            coalesce(l.metadata -> 'waited', l.metadata -> 'ran')::double precision as seconds,
            case when coalesce(l.metadata ->> 'holding', 'whole_run') = 'whole_run'
                then extract(epoch from l.created_at - begin_at)::double precision else 0 end as since
        from public.job_queue_log as l
        where l.created_at >= begin_at and l.created_at <= end_at and l.job_id <> '' and l.metadata ? 'attempt'
        -- Each expression once a row.
        offset 0
    ),

    folded as materialized (
        select t.event, t.job_type, t.models, t.ran, t.conflict, t.lost,
            case when t.seconds is not null then round(ln(greatest(t.seconds, 0.001)) * 25) end as length,
            count(*) as n, sum(t.seconds) as total, max(t.seconds) as highest,
            sum(least(t.seconds, t.since)) filter (where t.ran) as busy
        from taken as t
        group by t.event, t.job_type, t.models, t.ran, t.conflict, t.lost, length
    ),

    named as materialized (
        select u.kind, u.name, u.event, u.ran, u.length, sum(u.n) as n, sum(u.n) filter (where u.conflict) as conflicts,
            sum(u.n) filter (where u.lost) as losses, sum(u.total) as total, max(u.highest) as highest, sum(u.busy) as busy
        from (
            select 'model' as kind, m as name, f.* from folded as f cross join lateral jsonb_array_elements_text(f.models) as m
            union all
            select 'job_type', f.job_type, f.* from folded as f
        ) as u
        group by u.kind, u.name, u.event, u.ran, u.length
    ),

    lengths as (
        select n.kind, n.name, n.ran, n.length, sum(n.n) as n
        from named as n where n.ran or n.event = 'started' group by n.kind, n.name, n.ran, n.length
    ),

    placed as (
        select l.*, sum(l.n) over (partition by l.kind, l.name, l.ran order by l.length) as upto,
            sum(l.n) over (partition by l.kind, l.name, l.ran) as total
        from lengths as l
    ),

    percentiles as (
        select q.kind, q.name, q.ran, jsonb_build_object(
            'p50', round(exp(min(q.length) filter (where q.upto >= q.total * 0.5) / 25)::numeric, 3),
            'p95', round(exp(min(q.length) filter (where q.upto >= q.total * 0.95) / 25)::numeric, 3),
            'p99', round(exp(min(q.length) filter (where q.upto >= q.total * 0.99) / 25)::numeric, 3)
        ) as answer
        from placed as q group by q.kind, q.name, q.ran
    )

    select n.kind, n.name,
        jsonb_build_object(
            'entered', coalesce(sum(n.n) filter (where n.event in ('queued', 'blocked')), 0),
            'conflicts', coalesce(sum(n.conflicts), 0),
            'started', coalesce(sum(n.n) filter (where n.event = 'started'), 0),
            'completed', coalesce(sum(n.n) filter (where n.event = 'completed'), 0),
            'failed', coalesce(sum(n.n) filter (where n.event = 'failed'), 0),
            'cancelled', coalesce(sum(n.n) filter (where n.event = 'cancelled'), 0),
            'expired', coalesce(sum(n.n) filter (where n.event = 'expired'), 0),
            'retries', coalesce(sum(n.n) filter (where n.event = 'retry_scheduled'), 0),
            'released', coalesce(sum(n.n) filter (where n.event = 'released' and n.ran), 0),
            'lease_losses', coalesce(sum(n.losses), 0)
        ),
        jsonb_build_object(
            'count', coalesce(sum(n.n) filter (where n.event = 'started'), 0),
            'mean', round((sum(n.total) filter (where n.event = 'started') / sum(n.n) filter (where n.event = 'started'))::numeric, 3),
            'p50', null, 'p95', null, 'p99', null,
            'max', round((max(n.highest) filter (where n.event = 'started'))::numeric, 3)
        ) || coalesce((select p.answer from percentiles as p where p.kind = n.kind and p.name = n.name and not p.ran), '{}'),
        jsonb_build_object(
            'count', coalesce(sum(n.n) filter (where n.ran), 0),
            'mean', round((sum(n.total) filter (where n.ran) / sum(n.n) filter (where n.ran))::numeric, 3),
            'p50', null, 'p95', null, 'p99', null,
            'max', round((max(n.highest) filter (where n.ran))::numeric, 3)
        ) || coalesce((select p.answer from percentiles as p where p.kind = n.kind and p.name = n.name and p.ran), '{}'),
        coalesce(sum(n.total) filter (where not n.ran), 0), coalesce(sum(n.busy), 0)
    from named as n
    group by n.kind, n.name;
$$;

comment on function job_queue.measured(timestamptz, timestamptz) is 'What the log says of a time, by model and by job type.';

create or replace function public.job_queue_metrics(since timestamptz default null) returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    moment timestamptz := clock_timestamp();
    asked timestamptz := coalesce(since, moment - interval '1 hour');
    known_from timestamptz;
    whole_from timestamptz;
    capped_from timestamptz;
    begin_at timestamptz;
    minutes numeric;
    answer jsonb;
begin
    if not isfinite(asked) or asked > moment then
        perform job_queue.refuse('JQ007', format('since is %s, not a time in the past.', asked),
                                 'Give a time with its zone, for example "2026-11-24T12:00:00Z", or null for the last hour.');
    end if;

    -- What retention removed and what was before the first event is no part of the answer; nor more than the newest 500,000 events.
    select m.log_whole_from into known_from from public.job_queue_marks as m where m.id = 1;
    select greatest(known_from, l.created_at) into whole_from
    from public.job_queue_log as l where l.created_at > known_from order by l.created_at limit 1;
    select l.created_at into capped_from
    from public.job_queue_log as l where l.created_at >= asked and l.created_at <= moment
    order by l.created_at desc offset 500000 limit 1;
    begin_at := least(greatest(asked, whole_from, capped_from), moment);
    minutes := greatest(extract(epoch from moment - begin_at) / 60, 0.001);

    with measured as materialized (
        select m.*, jsonb_build_object(
            'waits', m.waits, 'runs', m.runs, 'events', m.counts, 'seconds_waited', round(m.waited::numeric, 3),
            'starts_per_minute', round((m.counts ->> 'started')::numeric / minutes, 3),
            'completions_per_minute', round((m.counts ->> 'completed')::numeric / minutes, 3)
        ) as answer
        from job_queue.measured(begin_at, moment) as m
    ),

    models as (
        select coalesce(m.name, b.model) as name, coalesce(m.waited, 0) as waited,
            coalesce(m.answer, '{}') || jsonb_build_object(
                'model', coalesce(m.name, b.model), 'capacity', c.capacity,
                'busy_seconds', round((coalesce(m.busy, 0) + coalesce(b.seconds, 0))::numeric, 3),
                'utilisation', round((coalesce(m.busy, 0) + coalesce(b.seconds, 0))::numeric / nullif(t.seconds, 0), 4)
            ) as answer
        from (select * from measured as k where k.kind = 'model') as m
        full join job_queue.busy_times(begin_at, moment) as b on b.model = m.name collate "C"
        left join public.job_queue_models as c on c.model = coalesce(b.model, m.name collate "C")
        left join job_queue.seat_times(begin_at, moment) as t on t.model = c.model
    )

    select jsonb_build_object(
        'now', moment, 'since', asked, 'from', begin_at, 'complete', asked >= known_from and capped_from is null, 'log_from', whole_from,
        'seconds', round(minutes * 60, 3),
        'totals', jsonb_build_object(
            'events', coalesce((
                select jsonb_object_agg(t.key, t.n) from (
                    select e.key, sum(e.value::numeric) as n
                    from measured as m cross join lateral jsonb_each(m.counts) as e where m.kind = 'job_type' group by e.key
                ) as t
            ), '{}'),
            'starts_per_minute', (select coalesce(sum((m.answer ->> 'starts_per_minute')::numeric), 0) from measured as m where m.kind = 'job_type'),
            'completions_per_minute', (select coalesce(sum((m.answer ->> 'completions_per_minute')::numeric), 0) from measured as m where m.kind = 'job_type')
        ),
        -- Those that are waited for most, first.
        'models', coalesce((
            select jsonb_agg(m.answer order by m.waited desc, m.name) from (
                select * from models as n order by n.waited desc, n.name limit 1000
            ) as m
        ), '[]'),
        'job_types', coalesce((
            select jsonb_agg(m.answer || jsonb_build_object('job_type', m.name) order by m.name)
            from measured as m where m.kind = 'job_type'
        ), '[]')
    ) into answer;
    return answer;
end;
$$;

comment on function public.job_queue_metrics(timestamptz) is
    'Waits, runs, throughput, outcomes and utilisation by model and by job type since a time (null: the last hour), from the log. docs/reference/rpc.md. '
    'Example: select job_queue_metrics(now() - interval ''1 day'')';

notify pgrst, 'reload schema';
