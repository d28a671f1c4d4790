-- Private: `jobs` and `workflow_executions` follow the engine, in the same transaction, where the row exists (and an execution exists
-- for each workflow, where the table can take it: 061).
--
-- The functions that touch those tables are written by job_queue.adapt for the tables as they are: with job ids of their type, only
-- columns they have, and words their CHECKs let in; a database without them gets functions that do nothing. When a table or a column
-- comes, goes or changes, the housekeeping notices within a second of traffic and has them written anew.
--
-- A row that refuses what is written (a CHECK, a trigger that raises) stops nothing, for the engine is the truth: the write is tried
-- again with less, and a row that refuses that too stays as it was, with the event mirror_failed.

create or replace function job_queue.mirrored(ids text[]) returns table (
    job_id text, job_type text, status text, required_models jsonb, queue_position integer, blocked_by_job_id text,
    conflict_reason text, queued_at timestamptz, started_at timestamptz, completed_at timestamptz, progress integer,
    error_message text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select j.job_id, j.job_type,
        case
            when j.status in ('waiting', 'delayed') then case when j.attempt > 0 then 'pending_retry' else 'pending' end
            else j.status
        end,
        to_jsonb(j.models), p.queue_position, p.blocked_by_job_id, p.conflict_reason,
        case when j.status in ('waiting', 'delayed') then j.entered_at end,
        j.started_at, j.finished_at, j.progress, j.error
    from public.job_queue_jobs as j
    left join job_queue.places(ids) as p on p.job_id = j.job_id
    where j.job_id = any (ids);
end;
$$;

comment on function job_queue.mirrored(text[]) is 'What the mirrored columns of these jobs say.';

create or replace function job_queue.accepts(relation regclass, name text, word text) returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
    a pg_catalog.pg_attribute;
    type text;
    fits boolean;
    expression text;
begin
    select * into a from pg_catalog.pg_attribute as t where t.attrelid = relation and t.attname = name;
    type := format_type(a.atttypid, a.atttypmod);
    -- An enum without the word raises; a short varchar cuts it.
    execute format('select (%L::%s)::text = %L', word, type, word) into fits;
    -- Only the checks of this column alone can be asked beforehand.
    for expression in
        select pg_get_expr(c.conbin, c.conrelid) from pg_catalog.pg_constraint as c
        where c.conrelid = relation and c.contype = 'c' and c.conkey = array[a.attnum]
    loop
        exit when not fits;
        execute format('select (%s) is not false from (select %L::%s as %I) as t', expression, word, type, name) into fits;
    end loop;
    return fits;
exception when others then
    return false;
end;
$$;

comment on function job_queue.accepts(regclass, text, text) is 'Whether the type and the CHECKs of a column let this value in.';

create or replace function job_queue.status_in(relation regclass) returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    w record;
    word text;
    arms text := '';
    same boolean := true;
begin
    -- Each word of the engine and, where the table knows it not, the nearest. Executions know no "cancelled".
    for w in
        select * from (values
            ('pending', '{pending,queued}'::text[]), ('pending_retry', '{pending_retry,pending,queued}'), ('running', '{running}'),
            ('completed', '{completed}'), ('failed', '{failed}'),
            ('cancelled', case when relation = to_regclass('public.jobs') then '{cancelled,failed}' else '{failed,cancelled}' end::text[])
        ) as v (word, choices)
    loop
        word := (select c from unnest(w.choices) with ordinality as u (c, n)
                 where job_queue.accepts(relation, 'status', c) order by n limit 1);
        same := same and word = w.word;
        -- A table with words of its own has a status that is not ours to write.
        if word is null then
            return null;
        end if;
        arms := arms || format(' when %L then %L', w.word, word);
    end loop;
    return case when same then 'm.status' else format('case m.status%s end', arms) end;
end;
$$;

comment on function job_queue.status_in(regclass) is 'An expression: the status of a job in the words of this table; null where it has other words.';

create or replace function job_queue.written(relation regclass, least_only boolean, with_status boolean) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    c record;
    value text;
    sets text[] := '{}';
    differs text[] := '{}';
    names text[] := '{}';
    fresh text[] := '{}';
    of_executions constant boolean := relation is not distinct from to_regclass('public.workflow_executions');
begin
    for c in
        select v.name, v.type, format_type(a.atttypid, a.atttypmod) as own, a.atttypid
        from (values
            ('status', 'text', true, null), ('required_models', 'jsonb', true, null), ('blocked_by_job_id', 'text', true, null),
            ('queue_position', 'integer', true, false), ('conflict_reason', 'text', true, false), ('queued_at', 'timestamptz', true, false),
            ('started_at', 'timestamptz', false, false), ('completed_at', 'timestamptz', false, false),
            ('progress', 'integer', false, false), ('error_message', 'text', false, false),
            ('current_step', 'integer', true, true), ('current_step_model', 'text', true, true), ('total_steps', 'integer', true, true),
            ('retry_count', 'integer', false, true), ('error_info', 'jsonb', false, true)
        ) as v (name, type, least, executions)
        join pg_catalog.pg_attribute as a
            on a.attrelid = relation and a.attname = v.name and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
        where (v.least or not least_only) and (v.name <> 'status' or with_status)
          and (v.executions is null or v.executions = of_executions)
        order by v.name
    loop
        value := format('m.%I', c.name);
        begin
            execute format('select null::%s::%s', c.type, c.own);
        exception when others then
            continue;
        end;
        if c.name = 'status' then
            value := job_queue.status_in(relation);
            continue when value is null;
        elsif c.name = 'progress' then
            continue when not (job_queue.accepts(relation, c.name, '0') and job_queue.accepts(relation, c.name, '100'));
        elsif c.name = 'error_info' then
            continue when c.atttypid not in ('json'::regtype, 'jsonb'::regtype);
        end if;
        names := names || format('%I', c.name);
        fresh := fresh || format('(%s)::%s', case when c.name in ('current_step', 'total_steps') then format('coalesce(%s, m.current_step, 0)', value) else value end, c.own);
        value := format('(%s)::%s', value, c.own);
        if c.name in ('current_step', 'current_step_model', 'total_steps', 'error_info') then
            -- The steps of a job that has none in the engine are its worker's own business; the latest error stays.
            value := format('case when m.%I is null then r.%I else %s end',
                            case c.name when 'current_step_model' then 'total_steps' else c.name end, c.name, value);
        end if;
        sets := sets || format('%I = %s', c.name, value);
        differs := differs || case
            -- When it was is no difference.
            when c.name = 'error_info' then
                'm.error_info is not null and coalesce(r.error_info::jsonb @> (m.error_info - ''last_attempt''), false) is false'
            when c.atttypid = 'json'::regtype then format('r.%I::text is distinct from %s::text', c.name, value)
            else format('r.%I is distinct from %s', c.name, value)
        end;
    end loop;
    return array[array_to_string(sets, ', '), array_to_string(differs, ' or '), array_to_string(names, ', '), array_to_string(fresh, ', ')];
end;
$$;

comment on function job_queue.written(regclass, boolean, boolean) is
    'Of the mirrored columns that the table has and can take: the SET list, the condition that one differs, and names and values of a new row.';

create or replace function job_queue.own_ids(key regtype) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    base regtype := key;
begin
    while (select t.typtype from pg_catalog.pg_type as t where t.oid = base) = 'd' loop
        base := (select t.typbasetype from pg_catalog.pg_type as t where t.oid = base);
    end loop;
    return case
        when base = 'uuid'::regtype then array[
            'array(select i::uuid from unnest(ids) as i where i ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'')', 'r.job_id']
        when base in ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype) then array[format(
            'array(select i::%1$s from unnest(ids) as i where case when i ~ ''^(0|-?[1-9][0-9]{0,18})$'''
            ' then i::numeric between -power(2::numeric, %2$s) and power(2::numeric, %2$s) - 1 else false end)',
            base, (select 8 * t.typlen - 1 from pg_catalog.pg_type as t where t.oid = base)), 'r.job_id']
        when base in ('text'::regtype, 'varchar'::regtype) then array['ids', 'r.job_id']
        when base = 'bpchar'::regtype then array['ids::bpchar[]', 'r.job_id']
        else array['ids', 'r.job_id::text']
    end;
end;
$$;

comment on function job_queue.own_ids(regtype) is
    'For job ids of this type: the ids that can be of it (the others have no row there), and what to compare them with.';

create or replace function job_queue.shape() returns text
language plpgsql
stable
set search_path = ''
as $$
begin
    return (select md5(string_agg(x.part, ' ' order by x.part)) from (
        select concat_ws(',', c.oid, c.relkind, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated, a.attidentity,
                         (select count(*) from pg_catalog.pg_enum as e where e.enumtypid = a.atttypid)) as part
        from pg_catalog.pg_class as c
        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.oid in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'))
        union all
        select concat_ws(',', k.conrelid, k.oid) from pg_catalog.pg_constraint as k
        where k.contype in ('c', 'f') and k.conrelid in (to_regclass('public.jobs'), to_regclass('public.workflow_executions'))
        union all
        select concat_ws(',', t.tgrelid, t.tgname) from pg_catalog.pg_trigger as t
        where t.tgrelid = to_regclass('public.jobs') and t.tgname like 'job\_queue\_%'
    ) as x);
end;
$$;

comment on function job_queue.shape() is 'Changes when the mirrored tables do: their columns, checks, foreign keys, or our triggers on them.';

create or replace function job_queue.of_executions(
    key pg_catalog.pg_attribute, own text[], written text[], out checkpoints text, out executions text, out additions text
)
language plpgsql
stable
set search_path = ''
as $$
declare
    relation constant regclass := to_regclass('public.workflow_executions');
    there constant text := format($f$
    if has_column_privilege(%s::oid, %s::smallint, 'select') is not null then$f$, relation::oid, key.attnum);
    id constant text := format('m.job_id::%s', format_type(key.atttypid, key.atttypmod));
    names text := 'job_id';
    fresh text := id;
    kept text;
    jobs text := '';
    c record;
begin
    -- The row in jobs can be had at no cost where both ids are of one type.
    if exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.jobs') and a.attname = 'job_id' and a.atttypid = key.atttypid and not a.attisdropped
    ) then
        jobs := format('
            %s join public.jobs as u on u.job_id = %s', case when exists (
            -- Without a row in jobs there cannot be one here, and that is no failure.
            select from pg_catalog.pg_constraint as k
            where k.contype = 'f' and k.conrelid = relation and k.confrelid = to_regclass('public.jobs') and k.conkey = array[key.attnum]
        ) then 'inner' else 'left' end, id);
    end if;
    for c in
        select a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod) as own
        from pg_catalog.pg_attribute as a
        where a.attrelid = relation and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
          and a.attname in ('workflow_id', 'user_id', 'checkpoints')
        order by a.attname
    loop
        if c.attname = 'workflow_id' then
            names := names || ', workflow_id';
            fresh := fresh || format(', m.handler::%s', c.own);
        elsif c.attname = 'user_id' and jobs <> '' and exists (
            select from pg_catalog.pg_attribute as a
            where a.attrelid = to_regclass('public.jobs') and a.attname = 'user_id' and a.atttypid = c.atttypid and not a.attisdropped
        ) then
            names := names || ', user_id';
            fresh := fresh || ', u.user_id';
        elsif c.attname = 'checkpoints' and c.own in ('json', 'jsonb') then
            kept := c.own;
            names := names || ', checkpoints';
            fresh := fresh || format(', job_queue.checkpoints_to_begin_with(m.job_id)::%s', c.own);
        end if;
    end loop;
    if written[3] <> '' then
        names := names || ', ' || written[3];
        fresh := fresh || ', ' || written[4];
    end if;

    executions := there || format($f$
        return query select r.job_id::text, to_jsonb(r) from public.workflow_executions as r where %s = any (%s);
    end if;$f$, own[2], own[1]);
    additions := there || format($f$
        insert into public.workflow_executions (%s)
        select %s
        from job_queue.mirrored_executions(array(select i::text from unnest(%s) as i)) as m%s
        where not exists (select from public.workflow_executions as r where %s = %s);$f$,
        names, fresh, own[1], jobs, own[2], case own[2] when 'r.job_id' then id else 'm.job_id' end)
    || case when kept is null then '' else format($f$
        update public.workflow_executions as r
        set checkpoints = (jsonb_build_object('_input', j.payload) || coalesce(r.checkpoints::jsonb, '{}'))::%s
        from public.job_queue_jobs as j
        where %s = any (%s) and j.job_id = r.job_id::text and j.job_id = any (ids) and j.payload is not null
          and coalesce(jsonb_typeof(r.checkpoints::jsonb), 'object') = 'object' and (r.checkpoints::jsonb ? '_input') is not true;$f$,
        kept, own[2], own[1]) end
    || '
    end if;';
    checkpoints := case when kept is null then '' else there || format($f$
        begin
            -- Each its own key, in one UPDATE: nobody's is lost.
            update public.workflow_executions as r
            set checkpoints = (case when jsonb_typeof(r.checkpoints::jsonb) = 'object' then r.checkpoints::jsonb else '{}' end
                               || jsonb_build_object(step::text, checkpoint))::%s
            where %s = any (%s);
        exception when others then
            perform job_queue.mirror_failed('workflow_executions', ids, sqlstate, sqlerrm);
        end;
    end if;$f$, kept, own[2], own[1]) end;
end;
$$;

comment on function job_queue.of_executions(pg_catalog.pg_attribute, text[], text[]) is
    'For job_queue.adapt: what adds a checkpoint to executions, reads executions and makes them, for that table as it is.';

create or replace function job_queue.adapt() returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    t text;
    relation regclass;
    kind "char";
    key pg_catalog.pg_attribute;
    own text[];
    all_of text[];
    core text[];
    bare text[];
    locks text := '';
    mirrors text := '';
    presence text := '';
    again text;
    checkpoints text := '';
    executions text := '';
    additions text := '';
    source text;
    only_workflows text;
begin
    if to_regclass('public.job_queue_migrations') is null then
        raise exception 'Neither 000 nor 027 was applied, see the error above.';
    end if;
    perform pg_advisory_xact_lock(19030, 0);

    foreach t in array array['jobs', 'workflow_executions'] loop
        relation := to_regclass('public.' || t);
        select c.relkind into kind from pg_catalog.pg_class as c where c.oid = relation;
        select * into key from pg_catalog.pg_attribute as a
        where a.attrelid = relation and a.attname = 'job_id' and not a.attisdropped;
        again := '';
        source := case t when 'jobs' then 'mirrored' else 'mirrored_executions' end;
        only_workflows := case when t = 'workflow_executions' then
            ' and exists (select from public.job_queue_jobs as j where j.job_id = any (ids) and j.job_type = ''workflow'')' else '' end;
        if key.attnum is not null and kind in ('r', 'p') then
            execute format('grant select, insert, update on public.%I to service_role', t);
            own := job_queue.own_ids(key.atttypid);
            all_of := job_queue.written(relation, false, true);
            core := job_queue.written(relation, true, true);
            bare := job_queue.written(relation, true, false);

            -- %1 table, %2 the column's side, %3 oid, %4 attribute number: null once the table or its key is gone.
            locks := locks || format($f$
    if has_column_privilege(%3$s::oid, %4$s::smallint, 'select') is not null%5$s then
        if passing_over then
            present := array(select r.job_id::text from public.%1$I as r where %2$s = any (%8$s));
            if cardinality(present) > 0 then
                locked := array(select r.job_id::text from public.%1$I as r where %2$s = any (%8$s)
                                for no key update skip locked);
                ids := array(select i from unnest(ids) with ordinality as u (i, n)
                             where i <> all (present) or i = any (locked) order by n);
            end if;
        else
            perform from public.%1$I as r where %2$s = any (%8$s) order by r.job_id for no key update;
        end if;
    end if;$f$, t, own[2], relation::oid, key.attnum, replace(only_workflows, 'from public.job_queue_jobs as j where j.job_id = any (ids) and',
                -- A job that is just entering is not known yet.
                'from unnest(ids) as i left join public.job_queue_jobs as j on j.job_id = i where j.job_id is null or'), '', '', own[1]);
            if t = 'jobs' then
                presence := format($f$
    if has_column_privilege(%s::oid, %s::smallint, 'select') is not null then
        return array(select r.job_id::text from public.jobs as r where %s = any (%s));
    end if;$f$, relation::oid, key.attnum, own[2], own[1]);
            end if;

            if all_of[1] <> '' then
                mirrors := mirrors || format($f$
    -- One condition inside the other: a statement that names a table that is gone must not even be looked at.
    if has_column_privilege(%3$s::oid, %4$s::smallint, 'select') is not null%5$s then
        if exists (select from public.%1$I as r where %2$s = any (%8$s)) then
            begin
                quiet := set_config('job_queue.mirroring', 'on', true);
                update public.%1$I as r
                set %6$s
                from job_queue.%9$s(ids) as m
                where %2$s = any (%8$s) and r.job_id::text = m.job_id and (%7$s);
                quiet := set_config('job_queue.mirroring', 'off', true);
            exception when others then
                perform job_queue.mirror_parts('%1$s', ids, sqlstate, sqlerrm);
            end;
        end if;
    end if;$f$, t, own[2], relation::oid, key.attnum, only_workflows, all_of[1], all_of[2], own[1], source);
                again := (
                    select string_agg(format($f$
    if effort = %s then
        update public.%I as r set %s from job_queue.%I(ids) as m
        where %s = any (%s) and r.job_id::text = m.job_id and (%s);
    end if;$f$, e.n, t, e.part[1], source, own[2], own[1], e.part[2]), '')
                    from (values (1, all_of), (2, core), (3, bare)) as e (n, part) where e.part[1] <> ''
                );
            end if;
        end if;
        if t = 'workflow_executions' and key.attnum is not null and kind in ('r', 'p') then
            select * into checkpoints, executions, additions from job_queue.of_executions(key, own, all_of);
        end if;
        execute format($f$
create or replace function job_queue.mirror_%s(ids text[], effort integer) returns void
language plpgsql
set search_path = ''
as $body$
begin%s
end;
$body$;$f$, t, again);
    end loop;

    execute format($f$
create or replace function job_queue.lock_mirrored(ids text[], passing_over boolean) returns text[]
language plpgsql
set search_path = ''
as $body$
declare
    present text[];
    locked text[];
begin
    if cardinality(ids) = 0 then
        return ids;
    end if;%1$s
    return ids;
end;
$body$;

create or replace function job_queue.mirror(ids text[]) returns void
language plpgsql
set search_path = ''
as $body$
declare
    quiet text;
begin
    if cardinality(ids) = 0 then
        return;
    end if;%2$s
end;
$body$;

create or replace function job_queue.rows_of(ids text[]) returns text[]
language plpgsql
set search_path = ''
as $body$
begin%3$s
    return '{}';
end;
$body$;

create or replace function job_queue.mirror_checkpoint(ids text[], step integer, checkpoint jsonb) returns void
language plpgsql
set search_path = ''
as $body$
begin
    -- By step number, as the predecessor kept them.%4$s
end;
$body$;

create or replace function job_queue.executions_of(ids text[]) returns table (job_id text, execution jsonb)
language plpgsql
set search_path = ''
as $body$
begin%5$s
end;
$body$;

create or replace function job_queue.insert_executions(ids text[]) returns void
language plpgsql
set search_path = ''
as $body$
begin%6$s
end;
$body$;

comment on function job_queue.mirror_checkpoint(text[], integer, jsonb) is
    'Adds the checkpoint of a step (job_queue.checkpoint_of) to the workflow executions of these jobs, where there are any.';
comment on function job_queue.executions_of(text[]) is 'The rows of workflow_executions of these jobs.';
comment on function job_queue.insert_executions(text[]) is
    'Makes the executions of these jobs, where there is none and one can be; adds the input to those without one.';
comment on function job_queue.lock_mirrored(text[], boolean) is
    'Locks the mirrored rows of these jobs, in order; passing over: leaves out the jobs whose rows somebody else has locked instead of waiting.';
comment on function job_queue.mirror(text[]) is 'Brings the mirrored rows of these jobs, where they exist, up to date.';
comment on function job_queue.rows_of(text[]) is 'Those of the jobs that have a row in jobs.';
comment on function job_queue.mirror_jobs(text[], integer) is
    'Writes the rows of jobs; effort 1: all columns, 2: those of the coordination, 3: these without the status.';
comment on function job_queue.mirror_workflow_executions(text[], integer) is 'As mirror_jobs, for workflow_executions.';
$f$, locks, mirrors, presence, checkpoints, executions, additions);

    if presence <> '' then
        perform job_queue.add_triggers();
    end if;
    execute format($f$
create or replace function job_queue.shape_known() returns text
language plpgsql
immutable
set search_path = ''
as $body$ begin return %L; end; $body$;
comment on function job_queue.shape_known() is 'The shape that the functions above were written for.';
$f$, job_queue.shape());
end;
$$;

comment on function job_queue.adapt() is
    'Writes the functions that touch jobs and workflow_executions for these tables as they are now, and adds our triggers. The housekeeping '
    'calls it when they have changed; run it yourself to have it at once.';

create or replace function job_queue.adapt_if_changed() returns void
language plpgsql
security definer
set search_path = ''
set lock_timeout = '100ms'
as $$
begin
    if job_queue.shape() is distinct from job_queue.shape_known() and pg_try_advisory_xact_lock(19030, 0) then
        perform job_queue.adapt();
    end if;
exception when others then
    raise warning 'The job queue could not adapt to the changed tables: % (%)', sqlerrm, sqlstate
        using hint = 'Run "select job_queue.adapt()" as the owner of jobs.';
end;
$$;

comment on function job_queue.adapt_if_changed() is 'job_queue.adapt when the mirrored tables have changed; holds nobody up and never raises.';

create or replace function job_queue.mirror_failed(relation text, ids text[], state text, message text) returns void
language plpgsql
set search_path = ''
as $$
begin
    -- What another try of the whole call may put right is the caller's.
    if state ~ '^(40|53|55P03|57|58)' then
        raise exception using errcode = state, message = message;
    end if;
    if state like '42%' then
        perform job_queue.adapt_if_changed();
    end if;
    -- One event a transition, not one a second.
    if cardinality(ids) = 1 and (
        select l.event_type from public.job_queue_log as l where l.job_id = ids[1] order by l.created_at desc limit 1
    ) is distinct from 'mirror_failed' then
        -- No state of the job is in it: nothing of the job has changed.
        insert into public.job_queue_log (job_id, job_type, event_type, models, metadata, created_at)
        select j.job_id, j.job_type, 'mirror_failed', to_jsonb(j.models), jsonb_build_object(
            'relation', relation, 'sqlstate', state, 'message', left(message, 500)), clock_timestamp()
        from public.job_queue_jobs as j where j.job_id = ids[1];
    end if;
end;
$$;

comment on function job_queue.mirror_failed(text, text[], text, text) is
    'After a mirror write failed: raises what may be tried again, adapts to changed tables, and says of a single row that it refused.';

create or replace function job_queue.mirror_parts(relation text, ids text[], state text, message text) returns void
language plpgsql
set search_path = ''
as $$
declare
    half constant integer := cardinality(ids) / 2;
    part text[];
begin
    if half > 0 then
        perform job_queue.mirror_failed(relation, ids, state, message);
        for n in 0..1 loop
            part := case n when 0 then ids[:half] else ids[half + 1:] end;
            begin
                execute format('select job_queue.mirror_%s($1, 1)', relation) using part;
            exception when others then
                perform job_queue.mirror_parts(relation, part, sqlstate, sqlerrm);
            end;
        end loop;
        return;
    end if;

    -- One row: as it was tried, for the table may have been adapted to; with the coordination's own columns only; without its status.
    if state like '42%' then
        perform job_queue.adapt_if_changed();
    end if;
    for effort in 1..3 loop
        begin
            execute format('select job_queue.mirror_%s($1, $2)', relation) using ids, effort;
            if effort < 3 then
                return;
            end if;
        exception when others then
            null;
        end;
    end loop;
    perform job_queue.mirror_failed(relation, ids, state, message);
end;
$$;

comment on function job_queue.mirror_parts(text, text[], text, text) is
    'After a mirror write failed: finds the rows that refuse it, and writes to each what it takes.';

create or replace function job_queue.refresh_state(
    s public.job_queue_settings, ended text[] default '{}', begun boolean default false
) returns boolean
language plpgsql
set search_path = ''
as $$
declare
    known public.job_queue_state;
    stale boolean;
    oldest record;
begin
    select * into known from public.job_queue_state as q where q.id = 1;
    stale := known.last_updated is null or known.last_updated < clock_timestamp() - interval '1 second';
    if s.max_active_jobs = 1 and (begun or cardinality(ended) > 0) then
        -- One at a time: exact. Whoever holds this lock waits for nothing after it.
        perform pg_advisory_xact_lock(19027, 0);
    elsif not (stale or known.active_job_id = any (ended) or (begun and known.active_job_id is null))
        or not pg_try_advisory_xact_lock(19027, 0) then
        return false;
    end if;

    select j.job_id, j.job_type, j.started_at into oldest
    from public.job_queue_jobs as j where j.status = 'running'
    order by j.started_at, j.job_id limit 1;
    insert into public.job_queue_state as q (id, active_job_id, active_job_type, active_models, started_at, last_updated)
    values (1, oldest.job_id, oldest.job_type, (
        select coalesce(jsonb_agg(distinct l.model), '[]')
        from public.job_queue_lines as l
        join public.job_queue_jobs as j on j.job_id = l.job_id and j.status = 'running'
        where l.seat is not null and l.model <> ''
    ), oldest.started_at, clock_timestamp())
    on conflict (id) do update
    set active_job_id = excluded.active_job_id, active_job_type = excluded.active_job_type,
        active_models = excluded.active_models, started_at = excluded.started_at, last_updated = excluded.last_updated;
    return stale;
end;
$$;

comment on function job_queue.refresh_state(public.job_queue_settings, text[], boolean) is
    'Keeps the row of job_queue_state: exact while the global limit is 1, else when the job it names ended, when the first one starts, and once a second. '
    'Returns whether a second had passed: the caller then does the housekeeping.';

create or replace function job_queue.recheck_state() returns void
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings := job_queue.settings();
begin
    if s.max_active_jobs = 1 and exists (
        select from public.job_queue_state as q
        where q.id = 1
          and (q.active_job_id is not null
               and not exists (select from public.job_queue_jobs as j where j.job_id = q.active_job_id and j.status = 'running')
               -- More than one may still run from before the limit, and lose its lease.
               or q.active_models is distinct from (
                   select coalesce(jsonb_agg(distinct l.model), '[]')
                   from public.job_queue_lines as l
                   join public.job_queue_jobs as j on j.job_id = l.job_id and j.status = 'running'
                   where l.seat is not null and l.model <> ''))
    ) then
        perform job_queue.refresh_state(s, begun => true);
    end if;
end;
$$;

comment on function job_queue.recheck_state() is
    'The last step of whoever enters jobs: while one job at a time may run, the state names none whose dead lease was taken back on the way.';

create or replace function job_queue.housekeep(out log_rows integer, out requests integer)
language plpgsql
set search_path = ''
as $$
declare
    ids text[];
begin
    perform job_queue.adapt_if_changed();
    -- What somebody else is deleting or using is passed over: two who keep house never wait for each other.
    if to_regclass('public.jobs') is not null then
        ids := array(
            select distinct f.job_id
            from public.job_queue_models as m
            cross join lateral (
                select l.job_id from public.job_queue_lines as l
                where l.model = m.model order by l.line_key, l.seq limit 100
            ) as f
            limit 1000
        );
        perform job_queue.mirror(job_queue.lock_mirrored(ids, true));
    end if;
    delete from public.job_queue_starts as e
    where (e.model, e.started_at, e.token) in (
        select o.model, o.started_at, o.token from public.job_queue_starts as o
        where o.started_at < now() - interval '1 minute' limit 2000
        for update skip locked
    );
    delete from public.job_queue_workers as w
    where w.worker_id in (
        select o.worker_id from public.job_queue_workers as o where o.seen_at < now() - interval '1 day' for update skip locked
    );
    select t.log_rows, t.requests into log_rows, requests from job_queue.tidy() as t;
end;
$$;

comment on function job_queue.housekeep() is
    'Once a second, by whoever comes along: the trailing columns of the first hundred of each line, starts and workers of the past, and what job_queue.tidy does.';

notify pgrst, 'reload schema';
