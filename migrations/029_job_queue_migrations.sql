-- What was installed, and with which text.

create table if not exists public.job_queue_migrations (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
);

comment on table public.job_queue_migrations is 'The migrations that were applied: file name and SHA-256 of its text.';

alter table public.job_queue_migrations enable row level security;
revoke all on public.job_queue_migrations from public, anon, authenticated;
grant select, insert, update, delete on public.job_queue_migrations to service_role;

notify pgrst, 'reload schema';
