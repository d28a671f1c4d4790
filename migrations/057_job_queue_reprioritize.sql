create or replace function public.job_queue_reprioritize(job_id text, priority integer) returns jsonb
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
    needs text[];
    new_key timestamptz;
begin
    perform job_queue.check_job_id(job_id);
    if priority is null or priority not between -100 and 100 then
        perform job_queue.refuse('JQ007', format('The priority is %s.', coalesce(priority::text, 'null')),
                                 'Give a whole number from -100 to 100.');
    end if;
    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into needs from public.job_queue_jobs as k where k.job_id = job_queue_reprioritize.job_id;
    perform job_queue.lock_models(needs, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_reprioritize.job_id for no key update;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; finished jobs stay known as long as the log is kept.');
    end if;
    if j.status in ('completed', 'failed', 'cancelled') then
        return jsonb_build_object('result', 'finished', 'status', j.status);
    end if;

    if j.priority <> job_queue_reprioritize.priority then
        new_key := j.entered_at - job_queue_reprioritize.priority * s.priority_step;
        update public.job_queue_jobs as k
        set priority = job_queue_reprioritize.priority, line_key = new_key
        where k.job_id = j.job_id;
        update public.job_queue_lines as l set line_key = new_key where l.job_id = j.job_id;
        if j.status = 'waiting' then
            perform job_queue.settle(needs, array[j.job_id]);
        end if;
        perform job_queue.log_event(array[j.job_id], 'reprioritized', jsonb_build_object(
            'by', job_queue.caller(), 'priority', job_queue_reprioritize.priority, 'priority_before', j.priority));
        perform job_queue.mirror(array[j.job_id]);
    end if;
    return (
        select jsonb_build_object('result', 'reprioritized', 'status', k.status, 'priority', k.priority) || job_queue.place(k.job_id)
        from public.job_queue_jobs as k where k.job_id = j.job_id
    );
end;
$$;

comment on function public.job_queue_reprioritize(text, integer) is
    'Gives a job another priority (-100 to 100) and the place in line that it would have had with it from the start. docs/reference/rpc.md. '
    'Example: select job_queue_reprioritize(''job-42'', 10)';

notify pgrst, 'reload schema';
