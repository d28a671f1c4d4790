-- Starts a job at once where all its lines are free (096); otherwise as in 041.

create or replace function public.job_queue_start(job_id text, models jsonb, options jsonb default '{}') returns jsonb
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
    answer jsonb;
    job jsonb;
    worker text;
    lease_seconds numeric;
    fresh text[];
    passed text[];
    in_time boolean;
    wanted text[];
    s public.job_queue_settings;
    j public.job_queue_jobs;
begin
    perform job_queue.check_keys('options', options,
        '{request_id,worker_id,lease_seconds,job_type,handler,priority,max_attempts,payload,unrestricted,run_at,deadline,steps,holding}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    worker := job_queue.check_name('The worker id', coalesce(options ->> 'worker_id', 'direct'));
    lease_seconds := job_queue.number_of('The lease time in seconds', options -> 'lease_seconds', 1, 3600, 30, 'JQ004');
    job := job_queue.check_job(
        (options - '{request_id,worker_id,lease_seconds}'::text[]) || jsonb_build_object('job_id', job_id, 'models', models))
        || jsonb_build_object('run', jsonb_build_object('worker_id', worker, 'lease_seconds', lease_seconds));

    fresh := job_queue.enter_new(jsonb_build_array(job), asked => exists (
        select from public.job_queue_jobs as k where k.job_id = job_queue_start.job_id));
    -- Under the lock that enter_new took.
    select * into s from public.job_queue_settings as k where k.id = 1;
    if cardinality(fresh) = 0 then
        -- Before its row is waited for: only with these models are its lines locked.
        select * into j from public.job_queue_jobs as k where k.job_id = job ->> 'job_id';
        wanted := job_queue.own_names(job -> 'models');
    end if;
    if not (j.models @> wanted and j.models <@ wanted) then
        perform job_queue.refuse('JQ009', 'The job is known with other models.',
            format('It needs %s; ask for these, or use a new job id.', to_jsonb(j.models)));
    end if;
    select * into j from public.job_queue_jobs as k where k.job_id = job ->> 'job_id' for no key update;

    if cardinality(fresh) > 0 and j.status = 'running' then
        perform job_queue.mirror(fresh);
        perform job_queue.refresh_state(s, begun => true);
        return job_queue.remember(options ->> 'request_id', jsonb_build_object('result', 'started', 'lease', job_queue.lease(j)));
    end if;
    in_time := j.deadline is null or j.deadline >= clock_timestamp();
    if j.status = 'waiting' and not j.runnable and in_time then
        passed := job_queue.lend(j.job_id, s);
    end if;
    if j.status = 'waiting' and (j.runnable or passed is not null) and not s.paused and in_time then
        answer := jsonb_build_object('result', 'started', 'lease', job_queue.start_runs(
            array[j.job_id], worker, lease_seconds, jsonb_strip_nulls(jsonb_build_object('passed', to_jsonb(passed)))) -> 0);
        perform job_queue.mirror(array[j.job_id]);
        perform job_queue.refresh_state(s, begun => true);
    elsif j.status in ('waiting', 'delayed') then
        if cardinality(fresh) > 0 then
            perform job_queue.log_event(fresh, 'blocked');
            if j.job_type = 'workflow' then
                perform job_queue.add_executions(fresh);
            end if;
            perform job_queue.mirror(fresh);
        end if;
        answer := jsonb_build_object('result', 'queued', 'status', j.status) || job_queue.place(j.job_id);
    elsif j.status = 'running' then
        answer := jsonb_build_object('result', 'running', 'worker_id', j.worker_id, 'attempt', j.attempt, 'lease_until', j.lease_until);
    else
        answer := jsonb_build_object('result', 'finished', 'status', j.status);
    end if;
    perform job_queue.recheck_state();
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_start(text, jsonb, jsonb) is
    'Can this job start? Starts it now, with a lease, or puts it in line, where it keeps its place however often it asks. '
    'docs/reference/rpc.md. Example: select job_queue_start(''job-42'', ''["motion-2.0-fast"]'')';

notify pgrst, 'reload schema';
