-- Private: locks, lines and seats. The lock order of every function (docs/design/concurrency.md):
--   1 the request id (advisory)      job_queue.first_answer
--   2 rows of the mirrored tables    job_queue.lock_mirrored, by job id
--     then the worker's own row    job_queue.note_worker, passing over what is locked
--   3 the settings (advisory)        job_queue.settings: shared; job_queue.settings_alone: alone
--   4 the rows of models             job_queue.lock_models, by name
--   5 the rows of jobs               by job id; claims skip what is locked and so never wait here
--   6 the state row (advisory)       job_queue.refresh_state
-- Each step is taken once a call, before the next. A line (job_queue_lines) changes only under its model's lock.

create or replace function job_queue.first_answer(request_id text) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    if request_id is null then
        return null;
    end if;
    perform job_queue.check_name('The request id', request_id, 'JQ010');
    -- Two copies of one request at the same instant: the second waits here and then finds the first one's answer.
    perform pg_advisory_xact_lock(19025, hashtext(request_id));
    return (select r.answer from public.job_queue_requests as r where r.request_id = first_answer.request_id);
end;
$$;

comment on function job_queue.first_answer(text) is 'The answer this request got before, or null; holds off copies of it until the transaction ends.';

create or replace function job_queue.remember(request_id text, answer jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    if request_id is not null then
        insert into public.job_queue_requests (request_id, answer) values (remember.request_id, remember.answer);
    end if;
    return answer;
end;
$$;

comment on function job_queue.remember(text, jsonb) is 'Keeps the answer for a repeat of the request, and returns it.';

create or replace function job_queue.refuse_isolation() returns void
language plpgsql
set search_path = ''
as $$
begin
    perform job_queue.refuse('JQ011', format('The transaction is %s.', current_setting('transaction_isolation')),
        'Call the job queue in READ COMMITTED: a snapshot older than its locks shows lines that have moved on.');
end;
$$;

comment on function job_queue.refuse_isolation() is 'Refuses (JQ011) a transaction whose snapshot is older than the locks it gets.';

create or replace function job_queue.settings() returns public.job_queue_settings
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    -- For the deferred trigger on jobs, which must not take these locks a second time.
    told constant text := set_config('job_queue.locked', 'on', true);
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        perform job_queue.refuse_isolation();
    end if;
    perform pg_advisory_xact_lock_shared(19026, 0);
    select * into s from public.job_queue_settings where id = 1;
    return s;
end;
$$;

comment on function job_queue.settings() is 'The settings, which then stay as they are until the transaction ends.';

create or replace function job_queue.settings_alone() returns public.job_queue_settings
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    -- For the deferred trigger on jobs, which must not take these locks a second time.
    told constant text := set_config('job_queue.locked', 'on', true);
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        perform job_queue.refuse_isolation();
    end if;
    perform pg_advisory_xact_lock(19026, 0);
    select * into s from public.job_queue_settings where id = 1;
    return s;
end;
$$;

comment on function job_queue.settings_alone() is 'The settings, with every other transition held off until the transaction ends: for changes that touch many lines.';

create or replace function job_queue.lines_of(models text[], s public.job_queue_settings) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    return case when s.max_active_jobs is null then models else models || ''::text end;
end;
$$;

comment on function job_queue.lines_of(text[], public.job_queue_settings) is
    'The lines that a job with these models stands in: the global limit, where there is one, is one more line (the empty name).';

create or replace function job_queue.needs_of(models text[], holding text, steps jsonb, step integer) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    if coalesce(holding, 'whole_run') = 'whole_run' then
        return models;
    end if;
    return array(
        select m.name from jsonb_array_elements(steps) with ordinality as t (e, n)
        cross join jsonb_array_elements_text(e -> 'models') with ordinality as m (name, k)
        where case when holding = 'per_step' then t.n = step + 1 else t.n > step end
        group by m.name order by min(t.n * 1000 + m.k)
    );
end;
$$;

comment on function job_queue.needs_of(text[], text, jsonb, integer) is
    'The models that a job needs from this step (from 0) on, by its holding rule.';

create or replace function job_queue.models_due() returns text[]
language plpgsql
set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
begin
    return array(
        select m.model from public.job_queue_models as m where m.next_start_at <= moment order by m.next_start_at limit 20
    );
end;
$$;

comment on function job_queue.models_due() is 'Models whose rate allows the next start again, as seen without locks.';

create or replace function job_queue.lock_models(names text[], s public.job_queue_settings) returns void
language plpgsql
set search_path = ''
as $$
declare
    missing text[];
begin
    -- New models first, and in order: a wait for another caller's insert must not come after a lock on an existing row.
    select array_agg(distinct n collate "C") into missing
    from unnest(names) as n
    where not exists (select from public.job_queue_models as m where m.model = n);
    if missing is not null then
        if s.unknown_models = 'refuse' then
            perform job_queue.refuse('JQ008', format('The model "%s" is unknown.', left(missing[1], 200)),
                                     'Add it with job_queue_set_model, or let unknown models in with job_queue_set_limits.');
        end if;
        insert into public.job_queue_models (model, capacity)
        select n, s.default_capacity from unnest(missing) as n order by n collate "C"
        on conflict (model) do nothing;
    end if;

    perform from public.job_queue_models as m where m.model = any (names) order by m.model for no key update;
end;
$$;

comment on function job_queue.lock_models(text[], public.job_queue_settings) is
    'Locks the lines of these models until the transaction ends, by name; an unknown model is created with the default capacity or refused (JQ008).';

create or replace function job_queue.enter(ids text[], s public.job_queue_settings) returns void
language plpgsql
set search_path = ''
as $$
begin
    -- A job that needs a paused model stands in no line, so that it holds nobody up.
    with parted as (
        select j.job_id,
            exists (select from public.job_queue_models as m where m.model = any (j.needs) and m.paused) as paused
        from public.job_queue_jobs as j
        where j.job_id = any (ids)
    )

    update public.job_queue_jobs as j
    set status = case when p.paused then 'delayed' else 'waiting' end,
        due_at = case when p.paused then timestamptz 'infinity' end,
        runnable = false, skipped = false
    from parted as p
    where j.job_id = p.job_id;

    delete from public.job_queue_lines as l
    using public.job_queue_jobs as j
    where l.job_id = any (ids) and j.job_id = l.job_id and j.status = 'delayed';

    insert into public.job_queue_lines (model, line_key, seq, job_id)
    select line, j.line_key, j.seq, j.job_id
    from public.job_queue_jobs as j
    cross join unnest(job_queue.lines_of(j.needs, s)) as line
    where j.job_id = any (ids) and j.status = 'waiting'
    on conflict (model, line_key, seq) do nothing;
end;
$$;

comment on function job_queue.enter(text[], public.job_queue_settings) is
    'Puts locked jobs at the place their key gives them in each of their (locked) lines, or aside while a model they need is paused. job_queue.settle must follow.';

create or replace function job_queue.room(names text[], a_minute_ago timestamptz) returns table (
    model text, free integer, by_capacity integer, free_from timestamptz
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
    -- One statement, one snapshot: a job that is starting at this instant counts as waiting or as started, never as both or neither.
    return query
    select t.model, least(t.by_capacity, t.by_rate), t.by_capacity,
        case when t.by_capacity > 0 and t.by_rate <= 0 then coalesce(t.oldest_start, clock_timestamp()) + interval '1 minute' end
    from (
        select m.model, r.oldest_start,
            case when m.paused then 0 else m.capacity end - h.seats as by_capacity,
            -- Those that have started within the minute, and those that have a seat and may start at any moment.
            m.starts_per_minute - r.starts - h.kept as by_rate
        from public.job_queue_models as m
        cross join lateral (
            select count(*)::integer as seats, count(*) filter (where j.status = 'waiting')::integer as kept
            from public.job_queue_lines as l
            left join public.job_queue_jobs as j on m.starts_per_minute is not null and j.job_id = l.job_id
            where l.model = m.model and l.seat is not null
        ) as h
        left join lateral (
            select count(*)::integer as starts, min(e.started_at) as oldest_start
            from public.job_queue_starts as e
            where e.model = m.model and e.started_at > a_minute_ago
        ) as r on m.starts_per_minute is not null
        where m.model = any (names)
    ) as t
    order by t.model;
end;
$$;

comment on function job_queue.room(text[], timestamptz) is
    'How many seats of these models could still be given: by capacity and starts_per_minute (negative: too many are taken), and when the rate allows the next one. '
    'One settle asks with one minute: a start that left it half-way would make room for a job that is not locked.';

create or replace function job_queue.settle(names text[], entered text[] default '{}') returns void
language plpgsql
set search_path = ''
as $$
declare
    busy text[];
    rated text[];
    contested boolean;
    touched text[] := entered;
    a_minute_ago constant timestamptz := clock_timestamp() - interval '1 minute';
    seats integer[];
    m record;
    first record;
    last record;
    free integer;
    given integer;
begin
    -- Only lines where somebody waits without a seat, or where more seats are taken than there are, can change.
    select array_agg(x.model order by x.model),
        array_agg(x.model) filter (where x.starts_per_minute is not null)
    into busy, rated
    from public.job_queue_models as x
    where x.model = any (names)
      and (exists (select from public.job_queue_lines as l where l.model = x.model and l.seat is null)
           or x.starts_per_minute is not null
           or (select count(*) from public.job_queue_lines as l where l.model = x.model and l.seat is not null) > x.capacity);

    if busy is null and cardinality(entered) = 0 then
        return;
    end if;

    -- First see which jobs can be concerned and lock them in order; then, with nothing moving, share out the seats.
    for m in
        select r.model, r.free, x.capacity from job_queue.room(busy, a_minute_ago) as r
        join public.job_queue_models as x on x.model = r.model order by r.model
    loop
        select l.line_key, l.seq into first
        from public.job_queue_lines as l where l.model = m.model and l.seat is null
        order by l.line_key, l.seq limit 1;
        contested := exists (
            select from public.job_queue_lines as l
            join public.job_queue_jobs as j on j.job_id = l.job_id
            where l.model = m.model and l.seat is not null and j.status = 'waiting'
              and (m.free < 0 or (l.line_key, l.seq) > (first.line_key, first.seq))
        );
        touched := touched || array(
            select l.job_id from public.job_queue_lines as l
            where l.model = m.model and l.seat is null
            order by l.line_key, l.seq
            limit greatest(case when contested then m.capacity else m.free end, 0)
        );
        if contested then
            touched := touched || array(
                select l.job_id from public.job_queue_lines as l
                join public.job_queue_jobs as j on j.job_id = l.job_id
                where l.model = m.model and l.seat is not null and j.status = 'waiting'
            );
        end if;
    end loop;
    perform from public.job_queue_jobs as j where j.job_id = any (touched) order by j.job_id for no key update;

    for m in
        select r.model, r.free, x.capacity from job_queue.room(busy, a_minute_ago) as r
        join public.job_queue_models as x on x.model = r.model order by r.model
    loop
        free := m.free;
        if free > 0 then
            -- In one statement, for a raised capacity may let thousands in; the numbers are looked for no further than needed.
            seats := array(
                select g.n from (select generate_series(1, m.capacity) as n) as g
                where not exists (select from public.job_queue_lines as t where t.model = m.model and t.seat = g.n)
                limit free
            );
            with firsts as (
                select f.line_key, f.seq, row_number() over (order by f.line_key, f.seq) as n
                from (
                    select l.line_key, l.seq from public.job_queue_lines as l
                    where l.model = m.model and l.seat is null
                    order by l.line_key, l.seq limit free
                ) as f
            )

            update public.job_queue_lines as l set seat = seats[f.n]
            from firsts as f
            where l.model = m.model and l.line_key = f.line_key and l.seq = f.seq;
            get diagnostics given = row_count;
            free := free - given;
        end if;
        loop
            select l.line_key, l.seq into first
            from public.job_queue_lines as l where l.model = m.model and l.seat is null
            order by l.line_key, l.seq limit 1;
            if found and free > 0 then
                update public.job_queue_lines as l
                set seat = (
                    select g.n from (select generate_series(1, m.capacity) as n) as g
                    where not exists (select from public.job_queue_lines as t where t.model = m.model and t.seat = g.n)
                    limit 1
                )
                where l.model = m.model and l.line_key = first.line_key and l.seq = first.seq;
                free := free - 1;
                continue;
            end if;
            -- The last of those that have a seat and wait gives it up to one ahead of it, or to a lowered capacity or rate.
            select l.line_key, l.seq into last
            from public.job_queue_lines as l
            join public.job_queue_jobs as j on j.job_id = l.job_id
            where l.model = m.model and l.seat is not null and j.status = 'waiting' and j.job_id = any (touched)
              and (free < 0 or (l.line_key, l.seq) > (first.line_key, first.seq))
            order by l.line_key desc, l.seq desc limit 1;
            exit when not found;
            update public.job_queue_lines as l set seat = null
            where l.model = m.model and l.line_key = last.line_key and l.seq = last.seq;
            free := free + 1;
        end loop;
    end loop;

    if rated is not null then
        -- A line held up by its rate alone is looked at again, by any caller, when the rate allows the next start.
        update public.job_queue_models as x
        set next_start_at = n.at
        from (
            select r.model, case when exists (
                select from public.job_queue_lines as l where l.model = r.model and l.seat is null) then r.free_from end as at
            from job_queue.room(rated, a_minute_ago) as r
        ) as n
        where x.model = n.model and x.next_start_at is distinct from n.at;
    end if;

    -- Derived anew each time, never counted up and down: a job is runnable when none of its lines lacks a seat.
    update public.job_queue_jobs as j
    set runnable = not j.runnable, runnable_since = clock_timestamp()
    where j.job_id = any (touched) and j.status = 'waiting'
      and j.runnable = exists (select from public.job_queue_lines as l where l.job_id = j.job_id and l.seat is null);
end;
$$;

comment on function job_queue.settle(text[], text[]) is
    'Shares out the seats of locked lines again after a change: those that run keep theirs, the first in line get the rest. Marks the jobs that became runnable. '
    'entered: locked jobs that just came into line.';

notify pgrst, 'reload schema';
