create or replace function job_queue.set_alias(name text, settings jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    target text := settings ->> 'alias_of';
    was jsonb := jsonb_build_object('alias_of', (select a.model from public.job_queue_aliases as a where a.alias = name));
begin
    if settings - 'alias_of' <> '{}' then
        perform job_queue.refuse('JQ007', 'An alias has no settings of its own.', 'Give alias_of alone.');
    end if;
    if jsonb_typeof(settings -> 'alias_of') not in ('string', 'null') then
        perform job_queue.refuse('JQ007', format('alias_of is a %s.', jsonb_typeof(settings -> 'alias_of')), 'Name the model, or give null.');
    end if;
    perform job_queue.settings_alone();
    if target is null then
        delete from public.job_queue_aliases as a where a.alias = name;
        perform job_queue.log_change('model_changed', array[name], was, '{"alias_of": null}');
        return jsonb_build_object('model', name, 'alias_of', null);
    end if;
    target := (job_queue.check_models(jsonb_build_array(target), false))[1];
    if target = name or exists (select from public.job_queue_aliases as a where a.model = name) then
        perform job_queue.refuse('JQ007', 'An alias cannot stand for itself or for another alias.', 'Name the model itself.');
    end if;
    -- Jobs that stand in its line would stay there, beside those of the model.
    if exists (select from public.job_queue_lines as l where l.model = name)
       or exists (select from public.job_queue_jobs as j where j.status not in ('completed', 'failed', 'cancelled') and name = any (j.models)) then
        perform job_queue.refuse('JQ007', format('Jobs are in line for "%s" under this name.', name),
                                 'Let them end first: pause their source, or cancel them.');
    end if;
    insert into public.job_queue_aliases as a (alias, model) values (name, target)
    on conflict (alias) do update set model = excluded.model;
    perform job_queue.log_change('model_changed', array[name], was, jsonb_build_object('alias_of', target));
    return jsonb_build_object('model', name, 'alias_of', target);
end;
$$;

comment on function job_queue.set_alias(text, jsonb) is 'Makes a name another spelling of a model, or ends that.';

create or replace function public.job_queue_set_model(model text, settings jsonb) returns jsonb
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    s public.job_queue_settings;
    name text;
    new_capacity integer;
    new_paused boolean;
    rate integer;
    was public.job_queue_models;
    before jsonb;
    moved text[];
    halted text[];
    touched text[];
begin
    perform job_queue.check_models(jsonb_build_array(model), false);
    name := btrim(model, E' \t\r\n');
    perform job_queue.check_keys('settings', settings, '{capacity,paused,starts_per_minute,alias_of}');
    new_capacity := job_queue.whole_number_of('The capacity', settings -> 'capacity', 0, 10000, null);
    new_paused := job_queue.flag_of('paused', settings -> 'paused', null);
    rate := job_queue.whole_number_of('starts_per_minute', settings -> 'starts_per_minute', 1, 100000, null);

    if settings ? 'alias_of' then
        return job_queue.set_alias(name, settings);
    end if;
    -- A pause moves jobs out of and into the lines of all their models: nothing else may move meanwhile.
    s := job_queue.settings_alone();
    if exists (select from public.job_queue_aliases as a where a.alias = name) then
        perform job_queue.refuse('JQ007', format('"%s" is an alias.', name), 'Change the model it stands for, or end it with "alias_of": null.');
    end if;
    before := coalesce((select to_jsonb(m) - 'next_start_at' from public.job_queue_models as m where m.model = name),
                       '{"capacity": null, "paused": null, "starts_per_minute": null}');
    insert into public.job_queue_models as m (model, capacity) values (name, coalesce(new_capacity, s.default_capacity))
    on conflict on constraint job_queue_models_pkey do nothing;
    select * into was from public.job_queue_models as m where m.model = name for no key update;
    update public.job_queue_models as m
    set capacity = coalesce(new_capacity, m.capacity), paused = coalesce(new_paused, m.paused),
        starts_per_minute = case when settings ? 'starts_per_minute' then rate else m.starts_per_minute end,
        next_start_at = null
    where m.model = name;
    perform job_queue.log_change('model_changed', array[name], before, (
        select to_jsonb(m) - 'next_start_at' from public.job_queue_models as m where m.model = name));
    -- The minute that a new rate looks back on began before it.
    if rate is not null and was.starts_per_minute is null then
        -- Starts noted under an earlier rate are in the log as well.
        delete from public.job_queue_starts as e where e.model = name;
        insert into public.job_queue_starts (model, started_at, token)
        select name, l.created_at, (l.metadata ->> 'token')::bigint
        from public.job_queue_log as l
        where l.event_type = 'started' and l.created_at > now() - interval '1 minute' and coalesce(l.metadata -> 'needs', l.models) ? name
          and l.metadata ? 'token'
        on conflict do nothing;
    end if;

    touched := array[name];
    if new_paused <> was.paused then
        moved := array(
            select j.job_id from public.job_queue_jobs as j
            where name = any (j.needs)
              and (j.status = 'waiting' or j.status = 'delayed' and j.due_at = 'infinity' and not j.skipped)
            order by j.job_id
            for no key update
        );
        touched := job_queue.lines_of(array(
            select distinct unnest(j.models) from public.job_queue_jobs as j where j.job_id = any (moved)
            union select name
        ), s);
        halted := array(select j.job_id from public.job_queue_jobs as j where j.job_id = any (moved) and j.status = 'waiting');
        perform job_queue.enter(moved, s);
        if not was.paused then
            perform job_queue.log_event(halted, 'blocked', '{"paused": true}');
        else
            perform job_queue.log_event(array(
                select j.job_id from public.job_queue_jobs as j where j.job_id = any (moved) and j.status = 'waiting'
            ), 'queued', '{"resumed": true}');
        end if;
    end if;
    perform job_queue.settle(touched, moved);
    perform job_queue.mirror(job_queue.lock_mirrored(moved, true));

    return jsonb_build_object(
        'model', name,
        'capacity', (select m.capacity from public.job_queue_models as m where m.model = name),
        'paused', (select m.paused from public.job_queue_models as m where m.model = name),
        'starts_per_minute', (select m.starts_per_minute from public.job_queue_models as m where m.model = name),
        'holders', (select count(*) from public.job_queue_lines as l join public.job_queue_jobs as j on j.job_id = l.job_id
                    where l.model = name and j.status = 'running'),
        'waiting', (select count(*) from public.job_queue_lines as l join public.job_queue_jobs as j on j.job_id = l.job_id
                    where l.model = name and j.status = 'waiting')
    );
end;
$$;

comment on function public.job_queue_set_model(text, jsonb) is
    'Creates or changes a model: capacity (0-10,000), paused, starts_per_minute; or makes the name an alias (alias_of). A lower capacity lets those that run end and nobody in until it fits. '
    'docs/reference/rpc.md. Example: select job_queue_set_model(''motion-2.0-fast'', ''{"capacity": 2}'')';

notify pgrst, 'reload schema';
