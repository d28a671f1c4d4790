-- What is there: every object of ours as the catalog has it, and what a doctor needs to know of the data. Changes nothing.
--
-- Runs on any database, ours installed or not, in part or in another version: `Migrator` then sends these two functions as pg_temp ones
-- and has what they say as the message of an error. So each question is asked by itself, when what it needs is there, and one that fails
-- is answered with its reason under `unknown`.

create or replace function job_queue.inspect_objects() returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        with mirrored as materialized (
            select c.oid, c.relname::text as name, c.relkind
            from pg_catalog.pg_class as c where c.oid in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'))
        ),

        -- The sequence of an identity column comes with the column.
        ours as materialized (
            select c.oid, c.relname::text as name, c.relkind, c.relrowsecurity
            from pg_catalog.pg_class as c
            where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
              and c.relname like 'job\_queue\_%'
              and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid and d.deptype = 'i')
        ),

        functions as materialized (
            select p.*, p.oid::regprocedure::text as signature
            from pg_catalog.pg_proc as p
            where p.pronamespace = to_regnamespace('job_queue')
               or p.pronamespace = to_regnamespace('public') and p.proname like 'job\_queue\_%'
        ),

        roles as materialized (
            select r.oid, r.rolname::text as name from pg_catalog.pg_roles as r
            where r.rolname in ('anon', 'authenticated', 'service_role')
        ),

        -- What each may do, by grants of its own, of PUBLIC or of a role that it is in.
        access as (
            select format('access to %s %s: %s', case o.relkind when 'S' then 'sequence' else 'table' end, o.name, r.name) as object, (
                select string_agg(k.word, ', ' order by k.word) from (values
                    ('select', case o.relkind when 'S' then has_sequence_privilege(r.oid, o.oid, 'select') else has_any_column_privilege(r.oid, o.oid, 'select') end),
                    ('insert', o.relkind <> 'S' and has_any_column_privilege(r.oid, o.oid, 'insert')),
                    ('update', case o.relkind when 'S' then r.name <> 'service_role' and has_sequence_privilege(r.oid, o.oid, 'update') else has_any_column_privilege(r.oid, o.oid, 'update') end),
                    ('delete', o.relkind <> 'S' and has_table_privilege(r.oid, o.oid, 'delete')),
                    ('truncate', o.relkind <> 'S' and r.name <> 'service_role' and has_table_privilege(r.oid, o.oid, 'truncate')),
                    ('usage', o.relkind = 'S' and has_sequence_privilege(r.oid, o.oid, 'usage'))
                ) as k (word, allowed) where k.allowed) as is
            from ours as o cross join roles as r
            union all
            select format('access to table %s: %s', o.name, r.name), (
                select string_agg(k.word, ', ' order by k.word) from unnest(array['select', 'insert', 'update']) as k (word)
                where has_any_column_privilege(r.oid, o.oid, k.word))
            from mirrored as o join roles as r on r.name = 'service_role'
            union all
            select format('access to function %s: %s', f.signature, r.name),
                case when has_function_privilege(r.oid, f.oid, 'execute') then 'execute' end
            from functions as f cross join roles as r
            union all
            select format('access to schema job_queue: %s', r.name), (
                select string_agg(k.word, ', ' order by k.word) from unnest(array['usage', 'create']) as k (word)
                where has_schema_privilege(r.oid, to_regnamespace('job_queue')::oid, k.word))
            from roles as r where to_regnamespace('job_queue') is not null
        ),

        everything as (
            select format('table %s', o.name) as object, o.relkind::text as is from ours as o where o.relkind <> 'S'
            union all
            select format('row level security of %s', o.name), case when o.relrowsecurity then 'on' else 'off' end
            from ours as o where o.relkind in ('r', 'p')
            union all
            select format('sequence %s', o.name), format('%s, by %s', s.seqtypid::regtype, s.seqincrement)
            from ours as o join pg_catalog.pg_sequence as s on s.seqrelid = o.oid
            union all
            select format('column %s.%s', o.name, a.attname), concat_ws(
                ' ', format_type(a.atttypid, a.atttypmod),
                (select format('collate %I', l.collname) from pg_catalog.pg_collation as l where l.oid = a.attcollation and l.collname <> 'default'),
                case when a.attnotnull then 'not null' end, case when a.attidentity <> '' then 'identity' end,
                (select format('default %s', pg_get_expr(d.adbin, d.adrelid)) from pg_catalog.pg_attrdef as d
                 where d.adrelid = a.attrelid and d.adnum = a.attnum))
            from ours as o join pg_catalog.pg_attribute as a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
            where o.relkind <> 'S'
            union all
            select format('column %s.%s', o.name, a.attname), format_type(a.atttypid, a.atttypmod)
            from mirrored as o join pg_catalog.pg_attribute as a on a.attrelid = o.oid and not a.attisdropped
            where a.attname in ('required_models', 'blocked_by_job_id')
               or o.name = 'jobs' and a.attname in ('queue_position', 'conflict_reason', 'queued_at')
               or o.name = 'workflow_executions' and a.attname = 'current_step_model'
            union all
            select format('constraint %s.%s', o.name, c.conname), pg_get_constraintdef(c.oid)
            from ours as o join pg_catalog.pg_constraint as c on c.conrelid = o.oid and c.contype in ('p', 'u', 'f', 'c', 'x')
            union all
            -- Of the seed's on your tables: that they are there. Yours are yours.
            select format('index %s.%s', t.relname, c.relname), case when not i.indisvalid then 'invalid: ' else '' end
                || case when c.relname like 'idx\_%' then 'there' else pg_get_indexdef(c.oid) end
            from pg_catalog.pg_index as i
            join pg_catalog.pg_class as c on c.oid = i.indexrelid
            join pg_catalog.pg_class as t on t.oid = i.indrelid
            where not exists (select from pg_catalog.pg_constraint as k where k.conindid = c.oid)
              and (i.indrelid in (select o.oid from ours as o)
                   or i.indrelid in (select o.oid from mirrored as o) and c.relname in (
                       'idx_jobs_queue', 'idx_jobs_blocked', 'idx_jobs_required_models', 'idx_workflow_executions_models'))
            union all
            -- Not pg_get_triggerdef: that one waits for whoever has locked the table.
            select format('trigger %s.%s', c.relname, t.tgname), concat_ws(
                ' ', case when t.tgenabled <> 'O' then 'disabled:' end, 'type', t.tgtype, case when t.tginitdeferred then 'deferred' end,
                case when t.tgqual is not null then 'when' end, 'old ' || t.tgoldtable, 'new ' || t.tgnewtable, t.tgfoid::regprocedure)
            from pg_catalog.pg_trigger as t join pg_catalog.pg_class as c on c.oid = t.tgrelid
            where not t.tgisinternal
              and (t.tgrelid in (select o.oid from ours as o)
                   or t.tgrelid in (select o.oid from mirrored as o) and t.tgname like 'job\_queue\_%')
            union all
            select format('policy %s.%s', o.name, p.polname), format('using (%s)', pg_get_expr(p.polqual, p.polrelid))
            from ours as o join pg_catalog.pg_policy as p on p.polrelid = o.oid
            union all
            select format('function %s', f.signature), concat_ws(
                ' ', 'returns', pg_get_function_result(f.oid),
                case f.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
                case when f.prosecdef then 'security definer' end, array_to_string(f.proconfig, ' '),
                -- Those that job_queue.adapt writes for the tables as they are have a text of their own in each database.
                case when f.pronamespace = to_regnamespace('job_queue') and f.proname in (
                    'executions_of', 'insert_executions', 'lock_mirrored', 'mirror', 'mirror_checkpoint', 'mirror_jobs',
                    'mirror_workflow_executions', 'rows_of', 'shape_known')
                    then 'written by job_queue.adapt'
                    else encode(sha256(convert_to(replace(f.prosrc, E'\r', ''), 'UTF8')), 'hex') end)
            from functions as f
            union all
            select a.object, a.is from access as a where a.is is not null
        )

        select coalesce(jsonb_object_agg(e.object, e.is), '{}') from everything as e
    );
end;
$$;

comment on function job_queue.inspect_objects() is
    'Every object of ours as the catalog has it: a description by kind and name. job_queue_inspect tells it; the SDK compares it with manifest.json.';

create or replace function public.job_queue_inspect() returns jsonb
language plpgsql
stable
-- For what a service role cannot see: whose transactions are long, and tables that it has no rights to.
security definer
set search_path = ''
-- Each question waits so long at most for a table that somebody has locked.
set lock_timeout = '500ms'
set jit = off
as $$
declare
    q record;
    key text := (
        select format_type(a.atttypid, null) from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.jobs') and a.attname = 'job_id' and not a.attisdropped);
    -- A text as a job id, for a look-up by index; null where it cannot be one.
    blocker text := case
        when key = 'uuid' then 'case when r.blocked_by_job_id ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'' then r.blocked_by_job_id::uuid end'
        when key in ('bigint', 'integer', 'smallint') then 'case when r.blocked_by_job_id ~ ''^[0-9]{1,18}$'' then r.blocked_by_job_id::bigint end'
        else format('r.blocked_by_job_id::%s', coalesce(key, 'text'))
    end;
    -- A large table without an index by status is not read through.
    by_status boolean := not exists (
        select from pg_catalog.pg_class as c
        where c.oid = to_regclass('public.jobs') and c.reltuples > 300000 and not exists (
            select from pg_catalog.pg_index as i
            join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] and a.attname = 'status'
            where i.indrelid = c.oid and i.indisvalid and i.indpred is null));
    of_jobs text[] := array['public.jobs', 'public.job_queue_jobs'];
    answer jsonb;
    facts jsonb := '{}';
    unknown jsonb := '{}';
begin
    for q in
        select * from (values
            ('version', array['job_queue.version()'], 'select to_jsonb(job_queue.version())'),
            ('migrations', array['public.job_queue_migrations'], $q$
                select jsonb_build_object('applied', coalesce(jsonb_object_agg(m.name, m.checksum), '{}'), 'since', min(m.applied_at))
                from public.job_queue_migrations as m $q$),
            ('rows', array['public.job_queue_state', 'public.job_queue_settings', 'public.job_queue_models', 'public.job_queue_marks'], $q$
                select jsonb_build_object(
                    'job_queue_state', (select count(*) from public.job_queue_state as t where t.id = 1),
                    'job_queue_settings', (select count(*) from public.job_queue_settings as t where t.id = 1),
                    'job_queue_models', (select count(*) from public.job_queue_models as t where t.model = ''),
                    'job_queue_marks', (select count(*) from public.job_queue_marks as t where t.id = 1)) $q$),
            ('state', array['public.job_queue_state'], $q$
                select jsonb_agg(to_jsonb(s)) from (select * from public.job_queue_state limit 10) as s $q$),
            ('adapted', array['job_queue.shape()', 'job_queue.shape_known()'], $q$
                select to_jsonb(job_queue.shape() is not distinct from job_queue.shape_known()) $q$),
            ('token_sequence', array['public.job_queue_token_seq', 'public.job_queue_jobs', 'public.job_queue_log'], $q$
                select jsonb_build_object('at', (select s.last_value from public.job_queue_token_seq as s), 'used', greatest(
                    (select max(j.token) from public.job_queue_jobs as j where j.status = 'running'),
                    (select max((l.metadata ->> 'token')::bigint)
                     from (select * from public.job_queue_log as e order by e.created_at desc limit 1000) as l
                     where jsonb_typeof(l.metadata -> 'token') = 'number'))) $q$),

            -- Rows of jobs that the coordinator does not answer for.
            ('running_unleased', case when by_status then of_jobs end, $q$
                select jsonb_build_object('count', count(*), 'jobs', coalesce((array_agg(r.id))[1:20], '{}')) from (
                    select r.job_id::text as id from public.jobs as r
                    left join public.job_queue_jobs as k on k.job_id = r.job_id::text and k.status = 'running'
                    where r.status::text = 'running' and k.job_id is null limit 10000) as r $q$),
            ('waiting_unknown', case when by_status then of_jobs end, $q$
                select jsonb_build_object('count', count(*), 'jobs', coalesce((array_agg(r.id))[1:20], '{}')) from (
                    select r.job_id::text as id
                    from (select * from public.jobs as w
                          where w.status::text in ('pending', 'pending_retry', 'queued') and w.required_models is not null limit 100000) as r
                    left join public.job_queue_jobs as k on k.job_id = r.job_id::text
                    where k.job_id is null and r.blocked_by_job_id is null
                      and not exists (select from public.job_queue_arrivals as n where n.job_id = r.job_id::text) limit 10000) as r $q$),
            ('waiting_without_models', case when by_status then of_jobs end, $q$
                select jsonb_build_object('count', count(*), 'jobs', coalesce((array_agg(r.id))[1:20], '{}')) from (
                    select r.job_id::text as id
                    from (select * from public.jobs as w
                          where w.status::text in ('pending', 'pending_retry', 'queued') and w.required_models is null limit 100000) as r
                    left join public.job_queue_jobs as k on k.job_id = r.job_id::text
                    where k.job_id is null and r.blocked_by_job_id is null limit 10000) as r $q$),
            ('blocked_unknown', of_jobs, replace($q$
                select jsonb_build_object('count', count(*), 'blocker_gone', count(*) filter (where r.gone),
                                          'jobs', coalesce((array_agg(r.id order by r.gone desc))[1:20], '{}')) from (
                    select r.job_id::text as id, not exists (
                        select from public.job_queue_jobs as b
                        where b.job_id = r.blocked_by_job_id and b.status in ('waiting', 'delayed', 'running')
                    ) and not exists (
                        select from public.jobs as b
                        where b.job_id = $blocker and b.status::text in ('pending', 'pending_retry', 'queued', 'running')
                    ) as gone
                    from (select * from public.jobs as w where w.blocked_by_job_id is not null limit 100000) as r
                    left join public.job_queue_jobs as k on k.job_id = r.job_id::text
                    where k.job_id is null
                      and not exists (select from public.job_queue_arrivals as n where n.job_id = r.job_id::text) limit 10000) as r $q$,
                '$blocker', blocker)),

            -- The predecessor.
            ('old_slots', array['public.job_queue_state', 'public.job_queue_state.active_jobs'], $q$
                select coalesce(jsonb_path_query_array(s.active_jobs, '$[*].job_id'), '[]')
                from public.job_queue_state as s where s.id = 1 $q$),
            ('old_events', array['public.job_queue_log', 'public.job_queue_migrations'], $q$
                select jsonb_build_object('count', count(*), 'latest', max(l.created_at), 'events', to_jsonb(array_agg(distinct l.event_type)))
                from (select * from public.job_queue_log as e where e.created_at > now() - interval '1 hour'
                      order by e.created_at desc limit 10000) as l
                where l.metadata is null and l.created_at > (select min(m.applied_at) from public.job_queue_migrations as m) $q$),

            -- Whether the work gets done.
            ('queue', array['public.job_queue_jobs', 'public.job_queue_settings', 'public.job_queue_workers'], $q$
                select jsonb_build_object(
                    'paused', s.paused,
                    'waiting', (select count(*) from (select from public.job_queue_jobs as j where j.status in ('waiting', 'delayed')
                        and (j.due_at is null or j.due_at = 'infinity') limit 10000) as w),
                    'dead_leases', (select coalesce(jsonb_agg(j.job_id), '[]') from (
                        select j.job_id from public.job_queue_jobs as j
                        where j.status = 'running' and j.lease_until < clock_timestamp() - interval '1 minute' order by j.lease_until limit 20) as j),
                    'overdue', (select coalesce(jsonb_agg(j.job_id), '[]') from (
                        select j.job_id from public.job_queue_jobs as j
                        where j.status = 'delayed' and j.due_at < clock_timestamp() - interval '1 minute' order by j.due_at limit 20) as j),
                    'unclaimed', (select coalesce(jsonb_agg(j.job_id), '[]') from (
                        select * from public.job_queue_jobs as j where j.status = 'waiting' and j.runnable order by j.line_key, j.seq limit 1000) as j
                        where j.runnable_since < clock_timestamp() - interval '1 minute'),
                    'skipped', (select coalesce(jsonb_object_agg(k.handler, k.number), '{}') from (
                        select j.handler, count(*) as number from public.job_queue_jobs as j where j.skipped group by j.handler limit 20) as k),
                    'live_workers', (select count(*) from public.job_queue_workers as w
                        where w.seen_at > clock_timestamp() - coalesce(s.skip_after, interval '1 minute')),
                    'last_worker_seen', (select max(w.seen_at) from public.job_queue_workers as w))
                from public.job_queue_settings as s where s.id = 1 $q$),
            ('closed_models', array['public.job_queue_models', 'public.job_queue_lines', 'public.job_queue_jobs'], $q$
                select coalesce(jsonb_agg(jsonb_build_object('model', m.model, 'paused', m.paused, 'capacity', m.capacity) order by m.model), '[]')
                from (select * from public.job_queue_models as m where m.model <> '' and (m.paused or m.capacity = 0) limit 1000) as m
                where exists (select from public.job_queue_lines as l where l.model = m.model and l.seat is null)
                   or m.model in (select unnest(d.needs) from (
                       select j.needs from public.job_queue_jobs as j where j.status = 'delayed' and j.due_at = 'infinity' limit 10000) as d) $q$),
            ('mirror_failures', array['public.job_queue_log'], $q$
                select jsonb_build_object('count', count(*), 'latest', (array_agg(l.metadata || jsonb_build_object('job_id', l.job_id)))[1])
                from (select * from public.job_queue_log as e where e.event_type = 'mirror_failed' and e.created_at > now() - interval '1 day'
                      order by e.created_at desc limit 1000) as l $q$),
            ('log', array['public.job_queue_log', 'public.job_queue_marks', 'public.job_queue_settings'], $q$
                select jsonb_build_object(
                    'bytes', pg_total_relation_size('public.job_queue_log'),
                    'rows', (select c.reltuples::bigint from pg_catalog.pg_class as c where c.oid = 'public.job_queue_log'::regclass),
                    'retention_days', extract(epoch from s.log_retention) / 86400,
                    'oldest', o.created_at, 'overdue_days', extract(epoch from now() - s.log_retention - o.created_at) / 86400)
                from public.job_queue_settings as s
                join public.job_queue_marks as m on m.id = 1
                left join lateral (select l.created_at from public.job_queue_log as l
                    where l.created_at > m.log_whole_from - interval '1 minute' order by l.created_at limit 1) as o on true
                where s.id = 1 $q$),

            -- The database.
            ('transactions', '{}', $q$
                select coalesce(jsonb_agg(jsonb_build_object(
                    'pid', t.pid, 'user', t.usename, 'application', t.application_name, 'state', t.state,
                    'seconds', round(extract(epoch from clock_timestamp() - t.xact_start))) order by t.xact_start), '[]')
                from (select * from pg_catalog.pg_stat_activity as a
                      where a.datname = current_database() and a.pid <> pg_backend_pid() and (a.backend_xid is not null or a.backend_xmin is not null)
                        and a.xact_start < clock_timestamp() - interval '1 minute' and a.backend_type = 'client backend'
                      order by a.xact_start limit 5) as t $q$),
            ('invalid_indexes', '{}', $q$
                select coalesce(jsonb_agg(jsonb_build_object('index', c.relname, 'table', t.relname, 'definition', pg_get_indexdef(c.oid)) order by 1), '[]')
                from pg_catalog.pg_index as i
                join pg_catalog.pg_class as c on c.oid = i.indexrelid
                join pg_catalog.pg_class as t on t.oid = i.indrelid
                where not i.indisvalid and t.relnamespace = 'public'::regnamespace
                  and (t.relname in ('jobs', 'workflow_executions') or t.relname like 'job\_queue\_%')
                  and not exists (select from pg_catalog.pg_stat_progress_create_index as p where p.index_relid = c.oid) $q$),
            ('tables', '{}', $q$
                select coalesce(jsonb_object_agg(c.relname, jsonb_build_object(
                    'rows', c.reltuples::bigint, 'rls', c.relrowsecurity, 'by_job_id', exists (
                        select from pg_catalog.pg_index as i
                        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0] and a.attname = 'job_id'
                        where i.indrelid = c.oid and i.indisvalid and i.indpred is null),
                    'open_to', (select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]') from pg_catalog.pg_roles as r
                        where r.rolname in ('anon', 'authenticated') and (
                            has_any_column_privilege(r.oid, c.oid, 'select, insert, update') or has_table_privilege(r.oid, c.oid, 'delete, truncate'))))), '{}')
                from pg_catalog.pg_class as c
                where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                  and (c.relname in ('jobs', 'workflow_executions') or c.relname like 'job\_queue\_%') $q$),
            ('insert_notify', array['public.jobs'], $q$
                select coalesce(jsonb_agg(jsonb_build_object('trigger', t.tgname, 'function', t.tgfoid::regprocedure)), '[]')
                from pg_catalog.pg_trigger as t where t.tgrelid = 'public.jobs'::regclass and t.tgname = 'job_insert_notify' $q$),
            ('open_functions', '{}', $q$
                select coalesce(jsonb_agg(jsonb_build_object('function', p.oid::regprocedure, 'open_to', r.rolname) order by p.oid::regprocedure::text, r.rolname), '[]')
                from pg_catalog.pg_proc as p
                join pg_catalog.pg_roles as r on r.rolname in ('anon', 'authenticated') and has_function_privilege(r.oid, p.oid, 'execute')
                where p.pronamespace = 'public'::regnamespace
                  and p.proname in ('exec_sql', 'try_claim_coordinator_slot', 'release_coordinator_slot', 'reset_all_coordinator_slots') $q$),
            ('server', '{}', $q$
                select jsonb_build_object('exec_sql', to_regprocedure('public.exec_sql(text)') is not null, 'version', current_setting('server_version'), 'time_zone', current_setting('TimeZone'),
                    'safeupdate', coalesce(current_setting('session_preload_libraries', true), '') ~ 'safeupdate'
                        or current_setting('safeupdate.enabled', true) is not null,
                    'read_only', pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on') $q$)
        ) as v (name, needs, query)
    loop
        -- Left out: what is not there to be asked about.
        continue when q.needs is null or exists (
            select from unnest(q.needs) as n (what)
            where case
                when n.what like '%()' then to_regprocedure(n.what) is null
                when n.what like '%.%.%' then not exists (
                    select from pg_catalog.pg_attribute as a
                    where a.attrelid = to_regclass(regexp_replace(n.what, '\.[^.]*$', '')) and a.attname = regexp_replace(n.what, '^.*\.', '')
                      and not a.attisdropped)
                else to_regclass(n.what) is null
            end);
        begin
            execute q.query into answer;
            facts := facts || jsonb_build_object(q.name, answer);
        exception when others then
            unknown := unknown || jsonb_build_object(q.name, format('%s (%s)', sqlerrm, sqlstate));
        end;
    end loop;
    if not by_status then
        unknown := unknown || '{"waiting_unknown": "jobs is large and has no index by status", "running_unleased": "jobs is large and has no index by status"}';
    end if;
    return facts || jsonb_build_object('now', clock_timestamp(), 'objects', job_queue.inspect_objects(), 'unknown', unknown);
end;
$$;

comment on function public.job_queue_inspect() is
    'Facts for verify and doctor: every object of ours, and what may be wrong with the data; bounded, changes nothing. docs/reference/rpc.md. Example: select job_queue_inspect()';

revoke all on function public.job_queue_inspect(), job_queue.inspect_objects() from public, anon, authenticated;
grant execute on function public.job_queue_inspect(), job_queue.inspect_objects() to service_role;

notify pgrst, 'reload schema';
