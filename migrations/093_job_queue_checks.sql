-- Private: checks that every call makes (031, 040, 042). A function that refuses, and says what was wrong, is called where something is
-- wrong or might be: a call costs more than the question whether it is needed.

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
    elsif value - allowed <> '{}' then
        select k into bad from jsonb_object_keys(value - allowed) as k limit 1;
        perform job_queue.refuse('JQ007', format('%s has an unknown key "%s".', what, left(bad, 40)),
                                 format('Known keys: %s.', array_to_string(allowed, ', ')));
    end if;
end;
$$;

comment on function job_queue.check_keys(text, jsonb, text[]) is 'Refuses (JQ007) what is not an object or has a key that nobody reads.';

create or replace function job_queue.check_models(models jsonb, unrestricted boolean) returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    hint constant text := 'Give an array of model names, for example ["motion-2.0-fast"].';
    bad jsonb;
begin
    if models is null or jsonb_typeof(models) = 'null' then
        perform job_queue.refuse('JQ002', 'The models are null.', hint);
    elsif jsonb_typeof(models) <> 'array' then
        perform job_queue.refuse('JQ002', format('The models are not an array but a JSON %s.', jsonb_typeof(models)), hint);
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

    -- Nearly always it is one name; of more, each is looked at.
    if jsonb_array_length(models) = 1 and jsonb_typeof(models -> 0) = 'string'
       and char_length(btrim(models ->> 0, E' \t\r\n')) between 1 and 200 then
        return job_queue.own_names(models);
    end if;
    for bad in
        select e from jsonb_array_elements(models) as e
        where jsonb_typeof(e) <> 'string' or char_length(btrim(e #>> '{}', E' \t\r\n')) not between 1 and 200 limit 1
    loop
        if jsonb_typeof(bad) <> 'string' then
            perform job_queue.refuse('JQ002', format('One of the models is not a name but a JSON %s.', jsonb_typeof(bad)), hint);
        end if;
        perform job_queue.refuse('JQ002', format('A model name is blank or too long: "%s".', left(btrim(bad #>> '{}', E' \t\r\n'), 40)),
                                 'A model name has 1 to 200 characters, besides blanks around it.');
    end loop;

    return job_queue.own_names(models);
end;
$$;

comment on function job_queue.check_models(jsonb, boolean) is
    'The model names of a job, trimmed, aliases resolved, without duplicates; refuses (JQ002) anything but an array of 1 to 64 names, or an empty one with unrestricted.';

create or replace function job_queue.check_job(job jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    known constant text[] := '{job_id,job_type,handler,models,steps,holding,unrestricted,priority,run_at,deadline,max_attempts,payload,row}';
    given text;
    unrestricted boolean := false;
    steps jsonb;
    models jsonb;
begin
    if jsonb_typeof(job) is distinct from 'object' or job - known <> '{}' then
        perform job_queue.check_keys('A job', job, known);
    end if;
    if jsonb_typeof(coalesce(job -> 'job_id', '""')) <> 'string' then
        perform job_queue.refuse('JQ001', 'The job id is not text.', 'Give every job an id of 1 to 200 characters.');
    end if;
    if (btrim(job ->> 'job_id') <> '' and char_length(job ->> 'job_id') <= 200) is not true then
        perform job_queue.check_job_id(job ->> 'job_id');
    end if;
    models := job -> 'models';
    if job ? 'unrestricted' then
        unrestricted := job_queue.flag_of('unrestricted', job -> 'unrestricted', false);
    end if;
    if jsonb_typeof(job -> 'steps') <> 'null' then
        if jsonb_typeof(models) <> 'null' then
            perform job_queue.refuse('JQ002', 'The job names models and steps.', 'Leave out the models: they are those of its steps.');
        end if;
        steps := job_queue.check_steps(job -> 'steps');
        models := (
            select coalesce(jsonb_agg(d.m order by d.n), '[]')
            from (select m, min(n) as n from jsonb_path_query(steps, '$[*].models[*]') with ordinality as t (m, n) group by m) as d
        );
    elsif jsonb_typeof(job -> 'holding') <> 'null' then
        perform job_queue.refuse('JQ007', 'The job has a holding rule and no steps.', 'Name its steps, or leave the holding rule out.');
    end if;
    if coalesce(job ->> 'holding', 'whole_run') not in ('whole_run', 'release_as_used', 'per_step') then
        perform job_queue.refuse('JQ007', format('The holding rule "%s" is unknown.', left(job ->> 'holding', 40)),
                                 'Use whole_run, release_as_used or per_step.');
    end if;
    given := coalesce(job ->> 'job_type', case when steps is null then 'normal' else 'workflow' end);
    return jsonb_build_object(
        'job_id', job ->> 'job_id',
        'job_type', case when given in ('normal', 'workflow') then given else job_queue.check_job_type(given) end,
        'handler', case when job ? 'handler' then job_queue.check_name('The handler', coalesce(job ->> 'handler', given), 'JQ003') else given end,
        'models', to_jsonb(job_queue.check_models(models, unrestricted)),
        'steps', steps, 'holding', case when steps is not null then coalesce(job ->> 'holding', 'whole_run') end,
        'priority', case when job ? 'priority' then job_queue.whole_number_of('The priority', job -> 'priority', -100, 100, 0) else 0 end,
        'run_at', case when job ? 'run_at' then job_queue.time_of('run_at', job -> 'run_at') end,
        'deadline', case when job ? 'deadline' then job_queue.time_of('deadline', job -> 'deadline') end,
        'max_attempts', case when job ? 'max_attempts' then job_queue.whole_number_of('max_attempts', job -> 'max_attempts', 1, 100, 3) else 3 end,
        'payload', case when job ? 'payload' then job_queue.check_size('The payload', job -> 'payload') end
    );
end;
$$;

comment on function job_queue.check_job(jsonb) is 'A new job with its defaults filled in; refuses what is not one.';

create or replace function job_queue.check_claim(claim jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    known constant text[] := '{max_jobs,handlers,models,lease_seconds}';
begin
    -- The names are looked at by job_queue.advance, which reads them, before it does anything.
    if jsonb_typeof(claim) is distinct from 'object' or claim - known <> '{}' then
        perform job_queue.check_keys('claim', claim, known);
    end if;
    return claim || jsonb_build_object(
        'max_jobs', job_queue.whole_number_of('max_jobs', claim -> 'max_jobs', 1, 1000, 1),
        'lease_seconds', case when claim ? 'lease_seconds'
            then job_queue.number_of('The lease time in seconds', claim -> 'lease_seconds', 1, 3600, 30, 'JQ004') else 30 end);
end;
$$;

comment on function job_queue.check_claim(jsonb) is 'A claim with its defaults filled in; refuses what is not one, but for its names.';

create or replace function job_queue.check_outcome(outcome jsonb) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    known constant text[] := '{job_id,token,outcome,result,error,retry_at,retry_in_seconds}';
begin
    if jsonb_typeof(outcome) is distinct from 'object' or outcome - known <> '{}' then
        perform job_queue.check_keys('An outcome', outcome, known);
    end if;
    if (btrim(outcome ->> 'job_id') <> '' and char_length(outcome ->> 'job_id') <= 200) is not true then
        perform job_queue.check_job_id(outcome ->> 'job_id');
    end if;
    if coalesce(outcome ->> 'outcome', '') not in ('complete', 'fail', 'retry', 'release') then
        perform job_queue.refuse('JQ007', format('The outcome "%s" is unknown.', left(outcome ->> 'outcome', 40)),
                                 'Use complete, fail, retry or release.');
    end if;
    if (jsonb_typeof(outcome -> 'token') = 'number' and outcome ->> 'token' ~ '^[1-9][0-9]{0,17}$') is not true then
        perform job_queue.check_token(outcome -> 'token');
    end if;
    return jsonb_build_object(
        'job_id', outcome ->> 'job_id', 'token', outcome -> 'token', 'outcome', outcome ->> 'outcome',
        'result', case when outcome ? 'result' then job_queue.check_size('The result', outcome -> 'result') end, 'error', left(outcome ->> 'error', 10000),
        'retry_at', case when outcome ? 'retry_at' then job_queue.time_of('retry_at', outcome -> 'retry_at') end,
        'retry_in_seconds', case when outcome ? 'retry_in_seconds' then job_queue.number_of('retry_in_seconds', outcome -> 'retry_in_seconds', 0, 31536000, 0) else 0 end);
end;
$$;

comment on function job_queue.check_outcome(jsonb) is 'The outcome of a run with its defaults filled in; refuses what is not one.';

notify pgrst, 'reload schema';
