-- Every function of ours: for service_role alone; every sequence for nobody else. Run it again after any file above.

do $migration$
declare
    f regprocedure;
    s regclass;
begin
    for f in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = to_regnamespace('job_queue')
           or p.pronamespace = to_regnamespace('public') and p.proname like 'job\_queue\_%'
    loop
        execute format('revoke all on function %s from public, anon, authenticated', f);
        execute format('grant execute on function %s to service_role', f);
    end loop;
    -- In projects of before autumn 2026 whatever is created is granted to everybody, the sequence of an identity column too.
    for s in
        select c.oid::regclass from pg_catalog.pg_class as c
        where c.relnamespace = to_regnamespace('public') and c.relkind = 'S' and c.relname like 'job\_queue\_%'
    loop
        execute format('revoke all on sequence %s from public, anon, authenticated', s);
    end loop;
end;
$migration$;

notify pgrst, 'reload schema';
