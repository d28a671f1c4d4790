-- Private: where a job stands, and why it does not run.
--
-- Large in the planner's estimate and small in fact: without jit = off a server with JIT compiles for longer than the query runs.
-- For a batch it is the other way round: each step is materialized and hashed, or it would be done again for each job.

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
        from public.job_queue_lines as s
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
        where s.job_id = any (ids) and s.seat is null
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
begin
    return query
    with standing as materialized (
        select l.job_id, l.model, l.line_key, l.seq
        from public.job_queue_jobs as j
        join public.job_queue_lines as l on l.job_id = j.job_id
        where j.job_id = any (ids) and j.status = 'waiting'
    ),

    lines as materialized (select distinct s.model from standing as s),

    -- Counted from the front, and no further than 10,000: a long line must not cost its length each time.
    fronts as materialized (
        select d.model, f.line_key, f.seq, row_number() over (partition by d.model order by f.line_key, f.seq) as place
        from lines as d
        cross join lateral (
            select l.line_key, l.seq from public.job_queue_lines as l
            where l.model = d.model order by l.line_key, l.seq limit 10000
        ) as f
    ),

    -- Those that run stand in the line's table too, and are not counted.
    running as materialized (
        select l.model, l.line_key, l.seq
        from lines as d
        join public.job_queue_lines as l on l.model = d.model and l.seat is not null
        join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
    ),

    positions as materialized (
        select s.job_id, case when count(f.place) = count(*) then max(f.place - (
            select count(*) from running as r where r.model = s.model and (r.line_key, r.seq) < (s.line_key, s.seq)
        ))::integer end as queue_position
        from standing as s
        left join fronts as f on f.model = s.model and f.line_key = s.line_key and f.seq = s.seq
        group by s.job_id
    )

    select b.job_id, p.queue_position, b.blocked_by_job_id, b.conflict_reason
    from job_queue.blockers(ids) as b
    left join positions as p on p.job_id = b.job_id;
end;
$$;

comment on function job_queue.places(text[]) is
    'job_queue.blockers, and the place in line: the largest over the job''s lines, among those that wait; null past 10,000 and for a delayed job.';

create or replace function job_queue.place(id text) returns jsonb
language sql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
    select jsonb_build_object('queue_position', p.queue_position, 'blocked_by_job_id', p.blocked_by_job_id,
                              'conflict_reason', p.conflict_reason)
    from (select 1) as one left join job_queue.places(array[id]) as p on true;
$$;

comment on function job_queue.place(text) is 'job_queue.places of one job, as an answer gives it.';

notify pgrst, 'reload schema';
