create or replace function public.job_queue_release_models(job_id text, token bigint, models jsonb) returns jsonb
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
    names text[] := job_queue.check_models(models, false);
    needs text[];
    given text[];
    j public.job_queue_jobs;
    verdict text;
begin
    perform job_queue.check_job_id(job_id);
    s := job_queue.settings();
    -- All its lines: whoever waits for a job's row has them.
    select job_queue.lines_of(k.models, s) into needs from public.job_queue_jobs as k where k.job_id = job_queue_release_models.job_id;
    perform job_queue.lock_models(needs, s);
    given := array(select l.model from public.job_queue_lines as l where l.job_id = job_queue_release_models.job_id and l.model = any (names));
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_release_models.job_id for no key update;
    verdict := case
        when j.job_id is null then 'unknown_job'
        when j.status <> 'running' then 'not_running'
        when j.token is distinct from job_queue_release_models.token then 'stale'
        else 'released'
    end;
    if verdict = 'released' and cardinality(given) > 0 then
        delete from public.job_queue_lines as l where l.job_id = j.job_id and l.model = any (given);
        perform job_queue.log_event(array[j.job_id], 'released', jsonb_build_object('released_models', to_jsonb(given)));
        perform job_queue.settle(given);
        if s.max_active_jobs = 1 then
            perform job_queue.refresh_state(s, begun => true);
        end if;
    end if;
    return jsonb_build_object('result', verdict, 'models', array(
        select l.model from public.job_queue_lines as l
        where l.job_id = job_queue_release_models.job_id and l.seat is not null and l.model <> '' and j.status = 'running'
        order by l.model
    ));
end;
$$;

comment on function public.job_queue_release_models(text, bigint, jsonb) is
    'Gives some of a running job''s models back early; its lease goes on with the rest. docs/reference/rpc.md. Example: '
    'select job_queue_release_models(''job-42'', 7, ''["nano-banana-pro-leonardo"]'')';

notify pgrst, 'reload schema';
