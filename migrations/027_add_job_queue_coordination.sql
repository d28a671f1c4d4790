-- Adds the coordination to an EXISTING project: 5 columns on jobs, 3 on workflow_executions, two tables, 8 indexes; then verifies itself.
-- Re-runnable. The engine's files (030 and on) follow. A database without jobs or workflow_executions (one for the coordination alone)
-- gets the two tables, and a notice of what was left out.
--
-- What cannot be used as it is, is refused before anything is changed, with all reasons at once. What was there before is noted in
-- job_queue_before, so that the rollback can give it back. What the predecessor left open to everybody is closed.
--
-- Locks on jobs and workflow_executions: taken last, for a moment, and nobody queues for more than 0.2 s behind the wait for them. A column
-- without a default is added without rewriting the table; indexes are built here only where that takes a moment too.

do $migration$
declare
    first constant boolean := to_regclass('public.job_queue_migrations') is null;
    problems text[];
    t record;
    found_row jsonb;
begin
    -- Types that the coordination can write, and an owner who may change them.
    select array_agg(p.problem) into problems from (
        select format('%s.%s is %s, not %s', w.relation, w.name, format_type(a.atttypid, a.atttypmod), w.types[1]) as problem
        from (values
            ('jobs', 'required_models', array['jsonb']), ('jobs', 'queue_position', array['int4', 'int8', 'int2']),
            ('jobs', 'blocked_by_job_id', array['text', 'varchar']), ('jobs', 'conflict_reason', array['text', 'varchar']),
            ('jobs', 'queued_at', array['timestamptz', 'timestamp']), ('workflow_executions', 'required_models', array['jsonb']),
            ('workflow_executions', 'current_step_model', array['text', 'varchar']),
            ('workflow_executions', 'blocked_by_job_id', array['text', 'varchar']), ('job_queue_state', 'id', array['int4', 'int8', 'int2']),
            ('job_queue_state', 'active_job_id', array['text', 'varchar']), ('job_queue_state', 'active_job_type', array['text', 'varchar']),
            ('job_queue_state', 'active_models', array['jsonb']), ('job_queue_state', 'started_at', array['timestamptz', 'timestamp']),
            ('job_queue_state', 'last_updated', array['timestamptz', 'timestamp']), ('job_queue_log', 'id', array['uuid', 'text', 'varchar']),
            ('job_queue_log', 'job_id', array['text', 'varchar']), ('job_queue_log', 'job_type', array['text', 'varchar']),
            ('job_queue_log', 'event_type', array['text', 'varchar']), ('job_queue_log', 'models', array['jsonb']),
            ('job_queue_log', 'blocked_by_job_id', array['text', 'varchar']), ('job_queue_log', 'conflict_reason', array['text', 'varchar']),
            ('job_queue_log', 'metadata', array['jsonb']), ('job_queue_log', 'created_at', array['timestamptz', 'timestamp'])
        ) as w (relation, name, types)
        join pg_catalog.pg_attribute as a
            on a.attrelid = to_regclass('public.' || w.relation) and a.attname = w.name and not a.attisdropped
        join pg_catalog.pg_type as y on y.oid = a.atttypid
        where y.typname <> all (w.types)
        union all
        select format('%s is no table', c.relname)
        from pg_catalog.pg_class as c
        where c.relnamespace = 'public'::regnamespace
          and (c.relname in ('jobs', 'workflow_executions') and c.relkind not in ('r', 'p')
               or c.relname in ('job_queue_state', 'job_queue_log') and c.relkind <> 'r')
        union all
        select format('%s belongs to %s, and you are %s', c.relname, c.relowner::regrole, current_user)
        from pg_catalog.pg_class as c
        where c.oid in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'),
                        to_regclass('public.job_queue_state'), to_regclass('public.job_queue_log'))
          and not pg_has_role(c.relowner, 'usage')
        union all
        select format('%s belongs to %s, and you are %s', p.oid::regprocedure, p.proowner::regrole, current_user)
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'public'::regnamespace
          and p.proname in ('try_claim_coordinator_slot', 'release_coordinator_slot', 'reset_all_coordinator_slots')
          and not pg_has_role(p.proowner, 'usage')
        union all
        -- The rest would stop the engine later, at its first event.
        select format('%s lacks the column %s', w.relation, w.name)
        from (values ('job_queue_state', 'id'), ('job_queue_log', 'id'), ('job_queue_log', 'job_id'), ('job_queue_log', 'job_type'),
                     ('job_queue_log', 'event_type')) as w (relation, name)
        where to_regclass('public.' || w.relation) is not null and not exists (
            select from pg_catalog.pg_attribute as a
            where a.attrelid = to_regclass('public.' || w.relation) and a.attname = w.name and not a.attisdropped)
        union all
        select format('%s.%s is NOT NULL, and the coordination may have nothing for it', a.attrelid::regclass, a.attname)
        from pg_catalog.pg_attribute as a
        where a.attrelid in (to_regclass('public.job_queue_state'), to_regclass('public.job_queue_log'))
          and a.attnum > 0 and not a.attisdropped and a.attnotnull and a.attidentity = '' and a.attgenerated = ''
          and a.attname not in ('id', 'job_id', 'job_type', 'event_type', 'created_at', 'last_updated')
          and (not a.atthasdef or a.attname in ('active_job_id', 'active_job_type', 'started_at', 'models', 'blocked_by_job_id',
                                                'conflict_reason', 'metadata'))
        union all
        select 'job_queue_state has no unique key on id'
        where to_regclass('public.job_queue_state') is not null and not exists (
            select from pg_catalog.pg_index as i
            join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attname = 'id' and i.indkey::text = a.attnum::text
            where i.indrelid = to_regclass('public.job_queue_state') and i.indisunique and i.indpred is null)
        union all
        select format('%s has the constraint %s: %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
        from pg_catalog.pg_constraint as k
        where k.conrelid = to_regclass('public.job_queue_log') and k.contype in ('c', 'f')
           or k.conrelid = to_regclass('public.job_queue_state') and k.contype = 'f'
        union all
        -- The rollback drops what has these names.
        select format('%s has a name that is Interlock''s', o.name)
        from (
            select c.oid::regclass::text as name from pg_catalog.pg_class as c
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relname like 'job\_queue\_%'
              and c.relname not in ('job_queue_state', 'job_queue_log')
            union all
            select p.oid::regprocedure::text from pg_catalog.pg_proc as p
            where p.pronamespace = 'public'::regnamespace and p.proname like 'job\_queue\_%'
            union all
            select 'job_queue_log.seq' from pg_catalog.pg_attribute as a
            where a.attrelid = to_regclass('public.job_queue_log') and a.attname = 'seq' and not a.attisdropped
        ) as o
        where to_regclass('public.job_queue_migrations') is null and to_regnamespace('job_queue') is null
    ) as p;
    if problems is not null then
        raise exception 'Migration 027 changed nothing, for it cannot use what is there already: %', array_to_string(problems, '; ')
            using hint = 'Put that right, then run this again; docs/guides/install.md says how.';
    end if;

    perform set_config('lock_timeout', '5s', true);

    create schema if not exists job_queue;
    comment on schema job_queue is
        'Interlock: private functions of the job queue. Not exposed by PostgREST; the public functions are public.job_queue_*.';
    create table if not exists public.job_queue_migrations (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
    );
    comment on table public.job_queue_migrations is 'The migrations that were applied: file name and SHA-256 of its text.';
    alter table public.job_queue_migrations enable row level security;
    revoke all on public.job_queue_migrations from public, anon, authenticated;
    grant select, insert, update, delete on public.job_queue_migrations to service_role;

    create table if not exists public.job_queue_before (
        relation text primary key,
        was jsonb not null,
        noted_at timestamptz not null default now()
    );
    comment on table public.job_queue_before is
        'What was there before Interlock, of each table and function that it changes: columns, indexes, grants, settings; {} is a table that came with it. For the rollback.';
    alter table public.job_queue_before enable row level security;
    revoke all on public.job_queue_before from public, anon, authenticated;
    grant select on public.job_queue_before to service_role;

    if to_regclass('public.job_queue_state') is not null then
        execute 'select to_jsonb(s) from public.job_queue_state as s where s.id = 1' into found_row;
    end if;
    insert into public.job_queue_before (relation, was)
    select c.relname, jsonb_build_object(
        'columns', (select jsonb_agg(a.attname order by a.attnum) from pg_catalog.pg_attribute as a
                    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
        'indexes', (select jsonb_agg(n.relname order by n.relname) from pg_catalog.pg_index as i
                    join pg_catalog.pg_class as n on n.oid = i.indexrelid where i.indrelid = c.oid),
        -- Privilege, to whom (null: everybody), whether with the grant option, on which column (null: all).
        'grants', (select jsonb_agg(jsonb_build_array(x.privilege_type, r.rolname, x.is_grantable, g.attname))
                   from (select c.relacl as acl, null::name as attname
                         union all select a.attacl, a.attname from pg_catalog.pg_attribute as a where a.attrelid = c.oid) as g
                   cross join lateral aclexplode(g.acl) as x left join pg_catalog.pg_roles as r on r.oid = x.grantee),
        'row_security', c.relrowsecurity, 'options', c.reloptions, 'row', case c.relname when 'job_queue_state' then found_row end)
    from pg_catalog.pg_class as c
    where c.oid in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'))
       -- Later these two are ours.
       or first and c.oid in (to_regclass('public.job_queue_state'), to_regclass('public.job_queue_log'))
    on conflict (relation) do nothing;
    for t in
        select p.oid::regprocedure as name, format('public.%I(%s)', p.proname, oidvectortypes(p.proargtypes)) as key, p.proacl, p.proowner
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'public'::regnamespace
          and p.proname in ('try_claim_coordinator_slot', 'release_coordinator_slot', 'reset_all_coordinator_slots')
    loop
        insert into public.job_queue_before (relation, was)
        values (t.key, jsonb_build_object('grants', (
            select jsonb_agg(jsonb_build_array(x.privilege_type, r.rolname, x.is_grantable, null))
            from aclexplode(coalesce(t.proacl, acldefault('f', t.proowner))) as x left join pg_catalog.pg_roles as r on r.oid = x.grantee)))
        on conflict (relation) do nothing;
        -- With the anon key anybody could empty all slots. A Python client with the service key goes on as before.
        execute format('revoke all on function %s from public, anon, authenticated', t.name);
        execute format('grant execute on function %s to service_role', t.name);
    end loop;

    if to_regclass('public.job_queue_state') is null then
        create table if not exists public.job_queue_state (
            id integer primary key default 1 constraint single_row check (id = 1),
            active_job_id text,
            active_job_type text,
            active_models jsonb,
            started_at timestamptz,
            last_updated timestamptz default now()
        );
        comment on table public.job_queue_state is 'Global state tracker (one row): the longest-running active job and all models in use.';
    else
        -- One that was there already may lack some: the predecessor's had no last_updated at first.
        alter table public.job_queue_state
            add column if not exists active_job_id text,
            add column if not exists active_job_type text,
            add column if not exists active_models jsonb,
            add column if not exists started_at timestamptz,
            add column if not exists last_updated timestamptz default now();
    end if;
    insert into public.job_queue_state (id, active_models) values (1, '[]') on conflict (id) do nothing;
    create index if not exists idx_queue_state_active on public.job_queue_state (active_job_id) where active_job_id is not null;

    if to_regclass('public.job_queue_log') is null then
        create table if not exists public.job_queue_log (
            id uuid primary key default gen_random_uuid(),
            job_id text not null,
            job_type text not null,
            event_type text not null,
            models jsonb,
            blocked_by_job_id text,
            conflict_reason text,
            metadata jsonb,
            created_at timestamptz default now()
        );
        comment on table public.job_queue_log is 'Audit trail: one row for each transition of each job.';
    else
        alter table public.job_queue_log
            add column if not exists models jsonb,
            add column if not exists blocked_by_job_id text,
            add column if not exists conflict_reason text,
            add column if not exists metadata jsonb,
            add column if not exists created_at timestamptz default now();
    end if;
    create index if not exists idx_queue_log_job on public.job_queue_log (job_id, created_at desc);
    create index if not exists idx_queue_log_event on public.job_queue_log (event_type, created_at desc);
    create index if not exists idx_queue_log_created on public.job_queue_log (created_at desc);

    -- The predecessor had both open to the anon key.
    alter table public.job_queue_state enable row level security;
    alter table public.job_queue_log enable row level security;
    revoke all on public.job_queue_state, public.job_queue_log from public, anon, authenticated;
    grant select, insert, update, delete on public.job_queue_state, public.job_queue_log to service_role;
end;
$migration$;

-- In the paste file, which in an editor is one transaction, this comes at the end: its locks are held until the commit.
create or replace function job_queue.add_columns() returns void
language plpgsql
set search_path = ''
as $$
declare
    ours constant jsonb := '{
        "jobs": [["required_models", "jsonb", "Array of model names, for example [\"motion-2.0-fast\"]; a row inserted with it enters the lines of these models."],
                 ["queue_position", "integer", "Position in queue (1 = next); null when it does not wait."],
                 ["blocked_by_job_id", "text", "ID of a blocking job; not null means waiting."],
                 ["conflict_reason", "text", "Why the job is blocked."],
                 ["queued_at", "timestamptz", "When the job entered the queue; null when it does not wait."]],
        "workflow_executions": [["required_models", "jsonb", "All models needed for the workflow."],
                                ["current_step_model", "text", "Model for the current step."],
                                ["blocked_by_job_id", "text", "ID of a blocking job."]]}';
    -- Building one reads the whole table, and nobody may use it meanwhile: about 0.1 s for so much.
    small constant bigint := 64 * 1024 * 1024;
    before constant text := current_setting('lock_timeout');
    missing jsonb;
    indexes text[] := '{}';
    left_out text[] := '{}';
    tables text[] := '{}';
    holders text;
    c record;
begin
    if to_regclass('public.job_queue_migrations') is null then
        raise exception 'Nothing was done, see the error above.';
    end if;

    select coalesce(jsonb_agg(jsonb_build_array(o.key, d.value ->> 0, d.value ->> 1, d.value ->> 2) order by d.n), '[]') into missing
    from jsonb_each(ours) as o cross join lateral jsonb_array_elements(o.value) with ordinality as d (value, n)
    where to_regclass('public.' || o.key) is not null and not exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.' || o.key) and a.attname = d.value ->> 0 and not a.attisdropped);
    tables := array(select distinct 'public.' || (m ->> 0) from jsonb_array_elements(missing) as m);
    for c in
        select * from (values
            ('idx_jobs_queue', 'public.jobs',
             $i$create index if not exists idx_jobs_queue on public.jobs (status, queue_position) where status in ('pending', 'queued');$i$,
             $i$create index if not exists idx_jobs_queue on public.jobs (queue_position) where queue_position is not null;$i$),
            ('idx_jobs_blocked', 'public.jobs',
             $i$create index if not exists idx_jobs_blocked on public.jobs (blocked_by_job_id) where blocked_by_job_id is not null;$i$, null),
            ('idx_jobs_required_models', 'public.jobs',
             $i$create index if not exists idx_jobs_required_models on public.jobs using gin (required_models) where required_models is not null;$i$, null),
            ('idx_workflow_executions_models', 'public.workflow_executions',
             $i$create index if not exists idx_workflow_executions_models on public.workflow_executions using gin (required_models) where status in ('running', 'pending_retry');$i$,
             $i$create index if not exists idx_workflow_executions_models on public.workflow_executions using gin (required_models) where required_models is not null;$i$)
        ) as v (name, relation, statement, otherwise)
        where to_regclass(v.relation) is not null and to_regclass('public.' || v.name) is null
    loop
        if c.otherwise is not null then
            begin
                execute format('select 1 from %s %s limit 0', c.relation, rtrim(substring(c.statement from 'where .*'), ';'));
            exception when undefined_column or invalid_text_representation or undefined_function then
                -- A table without a status, or with one that has other words.
                c.statement := c.otherwise;
            end;
        end if;
        if pg_relation_size(c.relation) <= small then
            indexes := indexes || c.statement;
            tables := tables || c.relation;
        else
            left_out := left_out || replace(c.statement, 'create index', 'create index concurrently');
        end if;
    end loop;

    -- Whoever comes while this waits for a lock waits behind it: so only for a moment, again and again.
    for attempt in 1..40 loop
        exit when tables = '{}';
        begin
            perform set_config('lock_timeout', '200ms', true);
            execute format('lock table %s in %s mode', (select string_agg(distinct t, ', ' order by t) from unnest(tables) as t),
                           case when missing = '[]' then 'share' else 'access exclusive' end);
            perform set_config('lock_timeout', before, true);
            exit;
        exception when lock_not_available then
            if attempt = 40 then
                select string_agg(distinct format('process %s (%s, %s, since %s)', s.pid, s.usename, s.state, s.xact_start), ', ') into holders
                from pg_catalog.pg_locks as l
                join pg_catalog.pg_stat_activity as s on s.pid = l.pid and s.pid <> pg_backend_pid()
                where l.granted and l.relation in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'));
                raise exception using errcode = '55P03',
                    message = format('For 40 seconds there was no moment at which nobody used jobs or workflow_executions: %s', coalesce(holders, 'unknown')),
                    hint = 'Wait until that has ended, or end it with pg_terminate_backend, then run this again.';
            end if;
            perform pg_sleep(0.8);
        end;
    end loop;

    for c in
        select m ->> 0 as relation, string_agg(format('add column if not exists %I %s', m ->> 1, m ->> 2), ', ' order by n) as parts
        from jsonb_array_elements(missing) with ordinality as e (m, n) group by m ->> 0
    loop
        execute format('alter table public.%I %s', c.relation, c.parts);
    end loop;
    for c in select m ->> 0 as relation, m ->> 1 as name, m ->> 3 as comment from jsonb_array_elements(missing) as m loop
        execute format('comment on column public.%I.%I is %L', c.relation, c.name, c.comment);
    end loop;
    for c in select i as statement from unnest(indexes) as i loop
        execute c.statement;
    end loop;

    if to_regclass('public.jobs') is null then
        raise notice 'There is no table jobs: its 5 columns were left out. A new project starts with 000_clean_schema_no_coins.sql.';
    end if;
    if to_regclass('public.workflow_executions') is null then
        raise notice 'There is no table workflow_executions: its 3 columns were left out.';
    end if;
    if left_out <> '{}' then
        raise notice E'Building an index of a large table holds up its writers, so % were left out. The engine needs none of them; if your own queries do, run each by itself:\n%',
            cardinality(left_out), array_to_string(left_out, E'\n');
    end if;

    select jsonb_agg(w.relation || '.' || w.name) into missing
    from (
        select o.key as relation, d ->> 0 as name from jsonb_each(ours) as o cross join lateral jsonb_array_elements(o.value) as d
        union all
        values ('job_queue_state', 'active_job_id'), ('job_queue_state', 'active_job_type'), ('job_queue_state', 'started_at'),
               ('job_queue_log', 'job_id'), ('job_queue_log', 'job_type'), ('job_queue_log', 'event_type')
    ) as w (relation, name)
    where to_regclass('public.' || w.relation) is not null and not exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.' || w.relation) and a.attname = w.name and not a.attisdropped);
    if missing is not null then
        raise exception 'Migration 027 failed verification: missing %', missing;
    end if;
    if to_regclass('public.jobs') is null then
        raise notice 'Migration 027 completed for a database without jobs: job_queue_state and job_queue_log are there.';
    elsif to_regclass('public.workflow_executions') is null then
        raise notice 'Migration 027 completed for a database without workflow_executions.';
    else
        raise notice E'✅ Migration 027 completed successfully!\n   - Added 5 columns to jobs table\n   - Added 3 columns to workflow_executions table\n   - Created job_queue_state table\n   - Created job_queue_log table\n   - Created % new indexes', 8 - cardinality(left_out);
    end if;
end;
$$;

comment on function job_queue.add_columns() is
    'For 027, and gone when it is done: adds the columns that are missing, builds the indexes that are missing where that takes a moment, verifies.';

do $migration$
begin
    if current_setting('job_queue.paste', true) is distinct from 'on' then
        perform job_queue.add_columns();
        drop function job_queue.add_columns();
    end if;
end;
$migration$;

notify pgrst, 'reload schema';
