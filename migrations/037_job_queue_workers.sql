-- Private: who is there to run jobs. A runnable job that nobody can run must not hold up those behind it (the design's rule 3).

create or replace function job_queue.note_worker(worker text, handlers text[], models text[]) returns boolean
language plpgsql
set search_path = ''
as $$
declare
    known public.job_queue_workers;
    often interval;
begin
    select * into known from public.job_queue_workers as w where w.worker_id = worker;
    if not found then
        insert into public.job_queue_workers (worker_id, handlers, models, seen_at)
        values (worker, note_worker.handlers, note_worker.models, clock_timestamp())
        on conflict (worker_id) do nothing;
        return true;
    end if;
    select least(s.skip_after / 4, interval '5 seconds') into often from public.job_queue_settings as s where s.id = 1;
    if known.seen_at > clock_timestamp() - often
       and (known.handlers, known.models) is not distinct from (note_worker.handlers, note_worker.models) then
        return false;
    end if;
    -- Two calls of one worker: the second passes by.
    update public.job_queue_workers as w
    set handlers = note_worker.handlers, models = note_worker.models, seen_at = clock_timestamp()
    where w.worker_id in (
        select o.worker_id from public.job_queue_workers as o where o.worker_id = worker for no key update skip locked
    );
    return found;
end;
$$;

comment on function job_queue.note_worker(text, text[], text[]) is
    'Notes that this worker claims, and what it can run. A write every five seconds at most; returns whether this was one: the caller then looks for jobs that nobody can run.';

create or replace function job_queue.nobody_runs(j public.job_queue_jobs, skip_after interval) returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
    since timestamptz := clock_timestamp() - skip_after;
begin
    return not exists (
        select from public.job_queue_workers as w
        where w.seen_at > since
          and (w.handlers is null or j.handler = any (w.handlers))
          and (w.models is null or j.models <@ w.models)
    );
end;
$$;

comment on function job_queue.nobody_runs(public.job_queue_jobs, interval) is 'Whether no worker that can run this job has been heard of for so long.';

create or replace function job_queue.stuck(at_most integer) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    s public.job_queue_settings;
    since timestamptz;
    served text[];
begin
    select * into s from public.job_queue_settings as k where k.id = 1;
    if s.skip_after is null or s.paused then
        return '{}';
    end if;
    -- The handlers of live workers that mind no models; null among them: any handler.
    since := clock_timestamp() - s.skip_after;
    if s.resumed_at > since then
        return '{}';
    end if;
    served := array(
        select distinct h.handler
        from public.job_queue_workers as w
        cross join unnest(coalesce(w.handlers, array[null::text])) as h (handler)
        where w.seen_at > since and w.models is null
    );
    if array_position(served, null) is not null then
        return '{}';
    end if;
    -- What nobody claims stays at the head of those that are runnable.
    return array(
        select h.job_id from (
            select * from public.job_queue_jobs as j
            where j.status = 'waiting' and j.runnable
            order by j.line_key, j.seq limit 1000
        ) as h
        where h.runnable_since < since and h.handler <> all (served)
          and job_queue.nobody_runs(h::public.job_queue_jobs, s.skip_after)
        limit at_most
    );
end;
$$;

comment on function job_queue.stuck(integer) is 'Runnable jobs that are to stand aside because no live worker can run them, as seen without locks, among the first 1,000 in order.';

create or replace function job_queue.awaited(handlers text[], models text[], at_most integer) returns text[]
language plpgsql
set search_path = ''
as $$
begin
    return array(
        select j.job_id from public.job_queue_jobs as j
        where j.skipped
          and (awaited.handlers is null or j.handler = any (awaited.handlers))
          and (awaited.models is null or j.models <@ awaited.models)
        order by j.line_key, j.seq
        limit at_most
    );
end;
$$;

comment on function job_queue.awaited(text[], text[], integer) is 'Jobs that stand aside and that a worker with these handlers and models can run.';

notify pgrst, 'reload schema';
