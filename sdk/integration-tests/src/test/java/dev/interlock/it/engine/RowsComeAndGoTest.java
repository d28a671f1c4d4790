package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Rows of jobs that appear after their job is known, and rows that go while it waits or runs. */
class RowsComeAndGoTest extends EngineTest {

    private static final String REASON = "The row of the job was deleted.";

    private final String id = UUID.randomUUID().toString();

    @ParameterizedTest
    @ValueSource(strings = {"null", "'[\"m\"]'", "'[\"other\"]'"})
    @DisplayName("F57 A row that appears later, with or without models, is the same job and shows at once what it does")
    void rowAppears(String models) throws Exception {
        String busy = UUID.randomUUID().toString();
        queue.startNow(busy, "m");
        queue.enqueue(Queue.job(id, "m"));
        insert(id, models);
        assertThat(row()).isEqualTo("pending 1 " + busy);

        insert(busy, models);
        assertThat(rows("select status || required_models from public.jobs where job_id = ?::uuid", busy))
                .containsExactly("running[\"m\"]");
        assertThat(events(id)).containsExactly("queued");
        assertThat(rows("select job_id from public.job_queue_jobs")).hasSize(2);
    }

    @Test
    @DisplayName("F56 A row that appears when its job has ended shows the end, and nothing runs again")
    void rowAppearsAfterTheEnd() throws Exception {
        queue.complete(id, queue.startNow(id, "m"));

        insert(id, "'[\"m\"]'");

        assertThat(rows("select status || progress from public.jobs")).containsExactly("completed100");
        assertThat(queue.claim("w", 5)).isEmpty();
    }

    @Test
    @DisplayName("A row that appears while its job ends shows the end, whichever commits first")
    void rowAppearsDuringTheEnd() throws Exception {
        long token = queue.startNow(id, "m");
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try (Connection connection = local.openConnection();
                Statement completing = connection.createStatement()) {
            connection.setAutoCommit(false);
            completing.execute("select public.job_queue_complete('[{\"job_id\": \"" + id + "\", \"token\": " + token
                    + ", \"outcome\": \"complete\"}]')");
            Future<?> insert = thread.submit(() -> {
                insert(id, "null");
                return null;
            });
            awaitLockWait(insert);
            connection.commit();
            insert.get();
        } finally {
            thread.shutdownNow();
        }

        assertThat(rows("select status from public.jobs")).containsExactly("completed");
    }

    @Test
    @DisplayName("Deleting the row of a job that waits takes it out of its lines; the next in line gets its seats")
    void deletedWhileWaiting() throws Exception {
        insert(id, "'[\"m\", \"n\"]'");
        queue.enqueue(Queue.job("next", "m"));
        assertThat(queue.position("next")).isEqualTo(2);

        sql("delete from public.jobs");

        assertThat(events(id)).containsExactly("queued", "cancelled");
        assertThat(rows("select error || status from public.job_queue_jobs where job_id = ?", id))
                .containsExactly(REASON + "cancelled");
        assertThat(queue.claim("w", 5)).containsExactly("next");
    }

    @Test
    @DisplayName("A job that backs off or needs a paused model leaves with its row too")
    void deletedWhileDelayed() throws Exception {
        insert(id, "'[\"m\"]'");
        queue.setModel("m", Map.of("paused", true));
        sql("delete from public.jobs");
        queue.setModel("m", Map.of("paused", false));

        assertThat(queue.claim("w", 5)).isEmpty();
        assertThat(queue.status(id)).isEqualTo("cancelled");
    }

    @ParameterizedTest
    @ValueSource(strings = {"complete", "fail", "retry", "release", "nothing"})
    @DisplayName(
            "Deleting the row of a running job: told at the next heartbeat, its outcome recorded, its models freed")
    void deletedWhileRunning(String outcome) throws Exception {
        insert(id, "'[\"m\"]'");
        long token = queue.claimWith("w", 1, Map.of())
                .path("leases")
                .path(0)
                .path("token")
                .asLong();
        queue.enqueue(Queue.job("next", "m"));

        sql("delete from public.jobs");

        JsonNode beat = queue.call(
                "job_queue_heartbeat",
                Map.of("worker_id", "w", "leases", List.of(Map.of("job_id", id, "token", token, "progress", 50))));
        assertThat(beat.path("leases").path(0).path("result").asString()).isEqualTo("cancel_requested");
        if (outcome.equals("nothing")) {
            letLeaseRunOut(id);
        } else {
            assertThat(queue.end(id, token, outcome)).isEqualTo(outcome.equals("complete") ? "completed" : "cancelled");
        }
        assertThat(queue.claim("w", 5)).containsExactly("next");
        assertThat(queue.status(id)).isEqualTo(outcome.equals("complete") ? "completed" : "cancelled");
        assertThat(events(id).subList(0, 3)).containsExactly("queued", "started", "cancel_requested");
    }

    @Test
    @DisplayName(
            "A delete that is rolled back, in whole or to a savepoint, changes nothing; claims pass the row over meanwhile")
    void deleteRolledBack() throws Exception {
        insert(id, "'[\"m\"]'");
        try (Connection connection = local.openConnection();
                Statement deleting = connection.createStatement()) {
            connection.setAutoCommit(false);
            deleting.execute("savepoint s");
            deleting.execute("delete from public.jobs");
            assertThat(queue.claim("w", 5)).isEmpty();
            deleting.execute("rollback to s");
            connection.commit();
            deleting.execute("delete from public.jobs");
            connection.rollback();
        }

        assertThat(events(id)).containsExactly("queued");
        assertThat(queue.claim("w", 5)).containsExactly(id);
    }

    @Test
    @DisplayName(
            "Inserted and deleted in one transaction: it never was; deleted and inserted again: it stays where it is")
    void deletedAndInserted() throws Exception {
        insert(id, "'[\"m\"]'");
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("insert into public.jobs (prompt, required_models) values ('brief', '[\"m\"]')");
            statement.execute("delete from public.jobs");
            statement.execute("insert into public.jobs (job_id, prompt, required_models) values ('" + id
                    + "', 'again', '[\"m\"]')");
            connection.commit();
        }

        assertThat(rows("select job_id from public.job_queue_jobs")).containsExactly(id);
        assertThat(events(id)).containsExactly("queued");
        assertThat(row()).startsWith("pending 1");
    }

    @Test
    @DisplayName(
            "A row inserted again with the id of a job that was cancelled with its row shows that; job_queue_retry is the way to run it")
    void insertedAgain() throws Exception {
        insert(id, "'[\"m\"]'");
        sql("delete from public.jobs");
        insert(id, "'[\"m\"]'");

        assertThat(rows("select status || error_message from public.jobs")).containsExactly("cancelled" + REASON);
        assertThat(queue.claim("w", 5)).isEmpty();
    }

    @Test
    @DisplayName("Rows that go by a cascade or a truncate take their jobs with them; jobs without rows stay")
    void cascadeAndTruncate() throws Exception {
        queue.enqueue(Queue.job("rowless", "m"));
        sql("create table public.test_users (id uuid primary key)");
        try {
            sql(
                    "alter table public.jobs add constraint test_user foreign key (user_id) references public.test_users on delete cascade");
            sql("insert into public.test_users values ('" + id + "')");
            sql("insert into public.jobs (job_id, user_id, prompt, required_models) values ('" + id + "', '" + id
                    + "', 'p', '[\"m\"]')");
            sql("delete from public.test_users");
            assertThat(queue.status(id)).isEqualTo("cancelled");
        } finally {
            sql("alter table public.jobs drop constraint test_user");
            sql("drop table public.test_users");
        }

        String second = UUID.randomUUID().toString();
        insert(second, "'[\"m\"]'");
        sql("truncate public.jobs, public.workflow_executions");
        assertThat(queue.claim("w", 5)).containsExactly("rowless");
        assertThat(queue.status(second)).isEqualTo("cancelled");
    }

    @Test
    @DisplayName("Many rows deleted at once leave together")
    void manyDeleted() throws Exception {
        sql("insert into public.jobs (prompt, required_models) select 'p', '[\"m\"]' from generate_series(1, 300)");
        queue.enqueue(Queue.job("last", "m"));

        sql("delete from public.jobs");

        assertThat(rows("select count(*)::text from public.job_queue_lines")).containsExactly("1");
        assertThat(queue.claim("w", 5)).containsExactly("last");
    }

    @ParameterizedTest
    @ValueSource(strings = {"repeatable read", "serializable"})
    @DisplayName("Deletes with an old snapshot are followed by the next claim, before it starts anything")
    void deletedWithAnOldSnapshot(String isolation) throws Exception {
        insert(id, "'[\"m\"]'");
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("set transaction isolation level " + isolation);
            statement.execute("select 1 from public.job_queue_lines");
            queue.enqueue(Queue.job("next", "m"));
            statement.execute("delete from public.jobs");
            connection.commit();
        }

        assertThat(queue.claim("w", 5)).containsExactly("next");
        assertThat(queue.status(id)).isEqualTo("cancelled");
    }

    private void insert(String jobId, String models) throws SQLException {
        sql("insert into public.jobs (job_id, prompt, required_models) values ('" + jobId + "', 'p', " + models + ")");
    }

    private String row() throws SQLException {
        return rows(
                        "select concat_ws(' ', status, queue_position, blocked_by_job_id) from public.jobs where job_id = ?::uuid",
                        id)
                .get(0);
    }

    private void awaitLockWait(Future<?> insert) throws SQLException {
        while (rows("select pid::text from pg_stat_activity where wait_event_type = 'Lock'"
                        + " and query like 'insert into public.jobs%' and pid <> pg_backend_pid()")
                .isEmpty()) {
            assertThat(insert.isDone())
                    .as("it did not wait for the end of its job")
                    .isFalse();
        }
    }
}
