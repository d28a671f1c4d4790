-- A new Supabase project, as far as the Data API and migrations can see: its roles, timeouts, schemas, default grants and event triggers.
-- Run once as supabase_admin, the superuser. What the binaries lack and this therefore cannot have: safeupdate, pg_cron, pg_net, pgmq.

create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit password 'postgres';
grant anon, authenticated, service_role to authenticator;

-- As on Supabase, "postgres" owns the database and is no superuser.
create role postgres login createrole createdb replication bypassrls password 'postgres';
grant anon, authenticated, service_role to postgres;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
alter database postgres owner to postgres;
alter schema public owner to pg_database_owner;
grant all on database postgres to postgres;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set statement_timeout = '2min';
alter role postgres set search_path = "$user", public, extensions;

grant usage on schema public to postgres, anon, authenticated, service_role;

-- Since autumn 2026 nothing that postgres creates in public is granted to the API roles by itself.
alter default privileges for role postgres in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public revoke all on functions from anon, authenticated, service_role;

create schema graphql_public authorization postgres;
create schema extensions;
grant usage on schema extensions to postgres, anon, authenticated, service_role;
grant create on schema extensions to postgres;
create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists pg_stat_statements with schema extensions;

create schema auth;
grant usage on schema auth to postgres, anon, authenticated, service_role;
create function auth.uid() returns uuid language sql stable set search_path = '' as $$
    select nullif(current_setting('request.jwt.claims', true)::jsonb ->> 'sub', '')::uuid;
$$;
create function auth.role() returns text language sql stable set search_path = '' as $$
    select nullif(current_setting('request.jwt.claims', true)::jsonb ->> 'role', '');
$$;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;

-- PostgREST learns of DDL by these.
create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql set search_path = '' as $$
begin
    if exists (
        select from pg_event_trigger_ddl_commands() as c
        where c.command_tag in (
            'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE FOREIGN TABLE',
            'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW',
            'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE', 'CREATE RULE', 'COMMENT')
          and c.schema_name is distinct from 'pg_temp'
    ) then
        notify pgrst, 'reload schema';
    end if;
end;
$$;
create function extensions.pgrst_drop_watch() returns event_trigger language plpgsql set search_path = '' as $$
begin
    if exists (
        select from pg_event_trigger_dropped_objects() as d
        where d.object_type in (
            'schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'trigger', 'type', 'rule')
          and not d.is_temporary
    ) then
        notify pgrst, 'reload schema';
    end if;
end;
$$;
create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_drop_watch();
