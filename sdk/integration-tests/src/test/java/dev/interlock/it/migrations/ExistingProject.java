package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.BadRequestException;
import dev.interlock.JobCoordinator;
import dev.interlock.Lease;
import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.it.ExistingDatabase;
import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A project that the predecessor left, with Interlock installed. */
final class ExistingProject implements AutoCloseable {

    static final String IN_FLIGHT = "f1197000-0000-4000-8000-0000000000";

    final LocalSupabase local = LocalSupabase.start();
    private final SupabaseClient supabase = SupabaseClient.create(local.url(), local.serviceRoleKey());
    final JobCoordinator coordinator =
            JobCoordinator.builder(supabase).workerId("java").build();
    private @Nullable ExistingDatabase kind;

    /** A database of this kind, with nothing in its tables. */
    void be(ExistingDatabase wanted) throws SQLException {
        if (wanted != kind) {
            wanted.load(local);
            install();
            kind = wanted;
        }
        if (wanted.hasJobs()) {
            sql("truncate public.jobs, public.workflow_executions cascade");
            sql(
                    "truncate public.job_queue_jobs, public.job_queue_lines, public.job_queue_log, public.job_queue_arrivals,"
                            + " public.job_queue_requests, public.job_queue_checkpoints cascade");
            sql("delete from public.job_queue_models where model <> ''");
            sql("update public.job_queue_settings set max_active_jobs = null, unknown_models = 'create' where id = 1");
        }
    }

    /** A database of this kind with what the Python workers left in it, then installed. */
    void left(ExistingDatabase wanted) throws SQLException {
        wanted.load(local);
        try (Connection connection = local.openConnection()) {
            ExistingDatabase.inFlight(connection);
        }
        install();
        kind = wanted;
    }

    void install() {
        local.installExecSql();
        Migrator.create(supabase).migrate();
        try {
            supabase.rpc("job_queue_adopt", Map.of("options", Map.of("dry_run", true)))
                    .waitForSchema(Duration.ofSeconds(30))
                    .execute();
        } catch (BadRequestException e) {
            // No jobs: it is there.
            assertThat(e.code()).isEqualTo("JQ007");
        }
    }

    void rollback() {
        Migrator.create(supabase).rollback();
    }

    /** The whole of the database is not of a known kind any more. */
    void forget() {
        kind = null;
    }

    void inFlight() throws SQLException {
        sql("alter table public.jobs disable trigger user");
        try (Connection connection = local.openConnection()) {
            ExistingDatabase.inFlight(connection);
        }
        sql("alter table public.jobs enable trigger user");
    }

    /** What was done before Interlock was there: no trigger of its sees it. */
    void before(String statements) throws SQLException {
        sql("alter table public.jobs disable trigger user; " + statements
                + "; alter table public.jobs enable trigger user");
    }

    /** A row as the Python system had it: columns and their values, in SQL. */
    void row(String columns, String values) throws SQLException {
        before("insert into public.jobs (user_id, prompt, " + columns
                + ") values ('11111111-0000-4000-8000-000000000001', 'p', " + values + ")");
    }

    void sql(String statements) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(statements);
        }
    }

    List<String> rows(String query) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            List<String> rows = new ArrayList<>();
            while (result.next()) {
                rows.add(String.valueOf(result.getString(1)));
            }
            return rows;
        }
    }

    /** Everything in every table, as one text. */
    String everything() throws SQLException {
        StringBuilder all = new StringBuilder();
        for (String table : rows("select tablename from pg_tables where schemaname = 'public' order by 1")) {
            all.append(rows("select '" + table
                    + "' || coalesce(string_agg(to_jsonb(t)::text, ',' order by to_jsonb(t)::text), '')"
                    + " from public." + table + " as t"));
        }
        return all.toString();
    }

    /** Runs one job after the other until none is left; their ids in the order of their starts. */
    List<String> runAll() {
        List<String> order = new ArrayList<>();
        for (List<Lease> leases = coordinator.claim(1).leases();
                !leases.isEmpty();
                leases = coordinator.claim(1).leases()) {
            order.add(leases.get(0).jobId());
            coordinator.complete(leases.get(0));
        }
        return order;
    }

    void consistent() {
        assertThat(coordinator.replay().differences()).isEmpty();
    }

    @Override
    public void close() {
        supabase.close();
        local.close();
    }
}
