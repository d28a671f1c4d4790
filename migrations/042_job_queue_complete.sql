create or replace function job_queue.verdicts(outcomes jsonb, moment timestamptz) returns table (
    n bigint, job_id text, token bigint, verdict text, changes boolean, retry_at timestamptz, result jsonb, error text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select o.n, o.e ->> 'job_id', (o.e ->> 'token')::bigint,
        case
            when j.job_id is null then 'unknown_job'
            -- The same outcome again, without a request id to know it by.
            when j.token = (o.e ->> 'token')::bigint and j.status = 'completed' and o.e ->> 'outcome' = 'complete' then 'completed'
            when j.token = (o.e ->> 'token')::bigint and j.status = 'failed' and o.e ->> 'outcome' = 'fail' then 'failed'
            when j.status <> 'running' then 'not_running'
            when j.token <> (o.e ->> 'token')::bigint then 'stale'
            when o.e ->> 'outcome' = 'complete' then 'completed'
            when j.cancel_requested_at is not null then 'cancelled'
            when o.e ->> 'outcome' = 'fail' then 'failed'
            when o.e ->> 'outcome' = 'release' then 'released'
            when j.attempt >= j.max_attempts then 'failed'
            else 'retry_scheduled'
        end,
        coalesce(j.status = 'running' and j.token = (o.e ->> 'token')::bigint, false),
        coalesce((o.e ->> 'retry_at')::timestamptz, moment + make_interval(secs => (o.e ->> 'retry_in_seconds')::numeric)),
        o.e -> 'result', o.e ->> 'error'
    from jsonb_array_elements(outcomes) with ordinality as o (e, n)
    left join public.job_queue_jobs as j on j.job_id = o.e ->> 'job_id';
end;
$$;

comment on function job_queue.verdicts(jsonb, timestamptz) is 'What each outcome comes to for its (locked) job: the token decides whether it changes anything.';

create or replace function job_queue.settle_outcomes(outcomes jsonb, s public.job_queue_settings) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    verdicts jsonb;
    retried text[];
    released text[];
    delayed text[];
    kind record;
begin
    select coalesce(jsonb_agg(to_jsonb(v) order by v.n), '[]') into verdicts from job_queue.verdicts(outcomes, moment) as v;

    update public.job_queue_jobs as j
    set result = nullif(v.result, 'null'), error = v.error
    from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean, result jsonb, error text)
    where j.job_id = v.job_id and v.changes;

    for kind in
        select v.verdict, array_agg(v.job_id) as ids
        from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean, verdict text)
        where v.changes and v.verdict in ('completed', 'failed', 'cancelled') group by v.verdict
    loop
        perform job_queue.leave(kind.ids, kind.verdict);
    end loop;

    select coalesce(array_agg(v.job_id) filter (where v.verdict = 'retry_scheduled'), '{}'),
        coalesce(array_agg(v.job_id) filter (where v.verdict = 'released'), '{}'),
        coalesce(array_agg(v.job_id) filter (where v.verdict = 'retry_scheduled' and v.retry_at > moment), '{}')
    into retried, released, delayed
    from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean, verdict text, retry_at timestamptz)
    where v.changes;

    if cardinality(retried || released) > 0 then
        update public.job_queue_jobs as j
        set status = case when j.job_id = any (delayed) then 'delayed' else 'waiting' end,
            due_at = case when j.job_id = any (delayed) then v.retry_at end,
            attempt = case when v.verdict = 'released' then j.attempt - 1 else j.attempt end,
            lease_until = null,
            waits_since = case when j.job_id = any (delayed) then v.retry_at else moment end
        from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean, verdict text, retry_at timestamptz)
        where j.job_id = v.job_id and v.changes and j.job_id = any (retried || released);
        -- The step is done again, and with it what it waits for.
        delete from public.job_queue_callbacks as c where c.job_id = any (retried);
        -- A job that backs off stands in no line; the others still have their places.
        delete from public.job_queue_lines as l where l.job_id = any (delayed);
        perform job_queue.enter(array(select unnest(retried || released) except select unnest(delayed)), s);
        perform job_queue.log_event(retried, 'retry_scheduled');
        perform job_queue.log_event(released, 'released');
    end if;
    return verdicts;
end;
$$;

comment on function job_queue.settle_outcomes(jsonb, public.job_queue_settings) is
    'Carries out the outcomes of runs whose jobs and lines are locked; returns the verdicts. job_queue.settle must follow.';

create or replace function job_queue.advance(outcomes jsonb, worker text, claim jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    ids text[] := array(select e ->> 'job_id' from jsonb_array_elements(outcomes) as e);
    due text[] := '{}';
    notes jsonb := '[]';
    noted text[] := '{}';
    came text[] := '{}';
    rated text[] := '{}';
    behind text[] := '{}';
    handlers text[];
    models text[];
    id text;
    passed text[];
    needs text[];
    verdicts jsonb := '[]';
    back text[];
    leases jsonb := '[]';
    ended text[];
    begun text[];
    answer jsonb;
begin
    perform job_queue.lock_mirrored(ids, false);
    if claim is not null then
        handlers := job_queue.handlers_of(claim -> 'handlers');
        models := job_queue.names_of('models', claim -> 'models');
        if exists (select from public.job_queue_arrivals as a where a.late) then
            notes := job_queue.late_notes(100);
            noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
        end if;
        due := job_queue.recoverable(20, look => job_queue.note_worker(worker, handlers, models))
            || job_queue.awaited(handlers, models, 20);
        due := array(select unnest(job_queue.lock_mirrored(due, true)) except select unnest(ids));
        rated := job_queue.models_due();
    end if;
    s := job_queue.settings();
    if claim is not null then
        behind := job_queue.lock_mirrored(job_queue.lendable(handlers, models, s.max_overtakes, ids || due, rated), true);
    end if;

    if cardinality(ids || due || noted || rated || behind) > 0 then
        needs := job_queue.lines_of(array(
            select distinct unnest(j.models) from public.job_queue_jobs as j where j.job_id = any (ids || due || behind)
        ), s) || rated;
        if notes <> '[]' then
            -- Their models are known, or were let in when they were noted.
            notes := job_queue.notes_under_own_names(notes);
            needs := needs || job_queue.models_of(notes);
            s.unknown_models := 'create';
        end if;
        perform job_queue.lock_models(needs, s);
        perform from public.job_queue_jobs as j where j.job_id = any (ids || due || noted) order by j.job_id for no key update;
        verdicts := job_queue.settle_outcomes(outcomes, s);
        back := job_queue.recover(due, s);
        came := job_queue.follow(notes, s, needs);
        ended := array(
            select v.job_id from jsonb_to_recordset(verdicts) as v (job_id text, changes boolean) where v.changes
        );
        perform job_queue.settle(needs, ended || back || came);
        if cardinality(came) > 0 then
            perform job_queue.log_event(came, 'queued');
        end if;
    end if;

    if claim is not null and not s.paused then
        leases := job_queue.take(worker, (claim ->> 'max_jobs')::integer, claim -> 'handlers', models, (claim ->> 'lease_seconds')::numeric);
        foreach id in array behind loop
            exit when jsonb_array_length(leases) >= (claim ->> 'max_jobs')::integer;
            begun := array(select l ->> 'job_id' from jsonb_array_elements(leases) as l) || id;
            continue when cardinality(job_queue.within_numbers(claim -> 'handlers', begun)) < cardinality(begun);
            passed := job_queue.lend(id, s);
            if passed is not null then
                leases := leases || job_queue.start_runs(array[id], worker, (claim ->> 'lease_seconds')::numeric,
                                                         jsonb_build_object('passed', to_jsonb(passed)));
            end if;
        end loop;
    end if;
    begun := array(select l ->> 'job_id' from jsonb_array_elements(leases) as l);
    perform job_queue.mirror(ended || due || noted || begun);
    if job_queue.refresh_state(s, ended || due, cardinality(begun) > 0) then
        perform job_queue.housekeep();
    end if;

    select jsonb_build_object('outcomes', coalesce(
        jsonb_agg(jsonb_build_object('job_id', v.job_id, 'token', v.token, 'result', v.verdict) order by v.n), '[]'
    )) into answer
    from jsonb_to_recordset(verdicts) as v (n bigint, job_id text, token bigint, verdict text);
    if claim is not null then
        answer := answer || jsonb_build_object('leases', leases, 'next_due_at', least(
            (select min(j.due_at) from public.job_queue_jobs as j where j.status = 'delayed' and j.due_at < 'infinity'),
            (select min(j.lease_until) from public.job_queue_jobs as j where j.status = 'running'),
            (select min(m.next_start_at) from public.job_queue_models as m where m.next_start_at is not null)
        ));
    end if;
    return answer;
end;
$$;

comment on function job_queue.advance(jsonb, text, jsonb) is
    'One step of a worker: carries out checked outcomes and, with a claim, takes back dead leases, lets due jobs in and starts the next jobs.';

create or replace function job_queue.check_claim(claim jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    perform job_queue.check_keys('claim', claim, '{max_jobs,handlers,models,lease_seconds}');
    perform job_queue.handlers_of(claim -> 'handlers');
    perform job_queue.names_of('models', claim -> 'models');
    return claim || jsonb_build_object(
        'max_jobs', job_queue.whole_number_of('max_jobs', claim -> 'max_jobs', 1, 1000, 1),
        'lease_seconds', job_queue.number_of('The lease time in seconds', claim -> 'lease_seconds', 1, 3600, 30, 'JQ004'));
end;
$$;

comment on function job_queue.check_claim(jsonb) is 'A claim with its defaults filled in; refuses what is not one.';

create or replace function job_queue.check_outcome(outcome jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    perform job_queue.check_keys('An outcome', outcome, '{job_id,token,outcome,result,error,retry_at,retry_in_seconds}');
    perform job_queue.check_job_id(outcome ->> 'job_id');
    if coalesce(outcome ->> 'outcome', '') not in ('complete', 'fail', 'retry', 'release') then
        perform job_queue.refuse('JQ007', format('The outcome "%s" is unknown.', left(outcome ->> 'outcome', 40)),
                                 'Use complete, fail, retry or release.');
    end if;
    perform job_queue.check_token(outcome -> 'token');
    return jsonb_build_object(
        'job_id', outcome ->> 'job_id', 'token', outcome -> 'token', 'outcome', outcome ->> 'outcome',
        'result', job_queue.check_size('The result', outcome -> 'result'), 'error', left(outcome ->> 'error', 10000),
        'retry_at', job_queue.time_of('retry_at', outcome -> 'retry_at'),
        'retry_in_seconds', job_queue.number_of('retry_in_seconds', outcome -> 'retry_in_seconds', 0, 31536000, 0));
end;
$$;

comment on function job_queue.check_outcome(jsonb) is 'The outcome of a run with its defaults filled in; refuses what is not one.';

create or replace function public.job_queue_complete(outcomes jsonb, options jsonb default '{}') returns jsonb
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
    worker text;
    claim jsonb;
    checked jsonb;
begin
    perform job_queue.check_keys('options', options, '{request_id,worker_id,claim}');
    answer := job_queue.first_answer(options ->> 'request_id');
    if answer is not null then
        return answer;
    end if;
    if outcomes is null or jsonb_typeof(outcomes) <> 'array' or jsonb_array_length(outcomes) > 1000 then
        perform job_queue.refuse('JQ007', 'The outcomes are not an array of at most 1,000 outcomes.', 'Send larger batches in parts.');
    end if;
    worker := job_queue.check_name('The worker id', coalesce(options ->> 'worker_id', 'direct'));
    if jsonb_typeof(options -> 'claim') <> 'null' then
        claim := job_queue.check_claim(options -> 'claim');
    end if;
    select coalesce(jsonb_agg(job_queue.check_outcome(e) order by n), '[]') into checked
    from jsonb_array_elements(outcomes) with ordinality as t (e, n);
    if (select count(distinct e ->> 'job_id') from jsonb_array_elements(checked) as e) < jsonb_array_length(checked) then
        perform job_queue.refuse('JQ007', 'The same job is twice in one call.', 'A job has one outcome.');
    end if;

    return job_queue.remember(options ->> 'request_id', job_queue.advance(checked, worker, claim));
end;
$$;

comment on function public.job_queue_complete(jsonb, jsonb) is
    'Ends runs (complete, fail, retry, release), each under the token of its lease, and with options.claim starts the next jobs in the same transaction. '
    'docs/reference/rpc.md. Example: select job_queue_complete(''[{"job_id": "job-42", "token": 7, "outcome": "complete"}]'')';

notify pgrst, 'reload schema';
