create or replace function public.job_queue_claim(worker_id text, max_jobs integer default 1, options jsonb default '{}') returns jsonb
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
    claim jsonb;
begin
    perform job_queue.check_keys('options', options, '{request_id,handlers,models,lease_seconds}');
    perform job_queue.check_name('The worker id', worker_id);
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    claim := job_queue.check_claim((options - 'request_id') || jsonb_build_object('max_jobs', max_jobs));
    answer := job_queue.advance('[]', worker_id, claim) - 'outcomes';
    -- A poll that finds nothing is remembered too, or a late copy of it could start jobs that nobody runs. It need not wait for the disk:
    -- what a crash can take with it is this answer, and transitions that the next claim makes again.
    if jsonb_array_length(answer -> 'leases') = 0 then
        perform set_config('synchronous_commit', 'off', true);
    end if;
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_claim(text, integer, jsonb) is
    'Starts up to max_jobs (1-1,000) runnable jobs that this worker can run, in order; takes back dead leases and lets due jobs into their lines. '
    'docs/reference/rpc.md. Example: select job_queue_claim(''worker-1'', 4, ''{"handlers": ["image"]}'')';

notify pgrst, 'reload schema';
