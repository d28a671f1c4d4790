-- Private: the outcomes of runs (042) and claims (034). Each job is written once, whatever became of it, only lines where a place came free
-- are looked at, and a claim that finds nothing asks no more than it has to. job_queue.settle_outcomes is used no more; it stays for calls that are under way while this is applied.

create or replace function job_queue.end_runs(
    outcomes jsonb, s public.job_queue_settings, out told jsonb, out ended text[], out back text[]
)
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    words text[];
    has_steps boolean;
    word text;
    now_so text[];
begin
    -- What each outcome comes to for its job: the token decides whether it changes anything.
    with verdicts as materialized (
        select o.n, o.e ->> 'job_id' as job_id, (o.e ->> 'token')::bigint as token,
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
            end as word,
            coalesce(j.status = 'running' and j.token = (o.e ->> 'token')::bigint, false) as changes,
            coalesce((o.e ->> 'retry_at')::timestamptz, moment + make_interval(secs => (o.e ->> 'retry_in_seconds')::numeric)) as at,
            nullif(o.e -> 'result', 'null') as result, o.e ->> 'error' as error, j.ctid as place
        from jsonb_array_elements(outcomes) with ordinality as o (e, n)
        left join public.job_queue_jobs as j on j.job_id = o.e ->> 'job_id'
    ),

    changed as (
        update public.job_queue_jobs as j
        set status = case
                when v.word = 'released' or v.word = 'retry_scheduled' and v.at <= moment then 'waiting'
                when v.word = 'retry_scheduled' then 'delayed'
                else v.word
            end,
            due_at = case when v.word = 'retry_scheduled' and v.at > moment then v.at end,
            waits_since = case when v.word = 'released' then moment when v.word = 'retry_scheduled' then greatest(v.at, moment) else j.waits_since end,
            attempt = j.attempt - (v.word = 'released')::integer,
            finished_at = case when v.word in ('completed', 'failed', 'cancelled') then moment end,
            progress = case when v.word = 'completed' then 100 else j.progress end,
            lease_until = null, result = v.result, error = v.error
        from verdicts as v
        -- It is locked and stays where it is. (By its id, the planner may read all jobs to find these few.)
        where v.changes and j.ctid = v.place
        returning v.n, j.job_id, v.word, j.status, j.job_type = 'workflow' or j.steps is not null as has_steps
    ),

    -- A job that backs off stands in no line; those that come back at once still have their places.
    left_line as (
        -- An array, no join: of an empty table, as the statistics may have it, a join would read every line there is by then.
        delete from public.job_queue_lines as l where l.job_id = any (array(select c.job_id from changed as c where c.status <> 'waiting'))
    )

    select
        (select coalesce(jsonb_agg(jsonb_build_object('job_id', v.job_id, 'token', v.token, 'result', v.word) order by v.n), '[]') from verdicts as v),
        coalesce(array_agg(c.job_id order by c.n), '{}'), array_agg(c.word order by c.n),
        coalesce(array_agg(c.job_id) filter (where c.status = 'waiting'), '{}'), bool_or(c.has_steps)
    into told, ended, words, back, has_steps
    from changed as c;
    if cardinality(ended) = 0 then
        return;
    end if;

    if has_steps then
        -- A step that is done again has its callback again.
        delete from public.job_queue_callbacks as c
        using unnest(ended, words) as v (job_id, word)
        where c.job_id = v.job_id and v.word <> 'released';
    end if;
    if cardinality(back) > 0 then
        perform job_queue.enter(back, s);
    end if;
    if words[1] = all (words) then
        perform job_queue.log_event(ended, words[1]);
        return;
    end if;
    foreach word in array array(select distinct w from unnest(words) as w) loop
        now_so := array(select v.job_id from unnest(ended, words) as v (job_id, w) where v.w = word);
        perform job_queue.log_event(now_so, word);
    end loop;
end;
$$;

comment on function job_queue.end_runs(jsonb, public.job_queue_settings) is
    'Carries out the outcomes of runs whose jobs and lines are locked; returns the answers, the jobs whose run ended and those of them that are in line again. '
    'job_queue.settle must follow.';

create or replace function job_queue.take(
    worker text, at_most integer, handlers jsonb, models text[], lease_seconds numeric
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    found_ids text[];
    free text[];
    taken text[] := '{}';
    passed text[] := '{}';
    before integer;
    -- Those that it has room for; null: any.
    open text[];
begin
    if jsonb_typeof(take.handlers) = 'array' then
        open := array(select jsonb_array_elements_text(take.handlers));
    end if;
    -- What is locked by somebody else is being started or changed by them: it is passed over, never waited for. So is a job
    -- whose row somebody edits, for the next one; each time more are looked at, up to a thousand.
    loop
        if jsonb_typeof(take.handlers) = 'object' then
            open := array(
                select h.key from jsonb_each_text(take.handlers) as h
                where h.value::integer > (
                    select count(*) from public.job_queue_jobs as j where j.job_id = any (taken) and j.handler = h.key)
            );
        end if;
        before := cardinality(taken);
        found_ids := array(
            select j.job_id from public.job_queue_jobs as j
            where j.status = 'waiting' and j.runnable
              and (j.deadline is null or j.deadline >= moment)
              and (open is null or j.handler = any (open))
              and (take.models is null or j.models <@ take.models)
              and j.job_id <> all (passed)
            order by j.line_key, j.seq
            limit greatest(at_most - cardinality(taken), cardinality(passed))
            for no key update skip locked
        );
        free := job_queue.lock_mirrored(found_ids, true);
        taken := (job_queue.within_numbers(take.handlers, taken || free))[1:at_most];
        exit when cardinality(taken) in (at_most, before + cardinality(found_ids)) or cardinality(passed) > 1000;
        passed := passed || found_ids;
    end loop;
    if cardinality(taken) = 0 then
        return '[]';
    end if;
    return job_queue.start_runs(taken, worker, lease_seconds);
end;
$$;

comment on function job_queue.take(text, integer, jsonb, text[], numeric) is
    'Starts the first runnable jobs that this worker can run; the handlers have been looked at. They have their seats, so no line needs a lock.';

create or replace function job_queue.advance(outcomes jsonb, worker text, claim jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    ids text[] := '{}';
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
    told jsonb := '[]';
    back text[];
    leases jsonb := '[]';
    ended text[] := '{}';
    begun text[] := '{}';
    answer jsonb;
begin
    if outcomes <> '[]' then
        ids := array(select e ->> 'job_id' from jsonb_array_elements(outcomes) as e);
        perform job_queue.lock_mirrored(ids, false);
    end if;
    if claim is not null then
        handlers := job_queue.handlers_of(claim -> 'handlers');
        models := job_queue.names_of('models', claim -> 'models');
        if job_queue.anything_due() then
            if exists (select from public.job_queue_arrivals as a where a.late) then
                notes := job_queue.late_notes(100);
                noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
            end if;
            due := job_queue.recoverable(20, look => job_queue.note_worker(worker, handlers, models))
                || job_queue.awaited(handlers, models, 20);
            rated := job_queue.models_due();
        elsif job_queue.note_worker(worker, handlers, models) then
            due := job_queue.recoverable(20, true);
        end if;
        if cardinality(due) > 0 then
            due := array(select unnest(job_queue.lock_mirrored(due, true)) except select unnest(ids));
        end if;
    end if;
    s := job_queue.settings();
    if claim is not null and s.max_overtakes > 0 then
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
        select o.told, o.ended, o.back into told, ended, back from job_queue.end_runs(outcomes, s) as o;
        if cardinality(due) > 0 then
            back := back || job_queue.recover(due, s);
        end if;
        if notes <> '[]' then
            came := job_queue.follow(notes, s, needs);
        end if;
        perform job_queue.settle(needs, back || came);
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
    if leases = '[]' then
        begun := '{}';
    else
        begun := array(select l ->> 'job_id' from jsonb_array_elements(leases) as l);
    end if;
    perform job_queue.mirror(ended || due || noted || begun);
    if job_queue.refresh_state(s, ended || due, cardinality(begun) > 0) then
        perform job_queue.housekeep();
    end if;

    answer := jsonb_build_object('outcomes', told);
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

revoke all on function job_queue.end_runs(jsonb, public.job_queue_settings) from public, anon, authenticated;
grant execute on function job_queue.end_runs(jsonb, public.job_queue_settings) to service_role;

notify pgrst, 'reload schema';
