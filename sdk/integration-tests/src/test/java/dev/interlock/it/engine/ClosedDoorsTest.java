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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** I12: with an anon key or as a signed-in user no table of the coordinator can be read or written and no function called. */
class ClosedDoorsTest extends EngineTest {

    private static final String OURS =
            "(p.pronamespace = 'job_queue'::regnamespace or (p.pronamespace = 'public'::regnamespace"
                    + " and (p.proname like 'job\\_queue\\_%' or p.proname = 'exec_sql')))";

    @Test
    @DisplayName("I12, F151 Every table is refused to anon and to signed-in users, to read and to write")
    void tablesAreClosed() throws Exception {
        queue.startNow("a", "m");
        List<String> tables = rows(
                "select tablename from pg_tables where schemaname = 'public' and tablename like 'job\\_queue\\_%'");
        assertThat(tables).hasSizeGreaterThan(8);
        for (SupabaseClient outsider : outsiders()) {
            for (String table : tables) {
                assertThatThrownBy(() -> outsider.from(table).select().limit(1).listOf(JsonNode.class))
                        .as(table)
                        .isInstanceOf(InterlockException.class)
                        .hasMessageContaining("42501");
                assertThatThrownBy(() -> outsider.raw("POST", "/" + table, Map.of(), "{}"))
                        .as(table)
                        .isInstanceOf(InterlockException.class);
                assertThatThrownBy(() -> outsider.raw("DELETE", "/" + table + "?limit=1", Map.of(), null))
                        .as(table)
                        .isInstanceOf(InterlockException.class);
            }
        }
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
    @DisplayName("Every UPDATE and DELETE of the SQL has a WHERE, for Supabase loads safeupdate")
    void everyWriteHasAWhere() throws Exception {
        Pattern write = Pattern.compile(
                "(?is)\\b(?:update\\s+public\\.\\S+(?:\\s+as\\s+\\w+)?\\s+set|delete\\s+from)\\b.*?(?:;|\\n\\s*\\)\\s*\\n)");
        List<String> without = new ArrayList<>();
        int seen = 0;
        try (Stream<Path> files = Files.list(Path.of("../../migrations"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".sql")).toList()) {
                Matcher matcher = write.matcher(Files.readString(file).replaceAll("--.*", ""));
                while (matcher.find()) {
                    seen++;
                    if (!matcher.group().toLowerCase(java.util.Locale.ROOT).contains("where")) {
                        without.add(file.getFileName() + ": " + matcher.group());
                    }
                }
            }
        }
        assertThat(seen).isGreaterThan(20);
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
