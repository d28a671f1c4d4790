-- Private: the version of this SQL. Raised by the release that changes it.

create or replace function job_queue.version() returns text
language sql
immutable
set search_path = ''
as $$
    select '0.1.0'::text;
$$;

comment on function job_queue.version() is 'The version of the installed SQL.';

notify pgrst, 'reload schema';
