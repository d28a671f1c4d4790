package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What an operator or a user does to a job: retry and reprioritize. */
class RetryAndPriorityTest extends EngineTest {

    @Test
    @DisplayName("A failed job comes back to the place it had, with one attempt more")
    void retryFailed() throws Exception {
        long token = queue.startNow("a", "m");
        queue.enqueue(Queue.job("b", "m"));
        queue.end("a", token, "fail");
        assertThat(queue.claim("w", 1)).containsExactly("b");
        queue.enqueue(Queue.job("c", "m"));

        JsonNode answer = retry("a", Map.of());

        assertThat(answer.path("result").asString()).isEqualTo("retried");
        assertThat(answer.path("queue_position").asInt()).isEqualTo(1);
        assertThat(answer.path("blocked_by_job_id").asString()).isEqualTo("b");
        queue.complete("b", token("b"));
        JsonNode lease = queue.claimWith("w", 1, Map.of()).path("leases").path(0);
        assertThat(lease.path("job_id").asString()).isEqualTo("a");
        assertThat(lease.path("attempt").asInt()).isEqualTo(2);
        assertThat(lease.path("max_attempts").asInt()).isEqualTo(2);
        assertThat(lease.path("token").asLong()).isGreaterThan(token);
        // One more was given, not three.
        assertThat(queue.end("a", token("a"), "retry")).isEqualTo("failed");
    }

    @Test
    @DisplayName("A cancelled one too, also while it ran; and later, when asked so")
    void retryCancelled() throws Exception {
        long token = queue.startNow("a", "m");
        queue.call("job_queue_cancel", Map.of("job_id", "a"));
        queue.end("a", token, "fail");
        assertThat(queue.status("a")).isEqualTo("cancelled");

        assertThat(retry("a", Map.of("run_at", Instant.now().plusSeconds(3600).toString(), "attempts", 2))
                        .path("status")
                        .asString())
                .isEqualTo("delayed");
        assertThat(queue.claim("w", 1)).isEmpty();
        letTimePass(3601);
        assertThat(queue.claim("w", 1)).containsExactly("a");
        // The wish to cancel was the former life's.
        assertThat(queue.complete("a", token("a"))).isEqualTo("completed");
    }

    @Test
    @DisplayName("An expired job can be retried: the deadline that has passed is not held against it")
    void retryExpired() throws Exception {
        queue.startNow("a", "m");
        queue.enqueue(
                Queue.job("b", Map.of("deadline", Instant.now().plusSeconds(60).toString()), "m"));
        letTimePass(61);
        queue.sweep();
        assertThat(events("b")).containsExactly("queued", "expired");
        retry("b", Map.of());
        queue.sweep();
        assertThat(queue.status("b")).isEqualTo("waiting");
    }

    @Test
    @DisplayName("A job that ended under a name that is an alias now comes back to the line of the model")
    void retryUnderAnAlias() throws Exception {
        queue.end("a", queue.startNow("a", "fast"), "fail");
        queue.setModel("fast", Map.of("alias_of", "motion"));
        queue.startNow("b", "motion");
        assertThat(retry("a", Map.of()).path("blocked_by_job_id").asString()).isEqualTo("b");
        assertThat(queue.claim("w", 1)).isEmpty();
    }

    @Test
    @DisplayName("What waits, runs or has completed is left as it is; a repeat of the request gets the first answer")
    void retryOthers() throws Exception {
        long token = queue.startNow("a", "m");
        assertThat(retry("a", Map.of()).path("result").asString()).isEqualTo("unfinished");
        queue.end("a", token, "fail");
        JsonNode first = retry("a", Map.of("request_id", "once"));
        assertThat(queue.claim("w", 1)).containsExactly("a");
        queue.end("a", token("a"), "fail");
        assertThat(retry("a", Map.of("request_id", "once"))).isEqualTo(first);
        assertThat(queue.status("a")).isEqualTo("failed");

        retry("a", Map.of());
        queue.complete("a", queue.startNow("a", "m"));
        assertThat(retry("a", Map.of()).path("result").asString()).isEqualTo("completed");
        assertThatThrownBy(() -> retry("nobody", Map.of())).hasMessageContaining("unknown");
    }

    @Test
    @DisplayName(
            "A higher priority moves a waiting job ahead of others, with its turn if nobody has started; a lower one back")
    void reprioritize() throws Exception {
        queue.enqueue(Queue.job("a", "m"), Queue.job("b", "m"), Queue.job("c", "m"));
        assertThat(reprioritize("c", 1).path("queue_position").asInt()).isEqualTo(1);
        assertThat(queue.position("a")).isEqualTo(2);
        assertThat(reprioritize("c", -1).path("queue_position").asInt()).isEqualTo(3);
        assertThat(queue.claim("w", 1)).containsExactly("a");
        assertThat(reprioritize("a", -1).path("status").asString()).isEqualTo("running");
        // It counts when it waits again.
        queue.end("a", token("a"), "release");
        assertThat(queue.claim("w", 1)).containsExactly("b");
        queue.complete("b", token("b"));
        assertThat(queue.claim("w", 1)).containsExactly("a");
        assertThat(events("c")).containsExactly("queued", "reprioritized", "reprioritized");
    }

    @Test
    @DisplayName("Finished jobs have no priority; one out of range is refused")
    void reprioritizeOthers() {
        queue.complete("a", queue.startNow("a", "m"));
        assertThat(reprioritize("a", 5).path("result").asString()).isEqualTo("finished");
        assertThatThrownBy(() -> reprioritize("a", 101)).hasMessageContaining("The priority is 101");
        assertThatThrownBy(() -> reprioritize("nobody", 1)).hasMessageContaining("unknown");
    }

    private JsonNode retry(String jobId, Map<String, ?> options) {
        return queue.call("job_queue_retry", Map.of("job_id", jobId, "options", options));
    }

    private JsonNode reprioritize(String jobId, int priority) {
        return queue.call("job_queue_reprioritize", Map.of("job_id", jobId, "priority", priority));
    }
}
