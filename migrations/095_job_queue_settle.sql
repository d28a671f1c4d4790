-- Private: seats shared out again after a change (032), with no more questions than the common case needs: a line whose seats are all free.

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
    lines text[] := '{}';
    frees integer[] := '{}';
    capacities integer[] := '{}';
    contests boolean[] := '{}';
    m record;
    first record;
    last record;
    free integer;
    given integer;
begin
    -- Only lines where somebody waits without a seat, or where more seats are taken than there are, can change. (Then one has a number
    -- above the capacity.)
    select array_agg(x.model order by x.model),
        array_agg(x.model) filter (where x.starts_per_minute is not null)
    into busy, rated
    from public.job_queue_models as x
    where x.model = any (names)
      and (exists (select from public.job_queue_lines as l where l.model = x.model and l.seat is null)
           or x.starts_per_minute is not null
           or exists (select from public.job_queue_lines as l where l.model = x.model and l.seat > x.capacity));

    if busy is null and cardinality(entered) = 0 then
        return;
    end if;

    -- First see which jobs can be concerned and lock them in order; then, with nothing moving, share out the seats.
    for m in
        select r.model, r.free, x.capacity from job_queue.room(busy, a_minute_ago) as r
        join public.job_queue_models as x on x.model = r.model order by r.model
    loop
        -- Where all seats are free nobody has one to give up.
        contested := false;
        if m.free < m.capacity then
            select l.line_key, l.seq into first
            from public.job_queue_lines as l where l.model = m.model and l.seat is null
            order by l.line_key, l.seq limit 1;
            contested := exists (
                select from public.job_queue_lines as l
                join public.job_queue_jobs as j on j.job_id = l.job_id
                where l.model = m.model and l.seat is not null and j.status = 'waiting'
                  and (m.free < 0 or (l.line_key, l.seq) > (first.line_key, first.seq))
            );
        end if;
        lines := lines || m.model;
        frees := frees || m.free;
        capacities := capacities || m.capacity;
        contests := contests || contested;
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

    for i in 1..cardinality(lines) loop
        -- The capacity's part cannot change under the lines' locks; the rate's can, by a start that was under way.
        free := frees[i];
        if lines[i] = any (rated) then
            select r.free into free from job_queue.room(lines[i:i], a_minute_ago) as r;
        end if;
        if free > 0 then
            -- In one statement, for a raised capacity may let thousands in; the numbers are looked for no further than needed.
            seats := array(
                select g.n from (select generate_series(1, capacities[i]) as n) as g
                where not exists (select from public.job_queue_lines as t where t.model = lines[i] and t.seat = g.n)
                limit free
            );
            with firsts as materialized (
                select f.place, row_number() over (order by f.line_key, f.seq) as n
                from (
                    select l.ctid as place, l.line_key, l.seq from public.job_queue_lines as l
                    where l.model = lines[i] and l.seat is null
                    order by l.line_key, l.seq limit free
                ) as f
            )

            -- Under the line's lock each stays where it is. (By its key, the planner may read the line anew for each.)
            update public.job_queue_lines as l set seat = seats[f.n] from firsts as f where l.ctid = f.place;
            get diagnostics given = row_count;
            free := free - given;
        end if;
        -- Unless somebody has a seat to give up, that was all.
        while contests[i] or free < 0 loop
            select l.line_key, l.seq into first
            from public.job_queue_lines as l where l.model = lines[i] and l.seat is null
            order by l.line_key, l.seq limit 1;
            if found and free > 0 then
                update public.job_queue_lines as l
                set seat = (
                    select g.n from (select generate_series(1, capacities[i]) as n) as g
                    where not exists (select from public.job_queue_lines as t where t.model = lines[i] and t.seat = g.n)
                    limit 1
                )
                where l.model = lines[i] and l.line_key = first.line_key and l.seq = first.seq;
                free := free - 1;
                continue;
            end if;
            -- The last of those that have a seat and wait gives it up to one ahead of it, or to a lowered capacity or rate.
            select l.line_key, l.seq into last
            from public.job_queue_lines as l
            join public.job_queue_jobs as j on j.job_id = l.job_id
            where l.model = lines[i] and l.seat is not null and j.status = 'waiting' and j.job_id = any (touched)
              and (free < 0 or (l.line_key, l.seq) > (first.line_key, first.seq))
            order by l.line_key desc, l.seq desc limit 1;
            exit when not found;
            update public.job_queue_lines as l set seat = null
            where l.model = lines[i] and l.line_key = last.line_key and l.seq = last.seq;
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
