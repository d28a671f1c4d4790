-- Every function of ours: for service_role alone. Runs last; run it again after any file above.

do $migration$
declare
    f regprocedure;
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
end;
$migration$;

notify pgrst, 'reload schema';
