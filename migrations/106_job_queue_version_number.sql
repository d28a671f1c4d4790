-- Private: the version of this SQL. The last file of a release.

create or replace function job_queue.version() returns text
language sql
immutable
set search_path = ''
as $$
    select '0.2.0'::text;
$$;

notify pgrst, 'reload schema';
