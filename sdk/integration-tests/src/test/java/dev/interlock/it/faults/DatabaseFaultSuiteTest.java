package dev.interlock.it.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.faults.FaultyGateway.Fault;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Faults of the database itself, and all at once; like {@link FaultSuiteTest}, and on both versions of PostgreSQL.
 */
class DatabaseFaultSuiteTest extends FaultTestBase {

    @Test
    @DisplayName("Postgres is killed with -9, all its processes, and restarted")
    void postgresKilled() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "Postgres killed", SHORT)) {
            run.begin();
            for (int i = 0; i < run.rounds(); i++) {
                run.awaitDone(i + 1, run.rounds() + 2);
                local.stopPostgres();
                run.gateway.awaitFailures(3);
                local.startPostgres();
            }
            run.end(() -> run.rounds() + " crashes, " + run.gateway.failures() + " failed requests");
        }
    }

    @Test
    @DisplayName("A backend of Postgres is killed with -9: all sessions end, and the database recovers")
    void backendKilled() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "backend killed", SHORT)) {
            run.begin();
            for (int i = 0; i < run.rounds(); i++) {
                run.awaitDone(i + 1, run.rounds() + 2);
                killBackend();
                run.gateway.awaitFailures(1);
            }
            run.end(() -> run.rounds() + " crashes, " + run.gateway.failures() + " failed requests");
        }
    }

    @Test
    @DisplayName("Statements run into their timeout while somebody else holds a lock")
    void statementTimeouts() throws Exception {
        sql("alter role service_role set statement_timeout = '500ms'", "notify pgrst, 'reload config'");
        try (FaultRun run = FaultRun.of(local, fleet, "statement timeouts", SHORT)) {
            run.begin();
            for (int i = 0; i < run.rounds(); i++) {
                run.awaitDone(i + 1, run.rounds() + 2);
                String table = i % 2 == 0 ? "public.job_queue_models" : "public.job_queue_jobs";
                try (Connection connection = local.openAdminConnection();
                        Statement statement = connection.createStatement()) {
                    connection.setAutoCommit(false);
                    statement.execute("select 1 from " + table + " for update");
                    run.gateway.awaitFailures(3);
                }
            }
            run.end(() -> run.rounds() + " locks, " + run.gateway.failures() + " timeouts");
        } finally {
            sql("alter role service_role reset statement_timeout", "notify pgrst, 'reload config'");
        }
    }

    @Test
    @DisplayName("Postgres takes no connection of PostgREST any more (53300), then does again")
    void tooManyConnections() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "too many connections", SHORT)) {
            run.begin();
            for (int i = 0; i < run.rounds(); i++) {
                run.awaitDone(i + 1, run.rounds() + 2);
                try {
                    sql(
                            "alter role authenticator connection limit 0",
                            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'");
                    run.gateway.awaitFailures(3);
                } finally {
                    sql("alter role authenticator connection limit -1");
                }
            }
            run.end(() -> run.rounds() + " times, " + run.gateway.failures() + " failed requests");
        }
    }

    @Test
    @DisplayName("A session idle in its transaction holds back vacuum while thousands of transitions go by")
    void idleInTransaction() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "idle in transaction", SHORT, FaultRun.JOBS * 3);
                Connection idle = local.openAdminConnection();
                Statement statement = idle.createStatement()) {
            idle.setAutoCommit(false);
            idle.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            statement.execute("select txid_current(), count(*) from public.job_queue_jobs");
            run.begin();
            FaultRun.Verdict verdict = run.end(() -> "1 snapshot all the while");
            sql("vacuum public.job_queue_lines");
            int kept = deadRows();
            System.out.println("      " + verdict.transitions() + " transitions, " + kept + " dead rows of lines kept");
            assertThat(kept).as("vacuum was held back").isPositive();
        }
    }

    @Test
    @DisplayName("All at once")
    void allAtOnce() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "all at once", SHORT)) {
            run.gateway.inject(0.2, Fault.values());
            run.begin();
            List<Disaster> disasters = List.of(run::killOne, local::restartPostgres, this::killBackend, () -> {
                local.stopPostgrest();
                local.startPostgrest();
            });
            int times = Math.max(disasters.size(), run.rounds());
            for (int i = 0; i < times; i++) {
                run.awaitDone(i + 1, times + 3);
                disasters.get(i % disasters.size()).strike();
            }
            run.end(() -> times + " kills of all kinds, " + run.gateway.injected());
        }
    }

    private interface Disaster {
        void strike() throws Exception;
    }

    private static void sql(String... statements) throws SQLException {
        try (Connection connection = local.openAdminConnection();
                Statement statement = connection.createStatement()) {
            for (String one : statements) {
                statement.execute(one);
            }
        }
    }

    /** Postgres ends all sessions then, because the shared memory may be spoilt, and goes through recovery. */
    private void killBackend() throws SQLException {
        try (Connection connection = local.openAdminConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select pg_backend_pid()")) {
            row.next();
            ProcessHandle.of(row.getLong(1)).orElseThrow().destroyForcibly();
        }
    }

    private static int deadRows() throws SQLException {
        try (Connection connection = local.openAdminConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "select n_dead_tup from pg_stat_user_tables where relname = 'job_queue_lines'")) {
            row.next();
            return row.getInt(1);
        }
    }
}
