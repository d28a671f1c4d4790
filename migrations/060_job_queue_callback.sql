create or replace function public.job_queue_callback(
    job_id text, step integer, payload jsonb default null, options jsonb default '{}'
) returns jsonb
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
    c public.job_queue_callbacks;
    moment timestamptz;
    answer jsonb;
    locked text[];
    extend numeric;
    verdict text;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{request_id,token,extend_seconds}');
    if step is null or step not between 0 and 99 then
        perform job_queue.refuse('JQ007', format('The step is %s.', coalesce(step::text, 'null')), 'Steps are counted from 0; a job has 100 at most.');
    end if;
    if options ? 'token' then
        perform job_queue.check_token(options -> 'token');
    end if;
    extend := job_queue.number_of('extend_seconds', options -> 'extend_seconds', 1, 31536000, null);
    payload := job_queue.check_size('The payload', payload);
    if extend is not null and payload is not null then
        perform job_queue.refuse('JQ007', 'The call has a payload and extend_seconds.', 'Bring the payload, or extend the wait.');
    end if;
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into locked from public.job_queue_jobs as k where k.job_id = job_queue_callback.job_id;
    perform job_queue.lock_models(locked, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_callback.job_id for no key update;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; finished jobs stay known as long as the log is kept.');
    end if;
    select * into c from public.job_queue_callbacks as k where k.job_id = j.job_id and k.step = job_queue_callback.step;
    moment := clock_timestamp();
    verdict := case
        when j.status in ('completed', 'failed', 'cancelled') then 'finished'
        when step < j.current_step then 'step_done'
        -- While nobody waits yet, what may bring it is the run that is under way: after a retry, what the try before submitted is no answer.
        when options ? 'token' and (options ->> 'token')::bigint is distinct from
            coalesce(c.token, case when j.status = 'running' then j.token end) then 'stale'
        when c.received_at is not null then 'received_before'
        when extend is not null and (c.until is null or c.until <= moment) then 'not_waiting'
        when extend is not null then 'extended'
        else 'received'
    end;
    if verdict in ('received', 'extended') and (step > j.current_step or j.job_type <> 'workflow' and j.steps is null) then
        perform job_queue.refuse('JQ007',
            case when j.job_type <> 'workflow' and j.steps is null then 'The job is not a workflow.'
                 else format('Step %s has not begun; the current one is %s.', step, j.current_step) end,
            'Send the callback of the step that asked for it.');
    end if;

    if verdict = 'extended' then
        update public.job_queue_callbacks as k set until = moment + make_interval(secs => extend)
        where k.job_id = j.job_id and k.step = c.step;
        update public.job_queue_jobs as k
        set due_at = moment + make_interval(secs => extend), waits_since = moment + make_interval(secs => extend)
        where k.job_id = j.job_id and k.status = 'delayed' and k.due_at = c.until;
        perform job_queue.mirror(array[j.job_id]);
    elsif verdict = 'received' then
        insert into public.job_queue_callbacks as k (job_id, step, payload, received_at)
        values (j.job_id, job_queue_callback.step, job_queue_callback.payload, moment)
        on conflict on constraint job_queue_callbacks_pkey do update set payload = excluded.payload, received_at = excluded.received_at;
        if j.status = 'delayed' and j.due_at = c.until then
            -- Back to its own place; from now on it waits for its models.
            update public.job_queue_jobs as k set waits_since = moment where k.job_id = j.job_id;
            perform job_queue.enter(array[j.job_id], s);
            perform job_queue.log_event(array[j.job_id], 'queued', jsonb_build_object('callback', step));
            perform job_queue.settle(locked, array[j.job_id]);
            perform job_queue.mirror(array[j.job_id]);
        end if;
    end if;

    select jsonb_build_object('result', verdict, 'status', k.status) into answer
    from public.job_queue_jobs as k where k.job_id = j.job_id;
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_callback(text, integer, jsonb, jsonb) is
    'Brings what a step of a workflow waits for (job_queue_await), or extends its wait; kept where it comes before the step waits. '
    'docs/reference/rpc.md. Example: select job_queue_callback(''job-42'', 1, ''{"video_url": "https://example.com/1.mp4"}'')';

notify pgrst, 'reload schema';
