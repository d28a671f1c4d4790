-- Private: the row in workflow_executions that each workflow has, and what it takes over of one that another system began.
--
-- One row a job, though nothing in the table says so: it is made by whoever inserted the job into job_queue_jobs, whose key it is, or
-- by a start, which has the job locked; each looks first whether there is one.

create or replace function job_queue.checkpoint_of(steps jsonb, step integer, output jsonb, saved_at timestamptz) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return jsonb_build_object(
        'step_name', steps #>> array[step::text, 'name'], 'status', 'completed', 'output', output, 'completed_at', saved_at);
end;
$$;

comment on function job_queue.checkpoint_of(jsonb, integer, jsonb, timestamptz) is 'A checkpoint as the predecessor kept it.';

create or replace function job_queue.mirrored_executions(ids text[]) returns table (
    job_id text, handler text, status text, required_models jsonb, blocked_by_job_id text, current_step integer, current_step_model text,
    total_steps integer, retry_count integer, error_info jsonb
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select m.job_id, j.handler, m.status, m.required_models, m.blocked_by_job_id,
        case when j.steps is not null or j.current_step > 0 then j.current_step end,
        case when m.status not in ('completed', 'failed', 'cancelled') then j.steps #>> array[j.current_step::text, 'models', '0'] end,
        jsonb_array_length(j.steps), greatest(j.attempt - 1, 0),
        case when j.error is not null and m.status <> 'running' then jsonb_build_object(
            'error', j.error, 'failed_step', j.steps #>> array[j.current_step::text, 'name'], 'failed_step_index', j.current_step,
            'model', j.steps #>> array[j.current_step::text, 'models', '0'], 'attempt', j.attempt, 'last_attempt', clock_timestamp()
        ) end
    from job_queue.mirrored(array(
        select k.job_id from public.job_queue_jobs as k where k.job_id = any (ids) and k.job_type = 'workflow'
    )) as m
    join public.job_queue_jobs as j on j.job_id = m.job_id;
end;
$$;

comment on function job_queue.mirrored_executions(text[]) is
    'What the mirrored columns of the executions of those of these jobs that are workflows say; null: what the row says already.';

create or replace function job_queue.checkpoints_to_begin_with(id text) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select case when j.payload is null then '{}' else jsonb_build_object('_input', j.payload) end || coalesce((
            select jsonb_object_agg(c.step, job_queue.checkpoint_of(j.steps, c.step, c.output, c.saved_at))
            from public.job_queue_checkpoints as c where c.job_id = j.job_id), '{}')
        from public.job_queue_jobs as j where j.job_id = id
    );
end;
$$;

comment on function job_queue.checkpoints_to_begin_with(text) is 'The checkpoints of a row that is only now made: the input and the steps done already.';

create or replace function job_queue.add_executions(ids text[]) returns void
language plpgsql
set search_path = ''
-- A new row waits for whoever has its user locked, and nobody may wait for that with lines locked.
set lock_timeout = '200ms'
as $$
declare
    state text;
    message text;
begin
    ids := array(select j.job_id from public.job_queue_jobs as j where j.job_id = any (ids) and j.job_type = 'workflow');
    begin
        perform job_queue.insert_executions(ids);
        return;
    exception when others then
        state := sqlstate;
        message := sqlerrm;
    end;
    if state like '42%' then
        perform job_queue.adapt_if_changed();
    end if;
    for n in 1..cardinality(ids) loop
        if state is distinct from '55P03' then
            begin
                perform job_queue.insert_executions(ids[n:n]);
                continue;
            exception when others then
                state := sqlstate;
                message := sqlerrm;
            end;
        end if;
        -- Under a code that is no reason to try the whole call again: the next start makes the row.
        perform job_queue.mirror_failed('workflow_executions', ids[n:n], case state when '55P03' then '55006' else state end, message);
    end loop;
end;
$$;

comment on function job_queue.add_executions(text[]) is
    'Makes the executions of those of these locked or new jobs that are workflows and have none, and adds the input to those that lack it. A table '
    'that refuses stops nothing.';

create or replace function job_queue.steps_done(checkpoints jsonb) returns integer
language plpgsql
immutable
set search_path = ''
as $$
declare
    done integer := 0;
    c jsonb;
begin
    if jsonb_typeof(checkpoints) is distinct from 'object' then
        return 0;
    end if;
    while done < 100 loop
        c := checkpoints -> done::text;
        exit when c is null or jsonb_typeof(c) = 'object' and c ? 'status' and c ->> 'status' is distinct from 'completed';
        done := done + 1;
    end loop;
    return done;
end;
$$;

comment on function job_queue.steps_done(jsonb) is 'How many steps from the first on these checkpoints of an execution say are done.';

create or replace function job_queue.adopt(ids text[], jobs jsonb) returns void
language plpgsql
set search_path = ''
as $$
declare
    e record;
begin
    ids := array(
        select j ->> 'job_id' from jsonb_array_elements(jobs) as j where j ->> 'job_type' = 'workflow' and j ->> 'job_id' = any (ids)
    );
    for e in
        -- Of several rows the one that has come furthest, of equals the latest.
        select distinct on (x.job_id) x.job_id, x.execution -> 'checkpoints' as checkpoints,
            least(job_queue.steps_done(x.execution -> 'checkpoints'), jsonb_array_length(j.steps)) as done
        from job_queue.executions_of(ids) as x
        join public.job_queue_jobs as j on j.job_id = x.job_id
        order by x.job_id, job_queue.steps_done(x.execution -> 'checkpoints') desc, x.execution ->> 'updated_at' desc nulls last
    loop
        insert into public.job_queue_checkpoints (job_id, step, output)
        select e.job_id, n, case when jsonb_typeof(c) = 'object' and c ? 'status' then c -> 'output' else c end
        from generate_series(0, e.done - 1) as n
        cross join lateral (select e.checkpoints -> n::text as c) as v;
        update public.job_queue_jobs as j
        set current_step = e.done, needs = job_queue.needs_of(j.models, j.holding, j.steps, e.done),
            payload = coalesce(j.payload, case when jsonb_typeof(e.checkpoints) = 'object' then nullif(e.checkpoints -> '_input', 'null') end)
        where j.job_id = e.job_id;
    end loop;
end;
$$;

comment on function job_queue.adopt(text[], jsonb) is
    'Those of these new jobs that are workflows, and that another system began, go on after the checkpoints in their executions.';

create or replace function job_queue.give_steps(j public.job_queue_jobs, steps jsonb) returns public.job_queue_jobs
language plpgsql
set search_path = ''
as $$
declare
    unknown text;
begin
    if j.steps is not null or coalesce(jsonb_typeof(give_steps.steps), 'null') = 'null' then
        return j;
    end if;
    steps := job_queue.under_own_names(jsonb_build_array(jsonb_build_object(
        'models', jsonb_path_query_array(job_queue.check_steps(give_steps.steps), '$[*].models[*]'),
        'steps', job_queue.check_steps(give_steps.steps)
    ))) -> 0 -> 'steps';
    select m #>> '{}' into unknown from jsonb_path_query(steps, '$[*].models[*]') as m where m #>> '{}' <> all (j.models) limit 1;
    if found then
        perform job_queue.refuse('JQ002', format('A step needs the model "%s", which the job does not hold.', left(unknown, 200)),
            format('It holds %s; a job whose steps are given late needs all their models from the start.', to_jsonb(j.models)));
    end if;
    update public.job_queue_jobs as k
    set steps = give_steps.steps, holding = 'whole_run', current_step = least(k.current_step, jsonb_array_length(give_steps.steps))
    where k.job_id = j.job_id
    returning k.* into j;
    return j;
end;
$$;

comment on function job_queue.give_steps(public.job_queue_jobs, jsonb) is
    'Gives a locked job that came without steps the ones that its worker knows; it holds its models as before. A job that has steps keeps them.';

notify pgrst, 'reload schema';
