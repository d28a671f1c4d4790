create or replace function public.job_queue_version() returns jsonb
language sql
stable
set search_path = ''
as $$
    -- An SDK that is written to contract n works with this SQL when oldest_contract <= n <= contract.
    select jsonb_build_object(
        'version', job_queue.version(), 'contract', 1, 'oldest_contract', 1,
        'migrations', coalesce((
            select jsonb_agg(jsonb_build_object('name', m.name, 'checksum', m.checksum, 'applied_at', m.applied_at) order by m.name)
            from public.job_queue_migrations as m
        ), '[]'));
$$;

comment on function public.job_queue_version() is 'What is installed. The SDK checks once that its contract number is between oldest_contract and contract. Example: select job_queue_version()';

notify pgrst, 'reload schema';
