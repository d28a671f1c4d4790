-- The measurements of docs/design/log.md. On a scratch database with the migrations applied, as its owner:
--     psql -v rows=1000000 -f docs/design/log.sql
-- Adds so many events, spread evenly over 100 days, to an empty log. Nothing else may be in it.
\set QUIET on
\pset format unaligned
\pset tuples_only on
set statement_timeout = 0;
set synchronous_commit = off;
-- As the public functions set them.
set plan_cache_mode = force_generic_plan;
set enable_seqscan = off;
set enable_bitmapscan = off;
set enable_hashjoin = off;
set enable_mergejoin = off;
set jit = off;

insert into job_queue_log (id, job_id, job_type, event_type, models, metadata, created_at)
select
    encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from t) * 1000)::bigint) from 3) from 1 for 6
    ), 52, 1), 53, 1), 'hex')::uuid,
    'job-' || md5((n / 4)::text), 'normal', (array['queued', 'started', 'completed'])[1 + n % 3], '["motion-2.0-fast"]',
    '{"status": "running", "handler": "image", "attempt": 1, "token": 12345, "worker_id": "worker-7", "waited": 1.234}', t
from (
    select n, now() - interval '100 days' + n * interval '100 days' / :rows as t from generate_series(1, :rows) as n
    where not exists (select from job_queue_log)
) as x;
\echo 'rows' :rows
select 'log with its indexes: ' || pg_size_pretty(pg_total_relation_size('job_queue_log'));

\echo 'one event, 8 times: time, and pages touched'
create or replace function pg_temp.pages(what text) returns table (pages bigint, ms numeric) language plpgsql as $$
declare
    plan jsonb;
begin
    execute 'explain (analyze, buffers, format json) ' || what into plan;
    return query select (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint,
        round((plan #>> '{0,Execution Time}')::numeric, 2);
end;
$$;
insert into job_queue_jobs (job_id, job_type, handler, models, needs, status, entered_at, waits_since, line_key, seq)
values ('one', 'normal', 'image', '{m}', '{m}', 'completed', now(), now(), now(), 1) on conflict do nothing;
select $$select p.ms || ' ms, ' || p.pages || ' pages' from pg_temp.pages($q$select job_queue.log_event(array['one'], 'completed')$q$) as p$$
from generate_series(1, 8)
\gexec

\echo 'job_queue.tidy, 5,000 old events a call: 20 calls one after the other, with no vacuum between'
alter table job_queue_log set (autovacuum_enabled = off);
select $$select p.ms || ' ms, ' || p.pages || ' pages' from pg_temp.pages('select * from job_queue.tidy()') as p$$
from generate_series(1, 20)
\gexec

\echo 'all that is old removed, vacuumed, and as much added again'
create or replace procedure pg_temp.tidy_all() language plpgsql as $$
begin
    while (select log_rows from job_queue.tidy()) > 0 loop
        commit;
    end loop;
end;
$$;
call pg_temp.tidy_all();
select count(*) || ' rows, ' || pg_size_pretty(pg_total_relation_size('job_queue_log')) from job_queue_log;
\timing on
vacuum job_queue_log;
\timing off
insert into job_queue_log (id, job_id, job_type, event_type, models, metadata, created_at)
select
    encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from now()) * 1000)::bigint) from 3) from 1 for 6
    ), 52, 1), 53, 1), 'hex')::uuid,
    'job-' || md5((:rows + n / 4)::text), 'normal', (array['queued', 'started', 'completed'])[1 + n % 3], '["motion-2.0-fast"]',
    '{"status": "running", "handler": "image", "attempt": 1, "token": 12345, "worker_id": "worker-7", "waited": 1.234}', now()
from generate_series(1, :rows / 10) as n;
select count(*) || ' rows, ' || pg_size_pretty(pg_total_relation_size('job_queue_log')) from job_queue_log;
alter table job_queue_log reset (autovacuum_enabled);
