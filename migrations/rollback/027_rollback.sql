-- Undoes the coordination: first everything that is the engine's, then what the seed document's rollback names, in its words.
-- What it drops is gone, the log included: export job_queue_log first if you want to keep it. Jobs and workflow executions stay.
-- Re-runnable. exec_sql stays, for it may be running this; drop it with: drop function if exists public.exec_sql(text);

do $rollback$
declare
    f regprocedure;
begin
    if to_regclass('public.jobs') is not null then
        drop trigger if exists job_queue_arrive on public.jobs;
        drop trigger if exists job_queue_depart on public.jobs;
        drop trigger if exists job_queue_empty on public.jobs;
        drop trigger if exists job_queue_change on public.jobs;
    end if;
    drop table if exists public.job_queue_arrivals cascade;
    drop table if exists public.job_queue_lines cascade;
    drop table if exists public.job_queue_checkpoints cascade;
    drop table if exists public.job_queue_callbacks cascade;
    drop table if exists public.job_queue_starts cascade;
    drop table if exists public.job_queue_workers cascade;
    drop table if exists public.job_queue_jobs cascade;
    drop table if exists public.job_queue_aliases cascade;
    drop table if exists public.job_queue_models cascade;
    drop table if exists public.job_queue_requests cascade;
    drop table if exists public.job_queue_settings cascade;
    drop table if exists public.job_queue_marks cascade;
    drop table if exists public.job_queue_run_times cascade;
    drop table if exists public.job_queue_migrations cascade;
    drop sequence if exists public.job_queue_line_seq;
    drop sequence if exists public.job_queue_token_seq;
    -- By prefix, which is reserved for Interlock in public (docs/reference/rpc.md), so that a newer version leaves nothing either.
    for f in
        select p.oid::regprocedure from pg_catalog.pg_proc as p
        where p.pronamespace = 'public'::regnamespace and p.proname like 'job\_queue\_%'
    loop
        execute format('drop function %s', f);
    end loop;
    drop schema if exists job_queue cascade;

    -- The seed's rollback, for a database that may lack jobs or workflow_executions.
    drop table if exists public.job_queue_log cascade;
    drop table if exists public.job_queue_state cascade;
    if to_regclass('public.workflow_executions') is not null then
        alter table public.workflow_executions
            drop column if exists required_models,
            drop column if exists current_step_model,
            drop column if exists blocked_by_job_id;
    end if;
    if to_regclass('public.jobs') is not null then
        alter table public.jobs
            drop column if exists required_models,
            drop column if exists queue_position,
            drop column if exists blocked_by_job_id,
            drop column if exists conflict_reason,
            drop column if exists queued_at;
    end if;
end;
$rollback$;

notify pgrst, 'reload schema';
