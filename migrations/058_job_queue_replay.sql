-- Rule 11 of the design, as a function: the log alone must say what every job is and which models it holds.

create or replace function job_queue.replayed(ids text[]) returns table (
    job_id text, covered boolean, status text, attempt integer, token bigint, worker_id text, held text[], last_at timestamptz, wrong text
)
language plpgsql
stable
set search_path = ''
set jit = off
as $$
#variable_conflict use_column
declare
    e record;
    came_from text;
begin
    for e in
        select l.job_id, l.event_type, l.models, l.metadata, l.created_at, l.seq
        from public.job_queue_log as l
        where l.job_id = any (ids)
          -- The predecessor's rows, and those that others write, are not the engine's events.
          and l.metadata ? 'attempt' and l.metadata ? 'status'
        order by l.job_id, l.seq
    loop
        if e.job_id is distinct from job_id then
            if job_id is not null then
                return next;
            end if;
            job_id := e.job_id;
            -- The first event of all is an entry, or a start at once.
            covered := e.event_type in ('queued', 'blocked') and not e.metadata ?| '{due,resumed,paused,callback}'
                       and (e.metadata -> 'attempt' = '0' or e.metadata ? 'adopted')
                       or e.event_type = 'started' and e.metadata -> 'attempt' = '1';
            status := null;
            -- Another system may have tried it before.
            attempt := case when e.metadata ? 'adopted' then (e.metadata ->> 'attempt')::integer else 0 end;
            token := null;
            worker_id := null;
            held := '{}';
            wrong := null;
        end if;
        came_from := coalesce(status, 'new');
        last_at := e.created_at;

        if wrong is null and covered and not (came_from = any (case e.event_type
            when 'queued' then '{new,waiting,delayed}'
            when 'blocked' then '{new,waiting,delayed}'
            when 'started' then '{new,waiting}'
            when 'expired' then '{waiting,delayed}'
            when 'cancelled' then '{waiting,delayed,running}'
            when 'retried' then '{failed,cancelled}'
            when 'skipped' then '{waiting}'
            when 'reprioritized' then '{waiting,delayed,running}'
            else '{running}'
        end::text[])) then
            wrong := format('event %s (%s) of a job that was %s', e.seq, e.event_type, came_from);
        end if;

        case
            when e.event_type = 'started' then
                status := 'running';
                attempt := attempt + 1;
                if wrong is null and covered and (e.metadata ->> 'token')::bigint <= token then
                    wrong := format('event %s (started) has no new token', e.seq);
                end if;
                token := (e.metadata ->> 'token')::bigint;
                worker_id := e.metadata ->> 'worker_id';
                held := array(select jsonb_array_elements_text(coalesce(e.metadata -> 'needs', e.models)));
            when e.event_type in ('completed', 'failed', 'cancelled') then status := e.event_type;
            when e.event_type = 'expired' then status := 'failed';
            when e.event_type in ('cancel_requested', 'reprioritized') or e.metadata ? 'released_models' then
                held := array(select unnest(held) except select jsonb_array_elements_text(e.metadata -> 'released_models'));
            when e.event_type = 'checkpoint' then
                -- A step's own models are taken anew; otherwise those that are still needed are kept.
                held := array(
                    select m from jsonb_array_elements_text(coalesce(e.metadata -> 'needs', e.models)) as m
                    where m = any (held) or e.metadata ->> 'holding' = 'per_step'
                );
            when e.event_type = 'released' then
                attempt := attempt - 1;
                status := e.metadata ->> 'status';
            else
                status := e.metadata ->> 'status';
        end case;
        if status <> 'running' then
            held := '{}';
        end if;

        if not covered then
            attempt := (e.metadata ->> 'attempt')::integer;
        elsif wrong is null and (e.metadata ->> 'status' <> status or (e.metadata ->> 'attempt')::integer <> attempt
                                 or (e.metadata ->> 'token')::bigint is distinct from token) then
            wrong := format('event %s (%s) says %s, attempt %s, token %s; the events before it make %s, attempt %s, token %s', e.seq, e.event_type,
                            e.metadata ->> 'status', e.metadata ->> 'attempt', e.metadata ->> 'token', status, attempt, token);
        end if;
    end loop;
    if job_id is not null then
        return next;
    end if;
end;
$$;

comment on function job_queue.replayed(text[]) is
    'What the events of these jobs, in order, make of each: its state, the models it holds, and the first event that cannot follow those before it.';

create or replace function job_queue.compared(ids text[]) returns table (job_id text, covered boolean, differences jsonb)
language sql
stable
set search_path = ''
set jit = off
as $$
    select i.id, known.covered,
        case when known.covered then (
            select jsonb_agg(jsonb_build_object('job_id', i.id, 'what', d.what, 'log', d.log, 'table', d.stored) order by d.what)
            from (values
                ('events', coalesce(r.wrong, case when not r.covered then 'the first event is missing' end), null),
                ('status', r.status, j.status),
                ('attempt', r.attempt::text, j.attempt::text),
                ('token', r.token::text, j.token::text),
                ('worker_id', case when r.status = 'running' then r.worker_id end, case when j.status = 'running' then j.worker_id end),
                ('held', (select string_agg(m, ', ' order by m collate "C") from unnest(r.held) as m), seats.held)
            ) as d (what, log, stored)
            where d.log is distinct from d.stored
        ) end
    from unnest(ids) as i (id)
    left join job_queue.replayed(ids) as r on r.job_id = i.id
    left join public.job_queue_jobs as j on j.job_id = i.id collate "C"
    left join public.job_queue_marks as s on s.id = 1
    left join lateral (
        select string_agg(l.model, ', ' order by l.model) as held
        from public.job_queue_lines as l
        where l.job_id = j.job_id and j.status = 'running' and l.seat is not null and l.model <> ''
    ) as seats on true
    -- What began before the oldest event that is kept cannot be judged.
    cross join lateral (
        select coalesce(r.covered, false) and j.job_id is not null
            or coalesce(j.entered_at, r.last_at) > s.log_whole_from as covered
    ) as known
    where r.job_id is not null or j.job_id is not null;
$$;

comment on function job_queue.compared(text[]) is 'The differences between what the log makes of these jobs and what the tables say; null where there is none.';

create or replace function public.job_queue_replay(options jsonb default '{}') returns jsonb
language plpgsql
stable
set search_path = ''
set jit = off
as $$
declare
    after text := options ->> 'after';
    at_most integer;
    of_jobs boolean;
    ids text[];
    answer jsonb;
begin
    perform job_queue.check_keys('options', options, '{after,max_jobs}');
    at_most := job_queue.whole_number_of('max_jobs', options -> 'max_jobs', 1, 10000, 1000);
    if after is not null and after !~ '^(jobs|log):' then
        perform job_queue.refuse('JQ007', 'after is not a place to go on from.', 'Give the "next" of the answer before, or leave it out to begin.');
    end if;
    of_jobs := after is null or after like 'jobs:%';
    after := coalesce(substring(after from ':(.*)$'), '');

    -- First the jobs that the tables know, then those that only the log knows; each by its own index.
    if of_jobs then
        ids := array(
            select j.job_id from public.job_queue_jobs as j where j.job_id > after collate "C" order by j.job_id limit at_most
        );
    else
        ids := array(
            with recursive found as (
                (select l.job_id, 1 as n from public.job_queue_log as l where l.job_id > after order by l.job_id limit 1)
                union all
                select (select l.job_id from public.job_queue_log as l where l.job_id > f.job_id order by l.job_id limit 1), f.n + 1
                from found as f where f.job_id is not null and f.n < at_most
            )

            select f.job_id from found as f where f.job_id is not null
        );
    end if;

    with seen as materialized (
        select c.* from job_queue.compared(ids) as c
        where of_jobs or not exists (select from public.job_queue_jobs as j where j.job_id = c.job_id collate "C")
    )

    select jsonb_build_object(
        'checked', count(*) filter (where c.covered), 'not_covered', count(*) filter (where not c.covered),
        'differences', coalesce((
            select jsonb_agg(d.value) from (
                select e.value from seen as x, jsonb_array_elements(x.differences) as e limit 1000
            ) as d
        ), '[]')
    ) into answer
    from seen as c;
    return answer || jsonb_build_object(
        'consistent', answer -> 'differences' = '[]',
        'next', case
            when cardinality(ids) = at_most then case when of_jobs then 'jobs:' else 'log:' end || ids[at_most]
            when of_jobs then 'log:'
        end
    );
end;
$$;

comment on function public.job_queue_replay(jsonb) is
    'Audit: rebuilds the jobs and the models they hold from job_queue_log alone, up to max_jobs a call, and says where the tables differ. '
    'docs/reference/rpc.md. Example: select job_queue_replay(''{"max_jobs": 1000}'')';

notify pgrst, 'reload schema';
