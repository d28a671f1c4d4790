create or replace function job_queue.limits() returns jsonb
language sql
stable
set search_path = ''
as $$
    select jsonb_build_object(
        'max_active_jobs', s.max_active_jobs, 'priority_step_seconds', extract(epoch from s.priority_step),
        'default_capacity', s.default_capacity, 'unknown_models', s.unknown_models,
        'log_retention_days', extract(epoch from s.log_retention) / 86400,
        'paused', s.paused, 'max_overtakes', s.max_overtakes, 'skip_after_seconds', extract(epoch from s.skip_after))
    from public.job_queue_settings as s where s.id = 1;
$$;

comment on function job_queue.limits() is 'The settings of the whole queue, as answers give them.';

create or replace function public.job_queue_set_limits(settings jsonb) returns jsonb
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
    was integer;
    before jsonb;
    limit_line constant text := '';
    unknown text;
    n numeric;
begin
    perform job_queue.check_keys('settings', settings,
        '{max_active_jobs,priority_step_seconds,default_capacity,unknown_models,log_retention_days,paused,max_overtakes,skip_after_seconds}');
    s := job_queue.settings_alone();
    was := s.max_active_jobs;
    before := to_jsonb(s) - 'resumed_at';

    if settings ? 'max_active_jobs' then
        s.max_active_jobs := job_queue.whole_number_of('max_active_jobs', settings -> 'max_active_jobs', 1, 10000, null);
    end if;
    n := job_queue.number_of('priority_step_seconds', settings -> 'priority_step_seconds', 0, 86400, null);
    s.priority_step := coalesce(make_interval(secs => n), s.priority_step);
    s.default_capacity := job_queue.whole_number_of('default_capacity', settings -> 'default_capacity', 0, 10000, s.default_capacity);
    unknown := coalesce(settings ->> 'unknown_models', s.unknown_models);
    if unknown not in ('create', 'refuse') then
        perform job_queue.refuse('JQ007', format('unknown_models is "%s".', left(unknown, 40)), 'Use create or refuse.');
    end if;
    if settings ? 'log_retention_days' then
        n := job_queue.number_of('log_retention_days', settings -> 'log_retention_days', 1, 3650, null);
        s.log_retention := make_interval(secs => n * 86400);
    end if;
    if s.paused and job_queue.flag_of('paused', settings -> 'paused', true) is false then
        s.resumed_at := clock_timestamp();
    end if;
    s.paused := job_queue.flag_of('paused', settings -> 'paused', s.paused);
    s.max_overtakes := job_queue.whole_number_of('max_overtakes', settings -> 'max_overtakes', 0, 1000, s.max_overtakes);
    if settings ? 'skip_after_seconds' then
        n := job_queue.number_of('skip_after_seconds', settings -> 'skip_after_seconds', 1, 86400, null);
        s.skip_after := make_interval(secs => n);
    end if;
    update public.job_queue_settings
    set paused = s.paused, resumed_at = s.resumed_at, max_overtakes = s.max_overtakes, skip_after = s.skip_after,
        max_active_jobs = s.max_active_jobs, priority_step = s.priority_step, default_capacity = s.default_capacity,
        unknown_models = unknown, log_retention = s.log_retention
    where id = 1;
    perform job_queue.log_change('limits_changed', null, before, (
        select to_jsonb(q) - 'resumed_at' from public.job_queue_settings as q where q.id = 1));

    if s.max_active_jobs is distinct from was then
        update public.job_queue_models as m set capacity = coalesce(s.max_active_jobs, 0) where m.model = limit_line;
        if s.max_active_jobs is null then
            delete from public.job_queue_lines as l where l.model = limit_line;
        elsif was is null then
            -- Those that run hold the limit's seats, even past it: nobody new until it fits.
            insert into public.job_queue_lines (model, line_key, seq, job_id, seat)
            select limit_line, j.line_key, j.seq, j.job_id,
                case when j.status = 'running' then row_number() over (partition by j.status order by j.started_at, j.job_id) end
            from public.job_queue_jobs as j where j.status in ('waiting', 'running');
        end if;
        perform job_queue.settle(array[limit_line]);
        update public.job_queue_jobs as j
        set runnable = not j.runnable, runnable_since = clock_timestamp()
        where j.status = 'waiting'
          and j.runnable = exists (select from public.job_queue_lines as l where l.job_id = j.job_id and l.seat is null);
        perform job_queue.refresh_state(s, begun => true);
    end if;

    return job_queue.limits();
end;
$$;

comment on function public.job_queue_set_limits(jsonb) is
    'Changes the settings of the whole queue: max_active_jobs (null = none, 1 = one job at a time), priority_step_seconds, default_capacity, unknown_models, '
    'log_retention_days, paused (nobody starts), max_overtakes, skip_after_seconds (null = never). '
    'docs/reference/rpc.md. Example: select job_queue_set_limits(''{"max_active_jobs": 1}'')';

notify pgrst, 'reload schema';
