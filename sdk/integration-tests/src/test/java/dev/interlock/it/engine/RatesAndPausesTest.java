package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Starts per minute of a model, and the pause of everything. */
class RatesAndPausesTest extends EngineTest {

    @Test
    @DisplayName("At most so many start within a minute; the next one starts when the first of them is a minute old")
    void rate() throws Exception {
        queue.setModel("m", Map.of("capacity", 10, "starts_per_minute", 2));
        enqueue("a", "b", "c", "d");

        assertThat(queue.claim("w", 10)).containsExactly("a", "b");
        assertThat(queue.explain("c").path("conflict_reason").asString()).startsWith("Rate reached");
        assertThat(queue.explain("d").path("blocked_by_job_id").asString()).isEqualTo("c");

        end("a", "b");
        letTimePass(59);
        assertThat(queue.claim("w", 10)).isEmpty();
        letTimePass(2);
        // Nothing but time has passed: no other call wakes the line up.
        assertThat(queue.claim("w", 10)).containsExactly("c", "d");
    }

    @Test
    @DisplayName("Jobs that start and end still count; a claim says when to come again")
    void endedJobsCount() throws Exception {
        queue.setModel("m", Map.of("starts_per_minute", 1));
        queue.complete("a", queue.startNow("a", "m"));
        enqueue("b");

        var answer = queue.claimWith("w", 1, Map.of());

        assertThat(Queue.ids(answer)).isEmpty();
        assertThat(rows(
                        "select round(extract(epoch from ?::timestamptz - max(started_at))) from public.job_queue_jobs",
                        answer.path("next_due_at").asString()))
                .containsExactly("60");
        letTimePass(61);
        assertThat(queue.claim("w", 1)).containsExactly("b");
    }

    @Test
    @DisplayName("A job that keeps its turn counts as a start to come: however late it starts, the rate holds")
    void keptTurnsCount() throws Exception {
        queue.setModel("m", Map.of("capacity", 10, "starts_per_minute", 2));
        enqueue("a", "b", "c");
        letTimePass(600);
        assertThat(queue.claim("w", 1)).containsExactly("a");
        assertThat(queue.claim("w", 10)).containsExactly("b");
        assertThat(queue.claim("w", 10)).isEmpty();
    }

    @Test
    @DisplayName("Fifty callers at one instant never start more than the rate")
    void callersAtOnce() throws Exception {
        queue.setModel("m", Map.of("capacity", 100, "starts_per_minute", 7));
        List<Callable<String>> calls = new ArrayList<>();
        IntStream.range(0, 50)
                .forEach(i -> calls.add(
                        () -> queue.start("job-" + i, "m").path("result").asString()));

        assertThat(atOnce(calls)).filteredOn("started"::equals).hasSize(7);
        assertThat(queue.claim("w", 100)).isEmpty();
    }

    @Test
    @DisplayName("A rate set now looks back on the minute before; lifted, the line goes on at once")
    void rateChanges() throws Exception {
        queue.complete("a", queue.startNow("a", "m"));
        queue.setModel("m", Map.of("starts_per_minute", 1));
        assertThat(queue.start("b", "m").path("result").asString()).isEqualTo("queued");

        Map<String, Object> none = new HashMap<>();
        none.put("starts_per_minute", null);
        queue.setModel("m", none);
        assertThat(queue.claim("w", 1)).containsExactly("b");
    }

    @Test
    @DisplayName("A start that leaves the minute while a call waits for a lock makes no room that nobody is told of")
    void theMinutePassesWhileACallWaits() throws Exception {
        queue.setModel("m", Map.of("starts_per_minute", 1));
        long a = queue.startNow("a", "m");
        long x = queue.startNow("x1", "x");
        enqueue("b");
        queue.enqueue(Queue.job("x2", "x"));
        try (Connection other = local.openConnection();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("select from public.job_queue_jobs where job_id = 'x2' for update");
            sql("update public.job_queue_starts set started_at = clock_timestamp() - interval '58 seconds'");
            CompletableFuture<JsonNode> ends = CompletableFuture.supplyAsync(() -> queue.call(
                    "job_queue_complete",
                    Map.of(
                            "outcomes",
                            List.of(
                                    Map.of("job_id", "a", "token", a, "outcome", "complete"),
                                    Map.of("job_id", "x1", "token", x, "outcome", "complete")))));
            String waits =
                    "select pid from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%job_queue_complete%'";
            while (rows(waits).isEmpty()) {
                Thread.onSpinWait();
            }
            String minuteIsOver =
                    "select model from public.job_queue_starts where started_at < clock_timestamp() - interval '1 minute'";
            while (rows(minuteIsOver).isEmpty()) {
                Thread.onSpinWait();
            }
            other.commit();
            ends.join();
        }
        sql("update public.job_queue_models set next_start_at = now() where next_start_at is not null");

        assertThat(queue.claim("w", 5)).containsExactlyInAnyOrder("b", "x2");
    }

    @Test
    @DisplayName("Everything paused: nobody starts, by claim or by start; those that run end; places are kept")
    void pauseOfEverything() throws Exception {
        long token = queue.startNow("runs", "m");
        enqueue("a", "b");
        queue.setLimits(Map.of("paused", true));

        assertThat(queue.start("c", "free").path("result").asString()).isEqualTo("queued");
        assertThat(queue.explain("c").path("conflict_reason").asString()).isEqualTo("Everything is paused");
        var answer = queue.end("runs", token, "complete", Map.of("claim", Map.of("max_jobs", 5)));
        assertThat(answer.path("outcomes").path(0).path("result").asString()).isEqualTo("completed");
        assertThat(Queue.ids(answer)).isEmpty();

        queue.setLimits(Map.of("paused", false));
        assertThat(queue.claim("w", 10)).containsExactly("a", "c");
        assertThat(queue.position("b")).isEqualTo(1);
    }

    private void end(String... ids) throws Exception {
        for (String id : ids) {
            queue.complete(id, token(id));
        }
    }

    private void enqueue(String... ids) {
        for (String id : ids) {
            queue.enqueue(Queue.job(id, "m"));
        }
    }
}
