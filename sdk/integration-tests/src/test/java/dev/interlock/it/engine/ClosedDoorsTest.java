package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.InterlockException;
import dev.interlock.SupabaseClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** I12: with an anon key or as a signed-in user no table of the coordinator can be read or written and no function called. */
class ClosedDoorsTest extends EngineTest {

    private static final String OURS =
            "(p.pronamespace = 'job_queue'::regnamespace or (p.pronamespace = 'public'::regnamespace"
                    + " and (p.proname like 'job\\_queue\\_%' or p.proname = 'exec_sql')))";

    /** The number of rows and the latest change of each table of ours. */
    private static final String EVERYTHING =
            "select relname || ' ' || (xpath('/row/c/text()', query_to_xml('select concat(count(*),"
                    + " '' '', max(xmin::text::bigint)) as c from public.' || relname, false, true, '')))[1] from pg_class"
                    + " where relnamespace = 'public'::regnamespace and relkind = 'r' and relname like 'job\\_queue\\_%' order by 1";

    @Test
    @DisplayName("I12, F151 Every table is refused to anon and to signed-in users, to read and to write")
    void tablesAreClosed() throws Exception {
        queue.startNow("a", "m");
        List<String> tables = rows(
                "select tablename from pg_tables where schemaname = 'public' and tablename like 'job\\_queue\\_%'");
        assertThat(tables).hasSizeGreaterThan(8);
        List<String> before = rows(EVERYTHING);
        for (SupabaseClient outsider : outsiders()) {
            for (String table : tables) {
                String column = rows(
                                "select attname from pg_attribute where attrelid = ('public.' || ?)::regclass and attnum > 0 and attidentity = '' order by attnum limit 1",
                                table)
                        .get(0);
                String all = "/" + table + "?" + column + "=not.is.null";
                for (Callable<Object> attempt : List.<Callable<Object>>of(
                        () -> outsider.from(table).select().limit(1).listOf(JsonNode.class),
                        () -> outsider.raw("POST", "/" + table, Map.of(), "{}"),
                        () -> outsider.raw("POST", "/" + table, Map.of("Prefer", "resolution=merge-duplicates"), "{}"),
                        () -> outsider.raw("PATCH", all, Map.of(), "{\"" + column + "\": null}"),
                        () -> outsider.raw("DELETE", all, Map.of(), null))) {
                    assertThatThrownBy(attempt::call)
                            .as(table)
                            .isInstanceOf(InterlockException.class)
                            .hasMessageContaining("42501");
                }
            }
        }
        assertThat(rows(EVERYTHING)).isEqualTo(before);
        assertThat(queue.status("a")).isEqualTo("running");
    }

    @Test
    @DisplayName("I12, F151 Every function is refused to anon and to signed-in users")
    void functionsAreClosed() throws Exception {
        List<String> functions = rows("select p.proname || ' ' || coalesce(array_to_string(p.proargnames, ','), '')"
                + " from pg_proc p where p.pronamespace = 'public'::regnamespace and " + OURS);
        assertThat(functions).hasSizeGreaterThan(13);
        for (SupabaseClient outsider : outsiders()) {
            for (String function : functions) {
                Map<String, Object> arguments = new java.util.HashMap<>();
                for (String argument :
                        function.substring(function.indexOf(' ') + 1).split(",", -1)) {
                    if (!argument.isEmpty()) {
                        arguments.put(argument, null);
                    }
                }
                assertThatThrownBy(() -> outsider.rpc(function.substring(0, function.indexOf(' ')), arguments)
                                .execute())
                        .as(function)
                        .isInstanceOf(InterlockException.class)
                        .hasMessageContaining("42501");
            }
        }
    }

    @Test
    @DisplayName("F150 A signed-in user cannot write the coordination columns, nor the status, of their own job")
    void coordinationColumnsAreNotTheUsers() throws Exception {
        String user = UUID.randomUUID().toString();
        sql("insert into public.jobs (user_id, prompt) values ('" + user + "', 'mine')");
        SupabaseClient signedIn = signedIn(user);

        assertThat(signedIn.from("jobs").select("prompt").listOf(JsonNode.class))
                .hasSize(1);
        for (String column :
                List.of("status", "required_models", "queue_position", "blocked_by_job_id", "queued_at", "metadata")) {
            assertThatThrownBy(() -> signedIn.from("jobs")
                            .update(java.util.Collections.singletonMap(column, null))
                            .eq("user_id", user)
                            .execute())
                    .as(column)
                    .isInstanceOf(InterlockException.class);
        }
    }

    @Test
    @DisplayName("A signed-in user's insert enters its lines, whatever priority it claims")
    void usersInsertsEnterWithoutPriority() throws Exception {
        String user = UUID.randomUUID().toString();

        signedIn(user)
                .from("jobs")
                .insert(Map.of(
                        "user_id",
                        user,
                        "prompt",
                        "p",
                        "required_models",
                        List.of("m"),
                        "metadata",
                        Map.of("priority", 3)))
                .execute();
        sql("insert into public.jobs (prompt, required_models, metadata) values ('p', '[\"m\"]', '{\"priority\": 3}')");

        assertThat(rows("select priority::text from public.job_queue_jobs order by seq"))
                .containsExactly("0", "-2");
    }

    @Test
    @DisplayName("Every function has an empty search_path and a comment, and is granted to service_role alone")
    void everyFunctionIsSafe() throws Exception {
        assertThat(rows("select p.proname from pg_proc p where " + OURS
                        + " and not coalesce(p.proconfig, '{}') @> array['search_path=\"\"']"))
                .as("search_path")
                .isEmpty();
        assertThat(rows("select p.proname from pg_proc p where " + OURS
                        + " and obj_description(p.oid, 'pg_proc') is null"))
                .as("comment")
                .isEmpty();
        assertThat(rows("select p.proname from pg_proc p where " + OURS
                        + " and (has_function_privilege('anon', p.oid, 'execute')"
                        + " or has_function_privilege('authenticated', p.oid, 'execute')"
                        + " or not has_function_privilege('service_role', p.oid, 'execute'))"))
                .as("grants")
                .isEmpty();
    }

    @Test
    @DisplayName("Every table has row level security, a primary key and a comment, and nothing granted to outsiders")
    void everyTableIsSafe() throws Exception {
        String ours =
                " from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname like 'job\\_queue\\_%'";
        assertThat(rows("select c.relname" + ours + " and not c.relrowsecurity"))
                .isEmpty();
        assertThat(rows("select c.relname" + ours
                        + " and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)"))
                .isEmpty();
        assertThat(rows("select c.relname" + ours + " and obj_description(c.oid, 'pg_class') is null"))
                .isEmpty();
        assertThat(rows("select c.relname" + ours
                        + " and (has_table_privilege('anon', c.oid, 'select,insert,update,delete')"
                        + " or has_table_privilege('authenticated', c.oid, 'select,insert,update,delete'))"))
                .isEmpty();
    }

    @Test
    @DisplayName(
            "I12 Nothing of ours is granted to anybody but its owner and service_role: relations, columns, sequences, functions, the schema")
    void everythingGranted() throws Exception {
        String others = " where g.grantee <> o.owner and g.grantee <> 'service_role'::regrole";
        assertThat(rows("select o.what || ' ' || g.grantee::regrole || ' ' || g.privilege_type from ("
                        + " select c.oid::regclass::text as what, c.relowner as owner, coalesce(c.relacl, acldefault('r', c.relowner)) as acl"
                        + " from pg_class c where c.relnamespace in ('public'::regnamespace, 'job_queue'::regnamespace) and c.relname like 'job\\_queue\\_%' and c.relkind in ('r', 'v', 'S')"
                        + " union all select c.oid::regclass || '.' || a.attname, c.relowner, a.attacl from pg_attribute a join pg_class c on c.oid = a.attrelid"
                        + " where c.relnamespace = 'public'::regnamespace and c.relname like 'job\\_queue\\_%' and a.attacl is not null"
                        + " union all select p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p where "
                        + OURS
                        + " union all select nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner)) from pg_namespace where nspname = 'job_queue'"
                        + ") as o, aclexplode(o.acl) as g" + others))
                .isEmpty();
    }

    @Test
    @DisplayName("Every foreign key of ours has an index, and none points out of our tables")
    void foreignKeys() throws Exception {
        String ours =
                " from pg_constraint k join pg_class c on c.oid = k.conrelid where k.contype = 'f' and c.relname like 'job\\_queue\\_%'";
        assertThat(rows("select k.conname" + ours)).isNotEmpty();
        assertThat(rows("select k.conname" + ours
                        + " and not exists (select from pg_index i where i.indrelid = k.conrelid"
                        + " and i.indpred is null and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)"))
                .isEmpty();
        assertThat(rows("select k.conname" + ours
                        + " and k.confrelid not in (select oid from pg_class where relname like 'job\\_queue\\_%')"))
                .isEmpty();
    }

    @Test
    @DisplayName(
            "Every UPDATE and DELETE of the SQL has a WHERE of its own, for Supabase loads safeupdate: in the files and in the functions as they are")
    void everyWriteHasAWhere() throws Exception {
        assertThat(Writes.withoutWhere("with g as (delete from public.t) update public.t set a = 1 where true"))
                .hasSize(1);
        assertThat(Writes.withoutWhere("update only public.t as x set a = (select 1 where true)"))
                .hasSize(1);
        assertThat(Writes.withoutWhere(
                        "insert into public.t select 1 on conflict do update set a = 1; select 1 for no key update"))
                .isEmpty();

        List<String> without = new ArrayList<>();
        int seen = 0;
        try (Stream<Path> files = Files.walk(Path.of("../../migrations"))) {
            for (Path file : files.filter(
                            f -> f.toString().endsWith(".sql") && !f.toString().contains("target"))
                    .toList()) {
                seen += Writes.count(Files.readString(file));
                Writes.withoutWhere(Files.readString(file)).forEach(w -> without.add(file.getFileName() + ": " + w));
            }
        }
        for (String function : rows("select p.proname || E'\\n' || p.prosrc from pg_proc p where " + OURS)) {
            seen += Writes.count(function);
            Writes.withoutWhere(function)
                    .forEach(w -> without.add(function.lines().findFirst().orElse("") + ": " + w));
        }
        assertThat(seen).isGreaterThan(100);
        assertThat(without).isEmpty();
    }

    private List<SupabaseClient> outsiders() {
        return List.of(
                SupabaseClient.create(local.url(), local.anonKey()),
                SupabaseClient.create(local.url(), local.publishableKey()),
                signedIn(UUID.randomUUID().toString()));
    }

    private SupabaseClient signedIn(String user) {
        return SupabaseClient.builder()
                .url(local.url())
                .key(local.publishableKey())
                .accessToken(local.accessToken(user))
                .build();
    }
}
