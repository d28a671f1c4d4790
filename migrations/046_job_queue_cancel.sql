create or replace function public.job_queue_cancel(job_id text, options jsonb default '{}') returns jsonb
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
    needs text[];
    j public.job_queue_jobs;
    answer jsonb;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{reason}');
    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into needs from public.job_queue_jobs as k where k.job_id = job_queue_cancel.job_id;
    perform job_queue.lock_models(needs, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_cancel.job_id for no key update;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; finished jobs stay known as long as the log is kept.');
    end if;

    if j.status in ('waiting', 'delayed') then
        update public.job_queue_jobs as k set error = coalesce(options ->> 'reason', 'cancelled') where k.job_id = j.job_id;
        perform job_queue.leave(array[j.job_id], 'cancelled', jsonb_build_object('by', job_queue.caller()));
        perform job_queue.settle(needs);
        perform job_queue.mirror(array[j.job_id]);
        answer := jsonb_build_object('result', 'cancelled', 'status', 'cancelled');
    elsif j.status = 'running' then
        -- Its worker is told at the next heartbeat; its models are free when it ends or when its lease runs out.
        if j.cancel_requested_at is null then
            update public.job_queue_jobs as k set cancel_requested_at = clock_timestamp() where k.job_id = j.job_id;
            perform job_queue.log_event(array[j.job_id], 'cancel_requested', jsonb_build_object('by', job_queue.caller()));
        end if;
        answer := jsonb_build_object('result', 'cancel_requested', 'status', 'running');
    else
        answer := jsonb_build_object('result', 'finished', 'status', j.status);
    end if;
    return answer;
end;
$$;

comment on function public.job_queue_cancel(text, jsonb) is
    'Cancels a job that waits; asks the worker of one that runs to stop. docs/reference/rpc.md. Example: select job_queue_cancel(''job-42'')';

notify pgrst, 'reload schema';
