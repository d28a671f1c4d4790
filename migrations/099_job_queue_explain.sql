-- As in 050, but a long line is counted in its index, not collected.

create or replace function public.job_queue_explain(job_id text) returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    j public.job_queue_jobs;
    lines jsonb;
begin
    perform job_queue.check_job_id(job_id);
    select * into j from public.job_queue_jobs as k where k.job_id = job_queue_explain.job_id;
    if not found then
        perform job_queue.refuse('JQ006', 'The job is unknown.', 'Check the job id; a row of jobs enters with required_models set.');
    end if;

    select coalesce(jsonb_agg(jsonb_build_object(
        'model', nullif(m.model, ''), 'capacity', m.capacity, 'paused', m.paused,
        'starts_per_minute', m.starts_per_minute, 'next_start_at', m.next_start_at, 'stands', own.model is not null,
        'admitted', own.seat is not null and j.status = 'waiting',
        'holders', coalesce((
            select jsonb_agg(jsonb_build_object('job_id', r.job_id, 'worker_id', r.worker_id, 'started_at', r.started_at,
                                                'lease_until', r.lease_until)
                             order by r.started_at, r.job_id)
            from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = m.model and l.seat is not null
        ), '[]'),
        'position', case when j.status = 'waiting' and own.model is not null then ahead.total + 1 end,
        'ahead', coalesce(to_jsonb(ahead.first), '[]'), 'ahead_count', coalesce(ahead.total, 0)
    ) order by m.model), '[]') into lines
    from public.job_queue_models as m
    left join public.job_queue_lines as own on own.model = m.model and own.job_id = j.job_id
    left join lateral (
        -- Every real one, however long the line: this is the exact answer. Counted in the index alone; those that run are few.
        select (
            select count(*) from public.job_queue_lines as l where l.model = m.model and (l.line_key, l.seq) < (j.line_key, j.seq)
        ) - (
            select count(*) from public.job_queue_lines as l
            join public.job_queue_jobs as r on r.job_id = l.job_id and r.status = 'running'
            where l.model = m.model and l.seat is not null and (l.line_key, l.seq) < (j.line_key, j.seq)
        ) as total, array(
            select l.job_id from public.job_queue_lines as l
            left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
            where l.model = m.model and (l.line_key, l.seq) < (j.line_key, j.seq) and r.status is distinct from 'running'
            order by l.line_key, l.seq limit 20
        ) as first
    ) as ahead on j.status = 'waiting' and own.model is not null
    where m.model = any (j.models) or own.model is not null;

    return jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'status', j.status, 'runnable', j.runnable,
        'priority', j.priority, 'attempt', j.attempt, 'max_attempts', j.max_attempts, 'queued_at', j.entered_at,
        'run_at', nullif(j.due_at, 'infinity'), 'deadline', j.deadline, 'started_at', j.started_at, 'finished_at', j.finished_at,
        'worker_id', case when j.status = 'running' then j.worker_id end, 'lease_until', j.lease_until,
        'progress', j.progress, 'note', j.progress_note, 'error', j.error, 'result', j.result, 'models', lines, 'estimate', job_queue.estimate(j, lines),
        'skipped', j.skipped, 'cancel_requested_at', j.cancel_requested_at, 'now', clock_timestamp()
    ) || job_queue.place(j.job_id)
      || case when j.job_type = 'workflow' or j.steps is not null then jsonb_build_object(
        'callback', job_queue.callback_of(j), 'holding', j.holding, 'current_step', j.current_step, 'step_attempt', j.attempt - j.attempts_before,
        'steps', (
            select jsonb_agg(jsonb_build_object('name', s.step -> 'name', 'models', s.step -> 'models', 'saved_at', c.saved_at) order by s.number)
            from jsonb_array_elements(j.steps) with ordinality as s (step, number)
            left join public.job_queue_checkpoints as c on c.job_id = j.job_id and c.step = s.number - 1
        )) else '{}' end
      || case when j.status = 'waiting' then jsonb_build_object('queue_position', (
        select max((l ->> 'position')::bigint) from jsonb_array_elements(lines) as l
    )) else '{}' end;
end;
$$;

comment on function public.job_queue_explain(text) is
    'Why a job waits: of each model its holders with lease ends, the job''s exact place in its line, and an estimate of its start. docs/reference/rpc.md. '
    'Example: select job_queue_explain(''job-42'')';

notify pgrst, 'reload schema';
