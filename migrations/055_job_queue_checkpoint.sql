create or replace function public.job_queue_checkpoint(
    job_id text, token bigint, step integer, output jsonb default null, options jsonb default '{}'
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
    answer jsonb;
    locked text[];
    held text[];
    going_to integer;
    next_needs text[];
    verdict text;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{request_id,next_step,steps}');
    if step is null or step not between 0 and 99 then
        perform job_queue.refuse('JQ007', format('The step is %s.', coalesce(step::text, 'null')), 'Steps are counted from 0; a job has 100 at most.');
    end if;
    going_to := job_queue.whole_number_of('next_step', options -> 'next_step', step + 1, 100, step + 1);
    output := job_queue.check_size('The output', output);
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into locked from public.job_queue_jobs as k where k.job_id = job_queue_checkpoint.job_id;
    perform job_queue.lock_models(locked, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_checkpoint.job_id for no key update;
    verdict := case
        when j.job_id is null then 'unknown_job'
        when j.token is distinct from job_queue_checkpoint.token then 'stale'
        -- Its own checkpoint, sent again after it went back into line with it.
        when j.status in ('waiting', 'delayed') and j.current_step > step then 'waiting'
        when j.status <> 'running' then 'not_running'
        else 'saved'
    end;

    if verdict = 'saved' then
        j := job_queue.give_steps(j, options -> 'steps');
    end if;
    if verdict = 'saved' and (j.steps is null or step > j.current_step) then
        perform job_queue.refuse('JQ007',
            case when j.steps is null then 'The job has no steps.'
                 else format('Step %s is not the current one, which is %s.', step, j.current_step) end,
            'Save the checkpoint of the current step, in order; a job gets its steps when it enters, or with its first checkpoint (options.steps).');
    elsif verdict = 'saved' and step = j.current_step then
        if going_to > jsonb_array_length(j.steps) then
            perform job_queue.refuse('JQ007', format('next_step is %s.', going_to),
                                     format('The job has %s steps, counted from 0.', jsonb_array_length(j.steps)));
        end if;
        insert into public.job_queue_checkpoints (job_id, step, output)
        values (j.job_id, job_queue_checkpoint.step, job_queue_checkpoint.output);
        delete from public.job_queue_callbacks as c where c.job_id = j.job_id;
        held := array(select l.model from public.job_queue_lines as l where l.job_id = j.job_id);
        next_needs := job_queue.needs_of(j.models, j.holding, j.steps, going_to);
        update public.job_queue_jobs as k
        set current_step = going_to, needs = next_needs, attempts_before = j.attempt - 1
        where k.job_id = j.job_id;
        delete from public.job_queue_lines as l
        where l.job_id = j.job_id and j.holding <> 'whole_run' and l.model <> all (job_queue.lines_of(next_needs, s));

        if j.holding <> 'per_step' or next_needs <@ held then
            perform job_queue.log_event(array[j.job_id], 'checkpoint', jsonb_build_object('step', step));
            perform job_queue.settle(locked);
        elsif j.cancel_requested_at is not null then
            -- Where it would have to take other models is a good place to stop a job that is to be cancelled.
            verdict := 'cancelled';
            perform job_queue.leave(array[j.job_id], 'cancelled', jsonb_build_object('step', step));
            perform job_queue.settle(locked);
        else
            -- Back in line for the models of the next step, at its own place; if that is its turn at once, the run goes on.
            update public.job_queue_jobs as k
            set status = 'waiting', lease_until = null, attempt = j.attempt - 1, waits_since = clock_timestamp()
            where k.job_id = j.job_id;
            perform job_queue.enter(array[j.job_id], s);
            perform job_queue.settle(locked, array[j.job_id]);
            update public.job_queue_jobs as k
            set status = 'running', runnable = false, lease_until = j.lease_until, attempt = j.attempt, waits_since = j.waits_since
            where k.job_id = j.job_id and k.status = 'waiting' and k.runnable;
            if found then
                perform job_queue.count_starts(array[j.job_id], held);
                perform job_queue.log_event(array[j.job_id], 'checkpoint', jsonb_build_object('step', step));
            else
                verdict := 'waiting';
                perform job_queue.log_event(array[j.job_id], 'released', jsonb_build_object('step', step));
            end if;
        end if;
        perform job_queue.mirror(array[j.job_id]);
        perform job_queue.mirror_checkpoint(array[j.job_id], step, job_queue.checkpoint_of(j.steps, step, output, clock_timestamp()));
        if s.max_active_jobs = 1 then
            perform job_queue.refresh_state(s, begun => true);
        end if;
    end if;

    select jsonb_build_object(
        'result', verdict, 'status', k.status, 'current_step', k.current_step,
        'models', case when k.status = 'running' then array(
            select l.model from public.job_queue_lines as l where l.job_id = k.job_id and l.model <> '' order by l.model
        ) else '{}' end
    ) || case when verdict = 'waiting' then job_queue.place(k.job_id) else '{}' end
    into answer
    from public.job_queue_jobs as k where k.job_id = job_queue_checkpoint.job_id;
    return job_queue.remember(options ->> 'request_id', coalesce(answer, jsonb_build_object('result', verdict)));
end;
$$;

comment on function public.job_queue_checkpoint(text, bigint, integer, jsonb, jsonb) is
    'Saves the output of the current step (from 0) of a running job and goes to the next: gives models back and takes the next step''s, as its holding rule says. '
    'docs/reference/rpc.md. Example: select job_queue_checkpoint(''job-42'', 7, 0, ''{"image_url": "https://example.com/1.png"}'')';

notify pgrst, 'reload schema';
