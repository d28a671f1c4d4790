package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.InterlockIoException;
import dev.interlock.ServiceException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Rule 3 with many jobs: whoever shares no model waits for nobody, whoever needs several is not starved, and one order holds for all. */
class FairnessTest extends EngineTest {

    private static final int CALLERS = 20;
    private static final int JOBS_A_CALLER = 50;

    @Test
    @DisplayName("With 200 waiters on a busy model, a job on a free model starts at once, by start and by claim")
    void freeModelStartsAtOnce() {
        queue.startNow("holder", "busy");
        List<Map<String, Object>> waiters = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            waiters.add(Queue.job("waiter-" + i, "busy"));
        }
        queue.enqueueAll(waiters);

        assertThat(queue.start("direct", "free").path("result").asString()).isEqualTo("started");
        queue.enqueue(Queue.job("claimed", "also free"));
        assertThat(queue.claim("w", 10)).containsExactly("claimed");
        assertThat(queue.position("waiter-0")).isEqualTo(1);
        assertThat(queue.position("waiter-199")).isEqualTo(200);
    }

    @Test
    @DisplayName(
            "Endless arrivals on M and on N: a job that needs both starts after exactly the jobs that stood before it")
    void bothModelsUnderEndlessArrivals() {
        List<Map<String, Object>> before = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            before.add(Queue.job("before-m" + i, "m"));
            before.add(Queue.job("before-n" + i, "n"));
        }
        queue.enqueueAll(before);
        queue.enqueue(Queue.job("both", "m", "n"));

        List<String> started = new ArrayList<>();
        Deque<JsonNode> running = new ArrayDeque<>();
        queue.claimWith("w", 2, Map.of()).path("leases").forEach(running::add);
        for (int round = 0; round < 50 && !started.contains("both"); round++) {
            queue.enqueue(Queue.job("after-m" + round, "m"), Queue.job("after-n" + round, "n"));
            // One ends at a time, so that the two models are never free together by chance.
            JsonNode ends = running.remove();
            started.add(ends.path("job_id").asString());
            claimAfter(ends).path("leases").forEach(running::add);
            running.forEach(lease -> started.add(lease.path("job_id").asString()));
        }

        assertThat(started).contains("both");
        assertThat(new LinkedHashSet<>(started.subList(0, started.indexOf("both"))))
                .as("what started before it")
                .allMatch(id -> id.startsWith("before-"))
                .hasSize(10);
    }

    @Test
    @DisplayName(
            "1,000 jobs entered by 20 callers in one burst have one total order, kept through a crash of the database in the middle")
    void burstKeepsItsOrder() throws Exception {
        long token = queue.startNow("first", "m");
        List<Callable<JsonNode>> calls = new ArrayList<>();
        for (int caller = 0; caller < CALLERS; caller++) {
            List<Map<String, Object>> batch = new ArrayList<>();
            for (int i = 0; i < JOBS_A_CALLER; i++) {
                batch.add(Queue.job("job-" + caller + "-" + i, "m"));
            }
            calls.add(() -> queue.call("job_queue_enqueue", Map.of("jobs", batch)));
        }
        atOnce(calls);

        List<String> order =
                rows("select job_id from public.job_queue_jobs where status = 'waiting' order by line_key, seq");
        List<String> bySeq = rows("select job_id from public.job_queue_jobs where status = 'waiting' order by seq");
        assertThat(order)
                .hasSize(CALLERS * JOBS_A_CALLER)
                .doesNotHaveDuplicates()
                .isEqualTo(bySeq);
        Set<String> keys = new HashSet<>(rows("select line_key || ' ' || seq from public.job_queue_jobs"));
        assertThat(keys).as("no two share a place").hasSize(CALLERS * JOBS_A_CALLER + 1);

        List<String> started = new ArrayList<>();
        JsonNode running = queue.end("first", token, "complete", Map.of("claim", Map.of("max_jobs", 1)));
        while (started.size() < 200) {
            started.addAll(Queue.ids(running));
            if (started.size() == 100) {
                local.restartPostgres();
            }
            JsonNode lease = running.path("leases").path(0);
            String request = "end-" + started.size();
            running = eventually(() -> queue.end(
                    lease.path("job_id").asString(),
                    lease.path("token").asLong(),
                    "complete",
                    Map.of("request_id", request, "claim", Map.of("max_jobs", 1))));
        }

        assertThat(started).isEqualTo(order.subList(0, 200));
        assertThat(rows("select job_id from public.job_queue_jobs where status = 'waiting' order by line_key, seq"))
                .isEqualTo(order.subList(201, order.size()));
    }

    private JsonNode claimAfter(JsonNode lease) {
        return queue.end(
                lease.path("job_id").asString(),
                lease.path("token").asLong(),
                "complete",
                Map.of("claim", Map.of("max_jobs", 2)));
    }

    private interface Attempt<T> {
        T call();
    }

    /** PostgREST needs a moment to find its database again, and says so meanwhile. */
    private static <T> T eventually(Attempt<T> attempt) {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (true) {
            try {
                return attempt.call();
            } catch (ServiceException | InterlockIoException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
            }
        }
    }
}
