-- Private: the transitions of a job. Each writes exactly one event per job in the same transaction.

-- The ids grow with time (the form of version 7): random ones would touch a page of the key's index each, all over a large log.
create or replace function job_queue.log_event(
    ids text[], event text, extra jsonb default '{}'
) returns void
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    ends_run boolean := event in ('retry_scheduled', 'lease_expired') or event = 'released' and not extra ? 'released_models';
    ends boolean := event in ('completed', 'failed', 'cancelled', 'expired');
begin
    insert into public.job_queue_log (id, job_id, job_type, event_type, models, blocked_by_job_id, conflict_reason, metadata, created_at)
    select
        encode(set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from moment) * 1000)::bigint) from 3) from 1 for 6
        ), 52, 1), 53, 1), 'hex')::uuid,
        j.job_id, j.job_type, event, to_jsonb(j.models), p.blocked_by_job_id, p.conflict_reason,
        jsonb_strip_nulls(jsonb_build_object(
            'status', j.status, 'handler', j.handler, 'attempt', j.attempt, 'token', j.token, 'worker_id', j.worker_id,
            'error', left(j.error, 500),
            'holding', j.holding, 'current_step', case when j.steps is not null then j.current_step end,
            'needs', case when j.needs <> j.models then to_jsonb(j.needs) end,
            'due_at', case when j.status = 'delayed' then j.due_at end,
            -- Seconds. A job that ends was running if it started after it last began to wait.
            'waited', case when event = 'started' or ends and (j.started_at >= j.waits_since) is not true
                then greatest(round(extract(epoch from moment - j.waits_since), 3), 0) end,
            'ran', case when ends_run or ends and j.started_at >= j.waits_since
                then round(extract(epoch from moment - j.started_at), 3) end
        )) || extra,
        clock_timestamp()
    from public.job_queue_jobs as j
    left join job_queue.blockers(case when event in ('queued', 'blocked') then ids end) as p on p.job_id = j.job_id
    where j.job_id = any (ids)
    order by j.line_key, j.seq;
end;
$$;

comment on function job_queue.log_event(text[], text, jsonb) is
    'Writes one event of each job to job_queue_log, with what it is now (docs/reference/events.md).';

create or replace function job_queue.caller() returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
begin
    return coalesce(claims ->> 'sub', claims ->> 'role', session_user);
end;
$$;

comment on function job_queue.caller() is 'Whose key this call came with: the user or the role of the key, or the database user.';

create or replace function job_queue.log_change(event text, models text[], before jsonb, after jsonb) returns void
language plpgsql
set search_path = ''
as $$
begin
    -- Only what changed; nothing changed is no event.
    select jsonb_object_agg(b.key, b.value), jsonb_object_agg(b.key, after -> b.key) into before, after
    from jsonb_each(before) as b where b.value is distinct from after -> b.key;
    if before is not null then
        insert into public.job_queue_log (job_id, job_type, event_type, models, metadata, created_at)
        values ('', 'normal', event, to_jsonb(models), jsonb_build_object(
            'before', before, 'after', after, 'by', job_queue.caller()
        ), clock_timestamp());
    end if;
end;
$$;

comment on function job_queue.log_change(text, text[], jsonb, jsonb) is
    'Writes the event of an operator''s change, of no job (the empty id): what it was, what it is, and whose key did it.';

create or replace function job_queue.callback_of(j public.job_queue_jobs) returns jsonb
language sql
stable
set search_path = ''
as $$
    select jsonb_build_object('step', c.step, 'token', c.token, 'until', c.until, 'note', c.note)
        || case
            when c.received_at is not null then jsonb_build_object('payload', c.payload, 'received_at', c.received_at)
            when c.until <= clock_timestamp() then '{"timed_out": true}'
            else '{}'
        end
    from public.job_queue_callbacks as c where c.job_id = j.job_id and c.step = j.current_step;
$$;

comment on function job_queue.callback_of(public.job_queue_jobs) is 'The callback that the current step of a job waits for, or has had; null where there is none.';

create or replace function job_queue.lease(j public.job_queue_jobs) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'models', to_jsonb(j.models),
        'attempt', j.attempt, 'max_attempts', j.max_attempts, 'token', j.token, 'worker_id', j.worker_id,
        'lease_seconds', round(extract(epoch from j.lease_until - j.started_at), 3), 'lease_until', j.lease_until,
        'queued_at', j.entered_at, 'started_at', j.started_at, 'payload', j.payload
    ) || case when j.steps is null then '{}' else jsonb_build_object('holding', j.holding, 'steps', j.steps) end
    || case when j.steps is null and j.current_step = 0 then '{}' else jsonb_build_object(
        'current_step', j.current_step, 'step_attempt', j.attempt - j.attempts_before,
        'checkpoints', (select coalesce(jsonb_object_agg(c.step, c.output), '{}')
                        from public.job_queue_checkpoints as c where c.job_id = j.job_id)
    ) end || case when j.job_type = 'workflow' or j.steps is not null then
        coalesce((select jsonb_build_object('callback', b) from job_queue.callback_of(j) as b where b is not null), '{}')
    else '{}' end;
end;
$$;

comment on function job_queue.lease(public.job_queue_jobs) is 'What a worker is given to run a job.';

create or replace function job_queue.count_starts(ids text[], except_models text[]) returns void
language plpgsql
set search_path = ''
as $$
begin
    if exists (select from public.job_queue_models as m where m.starts_per_minute is not null) then
        insert into public.job_queue_starts (model, started_at, token)
        select m.model, clock_timestamp(), j.token
        from public.job_queue_jobs as j
        join public.job_queue_models as m
            on m.model = any (j.needs) and m.model <> all (except_models) and m.starts_per_minute is not null
        where j.job_id = any (ids);
    end if;
end;
$$;

comment on function job_queue.count_starts(text[], text[]) is
    'Notes the start of these jobs for each of their models that has starts_per_minute, but for models that they held before.';

create or replace function job_queue.start_runs(
    ids text[], worker text, lease_seconds numeric, extra jsonb default '{}'
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    leases jsonb;
    workflows boolean;
begin
    with begun as (
        update public.job_queue_jobs as j
        set status = 'running', runnable = false, attempt = j.attempt + 1,
            token = nextval('public.job_queue_token_seq'), worker_id = worker,
            started_at = moment, lease_until = moment + make_interval(secs => lease_seconds),
            progress = 0, progress_note = null, error = null
        where j.job_id = any (ids)
        returning j.*
    )

    select jsonb_agg(job_queue.lease(b) order by b.line_key, b.seq), bool_or(b.job_type = 'workflow') into leases, workflows
    from begun as b;
    perform job_queue.count_starts(ids, '{}');
    perform job_queue.log_event(ids, 'started', extra);
    if workflows then
        perform job_queue.add_executions(ids);
    end if;
    return coalesce(leases, '[]');
end;
$$;

comment on function job_queue.start_runs(text[], text, numeric, jsonb) is 'Starts locked, runnable jobs: a new attempt, token and lease each. Their seats are theirs already.';

create or replace function job_queue.leave(
    ids text[], ended_as text, extra jsonb default '{}', event text default null
) returns void
language plpgsql
set search_path = ''
as $$
begin
    delete from public.job_queue_lines as l where l.job_id = any (ids);
    delete from public.job_queue_callbacks as c where c.job_id = any (ids);
    update public.job_queue_jobs as j
    set status = ended_as, runnable = false, skipped = false, due_at = null, lease_until = null, finished_at = clock_timestamp(),
        progress = case when ended_as = 'completed' then 100 else j.progress end
    where j.job_id = any (ids);
    perform job_queue.log_event(ids, coalesce(event, ended_as), extra);
end;
$$;

comment on function job_queue.leave(text[], text, jsonb, text) is 'Ends locked jobs (completed, failed, cancelled) and gives up their places in their locked lines.';

create or replace function job_queue.recoverable(at_most integer, look boolean default false) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    ids text[];
    -- A variable: an index is not searched by what may change from row to row, as clock_timestamp() may.
    moment timestamptz := clock_timestamp();
begin
    -- Three index probes that find nothing most of the time.
    ids := array(
        select j.job_id from public.job_queue_jobs as j
        where j.status = 'running' and j.lease_until < moment
        order by j.lease_until limit at_most
    ) || array(
        select j.job_id from public.job_queue_jobs as j
        where j.status = 'delayed' and j.due_at <= moment
        order by j.due_at limit at_most
    ) || array(
        select j.job_id from public.job_queue_jobs as j
        where j.status in ('waiting', 'delayed') and j.deadline < moment
        order by j.deadline limit at_most
    );
    if look then
        ids := ids || job_queue.stuck(at_most);
    end if;
    -- One caller at a time sees to them; the others go on.
    if cardinality(ids) > 0 and not pg_try_advisory_xact_lock(19028, 0) then
        return '{}';
    end if;
    return ids;
end;
$$;

comment on function job_queue.recoverable(integer, boolean) is
    'Jobs whose lease ran out, whose time has come or whose deadline has passed, and (look) those that nobody can run, as seen without locks; none if another caller sees to them now.';

create or replace function job_queue.recover(ids text[], s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    lost text[];
    gone text[];
    spent text[];
    back text[];
    due text[];
    late text[];
    aside text[];
begin
    select
        coalesce(array_agg(j.job_id) filter (where j.status = 'running'), '{}'),
        coalesce(array_agg(j.job_id) filter (where j.status = 'running' and j.cancel_requested_at is not null), '{}'),
        coalesce(array_agg(j.job_id) filter (
            where j.status = 'running' and j.cancel_requested_at is null and j.attempt >= j.max_attempts), '{}'),
        coalesce(array_agg(j.job_id) filter (
            where j.status = 'running' and j.cancel_requested_at is null and j.attempt < j.max_attempts), '{}'),
        coalesce(array_agg(j.job_id) filter (where j.status = 'delayed' and j.deadline >= moment is not false), '{}'),
        coalesce(array_agg(j.job_id) filter (where j.status <> 'running' and j.deadline < moment), '{}'),
        coalesce(array_agg(j.job_id) filter (where j.runnable and j.deadline >= moment is not false), '{}')
    into lost, gone, spent, back, due, late, aside
    from public.job_queue_jobs as j
    where j.job_id = any (ids)
      and (j.status = 'running' and j.lease_until < moment or j.status = 'delayed' and j.due_at <= moment
           or j.status in ('waiting', 'delayed') and j.deadline < moment
           or j.skipped
           or j.runnable and greatest(j.runnable_since, s.resumed_at) < moment - s.skip_after and not s.paused
           and job_queue.nobody_runs(j, s.skip_after));

    if cardinality(lost) > 0 then
        update public.job_queue_jobs as j
        set error = format('The lease of attempt %s (worker %s) ran out.', j.attempt, j.worker_id)
        where j.job_id = any (lost);
    end if;
    if cardinality(late) > 0 then
        update public.job_queue_jobs as j set error = 'expired' where j.job_id = any (late);
        perform job_queue.leave(late, 'failed', '{}', 'expired');
    end if;
    if cardinality(gone) > 0 then
        perform job_queue.leave(gone, 'cancelled', '{"lease_expired": true}');
    end if;
    if cardinality(spent) > 0 then
        perform job_queue.leave(spent, 'failed', '{"lease_expired": true, "reason": "attempts are used up"}');
    end if;
    if cardinality(aside) > 0 then
        delete from public.job_queue_lines as l where l.job_id = any (aside);
        update public.job_queue_jobs as j
        set status = 'delayed', due_at = 'infinity', skipped = true, runnable = false
        where j.job_id = any (aside);
        perform job_queue.log_event(aside, 'skipped');
    end if;
    if cardinality(back) > 0 then
        -- Its rows in the lines are still there: it goes back to its own place.
        update public.job_queue_jobs as j set status = 'waiting', lease_until = null, waits_since = moment where j.job_id = any (back);
        perform job_queue.enter(back, s);
        perform job_queue.log_event(back, 'lease_expired');
    end if;
    if cardinality(due) > 0 then
        perform job_queue.enter(due, s);
        perform job_queue.log_event(due, 'queued', '{"due": true}');
    end if;
    return back || due;
end;
$$;

comment on function job_queue.recover(text[], public.job_queue_settings) is
    'Takes back locked jobs whose lease ran out, lets due and skipped ones into their locked lines, fails those past their deadline and sets aside those that nobody can run; '
    'returns those that entered. job_queue.settle must follow.';

create or replace function job_queue.handlers_of(value jsonb) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    if jsonb_typeof(value) is distinct from 'object' then
        return job_queue.names_of('handlers', value);
    end if;
    perform job_queue.whole_number_of(format('The number of jobs of the handler "%s"', left(e.key, 200)), nullif(e.value, 'null'), 0, 1000, null)
    from jsonb_each(value) as e;
    if exists (select from jsonb_each(value) as e where jsonb_typeof(e.value) = 'null') then
        perform job_queue.refuse('JQ007', 'A handler has no number of jobs.', 'Give each handler a whole number from 0 to 1000.');
    end if;
    return job_queue.names_of('handlers', array_to_json(array(select jsonb_object_keys(value)))::jsonb);
end;
$$;

comment on function job_queue.handlers_of(jsonb) is
    'The handlers that a claim names, in an array or as the keys of an object {"handler": how many at most}; null (any) where it names none.';

create or replace function job_queue.within_numbers(handlers jsonb, ids text[]) returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
    if jsonb_typeof(handlers) is distinct from 'object' then
        return ids;
    end if;
    return array(
        select r.job_id from (
            select j.job_id, j.handler, i.n, row_number() over (partition by j.handler order by i.n) as number
            from unnest(ids) with ordinality as i (job_id, n)
            join public.job_queue_jobs as j on j.job_id = i.job_id
        ) as r
        where r.number <= (handlers ->> r.handler)::integer
        order by r.n
    );
end;
$$;

comment on function job_queue.within_numbers(jsonb, text[]) is 'Of these jobs, in order, those that a claim has room for by the numbers of its handlers.';

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
    open text[] := job_queue.handlers_of(take.handlers);
begin
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
    'Starts the first runnable jobs that this worker can run. They have their seats, so no line needs a lock.';

notify pgrst, 'reload schema';
