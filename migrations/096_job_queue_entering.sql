-- Private: how jobs enter (035, 040) and what is given to who runs them (034), with each row written once where nobody is in the way.
--
-- A single job that is asked for and finds all its lines free starts as it enters. Jobs that find room in all their lines, and nobody who
-- waits there, have their seats as they enter. All others go the long way: into their lines, and then the seats are shared out.

create or replace function job_queue.open_seats(lines text[], coming bigint[]) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    -- Line by line, by fences (offset 0) and scalar questions: of a plain join or an EXISTS the planner may make one that reads every
    -- line there is to know of this one.
    return (
        select coalesce(jsonb_object_agg(c.line, g.seats), '{}')
        from unnest(lines, coming) as c (line, coming)
        cross join lateral (
            select m.capacity from public.job_queue_models as m
            where m.model = c.line and not m.paused and m.starts_per_minute is null
              -- Nobody waits there, so no seat can be another's; and none is taken that a lowered capacity has no room for.
              and (select l.seq from public.job_queue_lines as l where l.model = c.line and l.seat is null order by l.line_key, l.seq limit 1) is null
              and (select l.seat from public.job_queue_lines as l where l.model = c.line and l.seat > m.capacity limit 1) is null
            offset 0
        ) as m
        cross join lateral (
            -- The numbers one by one, to the last that is needed: in FROM all of them would come first.
            select array(
                select t.n from (select generate_series(1, m.capacity) as n) as t
                where (select l.seat from public.job_queue_lines as l where l.model = c.line and l.seat = t.n) is null
                limit c.coming
            ) as seats
            offset 0
        ) as g
        where cardinality(g.seats) = c.coming
    );
end;
$$;

comment on function job_queue.open_seats(text[], bigint[]) is
    'Of these locked lines those in which nobody waits without a seat and as many as come have room: an object of the numbers of their seats.';

create or replace function job_queue.start_at_once(job jsonb, lines text[], s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
    id text;
    seats jsonb;
begin
    if s.paused or job ->> 'job_type' = 'workflow' or job ->> 'steps' is not null
       or (job ->> 'run_at')::timestamptz > moment or (job ->> 'deadline')::timestamptz < moment then
        return '{}';
    end if;
    seats := job_queue.open_seats(lines, array_fill(1::bigint, array[cardinality(lines)]));
    if not seats ?& lines then
        return '{}';
    end if;

    with begun as (
        insert into public.job_queue_jobs (
            job_id, job_type, handler, models, needs, status, runnable_since, priority, entered_at, waits_since, line_key, seq, deadline,
            max_attempts, payload, attempt, token, worker_id, started_at, lease_until
        )
        select e.job_id, e.job_type, e.handler, e.models, e.models, 'running', moment, e.priority, moment, moment,
            moment - e.priority * s.priority_step, nextval('public.job_queue_line_seq'), e.deadline,
            e.max_attempts, nullif(e.payload, 'null'), 1, nextval('public.job_queue_token_seq'), e.run ->> 'worker_id', moment,
            moment + make_interval(secs => (e.run ->> 'lease_seconds')::numeric)
        from jsonb_to_record(job) as e (
            job_id text, job_type text, handler text, models text[], priority integer, deadline timestamptz, max_attempts integer,
            payload jsonb, run jsonb
        )
        on conflict (job_id) do nothing
        returning job_id, line_key, seq
    ),

    places as (
        insert into public.job_queue_lines (model, line_key, seq, job_id, seat)
        select f.model, b.line_key, b.seq, b.job_id, (seats -> f.model ->> 0)::integer from begun as b cross join unnest(lines) as f (model)
    )

    select b.job_id into id from begun as b;
    if id is null then
        return '{}';
    end if;
    perform job_queue.log_event(array[id], 'started');
    return array[id];
end;
$$;

comment on function job_queue.start_at_once(jsonb, text[], public.job_queue_settings) is
    'Starts a new job, checked and with "run", in its locked lines if all of them are free; returns its id, or nothing and then nothing was done.';

create or replace function job_queue.lease(j public.job_queue_jobs) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    lease jsonb := jsonb_build_object(
        'job_id', j.job_id, 'job_type', j.job_type, 'handler', j.handler, 'models', to_jsonb(j.models),
        'attempt', j.attempt, 'max_attempts', j.max_attempts, 'token', j.token, 'worker_id', j.worker_id,
        'lease_seconds', round(extract(epoch from j.lease_until - j.started_at), 3), 'lease_until', j.lease_until,
        'queued_at', j.entered_at, 'started_at', j.started_at, 'payload', j.payload
    );
    callback jsonb;
begin
    -- A question in an expression, even one that is not asked, makes a statement of it: for most jobs there is none.
    if j.steps is not null then
        lease := lease || jsonb_build_object('holding', j.holding, 'steps', j.steps);
    end if;
    if j.steps is not null or j.current_step > 0 then
        lease := lease || jsonb_build_object(
            'current_step', j.current_step, 'step_attempt', j.attempt - j.attempts_before,
            'checkpoints', (select coalesce(jsonb_object_agg(c.step, c.output), '{}')
                            from public.job_queue_checkpoints as c where c.job_id = j.job_id)
        );
    end if;
    if j.steps is not null or j.job_type = 'workflow' then
        callback := job_queue.callback_of(j);
        if callback is not null then
            lease := lease || jsonb_build_object('callback', callback);
        end if;
    end if;
    return lease;
end;
$$;

comment on function job_queue.lease(public.job_queue_jobs) is 'What a worker is given to run a job.';

create or replace function job_queue.insert_new(jobs jsonb, s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    -- Under the locks, so that nobody who enters later in any of these lines can have an earlier key.
    moment timestamptz := clock_timestamp();
    workflows constant boolean := jobs @> '[{"job_type": "workflow"}]';
    open jsonb := '{}';
    fresh text[];
    others text[];
begin
    -- A job all of whose lines are open has its seats as it enters, and nothing changes for anybody else. (What a workflow needs is known
    -- only after its execution was read.) How many come is an upper bound: some may be known already.
    if not workflows then
        select job_queue.open_seats(array_agg(w.line), array_agg(w.coming)) into open
        from (
            select l.line, count(*) as coming
            from jsonb_array_elements(jobs) as e
            cross join unnest(job_queue.lines_of(array(select jsonb_array_elements_text(e -> 'models')), s)) as l (line)
            group by l.line
        ) as w;
    end if;

    with inserted as (
        insert into public.job_queue_jobs (
            job_id, job_type, handler, models, needs, holding, steps, status, runnable, runnable_since, priority, entered_at, waits_since,
            line_key, seq, due_at, deadline, attempt, attempts_before, max_attempts, payload, error
        )
        select n.job_id, n.job_type, n.handler, n.models,
            case when n.steps is null then n.models else job_queue.needs_of(n.models, n.holding, n.steps, 0) end, n.holding, n.steps,
            case when n.run_at > moment then 'delayed' else 'waiting' end, o.runnable, case when o.runnable then moment end,
            n.priority, n.entered_at, greatest(n.entered_at, n.run_at), n.entered_at - n.priority * s.priority_step, n.seq,
            case when n.run_at > moment then n.run_at end, n.deadline, n.attempt, n.attempt, n.max_attempts, n.payload, n.error
        from (
            select e.job_id, e.job_type, e.handler, e.models, e.holding, nullif(e.steps, 'null') as steps, e.priority, e.run_at, e.deadline,
                e.max_attempts, nullif(e.payload, 'null') as payload,
                -- Of a job that another system had in line (091): since when, and what has become of it there.
                least(coalesce(e.entered_at, moment), moment) as entered_at, coalesce(e.attempt, 0) as attempt, e.error,
                nextval('public.job_queue_line_seq') as seq
            from rows from (jsonb_to_recordset(jobs) as (
                job_id text, job_type text, handler text, models text[], holding text, steps jsonb, priority integer, run_at timestamptz,
                deadline timestamptz, max_attempts integer, payload jsonb, entered_at timestamptz, attempt integer, error text
            )) with ordinality as e (
                job_id, job_type, handler, models, holding, steps, priority, run_at, deadline, max_attempts, payload, entered_at, attempt,
                error, n
            )
            order by e.n
        ) as n
        cross join lateral (
            select not workflows and n.steps is null and (n.run_at > moment) is not true and open ?& job_queue.lines_of(n.models, s) as runnable
        ) as o
        -- Numbered as given, written by id: two callers with the same new jobs in other orders must not wait for each other.
        order by n.job_id
        on conflict (job_id) do nothing
        returning job_id, runnable
    )

    select coalesce(array_agg(e.job_id), '{}'), coalesce(array_agg(e.job_id) filter (where not e.runnable), '{}')
    into fresh, others
    from inserted as e;
    if workflows then
        perform job_queue.adopt(fresh, jobs);
    end if;
    if cardinality(others) < cardinality(fresh) then
        insert into public.job_queue_lines (model, line_key, seq, job_id, seat)
        select p.line, p.line_key, p.seq, p.job_id, (open -> p.line ->> p.n - 1)::integer
        from (
            select w.line, j.line_key, j.seq, j.job_id,
                (row_number() over (partition by w.line order by j.line_key, j.seq))::integer as n
            from public.job_queue_jobs as j
            cross join unnest(job_queue.lines_of(j.needs, s)) as w (line)
            where j.job_id = any (fresh) and j.runnable
        ) as p;
    end if;
    if cardinality(others) > 0 then
        perform job_queue.enter(array(
            select j.job_id from public.job_queue_jobs as j where j.job_id = any (others) and j.status = 'waiting'
        ), s);
    end if;
    return fresh;
end;
$$;

comment on function job_queue.insert_new(jsonb, public.job_queue_settings) is
    'Puts those of the checked jobs that are not known yet in their locked lines; returns their ids. job_queue.settle must follow for those that are not runnable then.';

create or replace function job_queue.anything_due() returns boolean
language plpgsql
set search_path = ''
as $$
declare
    -- A variable: an index is not searched by what may change from row to row, as clock_timestamp() may.
    moment timestamptz := clock_timestamp();
begin
    -- One statement for what nearly always is not; each question is a look at the first entry of an index.
    return exists (select from public.job_queue_jobs as j where j.status = 'running' and j.lease_until < moment)
        or exists (select from public.job_queue_jobs as j where j.status = 'delayed' and j.due_at <= moment)
        or exists (select from public.job_queue_jobs as j where j.status in ('waiting', 'delayed') and j.deadline < moment)
        or exists (select from public.job_queue_jobs as j where j.skipped)
        or exists (select from public.job_queue_models as m where m.next_start_at <= moment)
        or exists (select from public.job_queue_arrivals as a where a.late);
end;
$$;

comment on function job_queue.anything_due() is
    'Is there a job to take back, let in or fail, one that stands aside, a rate that allows the next start, or a late row of a user''s?';

create or replace function job_queue.enter_new(jobs jsonb, asked boolean default false, notes jsonb default '[]') returns text[]
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    ids text[] := array(select e ->> 'job_id' from jsonb_array_elements(jobs) as e);
    noted text[] := '{}';
    noted_models text[];
    needs text[];
    fresh text[];
    found text[] := '{}';
    due text[] := '{}';
    entered text[];
    came text[] := '{}';
    rated text[] := '{}';
    unsettled text[];
begin
    if notes <> '[]' then
        noted := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
    end if;
    perform job_queue.lock_mirrored(ids || noted, false);
    if job_queue.anything_due() then
        -- Those that came before and could not enter then, enter first.
        if exists (select from public.job_queue_arrivals as a where a.late) then
            notes := job_queue.late_notes(100) || notes;
        end if;
        found := job_queue.recoverable(20, asked);
        rated := job_queue.models_due();
    elsif asked then
        found := job_queue.recoverable(20, true);
    end if;
    -- A job that is asked for has somebody to run it: it comes back, and is not set aside.
    if asked or cardinality(found) > 0 then
        due := array(
            select u.id from unnest(job_queue.lock_mirrored(found, true)) as u (id)
            where not asked or u.id <> all (ids) or not exists (
                select from public.job_queue_jobs as j where j.job_id = u.id and j.runnable)
            union
            select j.job_id from public.job_queue_jobs as j
            where asked and j.job_id = any (ids)
              and (j.skipped or j.status in ('waiting', 'delayed') and j.deadline < clock_timestamp())
        );
    end if;
    s := job_queue.settings();
    -- A name may have become an alias since it was checked (a user's transaction may be long); from here on none can.
    jobs := job_queue.under_own_names(jobs);
    if notes <> '[]' then
        notes := job_queue.notes_under_own_names(notes);
    end if;
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

    if jobs -> 0 ? 'run' and cardinality(due || rated || noted) = 0 then
        fresh := job_queue.start_at_once(jobs -> 0, needs, s);
        if cardinality(fresh) > 0 then
            return fresh;
        end if;
    end if;
    fresh := job_queue.insert_new(jobs, s);
    unsettled := array(select j.job_id from public.job_queue_jobs as j where j.job_id = any (fresh) and not j.runnable);
    if cardinality(unsettled || due || rated || noted) > 0 then
        perform job_queue.settle(needs, came || unsettled || entered);
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
    'follows notes of the rows of jobs, takes back dead leases and lets due jobs in. asked: somebody asks for these very jobs, known ones too. '
    'A single job with "run" (worker_id, lease_seconds) is started on the way where all its lines are free.';

revoke all on function job_queue.start_at_once(jsonb, text[], public.job_queue_settings), job_queue.open_seats(text[], bigint[]), job_queue.anything_due() from public, anon, authenticated;
grant execute on function job_queue.start_at_once(jsonb, text[], public.job_queue_settings), job_queue.open_seats(text[], bigint[]), job_queue.anything_due() to service_role;

notify pgrst, 'reload schema';
