-- Upon any of those with jobs: 100,000 finished jobs (another number: set existing.rows = '1000000' first), a tenth of them workflows
-- with an execution, and, where there is a log, two events of each of the first 10,000.

insert into public.jobs (job_id, user_id, status, prompt, model, job_type, image_url, error_message, progress, created_at, updated_at,
                         started_at, completed_at, metadata)
select
    md5('history ' || n)::uuid,
    ('11111111-0000-4000-8000-00000000000' || 1 + n % 3)::uuid,
    case when n % 20 = 0 then 'failed' when n % 31 = 0 then 'cancelled' else 'completed' end,
    'a knight in the rain, number ' || n,
    case when n % 10 = 0 then 'knight-style-img-to-video' else 'flux1-krea-dev.safetensors' end,
    case when n % 10 = 0 then 'workflow' when n % 10 = 1 then 'video' else 'image' end,
    'https://res.example.com/image/upload/v1/' || md5(n::text) || '.png',
    case when n % 20 = 0 then 'quota_exceeded' end,
    case when n % 20 = 0 then 40 else 100 end,
    t.at, t.at + interval '1 minute', t.at + interval '5 seconds', t.at + interval '1 minute',
    '{"priority": 1, "provider_key": "vision-nova"}'
from generate_series(1, coalesce(nullif(current_setting('existing.rows', true), ''), '100000')::integer) as n,
    lateral (select timestamptz '2026-01-01 00:00:00Z' + n * interval '1 second' as at) as t;

insert into public.workflow_executions (job_id, workflow_id, user_id, current_step, total_steps, status, checkpoints)
select j.job_id, j.model, j.user_id, 2, 2, case j.status when 'failed' then 'failed' else 'completed' end,
    '{"_input": "https://res.example.com/in.png", "0": {"status": "completed"}, "1": {"status": "completed"}}'
from public.jobs as j where j.job_type = 'workflow' and j.prompt like 'a knight in the rain, %';

do $$
begin
    if to_regclass('public.job_queue_log') is not null then
        insert into public.job_queue_log (job_id, job_type, event_type, models, created_at)
        select md5('history ' || n)::uuid, 'normal', e, case e when 'started' then '["flux1-krea-dev.safetensors"]'::jsonb end,
            timestamptz '2026-01-01 00:00:00Z' + n * interval '1 second'
        from generate_series(1, 10000) as n, unnest(array['started', 'completed']) as e;
    end if;
end;
$$;
