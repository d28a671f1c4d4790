create or replace function public.job_queue_retry(job_id text, options jsonb default '{}') returns jsonb
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
    s public.job_queue_settings;
    j public.job_queue_jobs;
    own text[];
    own_steps jsonb;
    needs text[];
    answer jsonb;
    attempts integer;
    due timestamptz;
    new_deadline timestamptz;
    moment timestamptz;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{request_id,attempts,run_at,deadline}');
    attempts := job_queue.whole_number_of('attempts', options -> 'attempts', 1, 100, 1);
    due := job_queue.time_of('run_at', options -> 'run_at');
    new_deadline := job_queue.time_of('deadline', options -> 'deadline');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    -- Under the models' own names as they are now: an alias may have been set since it ended.
    select job_queue.own_names(to_jsonb(k.models)) into own
    from public.job_queue_jobs as k where k.job_id = job_queue_retry.job_id;
    needs := job_queue.lines_of(own, s);
    perform job_queue.lock_models(needs, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_retry.job_id for no key update;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; finished jobs stay known as long as the log is kept.');
    end if;

    if j.status = 'completed' then
        answer := jsonb_build_object('result', 'completed', 'status', j.status);
    elsif j.status not in ('failed', 'cancelled') then
        answer := jsonb_build_object('result', 'unfinished', 'status', j.status);
    else
        moment := clock_timestamp();
        own_steps := case when j.steps is not null then job_queue.check_steps(j.steps) end;
        update public.job_queue_jobs as k
        set models = own, steps = own_steps, needs = job_queue.needs_of(own, k.holding, own_steps, k.current_step),
            status = case when due > moment then 'delayed' else 'waiting' end,
            due_at = case when due > moment then due end,
            deadline = coalesce(new_deadline, case when k.deadline > moment then k.deadline end),
            max_attempts = k.attempt + attempts,
            waits_since = greatest(moment, due), finished_at = null, cancel_requested_at = null, result = null, error = null, progress = 0, progress_note = null
        where k.job_id = j.job_id;
        if due > moment is not true then
            perform job_queue.enter(array[j.job_id], s);
            perform job_queue.settle(needs, array[j.job_id]);
        end if;
        perform job_queue.log_event(array[j.job_id], 'retried', jsonb_build_object(
            'by', job_queue.caller(), 'max_attempts', j.attempt + attempts, 'max_attempts_before', j.max_attempts));
        perform job_queue.mirror(array[j.job_id]);
        select jsonb_build_object('result', 'retried', 'status', k.status) || job_queue.place(k.job_id) into answer
        from public.job_queue_jobs as k where k.job_id = j.job_id;
    end if;
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_retry(text, jsonb) is
    'Brings a failed or cancelled job back to the place in line that it had, with its checkpoints and (attempts, 1-100, default 1) more attempts. '
    'docs/reference/rpc.md. Example: select job_queue_retry(''job-42'', ''{"attempts": 3}'')';

notify pgrst, 'reload schema';
