-- Private: places and reasons (033, 034), looked for only where a job lacks something.

create or replace function job_queue.blockers(ids text[]) returns table (
    job_id text, blocked_by_job_id text, conflict_reason text
)
language plpgsql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
#variable_conflict use_column
begin
    return query
    -- The first line, by name, in which it has no seat; there, who holds the model longest, else (nobody does, or the rate is what
    -- keeps it waiting) who is just ahead.
    with blocked as materialized (
        select distinct on (s.job_id) s.job_id, s.model, h.holder, a.ahead, m.next_start_at
        -- Fenced (offset 0): joined, the planner may take the models first and read all their lines.
        from (select l.* from public.job_queue_lines as l where l.job_id = any (ids) and l.seat is null offset 0) as s
        join public.job_queue_models as m on m.model = s.model
        left join lateral (
            select r.job_id as holder
            from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = s.model and l.seat is not null
            order by r.started_at, r.job_id limit 1
        ) as h on m.next_start_at is null
        left join lateral (
            select l.job_id as ahead
            from public.job_queue_lines as l
            left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
            where l.model = s.model and (l.line_key, l.seq) < (s.line_key, s.seq) and r.status is distinct from 'running'
            order by l.line_key desc, l.seq desc limit 1
        ) as a on h.holder is null
        order by s.job_id, h.holder is null, s.model
    )

    select j.job_id, coalesce(b.holder, b.ahead),
        case
            when j.skipped then format('No worker asks for handler %s and its models', j.handler)
            when j.due_at = 'infinity' then format('Model paused: %s', (
                select to_jsonb(array_agg(m.model order by m.model))
                from public.job_queue_models as m where m.model = any (j.needs) and m.paused))
            when j.status = 'delayed' and exists (
                select from public.job_queue_callbacks as k where k.job_id = j.job_id and k.until = j.due_at
            ) then format('Step %s waits for its callback, until %s', j.current_step,
                to_char(j.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when j.status = 'delayed' then format('Not due before %s',
                to_char(j.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when b.holder is not null and b.model = '' then format('Limit of active jobs reached, active job %s', b.holder)
            when b.holder is not null then format('Model conflict with active job %s: %s', b.holder, jsonb_build_array(b.model))
            when b.ahead is not null then format('In line for %s behind job %s',
                case when b.model = '' then 'the limit of active jobs' else jsonb_build_array(b.model)::text end, b.ahead)
            when b.next_start_at is not null then format('Rate reached, next start of %s at %s', jsonb_build_array(b.model),
                to_char(b.next_start_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            when b.job_id is not null then format('No capacity: %s', jsonb_build_array(b.model))
            when exists (select from public.job_queue_settings as s where s.paused) then 'Everything is paused'
        end
    from public.job_queue_jobs as j
    left join blocked as b on b.job_id = j.job_id
    where j.job_id = any (ids) and j.status in ('waiting', 'delayed');
end;
$$;

comment on function job_queue.blockers(text[]) is 'Of those of the jobs that wait: a job that is in the way, and the reason in words.';

create or replace function job_queue.held_up(ids text[]) returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
    return array(
        select j.job_id from public.job_queue_jobs as j
        where j.job_id = any (ids) and j.status in ('waiting', 'delayed')
          and (not j.runnable or exists (select from public.job_queue_settings as s where s.paused))
    );
end;
$$;

comment on function job_queue.held_up(text[]) is 'Those of the jobs that wait for something: there is a reason to name.';

create or replace function job_queue.places(ids text[]) returns table (
    job_id text, queue_position integer, blocked_by_job_id text, conflict_reason text
)
language plpgsql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
#variable_conflict use_column
declare
    crowd constant boolean := cardinality(ids) > 4;
    held_up constant text[] := job_queue.held_up(ids);
begin
    -- Each of a few counts those ahead of it; so does one that has its turn, for it is near the front. No further than 10,000: a long
    -- line must not cost its length each time. Those that run stand in the line's table too, and are not counted: they are found by their
    -- seats, so that the line itself is counted in its index, without its rows.
    return query
    select j.job_id, p.queue_position, b.blocked_by_job_id, b.conflict_reason
    from public.job_queue_jobs as j
    left join lateral (
        select case when max(a.ahead) < 10000 then max(a.ahead - r.run + 1)::integer end as queue_position
        from public.job_queue_lines as s
        cross join lateral (
            select count(*) as ahead
            from (
                select from public.job_queue_lines as l
                where l.model = s.model and (l.line_key, l.seq) < (s.line_key, s.seq) order by l.line_key, l.seq limit 10000
            ) as f
        ) as a
        cross join lateral (
            -- By the order of the seats their index is read, not the line's; the status is asked one by one, for in a join the planner may
            -- read all jobs to find these few.
            select count(*) as run
            from (
                select l.line_key, l.seq, l.job_id from public.job_queue_lines as l
                where l.model = s.model and l.seat is not null order by l.seat offset 0
            ) as f
            where (f.line_key, f.seq) < (s.line_key, s.seq)
              and (select k.status from public.job_queue_jobs as k where k.job_id = f.job_id) = 'running'
        ) as r
        where s.job_id = j.job_id and j.status = 'waiting'
    ) as p on true
    left join job_queue.blockers(held_up) as b on b.job_id = j.job_id
    where j.job_id = any (ids) and j.status in ('waiting', 'delayed') and (j.runnable or not crowd);

    if not crowd or cardinality(held_up) = 0 then
        return;
    end if;

    -- In a crowd, each counts those between it and the one before it of the crowd: no part of a line is read twice.
    return query
    with standing as materialized (
        select l.job_id, l.model, l.line_key, l.seq,
            lag(l.line_key, 1, timestamptz '-infinity') over line as after_key, lag(l.seq, 1, 0::bigint) over line as after_seq
        from public.job_queue_jobs as j
        join public.job_queue_lines as l on l.job_id = j.job_id
        where j.job_id = any (ids) and j.status = 'waiting' and not j.runnable
        window line as (partition by l.model order by l.line_key, l.seq)
    ),

    marks as (
        select s.job_id, s.model, s.line_key, s.seq, a.between, 0 as runs
        from standing as s
        cross join lateral (
            select count(*) as between
            from (
                select from public.job_queue_lines as l
                where l.model = s.model and (l.line_key, l.seq) >= (s.after_key, s.after_seq) and (l.line_key, l.seq) < (s.line_key, s.seq)
                order by l.line_key, l.seq limit 10000
            ) as f
        ) as a
        union all
        select null, d.model, f.line_key, f.seq, 0, 1
        from (select distinct s.model from standing as s) as d
        cross join lateral (
            select l.line_key, l.seq, l.job_id from public.job_queue_lines as l
            where l.model = d.model and l.seat is not null order by l.seat offset 0
        ) as f
        where (select k.status from public.job_queue_jobs as k where k.job_id = f.job_id) = 'running'
    ),

    counted as (
        select m.job_id, sum(m.between) over line as ahead, sum(m.runs) over line as run
        from marks as m
        window line as (partition by m.model order by m.line_key, m.seq)
    ),

    positions as materialized (
        select c.job_id, case when max(c.ahead) < 10000 then max(c.ahead - c.run + 1)::integer end as queue_position
        from counted as c where c.job_id is not null group by c.job_id
    )

    select j.job_id, p.queue_position, b.blocked_by_job_id, b.conflict_reason
    from public.job_queue_jobs as j
    left join positions as p on p.job_id = j.job_id
    left join job_queue.blockers(held_up) as b on b.job_id = j.job_id
    where j.job_id = any (ids) and j.status in ('waiting', 'delayed') and not j.runnable;
end;
$$;

comment on function job_queue.places(text[]) is
    'job_queue.blockers, and the place in line: the largest over the job''s lines, among those that wait; null past 10,000 and for a delayed job.';

create or replace function job_queue.log_event(
    ids text[], event text, extra jsonb default '{}'
) returns void
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    ends_run boolean := event in ('retry_scheduled', 'lease_expired') or event = 'released' and not extra ? 'released_models';
    ends boolean := event in ('completed', 'failed', 'cancelled', 'expired');
    reasons jsonb;
begin
    -- Asked for these events alone, and of jobs that lack something: the question costs as much as the event.
    if event in ('queued', 'blocked') then
        reasons := (select jsonb_object_agg(b.job_id, to_jsonb(b)) from job_queue.blockers(job_queue.held_up(ids)) as b);
    end if;
    insert into public.job_queue_log (id, job_id, job_type, event_type, models, blocked_by_job_id, conflict_reason, metadata, created_at)
    select
        encode(set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from moment) * 1000)::bigint) from 3) from 1 for 6
        ), 52, 1), 53, 1), 'hex')::uuid,
        j.job_id, j.job_type, event, to_jsonb(j.models),
        reasons -> j.job_id ->> 'blocked_by_job_id', reasons -> j.job_id ->> 'conflict_reason',
        jsonb_strip_nulls(jsonb_build_object(
            'status', j.status, 'handler', j.handler, 'attempt', j.attempt, 'token', j.token, 'worker_id', j.worker_id,
            -- Seconds. A job that ends was running if it started after it last began to wait.
            'waited', case when event = 'started' or ends and (j.started_at >= j.waits_since) is not true
                then greatest(round(extract(epoch from moment - j.waits_since), 3), 0) end,
            'ran', case when ends_run or ends and j.started_at >= j.waits_since
                then round(extract(epoch from moment - j.started_at), 3) end
        ))
        -- Most jobs have none of these.
        || case when j.error is null and j.steps is null and j.needs = j.models and j.status <> 'delayed' then '{}'
            else jsonb_strip_nulls(jsonb_build_object(
                'error', left(j.error, 500),
                'holding', j.holding, 'current_step', case when j.steps is not null then j.current_step end,
                'needs', case when j.needs <> j.models then to_jsonb(j.needs) end,
                'due_at', case when j.status = 'delayed' then j.due_at end
            )) end || extra,
        clock_timestamp()
    from public.job_queue_jobs as j
    where j.job_id = any (ids)
    order by j.line_key, j.seq;
end;
$$;

comment on function job_queue.log_event(text[], text, jsonb) is
    'Writes one event of each job to job_queue_log, with what it is now (docs/reference/events.md).';

revoke all on function job_queue.held_up(text[]) from public, anon, authenticated;
grant execute on function job_queue.held_up(text[]) to service_role;

notify pgrst, 'reload schema';
