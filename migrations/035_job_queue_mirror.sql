-- Private: `jobs` and `workflow_executions` follow the engine, in the same transaction, where the row exists.
--
-- The two functions that touch those tables are written here for the tables as they are: with job ids of their type, and only
-- columns they have; a database without them gets functions that do nothing. After a change of these tables, run this file again.

create or replace function job_queue.mirrored(ids text[]) returns table (
    job_id text, job_type text, status text, required_models jsonb, queue_position integer, blocked_by_job_id text,
    conflict_reason text, queued_at timestamptz, started_at timestamptz, completed_at timestamptz, progress integer,
    error_message text, current_step integer, current_step_model text
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
        j.started_at, j.finished_at, j.progress, j.error,
        case when j.steps is not null then j.current_step end,
        case when j.status in ('waiting', 'delayed', 'running') then j.steps #>> array[j.current_step::text, 'models', '0'] end
    from public.job_queue_jobs as j
    left join job_queue.places(ids) as p on p.job_id = j.job_id
    where j.job_id = any (ids);
end;
$$;

comment on function job_queue.mirrored(text[]) is 'What the mirrored columns of these jobs say.';

do $migration$
declare
    key_type text;
    own_ids text;
    has_executions boolean;
    sets text;
    differs text;
    jobs_lock text := '';
    jobs_mirror text := '';
    executions_lock text := '';
    executions_mirror text := '';
    checkpoint_mirror text := '';
    t text;
begin
    foreach t in array array['jobs', 'workflow_executions'] loop
        select format_type(a.atttypid, null) into key_type
        from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.' || t) and a.attname = 'job_id' and not a.attisdropped;
        continue when not found;

        execute format('grant select, insert, update on public.%I to service_role', t);

        -- An id that cannot be one of this table's type has no row there.
        own_ids := case
            when key_type = 'uuid' then
                'array(select i::uuid from unnest(ids) as i where i ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'')'
            when key_type in ('bigint', 'integer') then
                format('array(select i::%s from unnest(ids) as i where i ~ ''^[0-9]{1,9}$'')', key_type)
            else 'ids'
        end;

        -- The steps of a job that has none in the engine are its worker's own business.
        select string_agg(format(
                case when c.source like 'current\_step%' then '%1$I = case when m.current_step is null then r.%1$I else m.%2$I end'
                     else '%1$I = m.%2$I' end, c.target, c.source), ', ' order by c.target),
            string_agg(format(
                case when c.source like 'current\_step%' then 'm.current_step is not null and r.%1$I is distinct from m.%2$I'
                     else 'r.%1$I is distinct from m.%2$I' end, c.target, c.source), ' or ' order by c.target)
        into sets, differs
        from (values
            ('jobs', 'status', 'status'), ('jobs', 'required_models', 'required_models'),
            ('jobs', 'queue_position', 'queue_position'), ('jobs', 'blocked_by_job_id', 'blocked_by_job_id'),
            ('jobs', 'conflict_reason', 'conflict_reason'), ('jobs', 'queued_at', 'queued_at'),
            ('jobs', 'started_at', 'started_at'), ('jobs', 'completed_at', 'completed_at'),
            ('jobs', 'progress', 'progress'), ('jobs', 'error_message', 'error_message'),
            ('workflow_executions', 'status', 'execution_status'),
            ('workflow_executions', 'required_models', 'required_models'),
            ('workflow_executions', 'blocked_by_job_id', 'blocked_by_job_id'),
            ('workflow_executions', 'current_step', 'current_step'),
            ('workflow_executions', 'current_step_model', 'current_step_model')
        ) as c (relation, target, source)
        join pg_catalog.pg_attribute as a
            on a.attrelid = to_regclass('public.' || c.relation) and a.attname = c.target and not a.attisdropped
        where c.relation = t;
        continue when sets is null;

        if t = 'jobs' then
            jobs_lock := format($f$
    if passing_over then
        present := array(select r.job_id::text from public.jobs as r where r.job_id = any (%1$s));
        if cardinality(present) > 0 then
            locked := array(select r.job_id::text from public.jobs as r where r.job_id = any (%1$s)
                            for no key update skip locked);
            ids := array(select i from unnest(ids) with ordinality as u (i, n)
                         where i <> all (present) or i = any (locked) order by n);
        end if;
    else
        perform from public.jobs as r where r.job_id = any (%1$s) order by r.job_id for no key update;
    end if;$f$, own_ids);
            jobs_mirror := format($f$
    if exists (select from public.jobs as r where r.job_id = any (%1$s)) then
        update public.jobs as r
        set %2$s
        from job_queue.mirrored(ids) as m
        where r.job_id = any (%1$s) and r.job_id::text = m.job_id and (%3$s);
    end if;$f$, own_ids, sets, differs);
        else
            -- A job that is just entering is not known yet.
            executions_lock := format($f$
    if exists (
        select from unnest(ids) as i
        left join public.job_queue_jobs as j on j.job_id = i
        where j.job_id is null or j.job_type = 'workflow'
    ) then
        if passing_over then
            present := array(select r.job_id::text from public.workflow_executions as r where r.job_id = any (%1$s));
            locked := array(select r.job_id::text from public.workflow_executions as r where r.job_id = any (%1$s)
                            for no key update skip locked);
            ids := array(select i from unnest(ids) with ordinality as u (i, n)
                         where i <> all (present) or i = any (locked) order by n);
        else
            perform from public.workflow_executions as r where r.job_id = any (%1$s) order by r.job_id for no key update;
        end if;
    end if;$f$, own_ids);
            -- Its CHECK knows no "cancelled".
            executions_mirror := format($f$
    if exists (select from public.job_queue_jobs as j where j.job_id = any (ids) and j.job_type = 'workflow') then
        update public.workflow_executions as r
        set %2$s
        from (
            select c.*, case when c.status = 'cancelled' then 'failed' else c.status end as execution_status
            from job_queue.mirrored(ids) as c
        ) as m
        where r.job_id = any (%1$s) and r.job_id::text = m.job_id and (%3$s);
    end if;$f$, own_ids, sets, differs);
            if exists (
                select from pg_catalog.pg_attribute as a
                where a.attrelid = to_regclass('public.workflow_executions') and a.attname = 'checkpoints' and a.atttypid = 'jsonb'::regtype
            ) then
                checkpoint_mirror := format($f$
    update public.workflow_executions as r
    set checkpoints = coalesce(r.checkpoints, '{}') || jsonb_build_object(step::text, output)
    where r.job_id = any (%1$s);$f$, own_ids);
            end if;
        end if;
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
    end if;%s%s
    return ids;
end;
$body$;

create or replace function job_queue.mirror(ids text[]) returns void
language plpgsql
set search_path = ''
as $body$
begin
    if cardinality(ids) = 0 then
        return;
    end if;%s%s
end;
$body$;

create or replace function job_queue.mirror_checkpoint(ids text[], step integer, output jsonb) returns void
language plpgsql
set search_path = ''
as $body$
begin
    -- By step number, as the predecessor kept them.%s
end;
$body$;
$f$, jobs_lock, executions_lock, jobs_mirror, executions_mirror, checkpoint_mirror);
end;
$migration$;

comment on function job_queue.lock_mirrored(text[], boolean) is
    'Locks the mirrored rows of these jobs, in order; passing over: leaves out the jobs whose rows somebody else has locked instead of waiting.';
comment on function job_queue.mirror_checkpoint(text[], integer, jsonb) is 'Adds the output of a step to the workflow execution of these jobs, where it exists.';
comment on function job_queue.mirror(text[]) is 'Brings the mirrored rows of these jobs, where they exist, up to date.';

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
        where q.id = 1 and q.active_job_id is not null
          and not exists (select from public.job_queue_jobs as j where j.job_id = q.active_job_id and j.status = 'running')
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
