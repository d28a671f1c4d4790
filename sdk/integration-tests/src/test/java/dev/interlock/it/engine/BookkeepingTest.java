package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Failures 3C: the books of the queue, and order. The numbers are those of docs/reference/failures.md. */
class BookkeepingTest extends EngineTest {

    @Test
    @DisplayName("F39 A waiting job submitted again a hundred times, by every path, keeps its place")
    void f39_submittedAgain() throws Exception {
        queue.startNow("a", "m");
        queue.start("b", "m");
        queue.start("c", "m");

        for (int i = 0; i < 50; i++) {
            queue.start("b", "m");
            queue.enqueue(Queue.job("b", "m"));
        }

        assertThat(queue.position("b")).isEqualTo(1);
        assertThat(queue.position("c")).isEqualTo(2);
        assertThat(events("b")).containsExactly("blocked");
    }

    @Test
    @DisplayName("F40 When every waiter is submitted again after a restart, in any order, they start in the old one")
    void f40_restart() {
        long token = queue.startNow("first", "m");
        List<String> waiters = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            waiters.add("waiter-" + i);
            queue.start("waiter-" + i, "m");
        }
        List<String> shuffled = new ArrayList<>(waiters);
        long seed = System.nanoTime();
        System.out.println("seed of f40_restart: " + seed);
        Collections.shuffle(shuffled, new Random(seed));

        shuffled.forEach(id -> queue.start(id, "m"));

        assertThat(drain("first", token)).isEqualTo(waiters);
    }

    @Test
    @DisplayName("F41 A thousand jobs entered in one burst have one total order, the order given")
    void f41_burst() {
        List<Map<String, Object>> jobs = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            jobs.add(Queue.job("job-" + i, "m"));
        }

        queue.enqueueAll(jobs);

        Set<Integer> positions = new HashSet<>();
        for (int i = 0; i < 1000; i += 111) {
            assertThat(queue.position("job-" + i)).isEqualTo(i + 1);
            positions.add(queue.position("job-" + i));
        }
        assertThat(positions).hasSize(10);
        assertThat(queue.claim("w", 1)).containsExactly("job-0");
    }

    @Test
    @DisplayName("F41 Jobs entered by many callers at one instant have one total order")
    void f41_manyCallers() throws Exception {
        queue.startNow("first", "m");
        List<Callable<JsonNode>> calls = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            String id = "job-" + i;
            calls.add(() -> queue.enqueue(Queue.job(id + "-a", "m"), Queue.job(id + "-b", "m", "n")));
        }

        atOnce(calls);

        assertThat(rows("select job_id from public.job_queue_jobs where status = 'waiting' order by line_key, seq"))
                .isEqualTo(rows("select job_id from public.job_queue_jobs where status = 'waiting' order by seq"));
    }

    @Test
    @DisplayName("F43, F45 A retried job that has to wait keeps its place and its attempts, and runs when it can")
    void f43_blockedRetry() throws Exception {
        queue.enqueue(Queue.job("a", "m"));
        long first = token(queue.claimWith("w", 1, Map.of()));
        queue.end("a", first, "retry");
        long second = token(queue.claimWith("w", 1, Map.of()));
        queue.enqueue(Queue.job("b", Map.of("priority", 9), "m"));
        queue.end("a", second, "retry");

        JsonNode b = queue.claimWith("w", 1, Map.of());
        assertThat(Queue.ids(b)).containsExactly("b");
        queue.complete("b", token(b));
        JsonNode third = queue.claimWith("w", 1, Map.of());

        assertThat(Queue.ids(third)).containsExactly("a");
        assertThat(third.path("leases").path(0).path("attempt").asInt()).isEqualTo(3);
        assertThat(queue.end("a", token(third), "retry")).isEqualTo("failed");
    }

    @Test
    @DisplayName("F44 A refused start leaves the job, whatever its state, one that is promoted later")
    void f44_refusedStart() {
        long a = queue.startNow("a", "m");
        queue.enqueue(Queue.job(
                "later", Map.of("run_at", Instant.now().plusSeconds(3600).toString()), "m"));
        queue.enqueue(Queue.job("b", "m"));

        assertThat(queue.start("b", "m").path("result").asString()).isEqualTo("queued");
        assertThat(queue.start("a", "m").path("result").asString()).isEqualTo("running");
        assertThat(queue.start("later", "m").path("status").asString()).isEqualTo("delayed");

        queue.complete("a", a);
        assertThat(queue.claim("w", 5)).containsExactly("b");
    }

    @Test
    @DisplayName("F46, F47 No reader ever sees a running row that is marked blocked, or a blocked one that runs")
    void f46_oneStateForEveryReader() throws Exception {
        for (int i = 0; i < 30; i++) {
            sql("insert into public.jobs (prompt, required_models) values ('p', '[\"m\"]')");
        }
        Thread worker = new Thread(() -> {
            JsonNode claim = queue.claimWith("w", 1, Map.of());
            while (!Queue.ids(claim).isEmpty()) {
                String id = Queue.ids(claim).get(0);
                claim = queue.end(id, token(claim), "complete", Map.of("claim", Map.of("max_jobs", 1)));
            }
        });
        worker.start();
        int seen = 0;
        while (worker.isAlive()) {
            assertThat(
                            rows(
                                    "select job_id::text from public.jobs where (status = 'running'"
                                            + " and (blocked_by_job_id is not null or queued_at is not null or conflict_reason is not null))"
                                            + " or (status = 'completed' and (blocked_by_job_id is not null or completed_at is null or progress <> 100))"))
                    .isEmpty();
            assertThat(rows("select 1 from public.jobs where status = 'running' having count(*) > 1"))
                    .isEmpty();
            seen++;
        }

        assertThat(seen).isPositive();
        assertThat(rows("select job_id::text from public.jobs where status <> 'completed'"))
                .isEmpty();
    }

    @Test
    @DisplayName("F49 The place and the blocker that are shown belong to one state")
    void f49_consistentExplanation() {
        queue.startNow("a", "m");
        queue.start("b", "m", "n");
        queue.start("c", "n");

        JsonNode c = queue.explain("c");

        assertThat(c.path("blocked_by_job_id").asString()).isEqualTo("b");
        assertThat(c.path("models").path(0).path("ahead").path(0).asString()).isEqualTo("b");
        assertThat(c.path("models").path(0).path("position").asInt()).isEqualTo(2);
        assertThat(queue.explain("b").path("blocked_by_job_id").asString()).isEqualTo("a");
    }

    @Test
    @DisplayName("F51 Positions are 1 to n without gaps, and only ever go down")
    void f51_positions() {
        long token = queue.startNow("first", "m");
        for (int i = 0; i < 10; i++) {
            queue.start("w" + i, "m");
        }
        String running = "first";
        for (int round = 0; round < 10; round++) {
            int done = round;
            assertThat(IntStream.range(round, 10).map(i -> queue.position("w" + i)))
                    .containsExactlyElementsOf(
                            IntStream.rangeClosed(1, 10 - done).boxed().toList());
            JsonNode next = queue.end(running, token, "complete", Map.of("claim", Map.of("max_jobs", 1)));
            running = Queue.ids(next).get(0);
            token = token(next);
        }
    }

    @Test
    @DisplayName("F52 After a workflow has started no table names a blocker")
    void f52_executionsToo() throws Exception {
        long a = queue.startNow("a", "m");
        String id = UUID.randomUUID().toString();
        sql("insert into public.jobs (job_id, prompt, job_type, model, required_models) values ('" + id
                + "', 'p', 'workflow', 'knight', '[\"m\", \"n\"]')");
        queue.sweep();
        assertThat(rows("select blocked_by_job_id from public.workflow_executions"))
                .containsExactly("a");

        JsonNode next = queue.end("a", a, "complete", Map.of("claim", Map.of("max_jobs", 1)));

        assertThat(next.path("leases").path(0).path("handler").asString()).isEqualTo("knight");
        assertThat(rows("select status from public.workflow_executions where blocked_by_job_id is null"
                        + " and required_models = '[\"m\", \"n\"]'"))
                .containsExactly("running");
        assertThat(rows("select status from public.jobs where blocked_by_job_id is null"))
                .containsExactly("running");
    }

    @Test
    @DisplayName("F53 Every waiting row has a reason and a place that a restart does not lose")
    void f53_durableReason() throws Exception {
        queue.startNow("a", "m");
        sql("insert into public.jobs (prompt, required_models) values ('p', '[\"m\"]')");

        assertThat(rows("select conflict_reason from public.jobs where queue_position = 1 and blocked_by_job_id = 'a'"
                        + " and queued_at is not null and status = 'pending'"))
                .containsExactly("Model conflict with active job a: [\"m\"]");
    }

    @Test
    @DisplayName("F54 The sweep never touches jobs that wait")
    void f54_sweepLeavesWaitersAlone() throws Exception {
        queue.startNow("a", "m");
        queue.start("b", "m");
        List<String> before = rows("select event_type || job_id from public.job_queue_log order by seq");

        for (int i = 0; i < 10; i++) {
            queue.sweep();
        }

        assertThat(rows("select event_type || job_id from public.job_queue_log order by seq"))
                .isEqualTo(before);
    }

    @Test
    @DisplayName("Rows inserted in one statement enter in their order; rows rolled back never do")
    void insertTrigger() throws Exception {
        sql(
                "insert into public.jobs (prompt, required_models) select 'p' || i, '[\"m\", \"n\"]' from generate_series(1, 5) as i");
        try (Connection connection = local.openConnection();
                Statement s = connection.createStatement()) {
            connection.setAutoCommit(false);
            s.execute("insert into public.jobs (prompt, required_models) values ('gone', '[\"m\"]')");
            connection.rollback();
        }

        assertThat(rows("select job_id from public.job_queue_jobs")).hasSize(5);
        assertThat(rows("select queue_position::text from public.jobs order by queue_position"))
                .containsExactly("1", "2", "3", "4", "5");
        assertThat(rows("select id::text from public.job_queue_arrivals")).isEmpty();
    }

    @Test
    @DisplayName("Priority moves a job ahead by a bounded time, and never past one that runs")
    void priority() {
        long a = queue.startNow("a", "m");
        queue.enqueue(Queue.job("low", "m"), Queue.job("high", Map.of("priority", 1), "m"));

        assertThat(queue.position("high")).isEqualTo(1);
        assertThat(queue.position("low")).isEqualTo(2);
        assertThat(drain("a", a)).containsExactly("high", "low");
    }

    @Test
    @DisplayName("One job at a time: whatever its models, and the state row tells which")
    void oneAtATime() throws Exception {
        queue.setLimits(Map.of("max_active_jobs", 1));
        long a = queue.startNow("a", "m");

        assertThat(queue.start("b", "n").path("blocked_by_job_id").asString()).isEqualTo("a");
        assertThat(rows("select active_job_id || active_job_type || active_models from public.job_queue_state"))
                .containsExactly("anormal[\"m\"]");
        assertThat(drain("a", a)).containsExactly("b");
        assertThat(
                        rows(
                                "select id::text from public.job_queue_state where active_job_id is null and active_models = '[]'"))
                .containsExactly("1");
    }

    /** Ends the running job and each that follows it; the order in which they started. */
    private List<String> drain(String running, long token) {
        List<String> order = new ArrayList<>();
        JsonNode next = queue.end(running, token, "complete", Map.of("claim", Map.of("max_jobs", 1)));
        while (!Queue.ids(next).isEmpty()) {
            String id = Queue.ids(next).get(0);
            order.add(id);
            next = queue.end(id, token(next), "complete", Map.of("claim", Map.of("max_jobs", 1)));
        }
        return order;
    }

    private static long token(JsonNode answer) {
        return answer.path("leases").path(0).path("token").asLong();
    }

    @Test
    @DisplayName(
            "One at a time, with two still running from before the limit: the state forgets the models of the one that is taken back")
    void stateForgetsTheSecond() throws Exception {
        queue.startNow("a", "m");
        queue.startNow("b", "n");
        queue.setLimits(Map.of("max_active_jobs", 1));
        letLeaseRunOut("b");

        queue.enqueue(Queue.job("c", "x"));

        assertThat(rows("select active_job_id || ' ' || active_models from public.job_queue_state"))
                .containsExactly("a [\"m\"]");
    }
}
