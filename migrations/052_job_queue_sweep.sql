create or replace function public.job_queue_sweep() returns jsonb
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
    recovered integer := 0;
    tidied record;
    ids text[];
begin
    -- The same step that every claim takes, for queues that nobody polls.
    ids := job_queue.recoverable(200);
    perform job_queue.enter_new('[]');
    recovered := (
        select count(distinct i) from unnest(ids) as i
        join public.job_queue_jobs as j on j.job_id = i
        where not (j.status = 'running' and j.lease_until < clock_timestamp())
          and not (j.status = 'delayed' and j.due_at <= clock_timestamp())
    );
    select * into s from public.job_queue_settings where id = 1;
    perform job_queue.refresh_state(s, begun => true);
    select * into tidied from job_queue.housekeep();
    return jsonb_build_object('recovered', recovered, 'requests_removed', tidied.requests, 'log_rows_removed', tidied.log_rows);
end;
$$;

comment on function public.job_queue_sweep() is
    'All housekeeping, bounded per call and safe for anyone at any time: dead leases, due jobs, trailing columns, old requests and log rows. Example: select job_queue_sweep()';

notify pgrst, 'reload schema';
