package dev.interlock.it.engine;

/** The statements around each case of an {@link InterleavingRunner}: the empty world before, and what is looked at after. */
final class InterleavingSql {

    static final String BREACH = " BREACH: ";

    private InterleavingSql() {}

    /** The state row is as fresh as can be, so that no case does the housekeeping of each second. */
    static final String EMPTY = """
            delete from public.workflow_executions; delete from public.jobs; delete from public.job_queue_jobs;
            delete from public.job_queue_lines; delete from public.job_queue_log; delete from public.job_queue_requests;
            delete from public.job_queue_aliases; delete from public.job_queue_models where model <> '';
            update public.job_queue_models set capacity = 0;
            update public.job_queue_settings set max_active_jobs = null, unknown_models = 'create', default_capacity = 1;
            update public.job_queue_state set active_job_id = null, active_job_type = null, active_models = '[]',
                started_at = null, last_updated = 'infinity'""";

    /** All that a caller could find out later; a job with a star has a seat. */
    static final String STATE = """
            select jsonb_build_object(
                'jobs', (select jsonb_object_agg(j.job_id, concat_ws(' ', j.status, case when j.runnable then 'runnable' end,
                    'attempt ' || j.attempt, case when j.status = 'running' then 'by ' || j.worker_id end, j.error,
                    case when j.cancel_requested_at is not null then 'to be cancelled' end)) from public.job_queue_jobs j),
                'lines', (select jsonb_object_agg(x.model, x.line) from (
                    select l.model, jsonb_agg(l.job_id || case when l.seat is null then '' else '*' end order by l.line_key, l.seq) as line
                    from public.job_queue_lines l group by l.model) x),
                'rows', (select jsonb_object_agg(r.job_id, r.status) from public.jobs r where r.required_models is not null),
                'callbacks', (select jsonb_object_agg(c.job_id, concat_ws(' ', 'step ' || c.step, case when c.until is not null then 'awaited' end,
                    case when c.received_at is not null then 'received ' || coalesce(c.payload #>> '{}', 'nothing') end))
                    from public.job_queue_callbacks c),
                'executions', (select jsonb_object_agg(r.job_id, r.status) from public.workflow_executions r),
                'log', (select jsonb_object_agg(x.job_id, x.events) from (
                    select g.job_id, jsonb_agg(g.event_type order by g.seq) as events from public.job_queue_log g group by g.job_id) x),
                'requests', (
                    -- A claim that passes over everything is remembered as one that found nothing, not as if it had not been there.
                    select jsonb_agg(q.request_id order by q.request_id) from public.job_queue_requests q
                    where q.answer ? 'outcomes' or q.answer -> 'leases' is distinct from '[]'),
                'models', (select jsonb_object_agg(m.model, m.capacity) from public.job_queue_models m),
                'active', (select q.active_job_id from public.job_queue_state q cross join public.job_queue_settings s
                    where s.max_active_jobs = 1))::text""";

    /** Once the fresh worker has claimed, nothing that could start waits. */
    static final String LEFT = """
            select coalesce(' BREACH: could start: ' || string_agg(j.job_id, ', '), '') from public.job_queue_jobs j
            where j.status = 'waiting' and j.runnable""";

    /** No table contradicts another, and nobody is left waiting. */
    static final String BREACHES = """
            select coalesce(' BREACH: ' || string_agg(b, '; '), '') from (
                select 'one at a time, the state row is wrong' from public.job_queue_settings s cross join public.job_queue_state q
                where s.max_active_jobs = 1 and case when q.active_job_id is null
                    then exists (select from public.job_queue_jobs j where j.status = 'running')
                    else not exists (select from public.job_queue_jobs j where j.job_id = q.active_job_id and j.status = 'running') end
                union all
                select 'runnable is wrong: ' || j.job_id from public.job_queue_jobs j
                where j.status = 'waiting' and j.runnable
                    <> not exists (select from public.job_queue_lines l where l.job_id = j.job_id and l.seat is null)
                union all
                select 'a free seat: ' || m.model from public.job_queue_models m where not m.paused
                    and exists (select from public.job_queue_lines l where l.model = m.model and l.seat is null)
                    and (select count(*) from public.job_queue_lines l where l.model = m.model and l.seat is not null) < m.capacity
                union all
                select 'runs without a seat: ' || j.job_id from public.job_queue_jobs j join public.job_queue_lines l using (job_id)
                where j.status = 'running' and l.seat is null
                union all
                select 'in a line, and ' || coalesce(j.status, 'unknown') from public.job_queue_lines l left join public.job_queue_jobs j using (job_id)
                where j.status is null or j.status not in ('waiting', 'running')
                union all
                select 'passed in ' || l.model from public.job_queue_lines l join public.job_queue_jobs j using (job_id)
                where l.seat is not null and j.status = 'waiting' and exists (select from public.job_queue_lines u
                    where u.model = l.model and u.seat is null and (u.line_key, u.seq) < (l.line_key, l.seq))
                union all
                select 'row says ' || r.status || ', job is ' || j.status from public.jobs r
                join public.job_queue_jobs j on j.job_id = r.job_id::text and r.required_models is not null
                where case when j.status in ('waiting', 'delayed') then r.status not in ('pending', 'pending_retry') else r.status <> j.status end
                union all
                select 'running, and marked blocked: ' || r.job_id from public.jobs r
                join public.job_queue_jobs j on j.job_id = r.job_id::text
                where j.status = 'running' and (r.blocked_by_job_id is not null or r.queue_position is not null)
                union all
                select 'started twice: ' || g.job_id from public.job_queue_log g where g.event_type = 'started'
                group by g.job_id, g.metadata ->> 'token' having count(*) > 1
                union all
                select 'still waits: ' || a.pid from pg_stat_activity a where a.wait_event_type = 'Lock'
            ) as breaches (b)""";
}
