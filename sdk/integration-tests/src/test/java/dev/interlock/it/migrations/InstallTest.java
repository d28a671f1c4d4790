package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.ConfigurationException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.Lease;
import dev.interlock.MigrationReport;
import dev.interlock.Migrator;
import dev.interlock.SchemaMismatchException;
import dev.interlock.SupabaseClient;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.it.ExistingDatabase;
import dev.interlock.testing.LocalSupabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The SQL installs in each of the three ways on PostgreSQL 15 and 17, again and again, and leaves nothing when rolled back. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InstallTest {

    private static final Path MIGRATIONS = Path.of("../../migrations");
    private static final String SUCCESS = """
            ✅ Migration 027 completed successfully!
               - Added 5 columns to jobs table
               - Added 3 columns to workflow_executions table
               - Created job_queue_state table
               - Created job_queue_log table
               - Created 8 new indexes""";

    private final Map<Integer, LocalSupabase> stacks = new HashMap<>();

    private LocalSupabase local;

    @AfterAll
    void end() {
        stacks.values().forEach(LocalSupabase::close);
    }

    /** An empty project, or one as it was before 027, with job ids of that type. */
    private void project(int version, String existingIds) throws Exception {
        local = stacks.computeIfAbsent(
                version, v -> LocalSupabase.builder().postgresVersion(v).start());
        try (Connection connection = local.openConnection()) {
            ExistingDatabase.empty(connection);
        }
        if (!existingIds.isEmpty()) {
            sql("create table public.jobs (job_id " + existingIds
                    + " primary key, status text not null default 'pending'"
                    + " check (status in ('pending', 'running', 'completed', 'failed', 'cancelled', 'pending_retry')),"
                    + " prompt text not null, model text, job_type text not null default 'image', progress integer default 0,"
                    + " error_message text, created_at timestamptz default now(), started_at timestamptz, completed_at timestamptz,"
                    + " metadata jsonb default '{}')");
            sql("create table public.workflow_executions (id uuid primary key default gen_random_uuid(), job_id "
                    + existingIds
                    + " references public.jobs (job_id) on delete cascade, workflow_id text not null, status text default 'pending',"
                    + " current_step integer default 0, total_steps integer not null, checkpoints jsonb default '{}')");
            sql("grant all on public.jobs, public.workflow_executions to service_role");
            sql("insert into public.jobs (job_id, prompt) select gen_random_uuid()"
                    + ("text".equals(existingIds) ? "::text" : "") + ", 'old job' from generate_series(1, 20)");
        }
    }

    @ParameterizedTest
    @CsvSource({"15,''", "15,uuid", "15,text", "17,''", "17,uuid", "17,text"})
    void pastedWholeIntoAnEditor(int version, String ids) throws Exception {
        project(version, ids);
        String paste = Files.readString(
                MIGRATIONS.resolve(ids.isEmpty() ? "paste/new_project.sql" : "paste/existing_project.sql"));

        List<String> notices = sql(paste);
        Set<String> once = catalog();
        sql(paste);

        if (!ids.isEmpty()) {
            assertThat(notices).contains(SUCCESS);
        }
        assertThat(catalog()).isEqualTo(once);
        seedVerificationHolds();
        jobsAreMirrored(ids.isEmpty() ? "uuid" : ids);
    }

    @ParameterizedTest
    @CsvSource({"15,''", "15,uuid", "17,''", "17,uuid"})
    void psqlByFileAndByInclude(int version, String ids) throws Exception {
        project(version, ids);
        Path paste = MIGRATIONS.resolve(ids.isEmpty() ? "paste/new_project.sql" : "paste/existing_project.sql");

        String byFile = psql(paste, "-f", paste.toString());
        String byInclude = psql(paste, "-c", "\\i " + paste);

        if (!ids.isEmpty()) {
            assertThat(byFile).contains(SUCCESS);
            assertThat(byInclude).contains(SUCCESS);
        }
        seedVerificationHolds();
    }

    @ParameterizedTest
    @CsvSource({"15,''", "15,uuid", "17,''", "17,text"})
    void throughExecSql(int version, String ids) throws Exception {
        project(version, ids);
        local.installExecSql();
        try (SupabaseClient supabase = client()) {
            Migrator migrator = Migrator.create(supabase);
            assertThat(migrator.status().applied()).isEmpty();

            MigrationReport report = migrator.migrate();
            Set<String> once = catalog();
            MigrationReport again = migrator.migrate();

            assertThat(report.newProject()).isEqualTo(ids.isEmpty());
            assertThat(report.applied())
                    .contains(ids.isEmpty() ? MigrationFile.NEW_PROJECT : MigrationFile.EXISTING_PROJECT)
                    .doesNotContain(ids.isEmpty() ? MigrationFile.EXISTING_PROJECT : MigrationFile.NEW_PROJECT);
            assertThat(report.message()).contains(SUCCESS);
            assertThat(report.verification().lines())
                    .containsExactly(
                            "jobs columns: 5 rows",
                            "workflow_executions columns: 3 rows",
                            "new tables: 2 rows",
                            "job_queue_state: 1 row with NULL active_job_id");
            assertThat(again.applied()).isEmpty();
            assertThat(migrator.status().isUpToDate()).isTrue();
            assertThat(catalog()).isEqualTo(once);
        }
        seedVerificationHolds();
        jobsAreMirrored(ids.isEmpty() ? "uuid" : ids);
    }

    @Test
    void everyFileCanBeRunAgainAtAnyPoint() throws Exception {
        project(17, "uuid");
        List<MigrationFile> files = MigrationFile.all(false);
        for (MigrationFile file : files) {
            sql(file.sql());
            sql(file.sql());
        }
        Set<String> once = catalog();

        for (MigrationFile file : files) {
            sql(file.sql());
        }
        // The grants run last: a function that was replaced keeps its own.
        assertThat(catalog()).isEqualTo(once);
    }

    @Test
    void severalAtOnceInstallOnce() throws Exception {
        project(17, "");
        local.installExecSql();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (SupabaseClient supabase = client()) {
            List<Future<MigrationReport>> reports = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                reports.add(threads.submit(() -> Migrator.create(supabase).migrate()));
            }
            for (Future<MigrationReport> report : reports) {
                assertThat(report.get().verification().isComplete()).isTrue();
            }
        } finally {
            threads.shutdownNow();
        }
        seedVerificationHolds();
    }

    @Test
    void aFileThatChangedSinceItWasAppliedIsRefused() throws Exception {
        project(17, "");
        local.installExecSql();
        try (SupabaseClient supabase = client()) {
            Migrator migrator = Migrator.create(supabase);
            migrator.migrate();
            sql("update public.job_queue_migrations set checksum = 'other' where name = '042_job_queue_complete.sql'");
            Set<String> before = catalog();

            assertThatThrownBy(migrator::migrate)
                    .isInstanceOf(SchemaMismatchException.class)
                    .hasMessageContaining("042_job_queue_complete.sql");
            assertThat(migrator.status().changed()).containsExactly("042_job_queue_complete.sql");
            assertThat(catalog()).isEqualTo(before);
        }
    }

    @Test
    void anAnonKeyIsRefusedBeforeAnythingIsSent() throws Exception {
        project(17, "");
        assertThatThrownBy(() -> Migrator.create(SupabaseClient.create(local.url(), local.anonKey())))
                .isInstanceOf(ConfigurationException.class);
    }

    @ParameterizedTest
    @CsvSource({"15,uuid", "17,uuid", "17,text"})
    void rollbackReturnsTheFormerSchemaAndKeepsTheJobs(int version, String ids) throws Exception {
        project(version, ids);
        local.installExecSql();
        Set<String> before = catalog();
        try (SupabaseClient supabase = client()) {
            Migrator migrator = Migrator.create(supabase);
            migrator.migrate();
            jobsAreMirrored(ids);

            migrator.rollback();
            assertThat(catalog()).isEqualTo(before);
            assertThat(values("select count(*)::text from public.jobs")).containsExactly("21");
            migrator.rollback();
            migrator.migrate();
        }
        seedVerificationHolds();
    }

    @Test
    void aDatabaseForTheCoordinationAloneNeedsNoJobs() throws Exception {
        project(17, "");
        local.installExecSql();
        sql(MigrationFile.text(MigrationFile.EXISTING_PROJECT));
        try (SupabaseClient supabase = client()) {
            MigrationReport report = Migrator.create(supabase).migrate();
            JobCoordinator coordinator = JobCoordinator.create(supabase);
            coordinator.enqueue(JobRequest.normal("elsewhere").models("m").build());
            Lease lease = coordinator.claim(1).leases().get(0);

            assertThat(report.message()).contains("no table jobs");
            assertThat(coordinator.complete(lease).name()).isEqualTo("COMPLETED");
        }
    }

    @Test
    void theFilesOfANewProjectLeaveAnExistingOneAsItIs() throws Exception {
        project(17, "uuid");
        sql("grant select, insert, update on public.jobs to authenticated");
        Set<String> before = catalog();

        assertThatThrownBy(() -> sql(MigrationFile.pasteReady(true))).hasMessageContaining("000 is for a new one");
        assertThat(catalog()).isEqualTo(before);

        // Not even after 027, when the columns are there.
        sql(MigrationFile.pasteReady(false));
        Set<String> installed = catalog();
        sql(MigrationFile.pasteReady(true));
        assertThat(catalog()).isEqualTo(installed);
    }

    @Test
    void queueTablesOfThePredecessorAreCompletedAndClosed() throws Exception {
        project(17, "uuid");
        sql(
                "create table public.job_queue_state (id integer primary key default 1 constraint single_row check (id = 1),"
                        + " active_job_id text, active_job_type text, active_models jsonb, started_at timestamptz)");
        sql("insert into public.job_queue_state values (1, null, null, '[]')");
        sql("create table public.job_queue_log (id uuid primary key default gen_random_uuid(), job_id text not null,"
                + " job_type text not null, event_type text not null, created_at timestamptz default now())");
        sql("grant all on public.job_queue_state, public.job_queue_log to anon, authenticated");

        sql(MigrationFile.pasteReady(false));

        seedVerificationHolds();
        jobsAreMirrored("uuid");
        assertThat(values("select grantee::text from information_schema.role_table_grants where table_schema = 'public'"
                        + " and table_name like 'job\\_queue\\_%' and grantee in ('anon', 'authenticated', 'PUBLIC')"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "jobs,blocked_by_job_id,uuid,text",
        "jobs,required_models,text[],jsonb",
        "jobs,required_models,text,jsonb"
    })
    void aColumnOfAnotherTypeIsRefusedAndNothingChanges(String table, String column, String type, String right)
            throws Exception {
        project(17, "uuid");
        sql("alter table public." + table + " add column " + column + " " + type);
        Set<String> before = catalog();

        assertThatThrownBy(() -> sql(MigrationFile.pasteReady(false)))
                .hasMessageContaining(table + "." + column + " is ")
                .hasMessageContaining("not " + right);
        assertThat(catalog()).isEqualTo(before);
    }

    @Test
    void jobsNeedNoWorkflowExecutionsBesideThem() throws Exception {
        project(17, "uuid");
        local.installExecSql();
        sql("drop table public.workflow_executions");
        try (SupabaseClient supabase = client()) {
            MigrationReport report = Migrator.create(supabase).migrate();

            assertThat(report.verification().isComplete()).isTrue();
            assertThat(report.message()).contains("no table workflow_executions");
        }
        jobsAreMirrored("uuid");
    }

    @Test
    void whatAnotherMigratorAppliedMeanwhileIsNotRunAgain() throws Exception {
        project(17, "");
        local.installExecSql();
        String file = "053_job_queue_version.sql";
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try (SupabaseClient supabase = client();
                Connection other = local.openConnection();
                Statement statement = other.createStatement()) {
            Migrator migrator = Migrator.create(supabase);
            migrator.migrate();
            sql("delete from public.job_queue_migrations where name = '" + file + "'");
            other.setAutoCommit(false);
            statement.execute("select pg_advisory_xact_lock(19029, 0)");

            Future<MigrationReport> report = thread.submit(() -> migrator.migrate());
            while (values(
                            "select pid::text from pg_locks where locktype = 'advisory' and classid = 19029 and not granted")
                    .isEmpty()) {
                assertThat(report.isDone()).isFalse();
            }
            MigrationFile applied = MigrationFile.all(true).stream()
                    .filter(f -> f.name().equals(file))
                    .collect(Collectors.toList())
                    .get(0);
            statement.execute(applied.recordSql());
            statement.execute("comment on function public.job_queue_version() is 'of a later file'");
            other.commit();

            report.get();
            assertThat(values("select obj_description('public.job_queue_version()'::regprocedure)"))
                    .containsExactly("of a later file");
        } finally {
            thread.shutdownNow();
        }
    }

    private void seedVerificationHolds() throws SQLException {
        assertThat(
                        values(
                                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'jobs' AND column_name IN"
                                        + " ('required_models', 'queue_position', 'blocked_by_job_id', 'conflict_reason', 'queued_at')"))
                .hasSize(5);
        assertThat(values(
                        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'workflow_executions' AND"
                                + " column_name IN ('required_models', 'current_step_model', 'blocked_by_job_id')"))
                .hasSize(3);
        assertThat(values("SELECT tablename FROM pg_tables WHERE tablename IN ('job_queue_state', 'job_queue_log')"))
                .hasSize(2);
        assertThat(values("SELECT id::text FROM job_queue_state WHERE active_job_id IS NULL"))
                .containsExactly("1");
        assertThat(values("SELECT id::text FROM job_queue_state")).hasSize(1);
    }

    /** A row inserted with required_models runs through the engine and shows it. */
    private void jobsAreMirrored(String ids) throws SQLException {
        sql(
                "insert into public.jobs (job_id, prompt, required_models) values ('6f2c7a52-0000-4000-8000-00000000abcd', 'p', '[\"m\"]')"
                        + " on conflict do nothing");
        assertThat(values("select (public.job_queue_claim('w', 1) #>> '{leases,0,job_id}')"))
                .containsExactly("6f2c7a52-0000-4000-8000-00000000abcd");
        assertThat(values("select status from public.jobs where job_id = '6f2c7a52-0000-4000-8000-00000000abcd'"))
                .as("job ids of type " + ids)
                .containsExactly("running");
        sql("select public.job_queue_complete(jsonb_build_array(jsonb_build_object('job_id', job_id, 'token', token,"
                + " 'outcome', 'complete'))) from public.job_queue_jobs");
        assertThat(values(
                        "select status || progress from public.jobs where job_id = '6f2c7a52-0000-4000-8000-00000000abcd'"
                                + " and completed_at is not null"))
                .containsExactly("completed100");
    }

    private SupabaseClient client() {
        return SupabaseClient.create(local.url(), local.secretKey());
    }

    private Set<String> catalog() throws SQLException {
        try (Connection connection = local.openConnection()) {
            return Catalog.of(connection);
        }
    }

    /** Executes it as the SQL editor does, in one go; the notices. */
    private List<String> sql(String text) throws SQLException {
        List<String> notices = new ArrayList<>();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(text);
            for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
                notices.add(warning.getMessage());
            }
        }
        return notices;
    }

    private List<String> values(String query) throws SQLException {
        List<String> values = new ArrayList<>();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            while (result.next()) {
                values.add(result.getString(1));
            }
        }
        return values;
    }

    /** Runs a script with psql, in the given way, where there is one; what it printed. Else each statement by itself, as psql does. */
    private String psql(Path script, String... how) throws Exception {
        String named = System.getenv("PSQL_BIN");
        List<String> command = new ArrayList<>(List.of(named == null ? "psql" : named, "-X", "-v", "ON_ERROR_STOP=1"));
        String line = local.psqlCommand();
        command.add(line.substring(line.indexOf('"') + 1, line.lastIndexOf('"')));
        command.addAll(List.of(how));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("PGCLIENTENCODING", "UTF8");
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            System.out.println("There is no psql (PSQL_BIN, PATH); its statements are sent one by one without it.");
            return statementByStatement(Files.readString(script));
        }
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    @ParameterizedTest
    @ValueSource(ints = {15, 17})
    void eachStatementInATransactionOfItsOwn(int version) throws Exception {
        project(version, "uuid");

        assertThat(statementByStatement(Files.readString(MIGRATIONS.resolve("paste/existing_project.sql"))))
                .contains(SUCCESS);

        seedVerificationHolds();
        jobsAreMirrored("uuid");
    }

    private String statementByStatement(String script) throws SQLException {
        StringBuilder notices = new StringBuilder();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            for (String one : Statements.of(script)) {
                statement.execute(one);
                for (SQLWarning warning = statement.getWarnings();
                        warning != null;
                        warning = warning.getNextWarning()) {
                    notices.append(warning.getMessage()).append('\n');
                }
                statement.clearWarnings();
            }
        }
        return notices.toString();
    }
}
