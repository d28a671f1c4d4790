-- The way back: leaves the rows of `jobs` and `workflow_executions` as the predecessor expects them, so that its workers go on with what waits.
-- First stop the Java workers and let them finish: this refuses while a job runs. Then run 027_rollback.sql, or our triggers would go on
-- marking rows as blocked, which the predecessor never starts. docs/guides/adopting.md. Changes rows only; re-runnable.
--
-- The predecessor starts what is `pending` and not blocked, images and videos as `pending` alone, workflows also as `pending_retry`.

do $back$
declare
    running bigint;
    without_row bigint;
begin
    select count(*) into running from public.job_queue_jobs as k where k.status = 'running' and k.lease_until > clock_timestamp();
    if running > 0 then
        raise exception '% jobs run. Nothing was changed.', running
            using hint = 'Stop the workers and let them finish, or wait until their leases have run out; then run this again.';
    end if;

    update public.jobs as r
    set status = case when k.job_type = 'workflow' and (k.attempt > 0 or k.current_step > 0) then 'pending_retry' else 'pending' end,
        blocked_by_job_id = null, conflict_reason = null, queued_at = null, queue_position = null
    from public.job_queue_jobs as k
    where k.job_id = r.job_id::text and k.status in ('waiting', 'delayed', 'running');

    if to_regclass('public.workflow_executions') is not null then
        update public.workflow_executions as r
        set status = case when k.attempt > 0 or k.current_step > 0 then 'pending_retry' else 'pending' end,
            blocked_by_job_id = null, current_step_model = null
        from public.job_queue_jobs as k
        where k.job_id = r.job_id::text and k.job_type = 'workflow' and k.status in ('waiting', 'delayed', 'running');
    end if;

    update public.job_queue_state as s
    set active_job_id = null, active_job_type = null, active_models = '[]', started_at = null where s.id = 1;
    if exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = 'public.job_queue_state'::regclass and a.attname = 'active_jobs' and not a.attisdropped
    ) then
        update public.job_queue_state as s set active_jobs = '[]' where s.id = 1;
    end if;

    select count(*) into without_row
    from public.job_queue_jobs as k
    where k.status in ('waiting', 'delayed', 'running') and not exists (select from public.jobs as r where r.job_id::text = k.job_id);
    if without_row > 0 then
        raise notice '% jobs wait that have no row in jobs. The predecessor cannot see them; the rollback drops them.', without_row;
    end if;
    raise notice 'The rows are as the predecessor expects them. Now run 027_rollback.sql, then start its workers.';
end;
$back$;
