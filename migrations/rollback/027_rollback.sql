-- Undoes the coordination: first everything that is the engine's, then what the seed document's rollback names.
-- What it drops is gone, the log included: export job_queue_log first if you want to keep it. Jobs and workflow executions stay.
--
-- A database that had some of it before Interlock (the predecessor's columns, state, log, indexes, functions) gets exactly that back, from
-- what 027 noted in job_queue_before: also the doors that were open, and a notice says which. Of its log only Interlock's events go.
-- Re-runnable: where nothing of Interlock's is, nothing is done. exec_sql stays, for it may be running this; drop it with:
--     drop function if exists public.exec_sql(text);

do $rollback$
declare
    installed constant boolean := to_regclass('public.job_queue_before') is not null;
    before constant text := current_setting('lock_timeout');
    was jsonb := '{}';
    known jsonb;
    begins_after bigint;
    tables text;
    f regprocedure;
    t record;
    g record;
begin
    if not installed and to_regnamespace('job_queue') is null then
        raise notice 'Interlock is not installed here. Nothing was done.';
        return;
    end if;

    -- Everything at once, or nothing is held: whoever comes while this waits for a lock waits behind it.
    select string_agg(c.oid::regclass::text, ', ' order by c.relname in ('jobs', 'workflow_executions'), c.relname) into tables
    from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and (c.relname in ('jobs', 'workflow_executions') or c.relname like 'job\_queue\_%');
    for attempt in 1..40 loop
        begin
            perform set_config('lock_timeout', '200ms', true);
            execute format('lock table %s in access exclusive mode', tables);
            perform set_config('lock_timeout', before, true);
            exit;
        exception when lock_not_available then
            if attempt = 40 then
                raise;
            end if;
            perform pg_sleep(0.8);
        end;
    end loop;

    if installed then
        select coalesce(jsonb_object_agg(b.relation, b.was), '{}') into was from public.job_queue_before as b;
    end if;
    if to_regclass('public.job_queue_marks') is not null then
        select m.log_begins_after into begins_after from public.job_queue_marks as m where m.id = 1;
    end if;

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
    drop table if exists public.job_queue_before cascade;
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

    -- The log and the state that were there before: without our rows, and without our job.
    if was ? 'job_queue_log' and begins_after is not null then
        execute 'delete from public.job_queue_log as l where l.seq > $1' using begins_after;
    end if;
    if was ? 'job_queue_state' then
        execute 'select to_jsonb(s) from public.job_queue_state as s where s.id = 1' into known;
        if was #> '{job_queue_state,row}' = 'null' then
            delete from public.job_queue_state as s where s.id = 1;
        elsif known - 'last_updated' - 'active_jobs' is distinct from
              (select jsonb_object_agg(k.key, coalesce(was #> array['job_queue_state', 'row', k.key], 'null'))
               from jsonb_object_keys(known - 'last_updated' - 'active_jobs') as k (key)) then
            update public.job_queue_state as s
            set active_job_id = null, active_job_type = null, active_models = '[]', started_at = null where s.id = 1;
        end if;
    end if;

    -- The seed's rollback, of what was not there before. A table that came later is not ours to change.
    for t in
        select v.name, v.columns, v.indexes, was -> v.name as was from (values
            ('workflow_executions', '{required_models,current_step_model,blocked_by_job_id}'::text[], '{idx_workflow_executions_models}'::text[]),
            ('jobs', '{required_models,queue_position,blocked_by_job_id,conflict_reason,queued_at}',
             '{idx_jobs_queue,idx_jobs_blocked,idx_jobs_required_models}'),
            ('job_queue_log', '{models,blocked_by_job_id,conflict_reason,metadata,created_at,seq}',
             '{idx_queue_log_job,idx_queue_log_event,idx_queue_log_created}'),
            ('job_queue_state', '{active_job_id,active_job_type,active_models,started_at,last_updated}', '{idx_queue_state_active}')
        ) as v (name, columns, indexes)
        where to_regclass('public.' || v.name) is not null and installed
    loop
        if t.was is null then
            if t.name like 'job\_queue\_%' then
                execute format('drop table public.%I cascade', t.name);
            end if;
            continue;
        end if;
        for g in select i as name from unnest(t.indexes) as i where (t.was -> 'indexes' ? i) is not true loop
            execute format('drop index if exists public.%I', g.name);
        end loop;
        select string_agg(format('drop column if exists %I', c), ', ') into tables
        from unnest(t.columns) as c where (t.was -> 'columns' ? c) is not true;
        if tables is not null then
            execute format('alter table public.%I %s', t.name, tables);
        end if;
        continue when t.was = '{}';
        if t.name = 'job_queue_log' then
            alter table public.job_queue_log reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor, autovacuum_analyze_scale_factor);
            for g in select o as option from jsonb_array_elements_text(nullif(t.was -> 'options', 'null')) as o loop
                execute format('alter table public.job_queue_log set (%s)', g.option);
            end loop;
        end if;
        if t.was ->> 'row_security' = 'false' and (
            select c.relrowsecurity from pg_catalog.pg_class as c where c.oid = to_regclass('public.' || t.name)) then
            execute format('alter table public.%I disable row level security', t.name);
            raise notice 'As before Interlock, % has no row level security.', t.name;
        end if;
    end loop;

    -- The grants, of tables, columns and functions: where they differ, all are taken, and those of then given again in their order.
    for t in
        select b.key as name, 'table public.' || quote_ident(b.key) as target, nullif(b.value -> 'grants', 'null') as grants,
            c.oid as relation, c.relacl as acl, c.relowner as owner
        from jsonb_each(was) as b
        -- What came with Interlock keeps its grants.
        join pg_catalog.pg_class as c on b.value <> '{}' and c.relnamespace = 'public'::regnamespace and c.relname = b.key
        union all
        select b.key, 'function ' || b.key, b.value -> 'grants', null, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
        from jsonb_each(was) as b
        join pg_catalog.pg_proc as p on p.oid = case when b.key like 'public.%' then to_regprocedure(b.key) end
    loop
        select jsonb_agg(jsonb_build_array(x.privilege_type, r.rolname, x.is_grantable, a.attname)) into known
        from (select t.acl as acl, null::name as attname
              union all select u.attacl, u.attname from pg_catalog.pg_attribute as u where u.attrelid = t.relation) as a
        cross join lateral aclexplode(a.acl) as x left join pg_catalog.pg_roles as r on r.oid = x.grantee;
        continue when known is not distinct from t.grants;
        for g in
            select distinct e ->> 1 as role from jsonb_array_elements(known) as e
            where t.grants is not null or e ->> 1 is distinct from (select r.rolname::text from pg_catalog.pg_roles as r where r.oid = t.owner)
        loop
            execute format('revoke all on %s from %s', t.target, coalesce(quote_ident(g.role), 'public'));
        end loop;
        for g in
            select e ->> 0 as privilege, coalesce(quote_ident(e ->> 1), 'public') as role, (e ->> 2)::boolean as grantable,
                coalesce(' (' || quote_ident(e ->> 3) || ')', '') as column
            from jsonb_array_elements(t.grants) with ordinality as l (e, n)
            where e ->> 1 is null or to_regrole(quote_ident(e ->> 1)) is not null
            order by n
        loop
            execute format('grant %s%s on %s to %s%s', g.privilege, g.column, t.target, g.role,
                           case when g.grantable then ' with grant option' else '' end);
        end loop;
        if exists (select from jsonb_array_elements(t.grants) as e where coalesce(e ->> 1, 'anon') in ('anon', 'authenticated'))
           and t.name not in ('jobs', 'workflow_executions') then
            raise notice 'As before Interlock, % is open to the anon or authenticated key.', t.name;
        end if;
    end loop;
end;
$rollback$;

notify pgrst, 'reload schema';
