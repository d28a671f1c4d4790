-- Upon any of those with jobs: what the Python workers left when they were stopped. The columns of 027 are set where they are there.
-- The ids tell the order in which the jobs came. Also loads where ids are text.
--
--   00..01  pending, never looked at; 02 with priority 3, 03 a second model
--   10..13  blocked: 10 to 12 by the running workflow 20, in the order 11, 10, 12 (queued_at); 13 by "unknown", a pending_retry
--   20..21  running: a workflow after its first step, an image
--   30..33  pending_retry: 30 after a quota error, 31 with its back-off, 32 with two executions, 33 with none
--   40..42  finished: completed, failed, cancelled

insert into public.jobs (job_id, user_id, status, prompt, model, job_type, image_url, error_message, progress, created_at, started_at,
                         completed_at, metadata)
select ('f1197000-0000-4000-8000-0000000000' || v.n)::uuid, ('11111111-0000-4000-8000-00000000000' || 1 + v.n::integer % 3)::uuid,
    v.status, 'in flight ' || v.n, v.model, v.job_type, case v.job_type when 'workflow' then 'https://res.example.com/in.png' end, v.error,
    v.progress, now() - v.age, case v.status when 'running' then now() - interval '2 minutes' end,
    case when v.status in ('completed', 'failed', 'cancelled') then now() - interval '1 minute' end, v.metadata::json
from (values
    ('00', 'pending', 'flux1-krea-dev.safetensors', 'image', null, 0, interval '40 minutes', '{"priority": 1, "provider_key": "vision-flux"}'),
    ('01', 'pending', 'flux1-krea-dev.safetensors', 'image', null, 0, interval '39 minutes', '{"priority": 2}'),
    ('02', 'pending', 'flux1-krea-dev.safetensors', 'image', null, 0, interval '38 minutes', '{"priority": 3}'),
    ('03', 'pending', 'motion-2.0-fast', 'video', null, 0, interval '37 minutes', '{}'),
    ('10', 'pending', 'gemini-25-flash-aicc', 'image', null, 0, interval '60 minutes', '{"priority": 1}'),
    ('11', 'pending', 'knight-style-img-to-video', 'workflow', null, 0, interval '59 minutes', '{"workflow_id": "knight-style-img-to-video"}'),
    ('12', 'pending', 'clipdrop-upscale', 'image', null, 0, interval '58 minutes', '{"priority": 1, "pending_retry_count": 1}'),
    ('13', 'pending_retry', 'knight-style-img-to-video', 'workflow', 'timeout', 0, interval '57 minutes', '{}'),
    ('20', 'running', 'knight-style-img-to-video', 'workflow', null, 40, interval '90 minutes', '{"workflow_id": "knight-style-img-to-video"}'),
    ('21', 'running', 'flux1-krea-dev.safetensors', 'image', null, 10, interval '80 minutes', '{"priority": 1}'),
    ('30', 'pending_retry', 'knight-style-img-to-video', 'workflow', 'quota_exceeded', 0, interval '5 hours', '{}'),
    ('31', 'pending_retry', 'knight-style-img-to-video', 'workflow', 'timeout', 0, interval '4 hours',
     '{"pending_retry_count": 2, "retry_after": "2026-03-25T10:00:00"}'),
    ('32', 'pending_retry', 'knight-style-img-to-video', 'workflow', 'api error', 0, interval '3 hours', '{}'),
    ('33', 'pending_retry', 'knight-style-img-to-video', 'workflow', null, 0, interval '2 hours', null),
    ('40', 'completed', 'flux1-krea-dev.safetensors', 'image', null, 100, interval '6 hours', '{}'),
    ('41', 'failed', 'flux1-krea-dev.safetensors', 'image', 'invalid image', 30, interval '6 hours', '{}'),
    ('42', 'cancelled', 'flux1-krea-dev.safetensors', 'image', null, 0, interval '6 hours', '{}')
) as v (n, status, model, job_type, error, progress, age, metadata);

insert into public.workflow_executions (job_id, workflow_id, user_id, current_step, total_steps, status, checkpoints, error_info, retry_count)
select ('f1197000-0000-4000-8000-0000000000' || v.n)::uuid, 'knight-style-img-to-video',
    ('11111111-0000-4000-8000-00000000000' || 1 + v.n::integer % 3)::uuid, v.step, 3, v.status, v.checkpoints::json, v.error::json, v.retries
from (values
    ('13', 1, 'pending_retry', '{"_input": "https://res.example.com/in.png", "0": {"step_name": "style", "status": "completed", "output": {"url": "styled.png"}}}',
     '{"error": "timeout", "error_type": "timeout", "failed_step": "upscale", "failed_step_index": 1, "last_attempt": "2026-03-25T10:00:00"}', 1),
    ('20', 1, 'running', '{"_input": {"image_url": "https://res.example.com/in.png"}, "0": {"step_name": "style", "status": "completed", "output": {"url": "styled.png"}}}',
     null, 0),
    ('30', 1, 'pending_retry', '{"_input": "https://res.example.com/in.png", "0": {"step_name": "style", "status": "completed", "output": {"url": "styled.png"}}}',
     '{"error": "quota", "error_type": "quota_exceeded", "failed_step_index": 1, "last_attempt": "2026-03-25T10:00:00"}', 2),
    ('31', 0, 'pending_retry', '{"_input": "https://res.example.com/in.png", "0": {"step_name": "style", "status": "failed_retryable", "retry_count": 1}}',
     '{"error": "timeout", "error_type": "timeout", "failed_step_index": 0}', 1),
    -- Two of one job: nothing forbade it.
    ('32', 0, 'pending', '{}', null, 0),
    ('32', 1, 'pending_retry', '{"_input": "https://res.example.com/in.png", "0": {"step_name": "style", "status": "completed", "output": {"url": "styled.png"}}}',
     '{"error": "api error", "error_type": "generic_api_error", "failed_step_index": 1}', 1)
) as v (n, step, status, checkpoints, error, retries);

do $$
declare
    c text;
begin
    foreach c in array array['blocked_by_job_id', 'conflict_reason', 'queued_at', 'required_models'] loop
        if exists (select from information_schema.columns
                   where table_schema = 'public' and table_name = 'jobs' and column_name = c) then
            execute format('
                update public.jobs as j set %1$I = v.%1$I
                from (values
                    (''10'', ''f1197000-0000-4000-8000-000000000020'', ''Model conflict with active job f1197000-0000-4000-8000-000000000020: [''''gemini-25-flash-aicc'''']'',
                     now() - interval ''20 minutes'', ''["gemini-25-flash-aicc"]''::jsonb),
                    (''11'', ''f1197000-0000-4000-8000-000000000020'', ''Model conflict with active job f1197000-0000-4000-8000-000000000020: [''''gemini-25-flash-aicc'''', ''''clipdrop-upscale'''']'',
                     now() - interval ''30 minutes'', ''["gemini-25-flash-aicc", "clipdrop-upscale", "motion-2.0-fast"]''),
                    (''12'', ''f1197000-0000-4000-8000-000000000020'', ''Job queue busy: workflow job f1197000-0000-4000-8000-000000000020 is currently running'',
                     now() - interval ''10 minutes'', ''["clipdrop-upscale"]''),
                    (''13'', ''unknown'', null, now() - interval ''5 minutes'', ''["gemini-25-flash-aicc", "clipdrop-upscale", "motion-2.0-fast"]'')
                ) as v (n, blocked_by_job_id, conflict_reason, queued_at, required_models)
                where j.job_id::text = ''f1197000-0000-4000-8000-0000000000'' || v.n', c);
        end if;
    end loop;

    if to_regclass('public.priority1_queue') is not null then
        insert into public.priority1_queue (user_id, job_id, request_payload)
        select j.user_id, j.job_id, jsonb_build_object('prompt', j.prompt) from public.jobs as j
        where j.prompt like 'in flight 0%' and j.metadata::jsonb @> '{"priority": 1}';
        insert into public.priority3_queue (user_id, job_id, request_payload)
        select j.user_id, j.job_id, jsonb_build_object('prompt', j.prompt) from public.jobs as j
        where j.prompt like 'in flight 0%' and j.metadata::jsonb @> '{"priority": 3}';
    end if;
    if to_regclass('public.job_queue_state') is not null then
        update public.job_queue_state
        set active_job_id = 'f1197000-0000-4000-8000-000000000020', active_job_type = 'workflow',
            active_models = '["gemini-25-flash-aicc", "clipdrop-upscale", "motion-2.0-fast"]', started_at = now() - interval '2 minutes'
        where id = 1;
        insert into public.job_queue_log (job_id, job_type, event_type, models, blocked_by_job_id, conflict_reason, created_at) values
        ('f1197000-0000-4000-8000-000000000040', 'normal', 'started', '["flux1-krea-dev.safetensors"]', null, null, now() - interval '6 hours'),
        ('f1197000-0000-4000-8000-000000000040', 'normal', 'completed', null, null, null, now() - interval '5 hours'),
        ('f1197000-0000-4000-8000-000000000020', 'workflow', 'started', '["gemini-25-flash-aicc", "clipdrop-upscale", "motion-2.0-fast"]', null, null,
         now() - interval '2 minutes'),
        ('f1197000-0000-4000-8000-000000000010', 'normal', 'blocked', '["gemini-25-flash-aicc"]', 'f1197000-0000-4000-8000-000000000020',
         'Model conflict with active job f1197000-0000-4000-8000-000000000020: [''gemini-25-flash-aicc'']', now() - interval '20 minutes');
    end if;
    if exists (select from information_schema.columns
               where table_schema = 'public' and table_name = 'job_queue_state' and column_name = 'active_jobs') then
        update public.job_queue_state set active_jobs = '[
            {"job_id": "f1197000-0000-4000-8000-000000000020", "job_type": "workflow", "started_at": "2026-03-25T10:00:00Z",
             "models": ["gemini-25-flash-aicc", "clipdrop-upscale", "motion-2.0-fast"]},
            {"job_id": "f1197000-0000-4000-8000-000000000021", "job_type": "image", "started_at": "2026-03-25T10:00:01Z",
             "models": ["flux1-krea-dev.safetensors"]}]'
        where id = 1;
    end if;
end;
$$;
