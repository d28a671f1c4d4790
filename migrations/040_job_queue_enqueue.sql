create or replace function job_queue.under_own_names(jobs jsonb) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    if not exists (
        select from jsonb_array_elements(jobs) as e
        cross join jsonb_array_elements_text(e -> 'models') as m
        join public.job_queue_aliases as a on a.alias = m
        where jsonb_typeof(e) = 'object'
    ) then
        return jobs;
    end if;
    return (
        select jsonb_agg(e || jsonb_build_object(
            'models', to_jsonb(job_queue.own_names(e -> 'models')),
            'steps', case when jsonb_typeof(e -> 'steps') = 'array' then (
                select jsonb_agg(t.step || jsonb_build_object('models', to_jsonb(job_queue.own_names(t.step -> 'models'))) order by t.k)
                from jsonb_array_elements(e -> 'steps') with ordinality as t (step, k)
            ) end
        ) order by g.n)
        from jsonb_array_elements(jobs) with ordinality as g (e, n)
    );
end;
$$;

comment on function job_queue.under_own_names(jsonb) is 'Checked jobs, with the models that their names stand for now.';

create or replace function job_queue.insert_new(jobs jsonb, s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    -- Under the locks, so that nobody who enters later in any of these lines can have an earlier key.
    moment timestamptz := clock_timestamp();
    fresh text[];
begin
    with inserted as (
        insert into public.job_queue_jobs (
            job_id, job_type, handler, models, needs, holding, steps, status, priority, entered_at, waits_since, line_key, seq,
            due_at, deadline,
            attempt, attempts_before, max_attempts, payload, error
        )
        select n.job_id, n.job_type, n.handler, n.models, job_queue.needs_of(n.models, n.holding, n.steps, 0), n.holding, n.steps,
            case when n.run_at > moment then 'delayed' else 'waiting' end,
            n.priority, n.entered_at, greatest(n.entered_at, n.run_at), n.entered_at - n.priority * s.priority_step, n.seq,
            case when n.run_at > moment then n.run_at end, n.deadline, n.attempt, n.attempt, n.max_attempts, n.payload, n.error
        from (
            select e ->> 'job_id' as job_id, e ->> 'job_type' as job_type, e ->> 'handler' as handler,
                array(select jsonb_array_elements_text(e -> 'models')) as models,
                e ->> 'holding' as holding, nullif(e -> 'steps', 'null') as steps,
                (e ->> 'priority')::integer as priority, (e ->> 'run_at')::timestamptz as run_at,
                (e ->> 'deadline')::timestamptz as deadline,
                (e ->> 'max_attempts')::integer as max_attempts, nullif(e -> 'payload', 'null') as payload,
                -- Of a job that another system had in line (091): since when, and what has become of it there.
                least(coalesce((e ->> 'entered_at')::timestamptz, moment), moment) as entered_at,
                coalesce((e ->> 'attempt')::integer, 0) as attempt, e ->> 'error' as error,
                nextval('public.job_queue_line_seq') as seq
            from jsonb_array_elements(jobs) with ordinality as t (e, n)
            order by t.n
        ) as n
        -- Numbered as given, written by id: two callers with the same new jobs in other orders must not wait for each other.
        order by n.job_id
        on conflict (job_id) do nothing
        returning job_id
    )

    select coalesce(array_agg(e.job_id), '{}') into fresh from inserted as e;
    if jobs @> '[{"job_type": "workflow"}]' then
        perform job_queue.adopt(fresh, jobs);
    end if;
    perform job_queue.enter(array(
        select j.job_id from public.job_queue_jobs as j where j.job_id = any (fresh) and j.status = 'waiting'
    ), s);
    return fresh;
end;
$$;

comment on function job_queue.insert_new(jsonb, public.job_queue_settings) is
    'Puts those of the checked jobs that are not known yet in their locked lines; returns their ids. job_queue.settle must follow.';

create or replace function job_queue.enter_new(jobs jsonb, asked boolean default false, notes jsonb default '[]') returns text[]
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    ids text[] := array(select e ->> 'job_id' from jsonb_array_elements(jobs) as e);
    noted text[] := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
    noted_models text[];
    needs text[];
    fresh text[];
    due text[];
    entered text[];
    came text[] := '{}';
    rated text[];
begin
    perform job_queue.lock_mirrored(ids || noted, false);
    -- Those that came before and could not enter then, enter first.
    if exists (select from public.job_queue_arrivals as a where a.late) then
        notes := job_queue.late_notes(100) || notes;
    end if;
    -- A job that is asked for has somebody to run it: it comes back, and is not set aside.
    due := array(
        select u.id from unnest(job_queue.lock_mirrored(job_queue.recoverable(20, asked), true)) as u (id)
        where not asked or u.id <> all (ids) or not exists (
            select from public.job_queue_jobs as j where j.job_id = u.id and j.runnable)
        union
        select j.job_id from public.job_queue_jobs as j
        where asked and j.job_id = any (ids)
          and (j.skipped or j.status in ('waiting', 'delayed') and j.deadline < clock_timestamp())
    );
    s := job_queue.settings();
    -- A name may have become an alias since it was checked (a user's transaction may be long); from here on none can.
    jobs := job_queue.under_own_names(jobs);
    if notes <> '[]' then
        notes := job_queue.notes_under_own_names(notes);
    end if;
    rated := job_queue.models_due();
    needs := job_queue.lines_of(array(
        select distinct m from jsonb_array_elements(jobs) as e
        cross join jsonb_array_elements_text(e -> 'models') as m
        -- A finished one may be removed at this instant, and is new then.
        where not exists (select from public.job_queue_jobs as j
                          where j.job_id = e ->> 'job_id' and j.status not in ('completed', 'failed', 'cancelled'))
        union
        -- Known ones too: their rows are waited for, or shown as they are, under the locks of their lines only.
        select unnest(j.models) from public.job_queue_jobs as j where j.job_id = any (due || ids)
    ), s) || rated;
    if notes <> '[]' then
        noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
        noted_models := job_queue.models_of(notes);
        -- Their models were let in when they were noted, whatever the setting is now.
        -- (Otherwise job_queue.lock_models creates them, in one go with the others and so in order.)
        if s.unknown_models = 'refuse' then
            insert into public.job_queue_models (model, capacity)
            select n, s.default_capacity from unnest(noted_models) as n order by n collate "C"
            on conflict (model) do nothing;
        end if;
        needs := needs || noted_models;
    end if;
    perform job_queue.lock_models(needs, s);
    if cardinality(due || noted) > 0 then
        perform from public.job_queue_jobs as j where j.job_id = any (due || noted) order by j.job_id for no key update;
        came := job_queue.follow(notes, s, needs);
        entered := job_queue.recover(due, s);
    end if;

    fresh := job_queue.insert_new(jobs, s);
    if cardinality(fresh || due || rated || noted) > 0 then
        perform job_queue.settle(needs, came || fresh || entered);
    end if;
    if cardinality(came) > 0 then
        perform job_queue.log_event(came, 'queued');
        if notes @> '[{"job": {"job_type": "workflow"}}]' then
            perform job_queue.add_executions(came);
        end if;
    end if;
    if cardinality(due || noted) > 0 then
        perform job_queue.mirror(due || noted);
    end if;
    return fresh;
end;
$$;

comment on function job_queue.enter_new(jsonb, boolean, jsonb) is
    'Puts checked jobs (job_queue.check_job) that are not known yet in line, under the locks of all their models; returns their ids. On the way it '
    'follows notes of the rows of jobs, takes back dead leases and lets due jobs in. asked: somebody asks for these very jobs, known ones too.';

create or replace function job_queue.check_job(job jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    given text;
    unrestricted boolean := job_queue.flag_of('unrestricted', job -> 'unrestricted', false);
    steps jsonb;
    models jsonb := job -> 'models';
begin
    perform job_queue.check_keys('A job', job,
        '{job_id,job_type,handler,models,steps,holding,unrestricted,priority,run_at,deadline,max_attempts,payload,row}');
    if jsonb_typeof(coalesce(job -> 'job_id', '""')) <> 'string' then
        perform job_queue.refuse('JQ001', 'The job id is not text.', 'Give every job an id of 1 to 200 characters.');
    end if;
    perform job_queue.check_job_id(job ->> 'job_id');
    if jsonb_typeof(job -> 'steps') <> 'null' then
        if jsonb_typeof(models) <> 'null' then
            perform job_queue.refuse('JQ002', 'The job names models and steps.', 'Leave out the models: they are those of its steps.');
        end if;
        steps := job_queue.check_steps(job -> 'steps');
        models := (
            select coalesce(jsonb_agg(d.m order by d.n), '[]')
            from (select m, min(n) as n from jsonb_path_query(steps, '$[*].models[*]') with ordinality as t (m, n) group by m) as d
        );
    elsif jsonb_typeof(job -> 'holding') <> 'null' then
        perform job_queue.refuse('JQ007', 'The job has a holding rule and no steps.', 'Name its steps, or leave the holding rule out.');
    end if;
    if coalesce(job ->> 'holding', 'whole_run') not in ('whole_run', 'release_as_used', 'per_step') then
        perform job_queue.refuse('JQ007', format('The holding rule "%s" is unknown.', left(job ->> 'holding', 40)),
                                 'Use whole_run, release_as_used or per_step.');
    end if;
    given := coalesce(job ->> 'job_type', case when steps is null then 'normal' else 'workflow' end);
    return jsonb_build_object(
        'job_id', job ->> 'job_id',
        'job_type', job_queue.check_job_type(given),
        'handler', job_queue.check_name('The handler', coalesce(job ->> 'handler', given), 'JQ003'),
        'models', to_jsonb(job_queue.check_models(models, unrestricted)),
        'steps', steps, 'holding', case when steps is not null then coalesce(job ->> 'holding', 'whole_run') end,
        'priority', job_queue.whole_number_of('The priority', job -> 'priority', -100, 100, 0),
        'run_at', job_queue.time_of('run_at', job -> 'run_at'),
        'deadline', job_queue.time_of('deadline', job -> 'deadline'),
        'max_attempts', job_queue.whole_number_of('max_attempts', job -> 'max_attempts', 1, 100, 3),
        'payload', job_queue.check_size('The payload', job -> 'payload')
    );
end;
$$;

comment on function job_queue.check_job(jsonb) is 'A new job with its defaults filled in; refuses what is not one.';

create or replace function job_queue.insert_row(id text, given jsonb) returns void
language plpgsql
set search_path = ''
as $$
declare
    columns text;
begin
    if to_regclass('public.jobs') is null then
        perform job_queue.refuse('JQ007', 'There is no table jobs to put a row in.', 'Leave the row out: the queue needs none.');
    end if;
    perform job_queue.check_keys('row', given, array(
        select a.attname from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass('public.jobs') and a.attnum > 0 and not a.attisdropped
          and a.attname <> 'required_models'
    ));
    given := given || jsonb_build_object('job_id', id);
    select string_agg(format('%I', k), ', ') into columns from jsonb_object_keys(given) as k;
    execute format('insert into public.jobs (%1$s) select %1$s from jsonb_populate_record(null::public.jobs, $1) '
                   'on conflict (job_id) do nothing', columns) using given;
end;
$$;

comment on function job_queue.insert_row(text, jsonb) is 'Creates the jobs row that an enqueue asks for, unless it is there.';

create or replace function public.job_queue_enqueue(jobs jsonb, options jsonb default '{}') returns jsonb
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
    checked jsonb := '[]';
    job jsonb;
    fresh text[];
    places jsonb;
begin
    perform job_queue.check_keys('options', options, '{request_id}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    if jobs is null or jsonb_typeof(jobs) <> 'array' or jsonb_array_length(jobs) not between 1 and 1000 then
        perform job_queue.refuse('JQ007', 'The jobs are not an array of 1 to 1,000 jobs.', 'Send larger batches in parts.');
    end if;

    select jsonb_agg(job_queue.check_job(e) order by n) into checked from jsonb_array_elements(jobs) with ordinality as t (e, n);
    if (select count(distinct e ->> 'job_id') from jsonb_array_elements(checked) as e) < jsonb_array_length(checked) then
        perform job_queue.refuse('JQ001', 'The same job id is twice in one call.', 'Give each job an id of its own.');
    end if;
    for job in
        select e from jsonb_array_elements(jobs) as e where jsonb_typeof(e -> 'row') <> 'null' order by e ->> 'job_id'
    loop
        perform job_queue.insert_row(job ->> 'job_id', job -> 'row');
    end loop;

    fresh := job_queue.enter_new(checked);
    perform job_queue.log_event(fresh, 'queued');
    if checked @> '[{"job_type": "workflow"}]' then
        perform job_queue.add_executions(fresh);
    end if;
    -- A row that was created for a job known before says what that job is now.
    perform job_queue.mirror(fresh || array(
        select e ->> 'job_id' from jsonb_array_elements(jobs) as e where jsonb_typeof(e -> 'row') <> 'null'
    ));

    -- Asked once for all: joined below, it would be asked anew for each job.
    select coalesce(jsonb_object_agg(p.job_id, to_jsonb(p) - 'job_id'), '{}') into places
    from job_queue.places(array(select e ->> 'job_id' from jsonb_array_elements(checked) as e)) as p;
    select jsonb_build_object('jobs', jsonb_agg(
        jsonb_build_object(
            'job_id', j.job_id, 'result', case when j.job_id = any (fresh) then 'entered' else 'exists' end, 'status', j.status,
            'queue_position', null, 'blocked_by_job_id', null, 'conflict_reason', null
        ) || coalesce(places -> j.job_id, '{}')
    order by t.n)) into answer
    from jsonb_array_elements(checked) with ordinality as t (e, n)
    join public.job_queue_jobs as j on j.job_id = t.e ->> 'job_id';
    perform job_queue.recheck_state();
    return job_queue.remember(options ->> 'request_id', answer);
end;
$$;

comment on function public.job_queue_enqueue(jsonb, jsonb) is
    'Puts 1-1,000 jobs in line, all or none; a job known already keeps its place. docs/reference/rpc.md. Example: '
    'select job_queue_enqueue(''[{"job_id": "job-42", "models": ["motion-2.0-fast"]}]'')';

notify pgrst, 'reload schema';
