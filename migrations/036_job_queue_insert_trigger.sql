-- Rows inserted into `jobs` by anything (SQL, supabase-js, the Table Editor) with required_models set enter their lines, in the
-- inserter's transaction. Checked at the insert; entered when the transaction commits, so that the locks on the lines are held for a
-- moment only, however long the transaction runs.

create table if not exists public.job_queue_arrivals (
    id bigint generated always as identity primary key,
    transaction xid8 not null default pg_current_xact_id(),
    job jsonb not null
);

comment on table public.job_queue_arrivals is 'Rows just inserted into jobs, until the inserting transaction commits. Always empty for everybody else.';

create index if not exists job_queue_arrivals_transaction_idx on public.job_queue_arrivals (transaction);
alter table public.job_queue_arrivals enable row level security;
revoke all on public.job_queue_arrivals from public, anon, authenticated;
grant select, insert, delete on public.job_queue_arrivals to service_role;

create or replace function job_queue.note_arrivals() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.job_queue_arrivals (job)
    select job_queue.check_job(jsonb_strip_nulls(jsonb_build_object(
        'job_id', r.row ->> 'job_id', 'models', r.row -> 'required_models',
        'job_type', coalesce(r.row ->> 'job_type', 'normal'),
        'handler', case when r.row ->> 'job_type' = 'workflow' then nullif(btrim(r.row ->> 'model'), '') end,
        -- The predecessor's priorities: 1 (or none) first, then 2, then 3. Only a service-role insert may set one.
        'priority', case
            when current_setting('role', true) in ('anon', 'authenticated') then 0
            when jsonb_typeof(r.row #> '{metadata,priority}') = 'number'
                then 1 - greatest(1, least(3, round((r.row #>> '{metadata,priority}')::numeric)))
            else 0
        end
    )))
    from (select to_jsonb(i) as row from inserted as i) as r
    where jsonb_typeof(r.row -> 'required_models') <> 'null'
      and r.row ->> 'status' in ('pending', 'pending_retry');
    return null;
end;
$$;

comment on function job_queue.note_arrivals() is 'Trigger on jobs: checks and notes the rows of an insert that are to enter their lines.';

create or replace function job_queue.admit_arrivals() returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    arrived jsonb;
    fresh text[];
begin
    -- All rows of the transaction at its first deferred firing, so that their lines are locked in one go and in order.
    with taken as (
        delete from public.job_queue_arrivals as a where a.transaction = pg_current_xact_id() returning a.id, a.job
    )

    select jsonb_agg(t.job order by t.id) into arrived from taken as t;
    if arrived is not null then
        fresh := job_queue.enter_new(arrived);
        perform job_queue.log_event(fresh, 'queued');
        -- All of them: a row that comes late says what its job is now.
        perform job_queue.mirror(array(select e ->> 'job_id' from jsonb_array_elements(arrived) as e));
        perform job_queue.recheck_state();
    end if;
    return null;
end;
$$;

comment on function job_queue.admit_arrivals() is 'Deferred trigger: puts the noted rows of the transaction in line.';

drop trigger if exists job_queue_admit on public.job_queue_arrivals;
create constraint trigger job_queue_admit after insert on public.job_queue_arrivals
deferrable initially deferred for each row execute function job_queue.admit_arrivals();

do $migration$
begin
    if to_regclass('public.jobs') is not null then
        execute 'drop trigger if exists job_queue_arrive on public.jobs';
        execute 'create trigger job_queue_arrive after insert on public.jobs '
                'referencing new table as inserted for each statement execute function job_queue.note_arrivals()';
    end if;
end;
$migration$;

notify pgrst, 'reload schema';
