-- Bootstrap for migrations by RPC, as in the seed's Option 3: supabase.rpc('exec_sql', {'query': …}). Paste it once into the SQL editor, or run it
-- with psql. With this function a secret key can change the schema; drop it after migrating if you do not want that:
--     drop function public.exec_sql(text);

create or replace function public.exec_sql(query text) returns void
language plpgsql
security definer
set search_path = ''
-- PostgREST applies this to the whole call; building an index may take longer than the API roles' 8 s.
set statement_timeout = '120s'
as $$
begin
    if query is null or btrim(query) = '' then
        raise exception using errcode = '22023', message = 'The query is empty.', hint = 'Pass SQL as {"query": "…"}.';
    end if;
    execute query;
end;
$$;

comment on function public.exec_sql(text) is
    'Executes SQL as the owner, several statements at once, all or nothing; for service_role alone. No BEGIN or COMMIT inside.';

revoke all on function public.exec_sql(text) from public, anon, authenticated;
grant execute on function public.exec_sql(text) to service_role;

notify pgrst, 'reload schema';
