package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Failures 3D: however often and by however many ways a job is delivered, it runs once. */
class DeliveryTest extends EngineTest {

    @Test
    @DisplayName(
            "F55, F60 A retry that falls due while its blocker completes, its row is touched and it is asked for by name runs once")
    void f55_everyPathAtOneInstant() throws Exception {
        String id = UUID.randomUUID().toString();
        sql("insert into public.jobs (job_id, prompt, required_models) values ('" + id + "', 'p', '[\"m\"]')");
        JsonNode first = queue.claimWith("w", 1, Map.of());
        queue.end(id, token(first), "retry");
        long blocker = queue.startWith(Map.of("priority", 100), "blocker", "m")
                .path("lease")
                .path("token")
                .asLong();
        List<Callable<Object>> ways = new ArrayList<>(List.of(
                () -> queue.complete("blocker", blocker),
                () -> queue.start(id, "m"),
                () -> queue.enqueue(Queue.job(id, "m")),
                queue::sweep,
                () -> {
                    sql("update public.jobs set required_models = '[\"m\"]', updated_at = now()");
                    return "";
                }));
        for (int i = 0; i < 5; i++) {
            String worker = "w" + i;
            ways.add(() -> queue.claim(worker, 1));
        }

        atOnce(ways);
        queue.claim("last", 5);

        assertThat(queue.explain(id).path("attempt").asInt()).isEqualTo(2);
        assertThat(rows("select event_type from public.job_queue_log where job_id = ? and event_type = 'started'", id))
                .hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"complete", "fail", "cancel", "none"})
    @DisplayName("F56 Asking for a job that has ended, or runs elsewhere, is answered and starts nothing")
    void f56_resumeOfWhatHasEnded(String end) throws Exception {
        long token = queue.startNow("a", "m");
        if (end.equals("cancel")) {
            queue.call("job_queue_cancel", Map.of("job_id", "a"));
            queue.end("a", token, "release");
        } else if (!end.equals("none")) {
            queue.end("a", token, end);
        }
        List<String> before = events("a");

        for (int i = 0; i < 3; i++) {
            assertThat(queue.start("a", "m").path("result").asString())
                    .isEqualTo(end.equals("none") ? "running" : "finished");
            queue.enqueue(Queue.job("a", "m"));
            assertThat(queue.claim("w", 5)).isEmpty();
        }

        assertThat(events("a")).isEqualTo(before);
    }

    @Test
    @DisplayName("F58, F59, F62 Ten deliveries of one event, by two channels and to two pollers, are one execution")
    void f58_manyDeliveries() throws Exception {
        String id = UUID.randomUUID().toString();
        sql("insert into public.jobs (job_id, prompt, required_models) values ('" + id + "', 'p', '[\"m\"]')");
        List<Callable<Boolean>> deliveries = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            deliveries.add(() -> queue.start(id, "m").path("result").asString().equals("started"));
            deliveries.add(() -> !queue.claim("poller", 1).isEmpty());
        }

        List<Boolean> started = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(deliveries.size());
        try (Connection gate = local.openConnection();
                Statement statement = gate.createStatement()) {
            // All of them come to the job before any can have it.
            gate.setAutoCommit(false);
            statement.execute("select from public.job_queue_jobs where job_id = '" + id + "' for update");
            List<Future<Boolean>> answers = new ArrayList<>();
            deliveries.forEach(delivery -> answers.add(threads.submit(delivery)));
            String waiting =
                    "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%job_queue_%'";
            while (rows(waiting).size()
                            + answers.stream().filter(Future::isDone).count()
                    < answers.size()) {
                Thread.onSpinWait();
            }
            gate.commit();
            for (Future<Boolean> answer : answers) {
                started.add(answer.get());
            }
        } finally {
            threads.shutdownNow();
        }

        assertThat(started).containsOnlyOnce(true);
        assertThat(events(id)).containsExactly("queued", "started");
    }

    @Test
    @DisplayName(
            "F63 Progress of an attempt that has lost the job is answered lost, brings nothing back and shows nowhere")
    void f63_progressOfALostAttempt() throws Exception {
        String id = UUID.randomUUID().toString();
        sql("insert into public.jobs (job_id, prompt, required_models) values ('" + id + "', 'p', '[\"m\"]')");
        long token = token(queue.claimWith("w", 1, Map.of()));
        queue.end(id, token, "retry", Map.of());
        assertThat(beat(id, token)).isEqualTo("lost");
        long second = token(queue.claimWith("w", 1, Map.of()));
        assertThat(beat(id, token)).isEqualTo("lost");
        assertThat(rows("select status || progress from public.jobs")).containsExactly("running0");

        queue.complete(id, second);
        assertThat(beat(id, second)).isEqualTo("lost");
        assertThat(rows("select status || progress from public.jobs")).containsExactly("completed100");
    }

    @Test
    @DisplayName(
            "F64, F66, F115 A worker that restarts, and deliveries meanwhile, leave the jobs of another where they are")
    void f64_restartOfOneWorker() throws Exception {
        long mine = queue.startWith(Map.of("worker_id", "other"), "a", "m")
                .path("lease")
                .path("token")
                .asLong();
        queue.startWith(Map.of("worker_id", "restarting"), "b", "n");
        queue.enqueue(Queue.job("c", "m"), Queue.job("d", "n"));
        letLeaseRunOut("b");

        atOnce(List.<Callable<Object>>of(
                () -> queue.claim("restarting", 5),
                queue::sweep,
                () -> queue.start("b", "n"),
                () -> queue.claim("third", 5)));
        // All four may have looked while the sweep was taking it back: then the next claim has it.
        queue.claim("third", 5);

        assertThat(events("a")).containsExactly("started");
        assertThat(queue.end("a", mine, "complete")).isEqualTo("completed");
        assertThat(
                        rows(
                                "select event_type from public.job_queue_log where job_id = 'b' and event_type = 'lease_expired'"))
                .hasSize(1);
        assertThat(queue.explain("b").path("attempt").asInt()).isEqualTo(2);
    }

    @Test
    @DisplayName("F70 A job cancelled while it waits, backs off or is runnable never runs")
    void f70_cancelledBeforeItRan() throws Exception {
        queue.startNow("busy", "m");
        queue.enqueue(
                Queue.job("waiting", "m"),
                Queue.job("runnable", "n"),
                Queue.job(
                        "later", Map.of("run_at", Instant.now().plusSeconds(60).toString()), "n"));
        for (String id : List.of("waiting", "runnable", "later")) {
            assertThat(queue.call("job_queue_cancel", Map.of("job_id", id))
                            .path("result")
                            .asString())
                    .isEqualTo("cancelled");
        }
        sql("update public.job_queue_jobs set due_at = now() where status = 'delayed'");
        letLeaseRunOut("busy");

        assertThat(queue.claim("w", 5)).containsExactly("busy");
        assertThat(rows("select job_id from public.job_queue_log where event_type = 'started' and job_id <> 'busy'"))
                .isEmpty();
    }

    @Test
    @DisplayName("F71, F143 One execution row and two are told the same, and where there was none there is one")
    void f71_executionRows() throws Exception {
        for (int n = 0; n < 3; n++) {
            String id = UUID.randomUUID().toString();
            sql("insert into public.jobs (job_id, prompt, job_type, required_models) values ('" + id
                    + "', 'p', 'workflow', '[\"m\"]'); insert into public.workflow_executions (job_id, workflow_id, total_steps) select '"
                    + id
                    + "', 'knight', 2 from generate_series(1, " + n + ")");
            long token = token(queue.claimWith("w", 1, Map.of()));
            assertThat(executions(id)).hasSize(Math.max(n, 1)).allMatch("running"::equals);
            queue.complete(id, token);
            assertThat(executions(id)).hasSize(Math.max(n, 1)).allMatch("completed"::equals);
        }
    }

    private List<String> executions(String id) throws SQLException {
        return rows("select status from public.workflow_executions where job_id = ?::uuid", id);
    }

    private String beat(String id, long token) {
        return queue.call(
                        "job_queue_heartbeat",
                        Map.of(
                                "worker_id",
                                "w",
                                "leases",
                                List.of(Map.of("job_id", id, "token", token, "progress", 42))))
                .path("leases")
                .path(0)
                .path("result")
                .asString();
    }

    private static long token(JsonNode answer) {
        return answer.path("leases").path(0).path("token").asLong();
    }
}
