-- Private: what a caller's input must be. Each refusal has a stable code, says what was wrong and what to do.

create or replace function job_queue.refuse(code text, message text, hint text) returns void
language plpgsql
set search_path = ''
as $$
begin
    raise exception using errcode = code, message = message, hint = hint;
end;
$$;

comment on function job_queue.refuse(text, text, text) is 'Raises misuse with a stable code (docs/reference/errors.md).';

create or replace function job_queue.check_job_id(job_id text) returns void
language plpgsql
set search_path = ''
as $$
begin
    if job_id is null or btrim(job_id) = '' then
        perform job_queue.refuse('JQ001', 'The job id is empty.', 'Give every job an id of 1 to 200 characters.');
    elsif char_length(job_id) > 200 then
        perform job_queue.refuse('JQ001', format('The job id is too long: %s characters.', char_length(job_id)),
                                 'Use at most 200 characters.');
    end if;
end;
$$;

comment on function job_queue.check_job_id(text) is 'Refuses (JQ001) an id that is missing, blank or longer than 200 characters.';

create or replace function job_queue.own_names(models jsonb) returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
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

create or replace function job_queue.check_models(models jsonb, unrestricted boolean) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    hint constant text := 'Give an array of model names, for example ["motion-2.0-fast"].';
    bad text;
begin
    if models is null or jsonb_typeof(models) = 'null' then
        perform job_queue.refuse('JQ002', 'The models are null.', hint);
    elsif jsonb_typeof(models) <> 'array' then
        perform job_queue.refuse('JQ002', format('The models are a %s, not an array.', jsonb_typeof(models)), hint);
    elsif jsonb_array_length(models) = 0 and not unrestricted then
        perform job_queue.refuse('JQ002', 'The models are empty.',
                                 hint || ' A job that truly needs no model says so with "unrestricted": true.');
    elsif jsonb_array_length(models) > 0 and unrestricted then
        perform job_queue.refuse('JQ002', 'The job names models and is unrestricted.',
                                 'Leave out one of the two: an unrestricted job has "models": [].');
    elsif jsonb_array_length(models) > 64 then
        perform job_queue.refuse('JQ002', format('The job names %s models.', jsonb_array_length(models)),
                                 'A job may need at most 64 models.');
    end if;

    select jsonb_typeof(e) into bad from jsonb_array_elements(models) as e where jsonb_typeof(e) <> 'string' limit 1;
    if found then
        perform job_queue.refuse('JQ002', format('One of the models is a %s, not a name.', bad), hint);
    end if;

    select left(btrim(e, E' \t\r\n'), 40) into bad
    from jsonb_array_elements_text(models) as e
    where char_length(btrim(e, E' \t\r\n')) not between 1 and 200
    limit 1;
    if found then
        perform job_queue.refuse('JQ002', format('A model name is blank or too long: "%s".', bad),
                                 'A model name has 1 to 200 characters, besides blanks around it.');
    end if;

    return job_queue.own_names(models);
end;
$$;

comment on function job_queue.check_models(jsonb, boolean) is
    'The model names of a job, trimmed, aliases resolved, without duplicates; refuses (JQ002) anything but an array of 1 to 64 names, or an empty one with unrestricted.';

create or replace function job_queue.check_steps(steps jsonb) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    checked jsonb;
begin
    if steps is null or jsonb_typeof(steps) <> 'array' or jsonb_array_length(steps) not between 1 and 100 then
        perform job_queue.refuse('JQ007', 'The steps are not an array of 1 to 100 steps.',
                                 'Give for example [{"name": "image", "models": ["nano-banana-pro"]}].');
    end if;
    perform job_queue.check_keys('A step', e, '{name,models}') from jsonb_array_elements(steps) as e;
    -- A step may need no model, but says so with an empty array.
    select jsonb_agg(jsonb_build_object(
        'name', job_queue.check_name('The name of a step', coalesce(e ->> 'name', 'step ' || n)),
        'models', job_queue.check_models(e -> 'models', coalesce(e -> 'models', 'null') = '[]')
    ) order by n) into checked
    from jsonb_array_elements(steps) with ordinality as t (e, n);
    return checked;
end;
$$;

comment on function job_queue.check_steps(jsonb) is 'The steps of a workflow with their models'' own names; refuses (JQ002, JQ007) what is not an array of 1 to 100 steps.';

create or replace function job_queue.check_job_type(job_type text) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    case job_type
        when 'workflow' then return 'workflow';
        when 'normal', 'image', 'video' then return 'normal';
        else
            perform job_queue.refuse('JQ003', format('The job type "%s" is unknown.', left(job_type, 40)),
                                     'Use normal, image, video or workflow.');
            return null;
    end case;
end;
$$;

comment on function job_queue.check_job_type(text) is 'normal or workflow, as the log and the state know them; refuses (JQ003) what is not a job type.';

create or replace function job_queue.check_keys(what text, value jsonb, allowed text[]) returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    bad text;
begin
    if value is null or jsonb_typeof(value) <> 'object' then
        perform job_queue.refuse('JQ007', format('%s is not a JSON object.', what), 'Give an object, or leave it out.');
    end if;
    select k into bad from jsonb_object_keys(value) as k where k <> all (allowed) limit 1;
    if found then
        perform job_queue.refuse('JQ007', format('%s has an unknown key "%s".', what, left(bad, 40)),
                                 format('Known keys: %s.', array_to_string(allowed, ', ')));
    end if;
end;
$$;

comment on function job_queue.check_keys(text, jsonb, text[]) is 'Refuses (JQ007) what is not an object or has a key that nobody reads.';

create or replace function job_queue.number_of(
    what text, value jsonb, low numeric, high numeric, fallback numeric, code text default 'JQ007'
) returns numeric
language plpgsql
immutable
set search_path = ''
as $$
declare
    n numeric;
begin
    if value is null or jsonb_typeof(value) = 'null' then
        return fallback;
    end if;
    if jsonb_typeof(value) = 'number' then
        n := value::numeric;
        if n between low and high then
            return n;
        end if;
    end if;
    perform job_queue.refuse(code, format('%s is %s.', what, left(value::text, 40)),
                             format('Give a number from %s to %s.', low, high));
    return null;
end;
$$;

comment on function job_queue.number_of(text, jsonb, numeric, numeric, numeric, text) is
    'A number within its range, or the fallback where none is given; refuses anything else.';

create or replace function job_queue.flag_of(what text, value jsonb, fallback boolean) returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
    if coalesce(jsonb_typeof(value), 'null') not in ('boolean', 'null') then
        perform job_queue.refuse('JQ007', format('%s is %s.', what, left(value::text, 40)), 'Give true or false.');
    end if;
    return coalesce((nullif(value, 'null'))::boolean, fallback);
end;
$$;

comment on function job_queue.flag_of(text, jsonb, boolean) is 'True or false, or the fallback where none is given; refuses (JQ007) anything else.';

create or replace function job_queue.whole_number_of(
    what text, value jsonb, low numeric, high numeric, fallback integer
) returns integer
language plpgsql
immutable
set search_path = ''
as $$
declare
    n numeric := job_queue.number_of(what, value, low, high, fallback);
begin
    if n <> trunc(n) then
        perform job_queue.refuse('JQ007', format('%s is %s.', what, n), format('Give a whole number from %s to %s.', low, high));
    end if;
    return n::integer;
end;
$$;

comment on function job_queue.whole_number_of(text, jsonb, numeric, numeric, integer) is
    'A whole number within its range, or the fallback where none is given; refuses anything else.';

create or replace function job_queue.check_token(value jsonb) returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    n numeric := job_queue.number_of('The token', value, 1, 9223372036854775807, null);
begin
    if n is null or n <> trunc(n) then
        perform job_queue.refuse('JQ007', case when n is null then 'The token is missing.' else format('The token is %s.', n) end,
                                 'Give the token of the lease.');
    end if;
end;
$$;

comment on function job_queue.check_token(jsonb) is 'Refuses (JQ007) what is not the token of a lease.';

create or replace function job_queue.time_of(what text, value jsonb) returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
    t timestamptz;
begin
    if value is null or jsonb_typeof(value) = 'null' then
        return null;
    end if;
    -- PostgreSQL itself would also take "tomorrow", and a time without a zone for one of the session's.
    if (value #>> '{}') ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$' then
        begin
            t := (value #>> '{}')::timestamptz;
        exception when datetime_field_overflow or invalid_datetime_format then
            t := null;
        end;
    end if;
    if t is null then
        perform job_queue.refuse('JQ007', format('%s is %s, not a time.', what, left(value::text, 40)),
                                 'Give an ISO 8601 time with its zone, for example "2026-11-24T12:00:00Z".');
    end if;
    return t;
end;
$$;

comment on function job_queue.time_of(text, jsonb) is 'A finite time, or null where none is given; refuses (JQ007) anything else.';

create or replace function job_queue.check_size(what text, value jsonb) returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
    -- The bound is on the text, which is what travels; 1 MiB.
    if octet_length(value::text) > 1048576 then
        perform job_queue.refuse('JQ005', format('%s is too large: %s bytes.', what, octet_length(value::text)),
                                 'Keep it within 1 MiB (1048576 bytes); put large data in storage and give its address.');
    end if;
    return nullif(value, 'null');
end;
$$;

comment on function job_queue.check_size(text, jsonb) is 'Refuses (JQ005) a payload or result of more than 1 MiB of JSON text.';

create or replace function job_queue.check_name(what text, value text, code text default 'JQ007') returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    if value is null or char_length(btrim(value)) not between 1 and 200 then
        perform job_queue.refuse(code, format('%s is missing, blank or too long.', what), 'Use 1 to 200 characters.');
    end if;
    return value;
end;
$$;

comment on function job_queue.check_name(text, text, text) is 'Refuses a worker id, handler or request id that is missing, blank or longer than 200 characters.';

create or replace function job_queue.names_of(what text, value jsonb) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    if value is null or jsonb_typeof(value) = 'null' then
        return null;
    end if;
    if jsonb_typeof(value) <> 'array' or jsonb_array_length(value) > 1000
       or exists (select from jsonb_array_elements(value) as e where jsonb_typeof(e) <> 'string') then
        perform job_queue.refuse('JQ007', format('%s is not an array of names.', what),
                                 'Give an array of at most 1000 strings, or leave it out to mean any.');
    end if;
    return array(select jsonb_array_elements_text(value));
end;
$$;

comment on function job_queue.names_of(text, jsonb) is 'An array of names, or null (any) where none is given; refuses (JQ007) anything else.';

notify pgrst, 'reload schema';
