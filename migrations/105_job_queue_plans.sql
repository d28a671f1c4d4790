-- How the calls are planned (030), one setting more. Where the statistics are of a time when few of many jobs were left, the planner takes
-- the tables for small, and would rather read and keep all of one than ask its index for each of the rows at hand; by the time the plan is
-- used, a hundred thousand jobs may wait. What it may not keep it does not read. A function that is replaced needs it again.

alter function public.job_queue_start(text, jsonb, jsonb) set enable_material = off;
alter function public.job_queue_complete(jsonb, jsonb) set enable_material = off;
alter function public.job_queue_claim(text, integer, jsonb) set enable_material = off;
alter function public.job_queue_heartbeat(text, jsonb, jsonb) set enable_material = off;
alter function public.job_queue_release_models(text, bigint, jsonb) set enable_material = off;
alter function public.job_queue_cancel(text, jsonb) set enable_material = off;
alter function public.job_queue_set_model(text, jsonb) set enable_material = off;
alter function public.job_queue_set_limits(jsonb) set enable_material = off;
alter function public.job_queue_sweep() set enable_material = off;
alter function public.job_queue_checkpoint(text, bigint, integer, jsonb, jsonb) set enable_material = off;
alter function public.job_queue_retry(text, jsonb) set enable_material = off;
alter function public.job_queue_reprioritize(text, integer) set enable_material = off;
alter function public.job_queue_await(text, bigint, integer, jsonb) set enable_material = off;
alter function public.job_queue_callback(text, integer, jsonb, jsonb) set enable_material = off;
alter function public.job_queue_adopt(jsonb) set enable_material = off;

notify pgrst, 'reload schema';
