package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.BadRequestException;
import dev.interlock.SupabaseClient;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

/** Rows inserted into jobs by anything enter their lines, and an insert never fails because of the coordination but for its own input. */
class InsertTriggerTest extends EngineTest {

    private final String id = UUID.randomUUID().toString();

    @Test
    @DisplayName(
            "F41 A thousand rows of one insert, one copy or a thousand inserts of one transaction enter in their order")
    void manyRows() throws Exception {
        sql("insert into public.jobs (prompt, required_models) select 'a' || i, jsonb_build_array('m', 'n' || i % 7)"
                + " from generate_series(1, 1000) as i");
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            StringBuilder lines = new StringBuilder();
            for (int i = 1; i <= 200; i++) {
                lines.append("b").append(i).append("\t[\"m\"]\n");
            }
            connection
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn(
                            "copy public.jobs (prompt, required_models) from stdin",
                            new StringReader(lines.toString()));
            for (int i = 1; i <= 200; i++) {
                statement.execute("insert into public.jobs (prompt, required_models) values ('c" + i + "', '[\"m\"]')");
            }
            connection.commit();
        }

        List<String> expected = new ArrayList<>();
        for (String part : List.of("a 1000", "b 200", "c 200")) {
            for (int i = 1; i <= Integer.parseInt(part.substring(2)); i++) {
                expected.add(part.substring(0, 1) + i);
            }
        }
        assertThat(rows("select r.prompt from public.job_queue_lines l join public.jobs r on r.job_id::text = l.job_id"
                        + " where l.model = 'm' order by l.line_key, l.seq"))
                .isEqualTo(expected);
        assertThat(rows("select count(*)::text from public.job_queue_log where event_type = 'queued'"))
                .containsExactly("1400");
    }

    @Test
    @DisplayName(
            "More than a thousand rows of one transaction enter step by step, before anything that comes after them starts")
    void veryManyRows() throws Exception {
        sql(
                "insert into public.jobs (prompt, required_models) select 'a' || i, '[\"m\"]' from generate_series(1, 1250) as i");
        sql("insert into public.jobs (job_id, prompt, required_models) values ('" + id + "', 'last', '[\"m\"]')");
        assertThat(rows("select job_id from public.job_queue_jobs")).isEmpty();

        for (int i = 0; i < 13; i++) {
            queue.sweep();
        }

        assertThat(rows("select count(*)::text from public.job_queue_lines where model = 'm'"))
                .containsExactly("1251");
        assertThat(rows("select job_id from public.job_queue_lines order by line_key desc, seq desc limit 1"))
                .containsExactly(id);
    }

    @Test
    @DisplayName("What is rolled back never was, in whole or to a savepoint; what is kept enters")
    void savepoints() throws Exception {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            insert(statement, "kept");
            statement.execute("savepoint s");
            insert(statement, "gone");
            statement.execute("rollback to s");
            insert(statement, "kept too");
            connection.commit();
            insert(statement, "gone");
            connection.rollback();
        }

        assertThat(inLine()).containsExactly("kept", "kept too");
        assertThat(rows("select id::text from public.job_queue_arrivals")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"m\"", "{}", "[]", "[\"m\", 1]", "[[\"m\"]]", "[\" \"]", "7", "true"})
    @DisplayName(
            "F6 Models that rule 10 refuses are refused with the insert, in words; no models and ended rows are not the queue's")
    void refused(String models) throws Exception {
        assertThatThrownBy(
                        () -> sql("insert into public.jobs (prompt, required_models) values ('p', '" + models + "')"))
                .satisfies(e -> assertThat(((SQLException) e).getSQLState()).isEqualTo("JQ002"));
        sql("insert into public.jobs (prompt) values ('none')");
        sql("insert into public.jobs (prompt, required_models) values ('null', 'null')");
        sql(
                "insert into public.jobs (prompt, required_models, status) values ('ended', '" + models
                        + "', 'completed'),"
                        + " ('ended', '[\"m\"]', 'failed'), ('ended', '[\"m\"]', 'cancelled'), ('elsewhere', '[\"m\"]', 'running')");

        assertThat(rows("select count(*)::text from public.jobs")).containsExactly("6");
        assertThat(rows("select job_id from public.job_queue_jobs")).isEmpty();
    }

    @Test
    @DisplayName("Through the Data API a refused insert is answered with the code and a hint")
    void refusedOverHttp() {
        assertThatThrownBy(() -> serviceRole()
                        .from("jobs")
                        .insert(Map.of("prompt", "p", "required_models", List.of(List.of("m"))))
                        .execute())
                .isInstanceOfSatisfying(BadRequestException.class, e -> {
                    assertThat(e.code()).isEqualTo("JQ002");
                    assertThat(e.hint()).contains("array of model names");
                });
    }

    @Test
    @DisplayName("A queue that refuses unknown models refuses the insert, and lets in what it let in before")
    void unknownModels() throws Exception {
        queue.setModel("m", Map.of("capacity", 1));
        insertLateAndThenRefuse(id, "new");
        assertThat(queue.claim("w", 5)).containsExactly(id);
        String other = UUID.randomUUID().toString();
        insertLateAndThenRefuse(other, "another");

        assertThatThrownBy(() -> sql("insert into public.jobs (prompt, required_models) values ('p', '[\"newer\"]')"))
                .satisfies(e -> assertThat(((SQLException) e).getSQLState()).isEqualTo("JQ008"));
        sql("insert into public.jobs (prompt, required_models) values ('p', '[\"m\"]')");
        assertThat(rows("select models::text from public.job_queue_jobs where job_id = ?", other))
                .containsExactly("{another}");
        assertThat(queue.claim("w", 5)).hasSize(2).contains(other);
    }

    private void insertLateAndThenRefuse(String job, String model) throws SQLException {
        queue.setLimits(Map.of("unknown_models", "create"));
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("set transaction isolation level repeatable read");
            statement.execute("insert into public.jobs (job_id, prompt, required_models) values ('" + job
                    + "', 'p', '[\"" + model + "\"]')");
            queue.setLimits(Map.of("unknown_models", "refuse"));
            connection.commit();
        }
    }

    @ParameterizedTest
    @CsvSource({"repeatable read", "serializable"})
    @DisplayName(
            "Rows inserted with an old snapshot enter with the next claim, behind those that came first: a stale line is never read")
    void oldSnapshots(String isolation) throws Exception {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("set transaction isolation level " + isolation);
            statement.execute("select 1 from public.job_queue_lines");
            queue.startNow("first", "m");
            queue.enqueue(Queue.job("second", "m"));
            statement.execute(
                    "insert into public.jobs (job_id, prompt, required_models) values ('" + id + "', 'p', '[\"m\"]')");
            connection.commit();
        }

        assertThat(queue.claim("w", 5)).isEmpty();
        assertThat(queue.explain(id).path("queue_position").asInt()).isEqualTo(2);
        assertThat(rows("select status || queue_position from public.jobs")).containsExactly("pending2");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "job_queue_start('a', '[\"m\"]')",
                "job_queue_claim('w', 1)",
                "job_queue_complete('[]', '{\"claim\": {}}')",
                "job_queue_enqueue('[{\"job_id\": \"a\", \"models\": [\"m\"]}]')",
                "job_queue_set_model('m', '{\"capacity\": 2}')",
                "job_queue_set_limits('{\"max_active_jobs\": 2}')",
                "job_queue_sweep()"
            })
    @DisplayName(
            "A call in a transaction with an old snapshot is refused in words: it would read lines that have moved on")
    void callsWithOldSnapshots(String call) throws Exception {
        queue.startNow("first", "m");
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("set transaction isolation level repeatable read");
            assertThatThrownBy(() -> statement.execute("select public." + call))
                    .hasMessageContaining("READ COMMITTED")
                    .satisfies(e -> assertThat(((SQLException) e).getSQLState()).isEqualTo("JQ011"));
            connection.rollback();
        }
    }

    @Test
    @DisplayName("An insert does not wait long for a line that somebody holds, nor fail: its row enters afterwards")
    void lineHeldForLong() throws Exception {
        try (Connection connection = local.openConnection();
                Statement holder = connection.createStatement()) {
            connection.setAutoCommit(false);
            holder.execute("select public.job_queue_start('held', '[\"m\"]')");

            insertOverHttp("m");
            // Nor where nothing of the inserter's own bounds its waits for locks.
            ExecutorService direct = Executors.newSingleThreadExecutor();
            try {
                direct.submit(() -> {
                            sql(
                                    "set lock_timeout = 0; insert into public.jobs (prompt, required_models) values ('direct', '[\"m\"]')");
                            return "";
                        })
                        .get(30, TimeUnit.SECONDS);
            } finally {
                direct.shutdown();
                connection.rollback();
            }
        }

        assertThat(queue.claim("w", 5)).hasSize(1);
        assertThat(inLine()).hasSize(2);
    }

    @Test
    @DisplayName("Two transactions that hold each other's lines and then insert: both rows enter, neither insert fails")
    void crossedTransactions() throws Exception {
        List<Callable<String>> calls = new ArrayList<>();
        CyclicBarrier both = new CyclicBarrier(2);
        for (String models : List.of("m n", "n m")) {
            calls.add(() -> {
                try (Connection connection = local.openConnection();
                        Statement statement = connection.createStatement()) {
                    connection.setAutoCommit(false);
                    statement.execute(
                            "select public.job_queue_start('" + models + "', '[\"" + models.charAt(0) + "\"]')");
                    both.await();
                    statement.execute("insert into public.jobs (prompt, required_models) values ('p', '[\""
                            + models.charAt(2) + "\"]')");
                    connection.commit();
                    return "committed";
                }
            });
        }

        assertThat(atOnce(calls)).containsExactly("committed", "committed");
        queue.sweep();
        assertThat(rows("select job_id from public.job_queue_jobs")).hasSize(4);
    }

    @Test
    @DisplayName(
            "A transaction that has called the queue takes none of its locks a second time: its rows enter with the next call")
    void afterACallOfTheQueue() throws Exception {
        sql("begin; select public.job_queue_start('a', '[\"m\"]');"
                + " insert into public.jobs (prompt, required_models) values ('p', '[\"n\"]'); commit");
        assertThat(inLine()).isEmpty();
        queue.sweep();
        assertThat(inLine()).containsExactly("p");
    }

    @Test
    @DisplayName(
            "A restore, which runs with triggers off, starts nothing; rows that get models later, and only then, enter")
    void restoreAndLaterModels() throws Exception {
        try (Connection connection = local.openAdminConnection();
                Statement restore = connection.createStatement()) {
            restore.execute("set session_replication_role = replica");
            insert(restore, "restored");
        }
        assertThat(queue.claim("w", 5)).isEmpty();

        sql("insert into public.jobs (job_id, prompt) values ('" + id + "', 'later')");
        sql("update public.jobs set prompt = 'edited', status = 'pending' where prompt = 'later'");
        assertThat(queue.claim("w", 5)).isEmpty();
        sql("update public.jobs set required_models = '[\"m\"]' where prompt = 'edited'");
        sql("update public.jobs set required_models = '[\"n\"]' where prompt in ('edited', 'restored')");
        assertThat(rows("select models::text from public.job_queue_jobs where job_id = ?", id))
                .containsExactly("{m}");
        assertThat(queue.claim("w", 5)).containsExactly(id);
    }

    @Test
    @DisplayName("F57 An upsert through the Data API neither enters a job twice nor runs one again")
    void upsert() throws Exception {
        Map<String, Object> row =
                Map.of("job_id", id, "prompt", "p", "required_models", List.of("m"), "status", "pending");
        SupabaseClient supabase = serviceRole();
        supabase.from("jobs").upsert(row, "job_id").execute();
        supabase.from("jobs").upsert(row, "job_id").execute();
        assertThat(queue.claim("w", 5)).containsExactly(id);
        supabase.from("jobs").upsert(row, "job_id").execute();

        assertThat(queue.claim("w", 5)).isEmpty();
        assertThat(events(id)).containsExactly("queued", "started");
        queue.sweep();
        assertThat(rows("select status from public.jobs")).containsExactly("running");
    }

    @ParameterizedTest
    @CsvSource({"audio,normal,audio", "workflow,workflow,knight", "' ',normal,normal"})
    @DisplayName("F68 A type that the table allows is a handler of that name, and none is refused")
    void types(String type, String expected, String handler) throws Exception {
        sql("alter table public.jobs drop constraint jobs_job_type_check");
        try {
            sql("insert into public.jobs (prompt, job_type, model, required_models) values ('p', '" + type
                    + "', 'knight', '[\"m\"]')");
            assertThat(rows("select job_type || ',' || handler from public.job_queue_jobs"))
                    .containsExactly(expected + "," + handler);
        } finally {
            sql("truncate public.jobs, public.workflow_executions");
            sql(
                    "alter table public.jobs add constraint jobs_job_type_check check (job_type in ('image', 'video', 'workflow'))");
        }
    }

    @Test
    @DisplayName("F155 A priority counts from service_role and the owner, and from nobody else")
    void priorities() throws Exception {
        sql("create role test_app nologin");
        sql("grant insert on public.jobs to test_app, authenticated");
        sql("grant test_app to postgres");
        sql("create policy test_all on public.jobs for insert to test_app, authenticated with check (true)");
        try {
            for (String role : List.of("service_role", "postgres", "authenticated", "test_app")) {
                sql("set role " + role + "; insert into public.jobs (prompt, required_models, metadata) values ('"
                        + role + "', '[\"m\"]', '{\"priority\": 2}')");
            }
            assertThat(rows("select priority::text from public.job_queue_jobs order by seq"))
                    .containsExactly("-1", "-1", "0", "0");
        } finally {
            sql("drop policy test_all on public.jobs");
            sql("revoke insert on public.jobs from authenticated");
            sql(
                    "grant insert (job_id, user_id, prompt, model, aspect_ratio, image_url, width, height, job_type, metadata,"
                            + " required_models) on public.jobs to authenticated");
            sql("drop owned by test_app; drop role test_app");
        }
    }

    @Test
    @DisplayName("I8 Inserts and deletes of many rows by many at once end, and everything that is left is in line")
    void atOnceInAnyOrder() throws Exception {
        List<Callable<String>> calls = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            String first = "m" + i % 3;
            String second = "m" + (i + 1) % 3;
            calls.add(() -> {
                for (int n = 0; n < 5; n++) {
                    sql("insert into public.jobs (prompt, required_models) values ('keep', '[\"" + first + "\"]'),"
                            + " ('keep', '[\"" + second + "\", \"" + first + "\"]'), ('go', '[\"" + second + "\"]')");
                    sql(
                            "delete from public.jobs where job_id = (select job_id from public.jobs where prompt = 'go' limit 1"
                                    + " for update skip locked)");
                }
                return "";
            });
        }
        ExecutorService worker = Executors.newSingleThreadExecutor();
        try {
            Future<Integer> claimed = worker.submit(() -> {
                int got = 0;
                for (int i = 0; i < 20; i++) {
                    got += queue.claim("w", 1).size();
                }
                return got;
            });
            atOnce(calls);
            assertThat(claimed.get()).isNotNegative();
        } finally {
            worker.shutdownNow();
        }
        queue.sweep();

        assertThat(
                        rows(
                                "select job_id::text from public.jobs where job_id::text not in (select job_id from public.job_queue_jobs)"))
                .isEmpty();
        assertThat(rows("select job_id from public.job_queue_jobs where status = 'waiting'"
                        + " and job_id not in (select job_id::text from public.jobs)"))
                .isEmpty();
    }

    private void insertOverHttp(String model) {
        serviceRole()
                .from("jobs")
                .insert(Map.of("prompt", "p", "required_models", List.of(model)))
                .execute();
    }

    private static void insert(Statement statement, String prompt) throws SQLException {
        statement.execute("insert into public.jobs (prompt, required_models) values ('" + prompt + "', '[\"m\"]')");
    }

    private List<String> inLine() throws SQLException {
        return rows("select r.prompt from public.job_queue_lines l join public.jobs r on r.job_id::text = l.job_id"
                + " order by l.line_key, l.seq");
    }

    private SupabaseClient serviceRole() {
        return SupabaseClient.create(local.url(), local.secretKey());
    }
}
