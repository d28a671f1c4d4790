-- Brings the waiting jobs of an existing `jobs` table, which another system (the predecessor) had in line, into their lines in their old
-- order. It reads what that system left: statuses, queued_at and created_at, metadata, executions. docs/guides/adopting.md.

create or replace function job_queue.rows_to_adopt(
    statuses text[], ids text[], after_at timestamptz, after_id text, at_most integer
) returns table (job_id text, at timestamptz, job jsonb)
language plpgsql
stable
set search_path = ''
set enable_seqscan = on
set enable_bitmapscan = on
set enable_hashjoin = on
set enable_mergejoin = on
as $$
declare
    key pg_catalog.pg_attribute;
    old_time text;
begin
    select a.* into key from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind in ('r', 'p')
    where a.attrelid = to_regclass('public.jobs') and a.attname = 'job_id' and not a.attisdropped;
    if key.attnum is null or not exists (
        select from pg_catalog.pg_attribute as a where a.attrelid = key.attrelid and a.attname = 'status' and not a.attisdropped
    ) then
        perform job_queue.refuse('JQ007', format('There is nothing to adopt: this database has no table jobs%s.',
            case when to_regclass('public.jobs') is not null then ' with the columns job_id and status' else '' end),
            'Check that it is the right project; what another table holds is put in line with job_queue_enqueue.');
    end if;

    -- The old line's own order where it had put the job in line, else the order in which they came. Those without a time come last.
    select coalesce(string_agg(format('(case when isfinite(r.%1$I) then r.%1$I end)::timestamptz, ', a.attname), '' order by a.attname desc), '')
    into old_time
    from pg_catalog.pg_attribute as a
    where a.attrelid = key.attrelid and a.attname in ('queued_at', 'created_at') and not a.attisdropped
      and a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype);
    old_time := format('coalesce(%stimestamptz ''infinity'')', old_time);

    return query execute format($q$
        with picked as materialized (
            select r.job_id, %1$s as old_time
            from (select $2::text[] as ids) as given
            cross join public.jobs as r
            where r.status::text = any ($1) and %2$s
              and not exists (select from public.job_queue_jobs as k where k.job_id = r.job_id::text collate "C")
              and ($3 is null or (%1$s, r.job_id::text collate "C") > ($3, $4))
            order by old_time, r.job_id::text collate "C" limit $5
        )

        select p.job_id::text, p.old_time, to_jsonb(r) || jsonb_build_object('job_id', p.job_id::text)
        from picked as p
        join public.jobs as r on r.job_id = p.job_id
        order by p.old_time, p.job_id::text collate "C"
    $q$, old_time, case when ids is null then 'true' else format('r.job_id = any (%s)', (job_queue.own_ids(key.atttypid))[1]) end)
    using statuses, ids, after_at, after_id, at_most;
end;
$$;

comment on function job_queue.rows_to_adopt(text[], text[], timestamptz, text, integer) is
    'Rows of jobs with one of these statuses that the queue does not know, in their old order: those of ids, or the first after a time and an id.';

create or replace function job_queue.as_adopted(given jsonb, old_time timestamptz, workflows jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    of_workflow constant boolean := btrim(given ->> 'job_type') is not distinct from 'workflow';
    -- Of several rows the one that has come furthest first, as job_queue.adopt takes them.
    executions constant jsonb := case when of_workflow then (
        select jsonb_agg(x.execution order by job_queue.steps_done(x.execution -> 'checkpoints') desc, x.execution ->> 'updated_at' desc nulls last)
        from job_queue.executions_of(array[given ->> 'job_id']) as x) end;
    model text := nullif(btrim(given ->> 'model'), '');
    old_status constant text := given ->> 'status';
    choices jsonb[] := array[given -> 'required_models'];
    choice jsonb;
    refusal text;
    job jsonb;
    failures integer;
    due timestamptz;
begin
    if of_workflow then
        model := coalesce(model, nullif(btrim(executions #>> '{0,workflow_id}'), ''), nullif(btrim(given #>> '{metadata,workflow_id}'), ''));
        choices := choices || array(select e -> 'required_models' from jsonb_array_elements(executions) as e) || (workflows -> model);
    elsif model is not null then
        choices := choices || jsonb_build_array(model);
    end if;
    foreach choice in array choices loop
        continue when coalesce(jsonb_typeof(choice), 'null') = 'null';
        begin
            job := job_queue.arrival(given || jsonb_build_object('status', 'pending', 'model', model, 'required_models', choice));
            exit;
        exception when sqlstate 'JQ002' then
            refusal := coalesce(refusal, 'Its required_models are of no use: ' || sqlerrm);
        end;
    end loop;
    if job is null and of_workflow then
        perform job_queue.refuse('JQ002', concat_ws(' ', refusal, format('Nothing says which models the workflow "%s" needs.', coalesce(left(model, 200), ''))),
            format('Give them: {"workflows": {%s: ["a-model", "another"]}}.', to_jsonb(coalesce(model, ''))));
    elsif job is null then
        perform job_queue.refuse('JQ002', coalesce(refusal, 'The job names no model.'), 'Set required_models or model of its row.');
    end if;

    -- What the old system counted: for an execution its failed steps, for another job its resets; a run that was cut off counts too.
    select max(case when n ~ '^[0-9]{1,9}$' then n::integer end) into failures
    from (
        select given #>> '{metadata,pending_retry_count}' as n
        union all
        select e ->> 'retry_count' from jsonb_array_elements(executions) as e
    ) as c;
    failures := least(99, coalesce(failures, 0) + case when old_status = 'running' then 1 else 0 end);
    if old_status = 'pending_retry' then
        failures := greatest(failures, 1);
    end if;
    if old_status <> 'running' then
        begin
            -- A time without a zone is UTC there.
            due := job_queue.time_of('retry_after', to_jsonb((given #>> '{metadata,retry_after}')
                || case when given #>> '{metadata,retry_after}' ~ '(Z|[+-][0-9]{2}(:?[0-9]{2})?)$' then '' else 'Z' end));
        exception when sqlstate 'JQ007' then
            due := null;
        end;
    end if;

    return job || jsonb_build_object(
        'old_status', old_status, 'entered_at', old_time,
        -- The old line knew no priority, and in their old order is how they start.
        'priority', 0,
        'run_at', case when due > clock_timestamp() then due end,
        -- One attempt is left at least: nothing that is adopted fails unseen.
        'attempt', failures, 'max_attempts', greatest((job ->> 'max_attempts')::integer, failures + 1),
        -- An execution keeps its own error_info, which says more.
        'error', case when not of_workflow and failures > 0 then given ->> 'error_message' end,
        'current_step', (select max(job_queue.steps_done(e -> 'checkpoints')) from jsonb_array_elements(executions) as e),
        'payload', (
            select to_jsonb(i) from coalesce(given ->> 'image_url', given #>> '{metadata,input_image_url}') as i
            where of_workflow and octet_length(i) < 1000000
              and jsonb_path_exists(executions, '$[*].checkpoints._input') is not true
        )
    );
end;
$$;

comment on function job_queue.as_adopted(jsonb, timestamptz, jsonb) is
    'The checked job of a row that another system had in line, with what has become of it there; refuses (JQ002, JQ008) one whose models cannot be known.';

create or replace function job_queue.places_to_come(jobs jsonb) returns table (job_id text, queue_position integer)
language sql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
    with coming as materialized (
        select e ->> 'job_id' as job_id, line as model, least((e ->> 'entered_at')::timestamptz, clock_timestamp()) as line_key, n
        from jsonb_array_elements(jobs) with ordinality as t (e, n)
        cross join public.job_queue_settings as s
        cross join unnest(job_queue.lines_of(array(select jsonb_array_elements_text(e -> 'models')), s)) as line
        where s.id = 1 and e ->> 'run_at' is null
          and not exists (select from public.job_queue_models as m where m.paused and e -> 'models' ? m.model)
    ),

    places as (
        select o.job_id, row_number() over (partition by o.model order by o.line_key, o.n) as place
        from (
            select c.job_id, c.model, c.line_key, c.n from coming as c
            union all
            -- No further than job_queue.places counts.
            select null, f.model, f.line_key, 0
            from (select distinct c.model from coming as c) as d
            cross join lateral (
                select l.model, l.line_key, l.seat, l.job_id from public.job_queue_lines as l
                where l.model = d.model order by l.line_key, l.seq limit 10000
            ) as f
            left join public.job_queue_jobs as k on f.seat is not null and k.job_id = f.job_id
            where k.status is distinct from 'running'
        ) as o
    )

    select p.job_id, case when max(p.place) <= 10000 then max(p.place)::integer end
    from places as p where p.job_id is not null group by p.job_id;
$$;

comment on function job_queue.places_to_come(jsonb) is 'The queue_position that these jobs are going to have when they have entered.';

create or replace function public.job_queue_adopt(options jsonb default '{}') returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    answer jsonb;
    dry boolean;
    statuses text[] := '{pending,pending_retry,queued}';
    workflows jsonb := coalesce(nullif(options -> 'workflows', 'null'), '{}');
    at_most integer;
    after_at timestamptz;
    after_id text := substring(options ->> 'after' from ' (.*)$');
    seen text[];
    ids text[];
    next text;
    r record;
    jobs jsonb[] := '{}';
    refused jsonb[] := '{}';
    hint text;
    fresh text[];
    group_status text;
begin
    perform job_queue.check_keys('options', options, '{request_id,dry_run,running,workflows,max_jobs,after}');
    dry := job_queue.flag_of('dry_run', options -> 'dry_run', false);
    if job_queue.flag_of('running', options -> 'running', false) then
        statuses := statuses || 'running'::text;
    end if;
    at_most := job_queue.whole_number_of('max_jobs', options -> 'max_jobs', 1, 1000, 1000);
    perform job_queue.check_keys('workflows', workflows, array(select jsonb_object_keys(workflows) where jsonb_typeof(workflows) = 'object'));
    perform job_queue.check_models(w.value, false) from jsonb_each(workflows) as w;
    if options ->> 'after' is not null then
        begin
            after_at := split_part(options ->> 'after', ' ', 1)::timestamptz;
        exception when invalid_datetime_format or datetime_field_overflow then
            after_id := null;
        end;
        if after_id is null then
            perform job_queue.refuse('JQ007', 'after is not a place to go on from.', 'Give the "next" of the answer before, or leave it out to begin.');
        end if;
    end if;
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;

    select coalesce(array_agg(w.job_id order by w.n), '{}'),
        (array_agg(to_jsonb(w.at) #>> '{}' || ' ' || w.job_id order by w.n))[at_most]
    into seen, next
    from job_queue.rows_to_adopt(statuses, null, after_at, after_id, at_most) with ordinality as w (job_id, at, job, n);
    -- Whoever edits a row, or adopts it, at this instant has it: it is passed over, and a later call finds what has become of it.
    ids := case when dry then seen else job_queue.lock_mirrored(seen, true) end;
    for r in select w.at, w.job from job_queue.rows_to_adopt(statuses, ids, null, null, at_most) as w loop
        begin
            jobs := jobs || job_queue.as_adopted(r.job, r.at, workflows);
        exception when others then
            if sqlstate not like 'JQ%' then
                raise;
            end if;
            get stacked diagnostics hint = pg_exception_hint;
            refused := refused || jsonb_build_object(
                'job_id', r.job -> 'job_id', 'status', r.job -> 'status', 'code', sqlstate, 'reason', sqlerrm, 'hint', hint);
        end;
    end loop;

    select coalesce(jsonb_agg(jsonb_build_object(
        'job_id', j -> 'job_id', 'status', j -> 'old_status', 'job_type', j -> 'job_type', 'handler', j -> 'handler', 'models', j -> 'models',
        'queued_at', least((j ->> 'entered_at')::timestamptz, clock_timestamp()), 'due_at', j -> 'run_at', 'queue_position', p.queue_position,
        'current_step', j -> 'current_step', 'attempt', j -> 'attempt', 'max_attempts', j -> 'max_attempts'
    ) order by t.n), '[]') into answer
    from unnest(jobs) with ordinality as t (j, n)
    left join job_queue.places_to_come(to_jsonb(jobs)) as p on p.job_id = t.j ->> 'job_id'
    where t.n <= 100;
    answer := jsonb_build_object(
        'adopted', cardinality(jobs), 'passed_over', cardinality(seen) - cardinality(ids), 'not_adopted', to_jsonb(refused),
        'jobs', answer, 'next', next
    );
    if dry then
        return answer;
    end if;

    if cardinality(jobs) > 0 then
        fresh := job_queue.enter_new(to_jsonb(jobs));
        for group_status in select distinct j ->> 'old_status' from unnest(jobs) as j order by 1 loop
            perform job_queue.log_event(
                array(select j ->> 'job_id' from unnest(jobs) as j where j ->> 'old_status' = group_status and j ->> 'job_id' = any (fresh)),
                'queued', jsonb_build_object('adopted', group_status));
        end loop;
        perform job_queue.add_executions(fresh);
        perform job_queue.mirror(fresh);
        perform job_queue.recheck_state();
        if cardinality(fresh) < cardinality(jobs) then
            -- The others came in by their late notes, on the way.
            answer := answer || jsonb_build_object('adopted', cardinality(fresh), 'jobs', (
                select coalesce(jsonb_agg(j order by n), '[]') from jsonb_array_elements(answer -> 'jobs') with ordinality as t (j, n)
                where j ->> 'job_id' = any (fresh)));
        end if;
    end if;
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_adopt(jsonb) is
    'Brings waiting jobs of the table jobs that the queue does not know into their lines, in their old order, up to max_jobs (1-1,000) a call; with '
    'dry_run it only says what it would do. docs/reference/rpc.md. Example: select job_queue_adopt(''{"dry_run": true}'')';

revoke all on function job_queue.rows_to_adopt(text[], text[], timestamptz, text, integer), job_queue.as_adopted(jsonb, timestamptz, jsonb),
job_queue.places_to_come(jsonb), public.job_queue_adopt(jsonb) from public, anon, authenticated;
grant execute on function job_queue.rows_to_adopt(text[], text[], timestamptz, text, integer), job_queue.as_adopted(jsonb, timestamptz, jsonb),
job_queue.places_to_come(jsonb), public.job_queue_adopt(jsonb) to service_role;

notify pgrst, 'reload schema';
