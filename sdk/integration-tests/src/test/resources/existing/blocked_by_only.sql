-- Upon before_027.sql: a main database that only got the one column which a later script adds; state and log are in another project.

alter table public.jobs add column blocked_by_job_id text;
create index idx_jobs_blocked_by on public.jobs (blocked_by_job_id) where blocked_by_job_id is not null;
