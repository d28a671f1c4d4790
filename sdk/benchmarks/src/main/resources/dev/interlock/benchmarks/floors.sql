-- The floors: what the same rows cost when nothing is coordinated. Tables of their own, with the same columns, constraints and indexes
-- as the engine's; each function writes what the engine must leave behind for the same outcome, in as few statements as it takes, and
-- locks nothing that another caller wants.

create schema bench;
grant usage on schema bench to service_role;
create table bench.jobs (like public.job_queue_jobs including all);
create table bench.lines (like public.job_queue_lines including all);
create table bench.log (like public.job_queue_log including all);
create table bench.requests (like public.job_queue_requests including all);
create sequence bench.seq;
alter table bench.jobs set (fillfactor = 80);
grant select, insert, update, delete on all tables in schema bench to service_role;
grant usage on all sequences in schema bench to service_role;

create function public.bench_noop() returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    return '{}';
end;
$$;

-- Ids that grow with time and the metadata of an event, as the engine writes them. Without a search_path of their own, so that they become
-- part of the statement that uses them.
create function bench.id() returns uuid
language sql
as $$
    select encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid()) placing
        substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6
    ), 52, 1), 53, 1), 'hex')::uuid;
$$;

create function bench.facts(j bench.jobs, more jsonb) returns jsonb
language sql
as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'status', j.status, 'handler', j.handler, 'attempt', j.attempt, 'token', j.token, 'worker_id', j.worker_id
    )) || more;
$$;

create function bench.lease(j bench.jobs) returns jsonb
language sql
as $$
    select jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'models', to_jsonb(j.models),
        'attempt', j.attempt, 'max_attempts', j.max_attempts, 'token', j.token, 'worker_id', j.worker_id,
        'lease_seconds', 30, 'lease_until', j.lease_until,
        'queued_at', j.entered_at, 'started_at', j.started_at, 'payload', j.payload
    );
$$;

-- A job that starts at once: the job, a line for each model, one event, the answer kept for a repeat.
create function public.bench_start(job_id text, models jsonb, options jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    j bench.jobs;
    answer jsonb;
begin
    insert into bench.jobs (
        job_id, job_type, handler, models, needs, status, entered_at, line_key, seq, waits_since,
        attempt, token, worker_id, lease_until, started_at
    )
    select bench_start.job_id, 'normal', 'normal', m.names, m.names, 'running', moment, moment, nextval('bench.seq'), moment,
        1, nextval('bench.seq'), 'bench', moment + interval '30 seconds', moment
    from (select array(select jsonb_array_elements_text(bench_start.models)) as names) as m
    returning * into j;
    -- The number of the seat is any that is free: its index costs the same.
    insert into bench.lines (model, line_key, seq, job_id, seat)
    select m, moment, j.seq, j.job_id, j.token::integer from unnest(j.models) as m;
    insert into bench.log (id, job_id, job_type, event_type, models, metadata, created_at)
    values (bench.id(), j.job_id, j.job_type, 'started', to_jsonb(j.models), bench.facts(j, '{"waited": 0.001}'), moment);
    answer := jsonb_build_object('result', 'started', 'lease', bench.lease(j));
    insert into bench.requests (request_id, answer) values (options ->> 'request_id', answer);
    return answer;
end;
$$;

-- New jobs that wait: the jobs, their lines, one event each, the answer.
create function public.bench_enqueue(jobs jsonb, options jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    answer jsonb;
begin
    with fresh as (
        insert into bench.jobs (
            job_id, job_type, handler, models, needs, status, runnable, runnable_since, entered_at, line_key, seq, waits_since
        )
        select e ->> 'job_id', 'normal', 'normal', m.names, m.names, 'waiting', true, moment, moment, moment, nextval('bench.seq'), moment
        from jsonb_array_elements(jobs) as e
        cross join lateral (select array(select jsonb_array_elements_text(e -> 'models')) as names) as m
        returning *
    ),

    lines as (
        insert into bench.lines (model, line_key, seq, job_id, seat)
        select m, f.line_key, f.seq, f.job_id, f.seq::integer from fresh as f cross join unnest(f.models) as m
    ),

    events as (
        insert into bench.log (id, job_id, job_type, event_type, models, metadata, created_at)
        select bench.id(), f.job_id, f.job_type, 'queued', to_jsonb(f.models), bench.facts(f, '{}'), moment from fresh as f
    )

    select jsonb_build_object('jobs', jsonb_agg(jsonb_build_object(
        'job_id', f.job_id, 'result', 'entered', 'status', f.status,
        'queue_position', 1, 'blocked_by_job_id', null, 'conflict_reason', null
    ))) into answer from fresh as f;
    insert into bench.requests (request_id, answer) values (options ->> 'request_id', answer);
    return answer;
end;
$$;

-- The next jobs, whichever they are: the jobs, one event each.
create function bench.take(at_most integer) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    leases jsonb;
begin
    with begun as (
        update bench.jobs as j
        set status = 'running', runnable = false, attempt = j.attempt + 1, token = nextval('bench.seq'), worker_id = 'bench',
            started_at = moment, lease_until = moment + interval '30 seconds'
        where j.job_id in (
            select w.job_id from bench.jobs as w where w.status = 'waiting' and w.runnable
            order by w.line_key, w.seq limit at_most for update skip locked
        )
        returning j.*
    ),

    events as (
        insert into bench.log (id, job_id, job_type, event_type, models, metadata, created_at)
        select bench.id(), b.job_id, b.job_type, 'started', to_jsonb(b.models), bench.facts(b, '{"waited": 0.001}'), moment
        from begun as b
    )

    select coalesce(jsonb_agg(bench.lease(b)), '[]') into leases from begun as b;
    return leases;
end;
$$;

-- The same plans as the engine's functions have: generic, by index (030).
create function public.bench_claim(max_jobs integer, options jsonb) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    answer jsonb := jsonb_build_object('leases', bench.take(max_jobs));
begin
    insert into bench.requests (request_id, answer) values (options ->> 'request_id', answer);
    return answer;
end;
$$;

-- Jobs that end, and perhaps the next ones: the jobs, their lines removed, one event each, the answer.
create function public.bench_complete(outcomes jsonb, options jsonb) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    moment timestamptz := clock_timestamp();
    answer jsonb;
begin
    with ended as (
        update bench.jobs as j
        set status = 'completed', lease_until = null, finished_at = moment, progress = 100, result = nullif(e.result, 'null')
        from (
            select k.job_id, o -> 'result' as result
            from jsonb_array_elements(outcomes) as o
            -- One by one by the key: of a plain join the planner may make one that reads all that runs for each of them.
            cross join lateral (
                select i.job_id from bench.jobs as i
                where i.job_id = o ->> 'job_id' and i.token = (o ->> 'token')::bigint and i.lease_until is not null offset 0
            ) as k
        ) as e
        where j.job_id = e.job_id
        returning j.*
    ),

    gone as (
        delete from bench.lines as l where l.job_id = any (array(select e.job_id from ended as e))
    ),

    events as (
        insert into bench.log (id, job_id, job_type, event_type, models, metadata, created_at)
        select bench.id(), e.job_id, e.job_type, 'completed', to_jsonb(e.models), bench.facts(e, '{"ran": 0.001}'), moment
        from ended as e
    )

    select jsonb_build_object('outcomes', coalesce(jsonb_agg(
        jsonb_build_object('job_id', e.job_id, 'token', e.token, 'result', 'completed')
    ), '[]')) into answer from ended as e;
    if options -> 'claim' is not null then
        answer := answer || jsonb_build_object('leases', bench.take((options -> 'claim' ->> 'max_jobs')::integer));
    end if;
    insert into bench.requests (request_id, answer) values (options ->> 'request_id', answer);
    return answer;
end;
$$;

notify pgrst, 'reload schema';
