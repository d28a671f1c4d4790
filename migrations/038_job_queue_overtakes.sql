-- Private: max_overtakes. A job that has its turn for one model and waits for another keeps a seat that nobody uses. A later job may
-- start on it, if every job that it passes by this has been passed fewer than max_overtakes times; each then counts one more. Counted
-- and started in one transaction, so the bound is exact.

create or replace function job_queue.lendable(
    handlers text[], models text[], max_overtakes integer, moving text[], rated text[]
) returns text[]
language plpgsql
set search_path = ''
as $$
begin
    if max_overtakes = 0 then
        return '{}';
    end if;
    return array(
        select j.job_id from public.job_queue_jobs as j
        where j.job_id in (
            select n.job_id
            from public.job_queue_lines as k
            join public.job_queue_jobs as p
                on p.job_id = k.job_id and p.status = 'waiting' and not p.runnable and p.overtaken < lendable.max_overtakes
            cross join lateral (
                select l.job_id from public.job_queue_lines as l
                where l.model = k.model and l.seat is null and (l.line_key, l.seq) > (k.line_key, k.seq)
                order by l.line_key, l.seq limit 20
            ) as n
            where k.seat is not null
            union all
            -- What the caller moves may give its seats to one who keeps them, take them from one who has its turn, or come to
            -- stand behind such a one: then they are lent at once.
            select n.job_id
            from (
                select unnest(m.models || ''::text) as model from public.job_queue_jobs as m where m.job_id = any (moving)
                union
                select unnest(rated)
            ) as e
            cross join lateral (
                (select l.job_id from public.job_queue_lines as l
                 where l.model = e.model and l.seat is null
                 order by l.line_key, l.seq limit 20)
                union all
                (select l.job_id from public.job_queue_lines as l
                 join public.job_queue_jobs as w on w.job_id = l.job_id and w.status = 'waiting'
                 where l.model = e.model and l.seat is not null
                 order by l.line_key desc, l.seq desc limit 20)
            ) as n
            union all
            select unnest(moving)
        )
          and (j.status = 'waiting' and (not j.runnable or cardinality(moving || rated) > 0) or j.job_id = any (moving))
          and (lendable.handlers is null or j.handler = any (lendable.handlers))
          and (lendable.models is null or j.models <@ lendable.models)
        order by j.line_key, j.seq
        limit 50
    );
end;
$$;

comment on function job_queue.lendable(text[], text[], integer, text[], text[]) is
    'Jobs that could perhaps start on seats kept for others, as seen without locks: the first 20 behind each such seat, those in the lines of the jobs that '
    'the caller moves and of models whose rate allows a start again, and the moved ones; 50 in all.';

create or replace function job_queue.lend(id text, s public.job_queue_settings) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    lacking record;
    ahead text[];
    passed text[] := '{}';
    ready integer;
begin
    if s.max_overtakes = 0 or s.paused then
        return null;
    end if;
    -- Whoever is locked by somebody else is just changing: then it is not lent this time. Never waits, for the jobs ahead stand in other lines too.
    perform from public.job_queue_jobs as j
    where j.job_id = id and j.status = 'waiting' and not j.runnable and (j.deadline is null or j.deadline >= clock_timestamp())
    for no key update skip locked;
    if not found then
        return null;
    end if;

    for lacking in
        select l.model, l.line_key, l.seq from public.job_queue_lines as l
        where l.job_id = id and l.seat is null order by l.model
    loop
        ahead := array(
            select l.job_id from public.job_queue_lines as l
            left join public.job_queue_jobs as r on l.seat is not null and r.job_id = l.job_id
            where l.model = lacking.model and (l.line_key, l.seq) < (lacking.line_key, lacking.seq)
              and r.status is distinct from 'running'
            order by l.line_key, l.seq limit 101
        );
        perform from public.job_queue_jobs as j where j.job_id = any (ahead) order by j.job_id for no key update skip locked;
        get diagnostics ready = row_count;
        if ready < cardinality(ahead) or ready > 100 or (select r.free from job_queue.room(array[lacking.model], now() - interval '1 minute') as r) < 0 then
            return null;
        end if;
        -- Each of them is held up by another of its models, or it would be the first to have this seat.
        select count(*) into ready
        from public.job_queue_jobs as j
        where j.job_id = any (ahead) and j.status = 'waiting' and j.overtaken < s.max_overtakes
          and exists (select from public.job_queue_lines as o
                      where o.job_id = j.job_id and o.model <> lacking.model and o.seat is null);
        if ready < cardinality(ahead)
           or not exists (select from public.job_queue_lines as l
                          where l.model = lacking.model and l.seat is not null and l.job_id = any (ahead)) then
            return null;
        end if;
        passed := array(select unnest(passed) union select unnest(ahead));
    end loop;

    -- The last of those that keep a seat lends it; when the job ends, the first in line has it again.
    for lacking in
        select l.model, l.line_key, l.seq from public.job_queue_lines as l
        where l.job_id = id and l.seat is null order by l.model
    loop
        with lent as (
            select l.model, l.line_key, l.seq, l.seat from public.job_queue_lines as l
            where l.model = lacking.model and l.seat is not null and l.job_id = any (passed)
            order by l.line_key desc, l.seq desc limit 1
        ),

        -- Away first: a seat is never two jobs'.
        gone as (
            update public.job_queue_lines as l set seat = null
            from lent as t
            where l.model = t.model and l.line_key = t.line_key and l.seq = t.seq
            returning t.seat
        )

        select g.seat into ready from gone as g;
        update public.job_queue_lines as l set seat = ready
        where l.model = lacking.model and l.line_key = lacking.line_key and l.seq = lacking.seq;
    end loop;
    update public.job_queue_jobs as j set overtaken = j.overtaken + 1 where j.job_id = any (passed);
    update public.job_queue_jobs as j set runnable = true, runnable_since = clock_timestamp() where j.job_id = id;
    return passed;
end;
$$;

comment on function job_queue.lend(text, public.job_queue_settings) is
    'Gives a waiting job, all of whose lines are locked, the seats it lacks from jobs that keep them and are held up elsewhere; returns those it passes, or null. '
    'The caller starts it in the same transaction.';

notify pgrst, 'reload schema';
