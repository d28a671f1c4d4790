package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.interlock.Doctor;
import dev.interlock.Finding;
import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.it.ExistingDatabase;
import dev.interlock.testing.LocalSupabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each thing that the doctor knows: broken in a healthy project, it is found, it and no other; and gone when what the finding says was done. */
class DoctorTest {

    private static final Path GUIDE = Path.of("../../docs/reference/doctor.md");
    private static final String TRIGGERS_OFF = "set session_replication_role = replica; ";
    private static final String A_JOB = "insert into public.jobs (job_id, prompt, status, required_models) values"
            + " ('00000000-0000-4000-8000-000000000001', 'p', '%s', '[\"m\"]')";
    private static final String NO_JOBS = "delete from public.jobs where prompt = 'p'";
    private static final String BIG = "update pg_class set reltuples = 200000 where relname = '%s'; ";
    private static final String ENQUEUE =
            "select public.job_queue_enqueue('[{\"job_id\": \"j\", \"models\": [\"m\"]}]'); ";
    private static final String FORGET =
            "select public.job_queue_cancel('j'); delete from public.job_queue_jobs where job_id = 'j';"
                    + " delete from public.job_queue_log where job_id = 'j'; delete from public.job_queue_workers where worker_id = 'w'; ";

    private static LocalSupabase local;
    private static SupabaseClient supabase;

    @BeforeAll
    static void start() throws Exception {
        local = LocalSupabase.start();
        local.installExecSql();
        supabase = SupabaseClient.create(local.url(), local.secretKey());
        Migrator.create(supabase).migrate();
        // A reading of the schema after each statement of these tests would take most of their time.
        sql("alter event trigger pgrst_ddl_watch disable; alter event trigger pgrst_drop_watch disable");
    }

    @AfterAll
    static void end() {
        supabase.close();
        local.close();
    }

    /** How a finding goes. */
    enum Ends {
        /** By fix(), and nothing else changes. */
        FIXED,
        /** By the SQL that it gives. */
        BY_ITS_SQL,
        /** By what it says in words. */
        BY_HAND
    }

    /**
     * Something broken.
     *
     * @param id the finding
     * @param sql what breaks it
     * @param undo what is left to do for a healthy project afterwards
     */
    record Break(String id, Ends ends, String sql, String undo) {
        @Override
        public String toString() {
            return id + ": " + sql.substring(0, Math.min(sql.length(), 90));
        }
    }

    static List<Break> schema() {
        return List.of(
                fixed("function-missing", "drop function public.job_queue_cancel(text, jsonb)"),
                fixed("function-missing", "drop function job_queue.lend(text, public.job_queue_settings)"),
                fixed("function-missing", "drop function job_queue.rows_of(text[])"),
                // Two files make it: the later one's has to be there again.
                fixed("function-missing", "drop function job_queue.version()"),
                fixed("column-missing", "alter table public.jobs drop column conflict_reason"),
                fixed("column-missing", "alter table public.workflow_executions drop column current_step_model"),
                fixed("trigger-missing", "drop trigger job_queue_depart on public.jobs"),
                fixed("trigger-missing", "drop trigger job_queue_admit on public.job_queue_arrivals"),
                fixed("trigger-disabled", "alter table public.jobs disable trigger job_queue_arrive"),
                fixed("index-missing", "drop index public.idx_queue_log_job"),
                fixed("index-missing", "drop index public.idx_jobs_required_models"),
                fixed("index-missing", "drop index public.job_queue_lines_seat_idx"),
                new Break(
                        "index-missing",
                        Ends.BY_ITS_SQL,
                        "drop index public.idx_queue_log_event, public.idx_workflow_executions_models, public.idx_jobs_queue; "
                                + BIG.formatted("job_queue_log") + BIG.formatted("workflow_executions")
                                + BIG.formatted("jobs"),
                        "analyze"),
                new Break(
                        "index-invalid",
                        Ends.BY_ITS_SQL,
                        "update pg_index set indisvalid = false where indexrelid = 'public.idx_queue_log_job'::regclass",
                        ""),
                new Break(
                        "job-id-unindexed",
                        Ends.BY_ITS_SQL,
                        "drop index public.idx_workflow_executions_job_id; " + BIG.formatted("workflow_executions"),
                        "analyze"),
                new Break(
                        "object-changed",
                        Ends.BY_HAND,
                        "create or replace function job_queue.early() returns boolean language sql set search_path = '' as 'select true'",
                        MigrationFile.text("036_job_queue_insert_trigger.sql")),
                new Break(
                        "object-changed",
                        Ends.BY_HAND,
                        "alter function public.job_queue_claim(text, integer, jsonb) reset enable_seqscan",
                        MigrationFile.text("043_job_queue_claim.sql") + MigrationFile.text("105_job_queue_plans.sql")),
                new Break(
                        "object-changed",
                        Ends.BY_HAND,
                        "alter table public.job_queue_jobs alter column status drop not null",
                        "alter table public.job_queue_jobs alter column status set not null"),
                new Break(
                        "object-missing",
                        Ends.BY_HAND,
                        "alter table public.job_queue_jobs drop constraint job_queue_jobs_runnable_waits",
                        "alter table public.job_queue_jobs add constraint job_queue_jobs_runnable_waits check (not runnable or status = 'waiting')"),
                new Break(
                        "unexpected-object",
                        Ends.BY_HAND,
                        "create function public.job_queue_mine() returns integer language sql as 'select 1';"
                                + " revoke all on function public.job_queue_mine() from public, anon, authenticated",
                        "drop function public.job_queue_mine()"),
                new Break(
                        "tables-changed",
                        Ends.FIXED,
                        "alter table public.jobs add column extra text",
                        "alter table public.jobs drop column extra; select job_queue.adapt()"),
                fixed("row-missing", "delete from public.job_queue_settings"),
                fixed("row-missing", "delete from public.job_queue_marks"),
                fixed("row-missing", "delete from public.job_queue_state"),
                fixed("row-missing", "delete from public.job_queue_models where model = ''"),
                new Break(
                        "token-sequence-behind",
                        Ends.FIXED,
                        event("started", "{\"status\": \"running\", \"token\": 123456789}", "now()"),
                        "delete from public.job_queue_log where job_id = 'e'"),
                new Break(
                        "migrations-pending",
                        Ends.BY_HAND,
                        "delete from public.job_queue_migrations where name like '061%'",
                        MigrationFile.all(true).stream()
                                .filter(file -> file.name().startsWith("061"))
                                .map(MigrationFile::recordSql)
                                .findFirst()
                                .orElseThrow()),
                new Break(
                        "migration-changed",
                        Ends.BY_HAND,
                        "update public.job_queue_migrations set checksum = 'x' || checksum where name like '061%'",
                        "update public.job_queue_migrations set checksum = substr(checksum, 2) where name like '061%'"),
                new Break(
                        "version-newer",
                        Ends.BY_HAND,
                        "insert into public.job_queue_migrations (name, checksum) values ('999_job_queue_more.sql', 'c')",
                        "delete from public.job_queue_migrations where name like '999%'"));
    }

    static List<Break> access() {
        return List.of(
                fixed("open-to-anon", "grant select on public.job_queue_log to anon"),
                fixed("open-to-anon", "grant select (job_id) on public.job_queue_jobs to authenticated"),
                fixed("open-to-anon", "grant truncate on public.job_queue_lines to public"),
                fixed("open-to-anon", "grant execute on function public.job_queue_claim(text, integer, jsonb) to anon"),
                fixed("open-to-anon", "grant usage on sequence public.job_queue_token_seq to authenticated"),
                fixed("open-to-anon", "grant usage on schema job_queue to anon"),
                fixed("service-role-refused", "revoke insert on public.job_queue_log from service_role"),
                fixed(
                        "service-role-refused",
                        "revoke execute on function public.job_queue_inspect() from service_role"),
                fixed("service-role-refused", "revoke update on public.workflow_executions from service_role"),
                fixed("rls-off", "alter table public.job_queue_state disable row level security"),
                new Break(
                        "policy",
                        Ends.BY_ITS_SQL,
                        "create policy \"All may look\" on public.job_queue_log for select using (true)",
                        ""),
                fixed("exec-sql-open", "grant execute on function public.exec_sql(text) to anon"),
                new Break("jobs-open", Ends.BY_ITS_SQL, "alter table public.jobs disable row level security", ""),
                new Break(
                        "old-functions-open",
                        Ends.BY_ITS_SQL,
                        "create function public.release_coordinator_slot(p_job_id text) returns jsonb language sql as 'select null::jsonb'",
                        ""),
                new Break(
                        "old-trigger",
                        Ends.BY_ITS_SQL,
                        "create function public.notify_job_insert() returns trigger language plpgsql as 'begin return new; end';"
                                + " create trigger job_insert_notify after insert on public.jobs for each row execute function public.notify_job_insert()",
                        ""));
    }

    static List<Break> data() {
        return List.of(
                byHand("running-unleased", TRIGGERS_OFF + A_JOB.formatted("running"), NO_JOBS),
                byHand("not-adopted", TRIGGERS_OFF + A_JOB.formatted("pending_retry"), NO_JOBS),
                byHand(
                        "not-adopted",
                        TRIGGERS_OFF + A_JOB.formatted("pending")
                                + "; insert into public.jobs (prompt, blocked_by_job_id, status)"
                                + " values ('p', '00000000-0000-4000-8000-000000000001', 'pending')",
                        NO_JOBS),
                byHand(
                        "blocker-gone",
                        TRIGGERS_OFF + A_JOB.formatted("completed")
                                + "; insert into public.jobs (prompt, blocked_by_job_id, status)"
                                + " values ('p', '00000000-0000-4000-8000-000000000001', 'pending'), ('p', 'unknown', 'pending_retry')",
                        NO_JOBS),
                byHand(
                        "not-examined",
                        "drop index public.idx_jobs_status, public.idx_jobs_status_created; "
                                + "update pg_class set reltuples" + " = 400000 where relname = 'jobs'",
                        "create index idx_jobs_status on public.jobs (status);"
                                + " create index idx_jobs_status_created on public.jobs (status, created_at desc); analyze public.jobs"),
                byHand("waiting-without-models", "insert into public.jobs (prompt) values ('p')", NO_JOBS),
                new Break(
                        "old-slots",
                        Ends.BY_ITS_SQL,
                        "alter table public.job_queue_state add column active_jobs jsonb not null default '[{\"job_id\": \"a\"}]'",
                        "alter table public.job_queue_state drop column active_jobs"),
                byHand(
                        "python-alive",
                        event("started", "null", "now()"),
                        "delete from public.job_queue_log where job_id = 'e'"),
                byHand(
                        "mirror-refused",
                        event("mirror_failed", "{\"relation\": \"jobs\", \"message\": \"no\"}", "now()"),
                        "delete from public.job_queue_log where job_id = 'e'"),
                new Break(
                        "nobody-polls",
                        Ends.FIXED,
                        ENQUEUE
                                + "select public.job_queue_claim('w', 1); update public.job_queue_jobs set lease_until = now() - interval '2 minutes'"
                                + " where job_id = 'j'",
                        FORGET),
                new Break(
                        "nobody-polls",
                        Ends.FIXED,
                        "select public.job_queue_enqueue(jsonb_build_array(jsonb_build_object('job_id', 'j', 'models', '[\"m\"]'::jsonb, 'run_at',"
                                + " now() + interval '1 hour'))); update public.job_queue_jobs set due_at = now() - interval '2 minutes' where job_id = 'j'",
                        FORGET),
                byHand(
                        "no-worker",
                        ENQUEUE
                                + "update public.job_queue_jobs set runnable_since = now() - interval '5 minutes' where job_id = 'j'",
                        FORGET),
                byHand(
                        "nobody-can-run",
                        ENQUEUE
                                + "update public.job_queue_jobs set runnable_since = now() - interval '5 minutes' where job_id = 'j';"
                                + " select public.job_queue_claim('w', 1, '{\"handlers\": [\"other\"]}')",
                        FORGET),
                byHand(
                        "queue-paused",
                        "select public.job_queue_set_limits('{\"paused\": true}'); " + ENQUEUE,
                        "select public.job_queue_set_limits('{\"paused\": false}'); " + FORGET),
                byHand(
                        "models-closed",
                        "select public.job_queue_set_model('m', '{\"paused\": true}'); " + ENQUEUE,
                        "select public.job_queue_set_model('m', '{\"paused\": false}'); " + FORGET),
                byHand(
                        "models-closed",
                        "select public.job_queue_set_model('m', '{\"capacity\": 0}'); " + ENQUEUE,
                        "select public.job_queue_set_model('m', '{\"capacity\": 1}'); " + FORGET),
                new Break(
                        "log-behind",
                        Ends.FIXED,
                        "update public.job_queue_marks set log_whole_from = '-infinity'; "
                                + event("completed", "{\"status\": \"completed\"}", "now() - interval '120 days'"),
                        ""));
    }

    @ParameterizedTest
    @MethodSource({"schema", "access", "data"})
    void isFoundAndMended(Break broken) throws Exception {
        Doctor doctor = Doctor.create(supabase);
        // What is wrong with rows is no matter of the catalog.
        boolean ofTheSchema = !data().contains(broken);
        Set<String> before = ofTheSchema && broken.ends() == Ends.FIXED ? catalog() : Set.of();
        boolean healthy = false;
        try {
            sql(broken.sql());

            List<Finding> findings = doctor.examine();
            assertThat(findings).extracting(Finding::id).containsExactly(broken.id());
            Finding finding = findings.get(0);
            assertThat(finding.fixable()).isEqualTo(broken.ends() == Ends.FIXED);
            assertThat(Files.readString(GUIDE)).contains("`" + broken.id() + "`");
            Set<String> sick = ofTheSchema && broken.ends() == Ends.BY_HAND ? catalog() : Set.of();
            List<String> done = doctor.fix();

            switch (broken.ends()) {
                case FIXED -> {
                    assertThat(done).hasSize(1).first().asString().startsWith(broken.id() + ": ");
                    if (ofTheSchema && !broken.id().equals("tables-changed")) {
                        assertThat(difference(before, catalog())).isEmpty();
                    }
                }
                case BY_ITS_SQL -> {
                    assertThat(done).isEmpty();
                    for (String one : Statements.of(Objects.requireNonNull(finding.sql()))) {
                        sql(one);
                    }
                }
                case BY_HAND -> {
                    assertThat(done).isEmpty();
                    if (ofTheSchema) {
                        assertThat(difference(sick, catalog())).isEmpty();
                    }
                    sql(broken.undo());
                }
            }
            assertThat(doctor.examine()).as("afterwards").isEmpty();
            healthy = true;
        } finally {
            if (!healthy) {
                // What was left broken is not to make the tests that follow fail as well.
                anew();
            } else if (broken.ends() != Ends.BY_HAND) {
                sql(broken.undo());
            }
        }
    }

    private static void anew() throws Exception {
        try (Connection connection = local.openConnection()) {
            ExistingDatabase.empty(connection);
        }
        local.installExecSql();
        Migrator.create(supabase).migrate();
    }

    @Test
    void theApiThatHasNotReadTheSchemaIsAskedTo() throws Exception {
        Doctor doctor = Doctor.create(supabase);
        leaveTheApiBehind(doctor);

        assertThat(doctor.examine()).extracting(Finding::id).containsExactly("schema-cache-stale");
        assertThat(doctor.fix()).hasSize(1);
        assertThat(doctor.examine()).isEmpty();
    }

    @Test
    void theApiThatIsAboutToReadTheSchemaIsWaitedFor() throws Exception {
        Doctor doctor = Doctor.create(supabase);
        leaveTheApiBehind(doctor);

        CompletableFuture<List<Finding>> examined = CompletableFuture.supplyAsync(doctor::examine);
        sql("notify pgrst, 'reload schema'");
        assertThat(examined.get()).isEmpty();
    }

    /** The database has job_queue_inspect, and PostgREST, which read the schema without it, is not told. */
    private static void leaveTheApiBehind(Doctor doctor) throws Exception {
        String file = MigrationFile.text("092_job_queue_inspect.sql");
        sql("drop function public.job_queue_inspect(); notify pgrst, 'reload schema'");
        // Until it has read that: before, the database itself says that there is no such function.
        String answer = "";
        for (Instant end = Instant.now().plusSeconds(30);
                !answer.contains("PGRST202") && Instant.now().isBefore(end); ) {
            answer = String.valueOf(
                    catchThrowable(() -> supabase.rpc("job_queue_inspect").execute()));
        }
        assertThat(doctor.examine()).extracting(Finding::id).containsExactly("function-missing");
        sql(file.substring(0, file.indexOf("notify pgrst")));
    }

    @Test
    void aTableThatSomebodyHasLockedHidesNothingElse() throws Exception {
        Doctor doctor = Doctor.create(supabase);
        assertThat(doctor.examine()).isEmpty();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("lock table public.jobs in access exclusive mode");

            assertThat(doctor.examine()).singleElement().satisfies(finding -> {
                assertThat(finding.id()).isEqualTo("not-examined");
                assertThat(finding.what())
                        .contains("running unleased (canceling statement due to lock timeout (55P03))");
            });
            sql(event("started", "null", "now()"));
            assertThat(doctor.examine()).extracting(Finding::id).containsExactly("python-alive");
            connection.rollback();
        } finally {
            sql("delete from public.job_queue_log where job_id = 'e'");
        }
        assertThat(doctor.examine()).isEmpty();
    }

    @Test
    void noFixBuildsAnIndexOnALargeTableByTheWay() throws Exception {
        Doctor doctor = Doctor.create(supabase);
        // 027 would put all of these back, and nobody could write to jobs meanwhile.
        sql(
                "alter table public.jobs drop column queue_position; drop index public.idx_queue_log_job, public.idx_jobs_required_models; "
                        + BIG.formatted("jobs"));
        try {
            List<Finding> found = doctor.examine();
            assertThat(found)
                    .extracting(Finding::id)
                    .containsExactlyInAnyOrder("column-missing", "index-missing", "index-missing");
            assertThat(found).noneMatch(Finding::fixable);
            assertThat(doctor.fix()).isEmpty();
            assertThat(catalog()).noneMatch(line -> line.contains("idx_jobs_required_models"));
        } finally {
            anew();
        }
    }

    @Test
    void anOlderInstallationIsLookedAtThroughExecSql() throws Exception {
        Doctor doctor = Doctor.create(supabase);
        sql("drop function public.job_queue_inspect(), job_queue.inspect_objects();"
                + " delete from public.job_queue_migrations where name like '092%'");
        try {
            assertThat(doctor.examine())
                    .singleElement()
                    .satisfies(finding -> assertThat(finding.what()).contains("092_job_queue_inspect.sql"))
                    .extracting(Finding::id)
                    .isEqualTo("migrations-pending");
            sql("drop function public.exec_sql(text)");
            assertThat(doctor.examine())
                    .singleElement()
                    .satisfies(finding -> assertThat(finding.what()).contains("has no job_queue_inspect"))
                    .extracting(Finding::id)
                    .isEqualTo("migrations-pending");
        } finally {
            local.installExecSql();
            Migrator.create(supabase).migrate();
        }
        assertThat(doctor.examine()).isEmpty();
    }

    @Test
    void theWrongKeyAndTheWrongAddressAreFindings() {
        for (String key : List.of(local.publishableKey(), local.anonKey())) {
            try (SupabaseClient client = SupabaseClient.create(local.url(), key)) {
                assertThat(Doctor.create(client).examine())
                        .extracting(Finding::id)
                        .containsExactly("key-kind");
                assertThat(Doctor.create(client).fix()).isEmpty();
            }
        }
        try (SupabaseClient client = SupabaseClient.create(local.url(), "sb_secret_of_another_project")) {
            assertThat(Doctor.create(client).examine()).extracting(Finding::id).containsExactly("key-refused");
        }
        try (SupabaseClient client = SupabaseClient.create("http://127.0.0.1:1", local.secretKey())) {
            assertThat(Doctor.create(client).examine()).extracting(Finding::id).containsExactly("unreachable");
        }
    }

    @Test
    void withoutExecSqlItLooksAndLeavesTheRestToAPerson() throws Exception {
        sql("drop function public.exec_sql(text)");
        try {
            Doctor doctor = Doctor.create(supabase);
            assertThat(doctor.examine()).isEmpty();

            sql("grant select on public.job_queue_log to anon");
            Finding finding = doctor.examine().get(0);
            assertThat(finding.id()).isEqualTo("open-to-anon");
            assertThat(finding.fixable()).isFalse();
            assertThat(doctor.fix()).isEmpty();

            sql(Objects.requireNonNull(finding.sql()));
            assertThat(doctor.examine()).isEmpty();
        } finally {
            local.installExecSql();
        }
    }

    private static Break fixed(String id, String sql) {
        return new Break(id, Ends.FIXED, sql, "");
    }

    private static Break byHand(String id, String sql, String undo) {
        return new Break(id, Ends.BY_HAND, sql, undo);
    }

    private static String event(String type, String metadata, String at) {
        return "insert into public.job_queue_log (job_id, job_type, event_type, metadata, created_at) values ('e', 'normal', '"
                + type + "', " + (metadata.equals("null") ? "null" : "'" + metadata + "'") + ", " + at + ")";
    }

    private static Set<String> catalog() throws SQLException {
        try (Connection connection = local.openConnection()) {
            // A column that was put back is the last one.
            return Catalog.of(connection).stream()
                    .map(line -> line.replaceFirst("^(column \\w+) \\d+", "$1"))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static Set<String> difference(Set<String> before, Set<String> after) {
        Set<String> difference = new TreeSet<>(before);
        after.stream().filter(line -> !difference.remove(line)).forEach(line -> difference.add("new: " + line));
        // Written for the table as it is, the numbers of its columns included.
        difference.removeIf(line -> line.contains("function job_queue.shape_known()"));
        return difference;
    }

    /** As the superuser where it has to be, else as the owner, whose objects are then his. */
    private static void sql(String text) throws SQLException {
        boolean superuser =
                text.contains("replica;") || text.contains("update pg_") || text.startsWith("alter event trigger");
        try (Connection connection = superuser ? local.openAdminConnection() : local.openConnection();
                Statement statement = connection.createStatement()) {
            if (!text.isBlank()) {
                statement.execute(text);
            }
        }
    }
}
