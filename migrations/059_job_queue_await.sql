create or replace function public.job_queue_await(job_id text, token bigint, step integer, options jsonb default '{}') returns jsonb
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
    answer jsonb;
    locked text[];
    seconds numeric;
    keep boolean;
    kept_note jsonb;
    verdict text;
begin
    perform job_queue.check_job_id(job_id);
    perform job_queue.check_keys('options', options, '{request_id,within_seconds,keep_models,note,steps}');
    if step is null or step not between 0 and 99 then
        perform job_queue.refuse('JQ007', format('The step is %s.', coalesce(step::text, 'null')), 'Steps are counted from 0; a job has 100 at most.');
    end if;
    seconds := job_queue.number_of('within_seconds', options -> 'within_seconds', 1, 31536000, 86400);
    keep := job_queue.flag_of('keep_models', options -> 'keep_models', false);
    kept_note := job_queue.check_size('The note', options -> 'note');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    perform job_queue.lock_mirrored(array[job_id], false);
    s := job_queue.settings();
    select job_queue.lines_of(k.models, s) into locked from public.job_queue_jobs as k where k.job_id = job_queue_await.job_id;
    perform job_queue.lock_models(locked, s);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_await.job_id for no key update;
    select * into c from public.job_queue_callbacks as k where k.job_id = j.job_id and k.step = job_queue_await.step;
    verdict := case
        when j.job_id is null then 'unknown_job'
        when j.token is distinct from job_queue_await.token then 'stale'
        -- Its own call, sent again after it gave up its lease with it.
        when j.status in ('waiting', 'delayed') and c.until is not null then 'waiting'
        when j.status <> 'running' then 'not_running'
    end;

    if verdict is null then
        j := job_queue.give_steps(j, options -> 'steps');
        if j.steps is null or step <> j.current_step then
            perform job_queue.refuse('JQ007',
                case when j.steps is null then 'The job has no steps.'
                     else format('Step %s is not the current one, which is %s.', step, j.current_step) end,
                'Wait in the current step; a job gets its steps when it enters, or with its first call (options.steps).');
        end if;
        -- A wait that another run began goes on, with its bound and its token: what was submitted then still answers to that.
        if c.until is null then
            insert into public.job_queue_callbacks as k (job_id, step, token, until, note)
            values (j.job_id, job_queue_await.step, j.token, clock_timestamp() + make_interval(secs => seconds), kept_note)
            on conflict on constraint job_queue_callbacks_pkey do update
            set token = excluded.token, until = excluded.until, note = excluded.note
            returning * into c;
        end if;
        if c.received_at is not null then
            verdict := 'arrived';
        elsif c.until <= clock_timestamp() then
            verdict := 'timed_out';
        elsif j.cancel_requested_at is not null then
            -- Where it would only wait is a good place to stop a job that is to be cancelled.
            verdict := 'cancelled';
            perform job_queue.leave(array[j.job_id], 'cancelled', jsonb_build_object('awaits', step));
            perform job_queue.settle(locked);
        elsif keep then
            verdict := 'held';
        else
            verdict := 'waiting';
            delete from public.job_queue_lines as l where l.job_id = j.job_id;
            update public.job_queue_jobs as k
            set status = 'delayed', due_at = c.until, lease_until = null, attempt = j.attempt - 1, waits_since = c.until
            where k.job_id = j.job_id;
            perform job_queue.log_event(array[j.job_id], 'released', jsonb_build_object('awaits', step));
            perform job_queue.settle(locked);
        end if;
        if verdict in ('cancelled', 'waiting') then
            perform job_queue.mirror(array[j.job_id]);
            perform job_queue.refresh_state(s, array[j.job_id]);
        end if;
    end if;

    select jsonb_build_object('result', verdict, 'status', k.status, 'until', c.until)
        || case when verdict = 'arrived' then jsonb_build_object('payload', c.payload) else '{}' end
    into answer
    from public.job_queue_jobs as k where k.job_id = job_queue_await.job_id;
    return job_queue.remember(options ->> 'request_id', coalesce(answer, jsonb_build_object('result', verdict)));
end;
$$;

comment on function public.job_queue_await(text, bigint, integer, jsonb) is
    'The current step of a running job waits for a callback: gives up the lease and the models until it comes, or (keep_models) goes on under the lease. '
    'docs/reference/rpc.md. Example: select job_queue_await(''job-42'', 7, 1, ''{"within_seconds": 600, "note": {"request": "r-1"}}'')';

notify pgrst, 'reload schema';
