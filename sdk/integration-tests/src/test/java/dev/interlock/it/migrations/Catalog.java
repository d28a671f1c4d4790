package dev.interlock.it.migrations;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the catalog says of the schemas public and job_queue, a line each: to compare before and after. Grants that were never named are told as the
 * defaults that they are.
 */
final class Catalog {

    private static final String OURS = "(select oid from pg_namespace where nspname in ('public', 'job_queue'))";

    private static final List<String> QUERIES = List.of(
            "select concat_ws(' ', 'column', a.attrelid::regclass, row_number() over (partition by a.attrelid order by a.attnum), a.attname,"
                    + " format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end, a.attidentity, a.attgenerated,"
                    + " (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum),"
                    + " a.attacl, col_description(a.attrelid, a.attnum))"
                    + " from pg_attribute a join pg_class c on c.oid = a.attrelid"
                    + " where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace in "
                    + OURS,
            "select 'index ' || pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid from pg_index i join pg_class c on c.oid = i.indrelid"
                    + " where c.relnamespace in " + OURS,
            "select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint"
                    + " where connamespace in " + OURS,
            "select concat_ws(' ', 'function', oid::regprocedure, md5(pg_get_functiondef(oid)), obj_description(oid, 'pg_proc'),"
                    + " (select string_agg(a::text, ',' order by a::text) from unnest(coalesce(proacl, acldefault('f', proowner))) a))"
                    + " from pg_proc where prokind = 'f' and pronamespace in " + OURS,
            "select concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), t.tgenabled) from pg_trigger t join pg_class c on c.oid = t.tgrelid"
                    + " where not t.tgisinternal and c.relnamespace in " + OURS,
            "select concat_ws(' ', 'policy', tablename, policyname, permissive, roles, cmd, qual, with_check) from pg_policies"
                    + " where schemaname in ('public', 'job_queue')",
            "select concat_ws(' ', 'relation', oid::regclass, relkind, relowner::regrole, relrowsecurity, relforcerowsecurity, relreplident,"
                    + " reloptions, obj_description(oid, 'pg_class'), (select string_agg(a::text, ',' order by a::text)"
                    + " from unnest(coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::\"char\", relowner))) a))"
                    + " from pg_class where relkind in ('r', 'p', 'S', 'v', 'm') and relnamespace in " + OURS,
            "select concat_ws(' ', 'published', pubname, schemaname, tablename, attnames) from pg_publication_tables",
            "select concat_ws(' ', 'schema', nspname, nspacl, obj_description(oid, 'pg_namespace')) from pg_namespace where nspname not like 'pg\\_%'",
            "select concat_ws(' ', 'default', defaclrole::regrole, defaclobjtype, defaclacl) from pg_default_acl where defaclnamespace in "
                    + OURS,
            "select 'event trigger ' || evtname from pg_event_trigger",
            "select 'extension ' || extname from pg_extension");

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
