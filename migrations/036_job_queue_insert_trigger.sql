-- Rows that come into `jobs`, get their required_models or go, by anything (SQL, supabase-js, the Table Editor), enter their lines or
-- leave them, in the transaction of whoever does it. Input is checked and a note is left by the statement; the notes are followed when
-- the transaction commits, so that the locks on the lines are held for a moment only, however long the transaction runs.
--
-- Nothing but refused input makes the user's statement or commit fail. A note that cannot be followed now (the snapshot is not READ
-- COMMITTED, a line is locked for long, the transaction has locks of the queue already, or it is one of more than a thousand) stays,
-- as `late`, and the next call that starts jobs, puts one in line or sweeps follows it before it does anything else.

create table if not exists public.job_queue_arrivals (
    id bigint generated always as identity primary key,
    transaction xid8 not null default pg_current_xact_id(),
    job_id text not null,
    job jsonb,
    late boolean not null default false,
    rings boolean not null default false
);

comment on table public.job_queue_arrivals is
    'Notes of rows that came into jobs or went, until they are followed: at the commit of their transaction, or soon after (late).';
comment on column public.job_queue_arrivals.job is 'The checked job that is to enter its lines; null: look only whether the row is there.';
comment on column public.job_queue_arrivals.rings is 'One note of each statement has the notes followed at the commit.';

create index if not exists job_queue_arrivals_transaction_idx on public.job_queue_arrivals (transaction);
create index if not exists job_queue_arrivals_late_idx on public.job_queue_arrivals (id) where late;
alter table public.job_queue_arrivals enable row level security;
revoke all on public.job_queue_arrivals from public, anon, authenticated;
grant select, insert, update, delete on public.job_queue_arrivals to service_role;

create or replace function job_queue.arrival(given jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    type text := coalesce(nullif(btrim(given ->> 'job_type'), ''), 'normal');
    job jsonb;
    unknown text;
begin
    if coalesce(jsonb_typeof(given -> 'required_models'), 'null') = 'null'
       or coalesce(given ->> 'status', 'pending') not in ('pending', 'pending_retry', 'queued') then
        return null;
    end if;
    job := job_queue.check_job(jsonb_strip_nulls(jsonb_build_object(
        'job_id', given ->> 'job_id', 'models', given -> 'required_models',
        'job_type', case when type in ('normal', 'image', 'video', 'workflow') then type else 'normal' end,
        'handler', left(coalesce(case when type = 'workflow' then nullif(btrim(given ->> 'model'), '') end, type), 200),
        -- The predecessor's priorities: 1 (or none) first, then 2, then 3. Only a service-role insert may set one.
        'priority', case
            when not pg_has_role(coalesce(nullif(current_setting('role', true), 'none'), session_user)::name, 'service_role', 'usage') then 0
            when jsonb_typeof(given #> '{metadata,priority}') = 'number'
                then 1 - greatest(1, least(3, round((given #>> '{metadata,priority}')::numeric)))
            else 0
        end
    )));
    if (select s.unknown_models from public.job_queue_settings as s where s.id = 1) = 'refuse'
       and not exists (select from public.job_queue_jobs as k where k.job_id = job ->> 'job_id') then
        select m into unknown from jsonb_array_elements_text(job -> 'models') as m
        where not exists (select from public.job_queue_models as k where k.model = m) limit 1;
        if found then
            perform job_queue.refuse('JQ008', format('The model "%s" is unknown.', left(unknown, 200)),
                                     'Add it with job_queue_set_model, or let unknown models in with job_queue_set_limits.');
        end if;
    end if;
    return job;
end;
$$;

comment on function job_queue.arrival(jsonb) is
    'The checked job of a row of jobs, or null when it is not for the queue (no models, or a status that does not wait); refuses what rule 10 refuses.';

create or replace function job_queue.early() returns boolean
language plpgsql
set search_path = ''
as $$
begin
    return current_setting('transaction_isolation') = 'read committed';
end;
$$;

comment on function job_queue.early() is
    'Whether the notes of this transaction can be followed at its commit: a snapshot that is older than the locks would show a state that has passed.';

create or replace function job_queue.note(notes jsonb, late boolean) returns void
language plpgsql
set search_path = ''
as $$
begin
    insert into public.job_queue_arrivals (job_id, job, late, rings)
    select n.e ->> 'job_id', nullif(n.e -> 'job', 'null'), note.late, not note.late and n.i = 1
    from jsonb_array_elements(notes) with ordinality as n (e, i)
    order by n.i;
end;
$$;

comment on function job_queue.note(jsonb, boolean) is 'Leaves notes, to be followed at the commit or late.';

create or replace function job_queue.note_arrivals() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    notes jsonb;
begin
    -- Also of a row without models whose job is known: it shows from now on what the job does.
    with rows as materialized (select to_jsonb(i) || jsonb_build_object('job_id', i.job_id::text) as row from inserted as i),

    checked as materialized (select r.row ->> 'job_id' as job_id, job_queue.arrival(r.row) as job from rows as r)

    select jsonb_agg(jsonb_build_object('job_id', c.job_id, 'job', c.job)) into notes
    from checked as c
    where c.job_id is not null
      and (c.job is not null or not job_queue.early()
           or exists (select from public.job_queue_jobs as k where k.job_id = c.job_id));
    if notes is not null then
        perform job_queue.note(notes, not job_queue.early() or jsonb_array_length(notes) > 1000);
    end if;
    return null;
exception when undefined_column then
    return null;
end;
$$;

comment on function job_queue.note_arrivals() is 'Trigger on jobs: checks and notes the rows of an insert that are to enter their lines.';

create or replace function job_queue.note_change() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    job jsonb;
begin
    -- Whatever else is edited changes nothing: the columns only show what the engine does.
    if old.required_models is null and new.required_models is not null
       and not exists (select from public.job_queue_jobs as k where k.job_id = new.job_id::text) then
        job := job_queue.arrival(to_jsonb(new) || jsonb_build_object('job_id', new.job_id::text));
        if job is not null then
            perform job_queue.note(jsonb_build_array(jsonb_build_object('job_id', new.job_id::text, 'job', job)), not job_queue.early());
        end if;
    end if;
    return null;
exception when undefined_column then
    return null;
end;
$$;

comment on function job_queue.note_change() is 'Trigger on jobs: a row that gets its required_models later enters its lines then.';

create or replace function job_queue.note_departures() returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    notes jsonb;
begin
    select jsonb_agg(jsonb_build_object('job_id', d.job_id::text)) into notes
    from deleted as d
    left join public.job_queue_jobs as k on k.job_id = d.job_id::text
    where k.status in ('waiting', 'delayed', 'running') or (k.job_id is null and not job_queue.early());
    if notes is not null then
        perform job_queue.note(notes, not job_queue.early() or jsonb_array_length(notes) > 1000);
    end if;
    return null;
exception when undefined_column then
    return null;
end;
$$;

comment on function job_queue.note_departures() is 'Trigger on jobs: notes the deleted rows whose jobs wait or run.';

create or replace function job_queue.note_truncation() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- Late, for at its commit it has the whole table locked, which those that hold a line may be waiting for.
    insert into public.job_queue_arrivals (job_id, late)
    select i, true from unnest(job_queue.rows_of(array(
        select k.job_id from public.job_queue_jobs as k where k.status in ('waiting', 'delayed', 'running')
    ))) as i;
    return null;
end;
$$;

comment on function job_queue.note_truncation() is 'Trigger on jobs: notes all rows whose jobs wait or run before they are gone.';

create or replace function job_queue.models_of(notes jsonb) returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
    return array(
        -- What a known job names now changes nothing; a finished one may be removed at this instant, and is new then.
        select jsonb_array_elements_text(e -> 'job' -> 'models') from jsonb_array_elements(notes) as e
        where jsonb_typeof(e -> 'job') = 'object' and not exists (
            select from public.job_queue_jobs as k
            where k.job_id = e ->> 'job_id' and k.status not in ('completed', 'failed', 'cancelled'))
        union
        select unnest(k.models) from public.job_queue_jobs as k
        where k.job_id in (select e ->> 'job_id' from jsonb_array_elements(notes) as e)
    );
end;
$$;

comment on function job_queue.models_of(jsonb) is 'The models whose lines the following of these notes may change.';

create or replace function job_queue.notes_under_own_names(notes jsonb) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select jsonb_agg(e || jsonb_build_object('job', case when jsonb_typeof(e -> 'job') = 'object'
            then job_queue.under_own_names(jsonb_build_array(e -> 'job')) -> 0 end) order by n)
        from jsonb_array_elements(notes) with ordinality as t (e, n)
    );
end;
$$;

comment on function job_queue.notes_under_own_names(jsonb) is 'Notes, with the models that the names in them stand for now.';

create or replace function job_queue.late_notes(at_most integer) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    seen bigint[];
    ids text[];
    notes jsonb;
begin
    if not pg_try_advisory_xact_lock(19028, 1) then
        return '[]';
    end if;
    select coalesce(array_agg(f.id), '{}'), coalesce(array_agg(distinct f.job_id), '{}') into seen, ids
    from (select a.id, a.job_id from public.job_queue_arrivals as a where a.late order by a.id limit at_most) as f;
    ids := job_queue.lock_mirrored(ids, true);
    with taken as (
        delete from public.job_queue_arrivals as a where a.id = any (seen) and a.job_id = any (ids) returning a.id, a.job_id, a.job
    )

    select jsonb_agg(jsonb_build_object('job_id', t.job_id, 'job', t.job) order by t.id) into notes from taken as t;
    return coalesce(notes, '[]');
end;
$$;

comment on function job_queue.late_notes(integer) is
    'Takes notes that were left for later, their rows locked, first come first; none if another caller does so now. job_queue.follow must follow.';

create or replace function job_queue.follow(notes jsonb, s public.job_queue_settings, locked text[]) returns text[]
language plpgsql
set search_path = ''
as $$
declare
    ids text[] := array(select distinct e ->> 'job_id' from jsonb_array_elements(notes) as e);
    here text[];
    arrived jsonb;
    fresh text[];
    waited text[];
    ran text[];
begin
    if cardinality(ids) = 0 then
        return '{}';
    end if;
    here := job_queue.rows_of(ids);
    -- One job a row, as it was noted last, at the place of its first note.
    select coalesce(jsonb_agg(l.job order by l.first), '[]') into arrived
    from (
        select (array_agg(e -> 'job' order by n desc))[1] as job, min(n) as first
        from jsonb_array_elements(notes) with ordinality as t (e, n)
        where jsonb_typeof(e -> 'job') = 'object' and e ->> 'job_id' = any (here)
        group by e ->> 'job_id'
    ) as l;
    fresh := job_queue.insert_new(arrived, s);

    select coalesce(array_agg(k.job_id) filter (where k.status <> 'running'), '{}'),
        coalesce(array_agg(k.job_id) filter (where k.status = 'running' and k.cancel_requested_at is null), '{}')
    into waited, ran
    from public.job_queue_jobs as k
    where k.job_id = any (ids) and k.job_id <> all (here) and k.status in ('waiting', 'delayed', 'running')
      and k.models <@ locked;
    if cardinality(waited) > 0 then
        update public.job_queue_jobs as k set error = 'The row of the job was deleted.' where k.job_id = any (waited);
        perform job_queue.leave(waited, 'cancelled', '{"reason": "row deleted"}');
    end if;
    if cardinality(ran) > 0 then
        -- Its worker is told at the next heartbeat; what the run comes to is recorded all the same.
        update public.job_queue_jobs as k set cancel_requested_at = clock_timestamp() where k.job_id = any (ran);
        perform job_queue.log_event(ran, 'cancel_requested', '{"reason": "row deleted"}');
    end if;
    return fresh;
end;
$$;

comment on function job_queue.follow(jsonb, public.job_queue_settings, text[]) is
    'Follows notes whose models are locked: jobs whose rows are there enter their lines, jobs whose rows are gone leave them or are asked to stop. '
    'Returns those that entered; job_queue.settle must follow, then their event, and job_queue.mirror for all of them.';

create or replace function job_queue.admit_arrivals() returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1s'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    notes jsonb;
begin
    -- All notes of the transaction at its first deferred firing, so that their lines are locked in one go and in order.
    begin
        if coalesce(current_setting('job_queue.locked', true), '') <> 'on'
           and (select count(*) from (select from public.job_queue_arrivals as a where a.late limit 101) as l) <= 100 then
            with taken as (
                delete from public.job_queue_arrivals as a
                where a.transaction = pg_current_xact_id() and not a.late returning a.id, a.job_id, a.job
            )

            select jsonb_agg(jsonb_build_object('job_id', t.job_id, 'job', t.job) order by t.id) into notes from taken as t;
            if jsonb_array_length(notes) <= 1000 then
                perform job_queue.enter_new('[]', notes => notes);
                perform job_queue.recheck_state();
                return null;
            elsif notes is null then
                return null;
            end if;
            raise exception using errcode = '55P03', message = 'too many';
        end if;
    exception when others then
        if sqlstate <> '55P03' then
            raise warning 'Rows of jobs enter their lines late: % (%)', sqlerrm, sqlstate;
        end if;
    end;
    update public.job_queue_arrivals as a set late = true where a.transaction = pg_current_xact_id() and not a.late;
    return null;
end;
$$;

comment on function job_queue.admit_arrivals() is 'Deferred trigger: follows the notes of the transaction, or leaves them for later.';

drop trigger if exists job_queue_admit on public.job_queue_arrivals;
create constraint trigger job_queue_admit after insert on public.job_queue_arrivals
deferrable initially deferred for each row when (new.rings) execute function job_queue.admit_arrivals();

create or replace function job_queue.add_triggers() returns void
language plpgsql
set search_path = ''
as $$
declare
    t record;
begin
    -- The paste file adds them at its end: their lock on jobs is held until the commit.
    if current_setting('job_queue.paste', true) = 'on' then
        return;
    end if;
    -- Only those that are missing: creating one waits for whoever writes to jobs. None depends on a column, or it could not be dropped.
    for t in
        select * from (values
            ('job_queue_arrive', 'after insert', 'referencing new table as inserted for each statement execute function job_queue.note_arrivals()'),
            ('job_queue_depart', 'after delete', 'referencing old table as deleted for each statement execute function job_queue.note_departures()'),
            ('job_queue_empty', 'before truncate', 'for each statement execute function job_queue.note_truncation()'),
            -- Not for what job_queue.mirror itself writes.
            ('job_queue_change', 'after update', 'for each row when (pg_trigger_depth() > 0 or '
             'current_setting(''job_queue.mirroring'', true) is distinct from ''on'') execute function job_queue.note_change()')
        ) as v (name, event, action)
        where not exists (
            select from pg_catalog.pg_trigger as g where g.tgrelid = to_regclass('public.jobs') and g.tgname = v.name
        )
    loop
        execute format('create trigger %I %s on public.jobs %s', t.name, t.event, t.action);
    end loop;
end;
$$;

comment on function job_queue.add_triggers() is 'Puts our triggers on jobs.';

create or replace function job_queue.attach() returns void
language plpgsql
set search_path = ''
as $$
declare
    before constant text := current_setting('lock_timeout');
begin
    -- Whoever writes to jobs while this waits for a lock waits behind it: so only for a moment, again and again.
    for attempt in 1..40 loop
        begin
            perform set_config('lock_timeout', '200ms', true);
            perform job_queue.adapt();
            perform set_config('lock_timeout', before, true);
            return;
        exception when lock_not_available then
            if attempt = 40 then
                raise;
            end if;
            perform pg_sleep(0.8);
        end;
    end loop;
end;
$$;

comment on function job_queue.attach() is 'job_queue.adapt for an installation: waits up to 40 seconds for a moment at which nobody writes to jobs.';

select job_queue.attach();

notify pgrst, 'reload schema';
