package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** F137, F138, F144 The tables change after the installation: nothing stops, and the coordination adapts by itself. */
@ExtendWith(LocalSupabaseExtension.class)
class MirrorChangesTest {

    private static final String JOBS = "create table public.jobs (job_id uuid primary key default gen_random_uuid(),"
            + " status text not null default 'pending', progress integer, error_message text, started_at timestamptz,"
            + " required_models jsonb, queue_position integer, blocked_by_job_id text, conflict_reason text, queued_at timestamptz)";
    private static final String ADAPTED =
            "select (job_queue.shape() is not distinct from job_queue.shape_known())::text";

    private final LocalSupabase local;

    MirrorChangesTest(LocalSupabase local) {
        this.local = local;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"status", "progress", "queue_position", "blocked_by_job_id", "queued_at", "required_models"})
    @DisplayName("F138, F144 A column that is dropped breaks no start, no completion and no insert")
    void droppedColumn(String column) throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(local, JOBS)) {
            database.sql("insert into public.jobs (required_models) values ('[\"m\"]'), ('[\"m\"]')");
            database.sql("alter table public.jobs drop column " + column);

            String job = database.claim(1).get(0);
            assertThat(database.end(job, "complete")).isEqualTo("completed");
            database.sql("insert into public.jobs (job_id) values (default)");
            assertThat(database.claim(5)).hasSize(1);

            assertThat(database.one(ADAPTED)).isEqualTo("true");
            assertThat(database.rows("select 1 from public.job_queue_log where event_type = 'mirror_failed'"))
                    .isEmpty();
            if (!column.equals("status")) {
                assertThat(database.rows("select status from public.jobs order by 1"))
                        .containsExactly("completed", "pending", "running");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "alter table public.jobs add check (status <> 'pending_retry')",
                "drop index public.idx_jobs_queue; alter table public.jobs alter status drop default, alter status type public.few using status::public.few,"
                        + " alter status set default 'pending'",
                "alter table public.jobs alter status type varchar(10)",
            })
    @DisplayName("A status that comes to know fewer words is told the nearest one")
    void fewerWords(String change) throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local, "create type public.few as enum ('pending', 'running', 'completed', 'failed')", JOBS)) {
            database.sql("insert into public.jobs (required_models) values ('[\"m\"]')");
            database.sql(change);

            String job = database.claim(1).get(0);
            assertThat(database.one("select status from public.jobs")).isEqualTo("running");
            database.sql("select public.job_queue_sweep()");
            database.end(job, "retry");
            assertThat(database.one("select status from public.jobs")).isEqualTo("pending");
            assertThat(database.one(ADAPTED)).isEqualTo("true");
        }
    }

    @Test
    @DisplayName(
            "Tables that appear later are taken in by the housekeeping: rows enter, and those of known jobs show what they do")
    void tablesThatAppearLater() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(local)) {
            String known = "6f2c7a52-0000-4000-8000-00000000abcd";
            database.sql("select public.job_queue_start('" + known + "', '[\"m\"]', '{\"job_type\": \"workflow\"}')");
            database.sql("create table public.workflow_executions (id bigint primary key generated always as identity,"
                    + " job_id uuid, status text default 'pending')");
            database.sql(JOBS);
            database.sql("insert into public.workflow_executions (job_id) values ('" + known + "')");
            database.sql("insert into public.jobs (job_id) values ('" + known + "')");

            database.sql("select public.job_queue_sweep()");
            assertThat(database.one(ADAPTED)).isEqualTo("true");
            assertThat(database.rows(
                            "select status from public.jobs union all select status from public.workflow_executions"))
                    .containsExactly("running", "running");

            database.sql("insert into public.jobs (required_models) values ('[\"n\"]')");
            database.end(database.claim(1).get(0), "complete");
            assertThat(database.rows("select status from public.jobs order by 1"))
                    .containsExactly("completed", "running");
        }
    }

    @Test
    @DisplayName("A table that is dropped stops nothing, and one that is made anew is taken in")
    void droppedTable() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(local, JOBS)) {
            database.sql("insert into public.jobs (required_models) values ('[\"m\"]'), ('[\"m\"]')");
            String job = database.claim(1).get(0);

            database.sql("drop table public.jobs");
            assertThat(database.end(job, "complete")).isEqualTo("completed");
            assertThat(database.claim(1)).hasSize(1);

            database.sql(JOBS.replace("uuid primary key default gen_random_uuid()", "text primary key"));
            database.sql("select public.job_queue_sweep()");
            database.sql("insert into public.jobs (job_id, required_models) values ('job-42', '[\"n\"]')");
            assertThat(database.claim(1)).containsExactly("job-42");
            assertThat(database.one("select status from public.jobs")).isEqualTo("running");
        }
    }

    @Test
    @DisplayName("Whoever writes to jobs holds the adapting up for a moment, not the queue")
    void busyTable() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(local);
                Connection writer = database.connect();
                Statement statement = writer.createStatement()) {
            database.sql(JOBS);
            writer.setAutoCommit(false);
            statement.execute("insert into public.jobs default values");

            database.sql("select public.job_queue_start('a', '[\"m\"]')");
            database.sql("select public.job_queue_sweep()");
            assertThat(database.one(ADAPTED)).isEqualTo("false");
            writer.commit();

            database.sql("select public.job_queue_sweep()");
            assertThat(database.one(ADAPTED)).isEqualTo("true");
        }
    }

    @Test
    @DisplayName("Only workflow_executions, and no jobs: it is mirrored all the same")
    void executionsAlone() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.workflow_executions (id bigint primary key generated always as identity, job_id text,"
                        + " status text default 'pending' check (status in ('pending', 'running', 'completed', 'failed', 'pending_retry')))")) {
            database.sql("insert into public.workflow_executions (job_id) values ('a'), ('a')");
            database.sql("select public.job_queue_start('a', '[\"m\"]', '{\"job_type\": \"workflow\"}')");
            assertThat(database.rows("select status from public.workflow_executions"))
                    .containsExactly("running", "running");

            database.sql("select public.job_queue_cancel('a')");
            assertThat(database.end("a", "release")).isEqualTo("cancelled");
            assertThat(database.rows("select status from public.workflow_executions"))
                    .containsExactly("failed", "failed");
        }
    }
}
