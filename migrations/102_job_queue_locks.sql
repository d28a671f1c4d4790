-- Private: two questions that every call asks (032), asked in the way that the common case can be answered with least: to start a
-- statement costs more than to run it.

create or replace function job_queue.own_names(models jsonb) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    only_one constant text := case when jsonb_array_length(models) = 1 then btrim(models ->> 0, E' \t\r\n') end;
begin
    if only_one is not null then
        return array[coalesce((select a.model from public.job_queue_aliases as a where a.alias = only_one), only_one)];
    end if;
    return array(
        select t.name
        from (
            select coalesce(a.model, btrim(e, E' \t\r\n')) as name, min(n) as first
            from jsonb_array_elements_text(models) with ordinality as g (e, n)
            left join public.job_queue_aliases as a on a.alias = btrim(e, E' \t\r\n')
            group by 1
        ) as t
        order by t.first
    );
end;
$$;

comment on function job_queue.own_names(jsonb) is 'The models with these names, in the order given: trimmed, aliases resolved, without duplicates.';

create or replace function job_queue.lock_models(names text[], s public.job_queue_settings) returns void
language plpgsql
set search_path = ''
as $$
declare
    missing text[];
begin
    -- New models first, and in order: a wait for another caller's insert must not come after a lock on an existing row.
    if (select count(*) from public.job_queue_models as m where m.model = any (names)) < cardinality(names) then
        select array_agg(distinct n collate "C") into missing
        from unnest(names) as n
        where not exists (select from public.job_queue_models as m where m.model = n);
    end if;
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

notify pgrst, 'reload schema';
