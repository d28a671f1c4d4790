package dev.interlock.it.migrations;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What the catalog says of the schemas public and job_queue, a line each: to compare before and after. */
final class Catalog {

    private static final List<String> QUERIES = List.of(
            "select 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '"
                    + " || coalesce(column_default, '') from information_schema.columns where table_schema in ('public', 'job_queue')",
            "select 'attribute ' || attrelid::regclass::text || '.' || attname || ' ' || coalesce(attacl::text, '') || ' '"
                    + " || coalesce(col_description(attrelid, attnum), '') from pg_attribute where attnum > 0 and not attisdropped"
                    + " and attrelid in (select oid from pg_class where relkind in ('r', 'v') and relnamespace in (select oid from pg_namespace where nspname in ('public', 'job_queue')))",
            "select 'index ' || indexdef from pg_indexes where schemaname in ('public', 'job_queue')",
            "select 'constraint ' || conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint"
                    + " where connamespace in (select oid from pg_namespace where nspname in ('public', 'job_queue'))",
            "select 'function ' || oid::regprocedure::text || ' ' || md5(pg_get_functiondef(oid)) || ' ' || coalesce((select string_agg(a::text, ',' order by a::text) from unnest(proacl) a), '')"
                    + " from pg_proc where pronamespace in (select oid from pg_namespace where nspname in ('public', 'job_queue'))",
            "select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid"
                    + " where not t.tgisinternal and c.relnamespace in (select oid from pg_namespace where nspname in ('public', 'job_queue'))",
            "select 'policy ' || tablename || ' ' || policyname || ' ' || coalesce(qual, '') from pg_policies"
                    + " where schemaname in ('public', 'job_queue')",
            "select 'relation ' || relname || ' ' || relkind::text || ' ' || relrowsecurity::text || ' ' || coalesce(obj_description(oid, 'pg_class'), '') || ' ' || coalesce((select string_agg(a::text, ',' order by a::text) from unnest(relacl) a), '') from pg_class"
                    + " where relkind in ('r', 'S', 'v') and relnamespace in (select oid from pg_namespace where nspname in ('public', 'job_queue'))",
            "select 'schema ' || nspname from pg_namespace where nspname not like 'pg_%'");

    private Catalog() {}

    static Set<String> of(Connection connection) throws SQLException {
        Set<String> lines = new TreeSet<>();
        try (Statement statement = connection.createStatement()) {
            for (String query : QUERIES) {
                try (ResultSet result = statement.executeQuery(query)) {
                    while (result.next()) {
                        lines.add(result.getString(1));
                    }
                }
            }
        }
        return lines;
    }
}
