create or replace function job_queue.turn(remaining double precision[], run double precision, turns bigint) returns double precision
language plpgsql
immutable
set search_path = ''
as $$
declare
    early double precision := 0;
    late double precision := (select max(r) from unnest(remaining) as r) + turns * run / cardinality(remaining) + run;
    middle double precision;
begin
    -- Each seat comes free after what remains of its run and then once a run; halved until the turn is known to a hundredth.
    while late - early > 0.01 loop
        middle := (early + late) / 2;
        if (select sum(floor((middle - r) / greatest(run, 0.001)) + 1) from unnest(remaining) as r where r <= middle) >= turns then
            late := middle;
        else
            early := middle;
        end if;
    end loop;
    return late;
end;
$$;

comment on function job_queue.turn(double precision[], double precision, bigint) is
    'When a seat comes free for the so-manieth time, in seconds, if every run takes as long as this.';

create or replace function job_queue.estimate(j public.job_queue_jobs, lines jsonb) returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    unknown constant jsonb := '{"seconds": null, "low": null, "high": null, "start_at": null, "samples": null}';
    moment timestamptz := clock_timestamp();
    l record;
    times double precision[];
    now_used double precision[];
    t record;
    turns bigint;
    by_rate double precision;
    seconds double precision := 0;
    low double precision := 0;
    high double precision := 0;
    samples integer;
begin
    if j.status <> 'waiting' or (select s.paused from public.job_queue_settings as s where s.id = 1) then
        return unknown || jsonb_build_object('reason', case
            when j.status = 'running' then 'It runs.'
            when j.status = 'delayed' then (select b.conflict_reason || '.' from job_queue.blockers(array[j.job_id]) as b)
            when j.status = 'waiting' then 'Everything is paused.'
            else 'It has ended.'
        end);
    end if;

    for l in
        select * from jsonb_to_recordset(lines) as x (
            model text, capacity integer, admitted boolean, stands boolean, holders jsonb, ahead_count bigint,
            starts_per_minute integer, next_start_at timestamptz)
        where x.stands and not x.admitted
    loop
        if l.capacity = 0 then
            return unknown || jsonb_build_object('reason', format('No capacity: %s.', jsonb_build_array(l.model)));
        end if;
        select r.seconds into times from public.job_queue_run_times as r where r.model = coalesce(l.model, '');
        if coalesce(cardinality(times), 0) < 5 then
            return unknown || jsonb_build_object('reason', format('Too few runs of %s measured: %s, at least 5 are needed.',
                coalesce(jsonb_build_array(l.model)::text, 'any model'), coalesce(cardinality(times), 0)));
        end if;
        samples := least(samples, cardinality(times));
        select avg(x) as mean, percentile_cont(0.1) within group (order by x) as short, percentile_cont(0.9) within group (order by x) as long
        into t from unnest(times) as x;

        -- Since when each seat in use has been so; more of them than the capacity must first become fewer.
        now_used := array(
            select extract(epoch from moment - (h ->> 'started_at')::timestamptz)::double precision from jsonb_array_elements(l.holders) as h
        );
        turns := l.ahead_count + 1 + greatest(cardinality(now_used) - l.capacity, 0);
        by_rate := greatest(extract(epoch from l.next_start_at - moment), 0) + coalesce(l.ahead_count * 60.0 / l.starts_per_minute, 0);
        seconds := greatest(seconds, by_rate, job_queue.turn(array(
            select coalesce((select avg(x) - u from unnest(times) as x where x > u), 0) from unnest(now_used) as u
        ) || array_fill(0::double precision, array[greatest(l.capacity - cardinality(now_used), 0)]), t.mean, turns));
        low := greatest(low, by_rate, job_queue.turn(array(
            select greatest(t.short - u, 0) from unnest(now_used) as u
        ) || array_fill(0::double precision, array[greatest(l.capacity - cardinality(now_used), 0)]), t.short, turns));
        high := greatest(high, by_rate, job_queue.turn(array(
            select greatest(t.long - u, 0) from unnest(now_used) as u
        ) || array_fill(0::double precision, array[greatest(l.capacity - cardinality(now_used), 0)]), t.long, turns));
    end loop;

    high := greatest(high, seconds);
    low := least(low, seconds);
    return jsonb_build_object(
        'seconds', round(seconds::numeric, 1), 'low', round(low::numeric, 1), 'high', round(high::numeric, 1),
        'start_at', moment + make_interval(secs => seconds), 'samples', samples,
        'reason', case when j.runnable then 'It has its turn: the next claim of a worker that can run it starts it.' end);
end;
$$;

comment on function job_queue.estimate(public.job_queue_jobs, jsonb) is
    'When a waiting job may start, from its place and the latest runs of its models; how it is reckoned: docs/reference/rpc.md.';

create or replace function public.job_queue_explain(job_id text) returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    j public.job_queue_jobs;
    lines jsonb;
begin
    perform job_queue.check_job_id(job_id);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_explain.job_id;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; a row of jobs enters with required_models set.');
    end if;

    select coalesce(jsonb_agg(jsonb_build_object(
        'model', nullif(m.model, ''), 'capacity', m.capacity, 'paused', m.paused,
        'starts_per_minute', m.starts_per_minute, 'next_start_at', m.next_start_at, 'stands', own.model is not null,
        'admitted', own.seat is not null and j.status = 'waiting',
        'holders', coalesce((
            select jsonb_agg(jsonb_build_object('job_id', r.job_id, 'worker_id', r.worker_id, 'started_at', r.started_at,
                                                'lease_until', r.lease_until)
                             order by r.started_at, r.job_id)
            from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = m.model and l.seat is not null
        ), '[]'),
        'position', case when j.status = 'waiting' and own.model is not null then ahead.total + 1 end,
        'ahead', coalesce(to_jsonb(ahead.first), '[]'), 'ahead_count', coalesce(ahead.total, 0)
    ) order by m.model), '[]') into lines
    from public.job_queue_models as m
    left join public.job_queue_lines as own on own.model = m.model and own.job_id = j.job_id
    left join lateral (
        -- Every real one, however long the line: this is the exact answer.
        select count(*) as total, (array_agg(l.job_id order by l.line_key, l.seq))[1:20] as first
        from public.job_queue_lines as l
        left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
        where l.model = m.model and (l.line_key, l.seq) < (j.line_key, j.seq) and r.status is distinct from 'running'
    ) as ahead on j.status = 'waiting' and own.model is not null
    where m.model = any (j.models) or own.model is not null;

    return jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'status', j.status, 'runnable', j.runnable,
        'priority', j.priority, 'attempt', j.attempt, 'max_attempts', j.max_attempts, 'queued_at', j.entered_at,
        'run_at', nullif(j.due_at, 'infinity'), 'deadline', j.deadline, 'started_at', j.started_at, 'finished_at', j.finished_at,
        'worker_id', case when j.status = 'running' then j.worker_id end, 'lease_until', j.lease_until,
        'progress', j.progress, 'note', j.progress_note, 'error', j.error, 'result', j.result, 'models', lines, 'estimate', job_queue.estimate(j, lines),
        'skipped', j.skipped, 'cancel_requested_at', j.cancel_requested_at, 'now', clock_timestamp()
    ) || job_queue.place(j.job_id)
      || case when j.job_type = 'workflow' or j.steps is not null then jsonb_build_object(
        'callback', job_queue.callback_of(j), 'holding', j.holding, 'current_step', j.current_step, 'step_attempt', j.attempt - j.attempts_before,
        'steps', (
            select jsonb_agg(jsonb_build_object('name', s.step -> 'name', 'models', s.step -> 'models', 'saved_at', c.saved_at) order by s.number)
            from jsonb_array_elements(j.steps) with ordinality as s (step, number)
            left join public.job_queue_checkpoints as c on c.job_id = j.job_id and c.step = s.number - 1
        )) else '{}' end
      || case when j.status = 'waiting' then jsonb_build_object('queue_position', (
        select max((l ->> 'position')::bigint) from jsonb_array_elements(lines) as l
    )) else '{}' end;
end;
$$;

comment on function public.job_queue_explain(text) is
    'Why a job waits: of each model its holders with lease ends, the job''s exact place in its line, and an estimate of its start. docs/reference/rpc.md. '
    'Example: select job_queue_explain(''job-42'')';

notify pgrst, 'reload schema';
