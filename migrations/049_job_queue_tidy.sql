-- Private: what is old goes, oldest first, a bounded part at a time (docs/design/log.md). Each part begins where the one before
-- ended, not at the dead rows that were removed before and that a vacuum may not have come to yet.

create or replace function job_queue.trim_log(
    begin_at timestamptz, end_at timestamptz, at_most integer, out removed integer, out reached timestamptz
)
language plpgsql
set search_path = ''
as $$
declare
    old tid[];
    ended text[];
begin
    removed := 0;
    -- A minute back: an event is written a moment before its transaction commits.
    with oldest as materialized (
        select l.ctid, l.job_id, l.event_type, l.created_at from public.job_queue_log as l
        where l.seq > (select m.log_begins_after from public.job_queue_marks as m where m.id = 1)
          and l.created_at > begin_at - interval '1 minute' and l.created_at < end_at
        order by l.created_at limit at_most
    )

    select array_agg(o.ctid), max(o.created_at),
        array_agg(o.job_id) filter (where o.event_type in ('completed', 'failed', 'cancelled', 'expired'))
    into old, reached, ended
    from oldest as o;
    if old is null then
        return;
    end if;

    -- A job goes with the event of its end, so that the log and the jobs always tell of the same ones. One that somebody has locked,
    -- to bring it back perhaps, is not waited for: the next time will do.
    ended := array(
        select j.job_id from public.job_queue_jobs as j
        where j.job_id = any (ended) and j.status in ('completed', 'failed', 'cancelled') and j.finished_at < end_at
    );
    if (select count(*) from (
            select from public.job_queue_jobs as j where j.job_id = any (ended) for update skip locked
        ) as locked) < cardinality(ended) then
        reached := null;
        return;
    end if;
    delete from public.job_queue_jobs as j
    where j.job_id = any (ended) and j.status in ('completed', 'failed', 'cancelled') and j.finished_at < end_at;
    delete from public.job_queue_log as l where l.ctid = any (old) and l.created_at < end_at;
    get diagnostics removed = row_count;
end;
$$;

comment on function job_queue.trim_log(timestamptz, timestamptz, integer) is
    'Removes the oldest events between two times, and the jobs whose end is among them; says how many and how far it came (null: nothing).';

create or replace function job_queue.measure_runs(begin_at timestamptz) returns timestamptz
language plpgsql
set search_path = ''
as $$
declare
    reached timestamptz;
begin
    -- The newest are enough.
    with latest as materialized (
        select l.models, l.metadata, l.created_at from public.job_queue_log as l
        where l.created_at > begin_at order by l.created_at desc limit 2000
    ),

    runs as (
        select m as model, array_agg((l.metadata ->> 'ran')::double precision order by l.created_at desc) as seconds
        from latest as l
        cross join lateral (
            select jsonb_array_elements_text(l.models) as m union all select ''
        ) as named
        where l.metadata ? 'ran'
        group by m
    ),

    kept as (
        insert into public.job_queue_run_times as t (model, seconds)
        select r.model, r.seconds[1:100] from runs as r order by r.model collate "C"
        on conflict (model) do update set seconds = (excluded.seconds || t.seconds)[1:100]
    )

    select max(l.created_at) into reached from latest as l;
    return reached;
end;
$$;

comment on function job_queue.measure_runs(timestamptz) is 'Notes what the runs that ended since then took; returns how far it came, or null.';

create or replace function job_queue.tidy(out log_rows integer, out requests integer)
language plpgsql
set search_path = ''
as $$
declare
    retention interval;
    known public.job_queue_marks;
    new public.job_queue_marks;
    moment timestamptz := clock_timestamp();
begin
    log_rows := 0;
    requests := 0;
    -- One at a time; nobody waits.
    if not pg_try_advisory_xact_lock(19029, 0) then
        return;
    end if;
    select * into known from public.job_queue_marks as m where m.id = 1;
    new := known;

    new.measured_to := coalesce(job_queue.measure_runs(known.measured_to), known.measured_to);

    select s.log_retention into retention from public.job_queue_settings as s where s.id = 1;
    if retention is not null then
        select t.removed, greatest(t.reached, known.log_whole_from) into log_rows, new.log_whole_from
        from job_queue.trim_log(known.log_whole_from, moment - retention, 5000) as t;
    end if;

    with gone as (
        delete from public.job_queue_requests as r
        where r.request_id in (
            select o.request_id from public.job_queue_requests as o
            where o.created_at > known.requests_whole_from - interval '1 hour' and o.created_at < moment - interval '15 minutes'
            order by o.created_at limit 5000
        )
        returning r.created_at
    )

    select count(*), greatest(max(g.created_at), known.requests_whole_from) into requests, new.requests_whole_from from gone as g;

    if new is distinct from known then
        update public.job_queue_marks as m
        set log_whole_from = new.log_whole_from, requests_whole_from = new.requests_whole_from, measured_to = new.measured_to
        where m.id = 1;
    end if;
end;
$$;

comment on function job_queue.tidy() is
    'Notes what runs took; removes old events with the jobs that ended then, and answers nobody can ask for any more; at most 5,000 each. Says how many.';

notify pgrst, 'reload schema';
