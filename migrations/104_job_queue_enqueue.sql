-- As in 040; and the jobs for the answer are looked up one by one, whatever the statistics say.

create or replace function public.job_queue_enqueue(jobs jsonb, options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set jit = off
as $$
declare
    answer jsonb;
    checked jsonb := '[]';
    job jsonb;
    fresh text[];
    places jsonb;
begin
    perform job_queue.check_keys('options', options, '{request_id}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    if jobs is null or jsonb_typeof(jobs) <> 'array' or jsonb_array_length(jobs) not between 1 and 1000 then
        perform job_queue.refuse('JQ007', 'The jobs are not an array of 1 to 1,000 jobs.', 'Send larger batches in parts.');
    end if;

    select jsonb_agg(job_queue.check_job(e) order by n) into checked from jsonb_array_elements(jobs) with ordinality as t (e, n);
    if (select count(distinct e ->> 'job_id') from jsonb_array_elements(checked) as e) < jsonb_array_length(checked) then
        perform job_queue.refuse('JQ001', 'The same job id is twice in one call.', 'Give each job an id of its own.');
    end if;
    for job in
        select e from jsonb_array_elements(jobs) as e where jsonb_typeof(e -> 'row') <> 'null' order by e ->> 'job_id'
    loop
        perform job_queue.insert_row(job ->> 'job_id', job -> 'row');
    end loop;

    fresh := job_queue.enter_new(checked);
    perform job_queue.log_event(fresh, 'queued');
    if checked @> '[{"job_type": "workflow"}]' then
        perform job_queue.add_executions(fresh);
    end if;
    -- A row that was created for a job known before says what that job is now.
    perform job_queue.mirror(fresh || array(
        select e ->> 'job_id' from jsonb_array_elements(jobs) as e where jsonb_typeof(e -> 'row') <> 'null'
    ));

    -- Asked once for all: joined below, it would be asked anew for each job.
    select coalesce(jsonb_object_agg(p.job_id, to_jsonb(p) - 'job_id'), '{}') into places
    from job_queue.places(array(select e ->> 'job_id' from jsonb_array_elements(checked) as e)) as p;
    select jsonb_build_object('jobs', jsonb_agg(
        jsonb_build_object(
            'job_id', j.job_id, 'result', case when j.job_id = any (fresh) then 'entered' else 'exists' end, 'status', j.status,
            'queue_position', null, 'blocked_by_job_id', null, 'conflict_reason', null
        ) || coalesce(places -> j.job_id, '{}')
    order by t.n)) into answer
    from jsonb_array_elements(checked) with ordinality as t (e, n)
    -- One by one by the key: of a plain join the planner may make one that reads all jobs.
    cross join lateral (select k.job_id, k.status from public.job_queue_jobs as k where k.job_id = t.e ->> 'job_id' offset 0) as j;
    perform job_queue.recheck_state();
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_enqueue(jsonb, jsonb) is
    'Puts 1-1,000 jobs in line, all or none; a job known already keeps its place. docs/reference/rpc.md. Example: '
    'select job_queue_enqueue(''[{"job_id": "job-42", "models": ["motion-2.0-fast"]}]'')';

notify pgrst, 'reload schema';
