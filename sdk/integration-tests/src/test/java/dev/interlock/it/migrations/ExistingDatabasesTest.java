package dev.interlock.it.migrations;

import static java.util.Comparator.comparing;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.Lease;
import dev.interlock.Migrator;
import dev.interlock.OutcomeStatus;
import dev.interlock.PermissionDeniedException;
import dev.interlock.ServiceException;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import dev.interlock.UnauthorizedException;
import dev.interlock.it.ExistingDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** On each kind of existing database: installs in both ways with the same result, again without a change, runs its jobs, and rolls back to exactly what was. */
class ExistingDatabasesTest extends ExistingTestBase {

    private static final Duration RELOAD = Duration.ofSeconds(30);
    private static final String JOB = "f1197000-0000-4000-8000-0000000000";

    @ParameterizedTest
    @EnumSource
    @DisplayName("Installs, runs its jobs, rolls back to exactly the former schema")
    void installsAndRollsBack(ExistingDatabase kind) throws Exception {
        kind.load(local);
        local.installExecSql();
        inFlight(kind);
        Set<String> before = catalog();
        String log = kind.hasQueue() ? rows("job_queue_log") : "";

        sql(PASTE);
        Set<String> installed = catalog();
        sql(PASTE);
        assertThat(catalog()).as("pasted again").isEqualTo(installed);
        sql(ROLLBACK);
        assertThat(catalog()).as("rolled back").isEqualTo(before);

        Migrator migrator = Migrator.create(supabase);
        assertThat(migrator.migrate().verification().isExact()).isTrue();
        // The second time the columns have other numbers, which that function knows the tables by.
        assertThat(catalog())
                .as("by exec_sql as by paste")
                .usingElementComparator(
                        comparing(line -> line.replaceFirst("(job_queue.shape_known\\(\\)) \\S+", "$1")))
                .containsExactlyInAnyOrderElementsOf(installed);
        assertThat(migrator.migrate().applied()).isEmpty();
        closed();
        if (kind.hasJobs()) {
            jobsRun();
        }

        migrator.rollback();
        assertThat(catalog()).as("rolled back after work").isEqualTo(before);
        migrator.rollback();
        assertThat(catalog()).as("rolled back twice").isEqualTo(before);
        if (kind.hasQueue()) {
            assertThat(rows("job_queue_log")).as("the log of before").isEqualTo(log);
        }
    }

    @Test
    @DisplayName(
            "Where whatever postgres creates is granted to everybody, as in projects of before autumn 2026, ours is closed too")
    void oldDefaults() throws Exception {
        try (Connection connection = local.openConnection()) {
            ExistingDatabase.empty(connection);
            for (String kind : new String[] {"tables", "functions", "sequences"}) {
                sql("alter default privileges in schema public grant all on " + kind
                        + " to anon, authenticated, service_role");
            }
            ExistingDatabase.PARALLEL_SLOTS.load(connection);
        }
        Set<String> before = catalog();

        sql(PASTE);
        closed();
        sql(ROLLBACK);
        assertThat(catalog()).isEqualTo(before);
    }

    private void closed() throws SQLException {
        assertThat(values("select c.relname from pg_class as c, unnest(array['anon', 'authenticated']) as r"
                        + " where c.relnamespace = 'public'::regnamespace and c.relname like 'job\\_queue\\_%' and c.relkind in ('r', 'S')"
                        + " and (case c.relkind when 'S' then has_sequence_privilege(r, c.oid, 'usage, select, update')"
                        + " else has_table_privilege(r, c.oid, 'select, insert, update, delete, truncate') end"
                        + " or c.relkind = 'r' and not c.relrowsecurity)"))
                .isEmpty();
        assertThat(
                        values(
                                "select p.proname from pg_proc as p, unnest(array['anon', 'authenticated']) as r"
                                        + " where (p.pronamespace = to_regnamespace('job_queue') or p.proname like 'job\\_queue\\_%'"
                                        + " or p.proname like '%\\_coordinator\\_slot%') and has_function_privilege(r, p.oid, 'execute')"))
                .isEmpty();
    }

    /** Jobs of the Python system's, by start and by their rows; a new row; a workflow in the middle. */
    private void jobsRun() throws SQLException {
        JobCoordinator coordinator = JobCoordinator.create(supabase);
        StartResult started =
                coordinator.start(JobRequest.normal(JOB + "00").models("m").build());
        assertThat(started).isInstanceOf(StartResult.Started.class);
        assertThat(row("00", "status || ' ' || coalesce(blocked_by_job_id, '-') || ' ' || required_models"))
                .isEqualTo("running - [\"m\"]");
        assertThat(coordinator.start(JobRequest.normal(JOB + "10").models("m").build()))
                .isInstanceOf(StartResult.Queued.class);
        assertThat(row("10", "status || ' ' || blocked_by_job_id")).isEqualTo("pending " + JOB + "00");
        complete(coordinator, ((StartResult.Started) started).lease(), "00");

        sql("update public.jobs set required_models = '[\"m\"]' where job_id::text = '" + JOB + "01'");
        for (String id : new String[] {"10", "01"}) {
            Lease lease = coordinator.claim(1).leases().get(0);
            assertThat(lease.jobId()).isEqualTo(JOB + id);
            complete(coordinator, lease, id);
        }

        sql("insert into public.jobs (user_id, prompt, model, required_models) values"
                + " ('11111111-0000-4000-8000-000000000001', 'new', 'm', '[\"m\"]')");
        Lease lease = coordinator.claim(1).leases().get(0);
        assertThat(coordinator.complete(lease)).isEqualTo(OutcomeStatus.COMPLETED);
        assertThat(values("select status from public.jobs where prompt = 'new'"))
                .containsExactly("completed");

        StartResult workflow = coordinator.start(JobRequest.workflow(JOB + "13", "knight-style-img-to-video")
                .models("m", "n")
                .build());
        complete(coordinator, ((StartResult.Started) workflow).lease(), "13");
        assertThat(values("select status from public.workflow_executions where job_id::text = '" + JOB + "13'"))
                .containsExactly("completed");
        assertThat(values("select metadata::text from public.job_queue_log where event_type = 'mirror_failed'"))
                .isEmpty();
    }

    private void complete(JobCoordinator coordinator, Lease lease, String id) throws SQLException {
        assertThat(coordinator.complete(lease)).isEqualTo(OutcomeStatus.COMPLETED);
        assertThat(
                        row(
                                id,
                                "status || ' ' || progress || ' ' || (completed_at is not null) || ' ' || (blocked_by_job_id is null)"))
                .isEqualTo("completed 100 true true");
    }

    private String row(String id, String columns) throws SQLException {
        return value("select " + columns + " from public.jobs where job_id::text = '" + JOB + id + "'");
    }

    /** A digest of all rows. */
    private String rows(String table) throws SQLException {
        return value(
                "select md5(string_agg(to_jsonb(t)::text, ' ' order by t.id::text)) from public." + table + " as t");
    }

    @Test
    @DisplayName(
            "The three functions that anybody could call: closed to the anon key, open to the service key, as before after a rollback")
    void oldFunctions() throws Exception {
        ExistingDatabase.PARALLEL_SLOTS.load(local);
        try (SupabaseClient anon = SupabaseClient.create(local.url(), local.anonKey())) {
            assertThat(reset(anon)).contains("reset");

            sql(PASTE);
            assertThatThrownBy(() -> reset(anon))
                    .isInstanceOfAny(PermissionDeniedException.class, UnauthorizedException.class);
            assertThatThrownBy(() -> anon.from("job_queue_log").select().listOf(Map.class))
                    .isInstanceOfAny(PermissionDeniedException.class, UnauthorizedException.class);
            // A Python client has the service key.
            assertThat(reset(supabase)).contains("reset");

            assertThat(sql(ROLLBACK))
                    .contains(
                            "As before Interlock, job_queue_log is open to the anon or authenticated key.",
                            "As before Interlock, public.reset_all_coordinator_slots() is open to the anon or authenticated key.");
            assertThat(reset(anon)).contains("reset");
        }
    }

    private static String reset(SupabaseClient client) throws ServiceException {
        return client.rpc("reset_all_coordinator_slots")
                .waitForSchema(RELOAD)
                .timeout(RELOAD)
                .as(Map.class)
                .toString();
    }
}
