package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.BadRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Claims that say how many jobs of each handler they have room for, and what a heartbeat says of a run. */
class ClaimNumbersTest extends EngineTest {

    private static Map<String, ?> room(Map<String, Integer> numbers) {
        return Map.of("handlers", numbers);
    }

    private void enqueue(String handler, int from, int to) {
        List<Map<String, Object>> jobs = new ArrayList<>();
        for (int i = from; i < to; i++) {
            jobs.add(Queue.job(handler + i, Map.of("handler", handler), handler + "-model-" + i));
        }
        queue.enqueueAll(jobs);
    }

    @Test
    @DisplayName("At most so many of each handler, in order, past those that there is no room for")
    void atMostSoMany() {
        enqueue("video", 0, 30);
        enqueue("image", 0, 4);
        enqueue("other", 0, 1);

        assertThat(Queue.ids(queue.claimWith("w", 8, room(Map.of("image", 3, "video", 2)))))
                .containsExactly("video0", "video1", "image0", "image1", "image2");
        assertThat(Queue.ids(queue.claimWith("w", 8, room(Map.of("image", 3, "video", 0)))))
                .containsExactly("image3");
        assertThat(Queue.ids(queue.claimWith("w", 1, room(Map.of("image", 3, "video", 2)))))
                .containsExactly("video2");
        assertThat(Queue.ids(queue.claimWith("w", 8, room(Map.of("image", 0, "video", 0)))))
                .isEmpty();
    }

    @Test
    @DisplayName("The claim in the call that ends a run has numbers too, and rows that somebody edits are passed over")
    void withTheEndOfARun() throws Exception {
        enqueue("video", 0, 3);
        long token = queue.claimToken("w");

        JsonNode answer = queue.end(
                "video0",
                token,
                "complete",
                Map.of("claim", Map.of("max_jobs", 5, "handlers", Map.of("video", 1, "image", 4))));

        assertThat(Queue.ids(answer)).containsExactly("video1");
    }

    @Test
    @DisplayName("Jobs are lent kept seats within the numbers only")
    void lentWithinTheNumbers() {
        queue.setLimits(Map.of("max_overtakes", 5));
        queue.startNow("holder", "n");
        queue.enqueue(Queue.job("keeps", Map.of("handler", "video"), "m", "n"));
        queue.enqueue(Queue.job("later", Map.of("handler", "image"), "m"));

        assertThat(Queue.ids(queue.claimWith("w", 5, room(Map.of("image", 0, "video", 5)))))
                .isEmpty();
        assertThat(Queue.ids(queue.claimWith("w", 5, room(Map.of("image", 1, "video", 5)))))
                .containsExactly("later");
    }

    @Test
    @DisplayName("A worker that has no room for a handler now can run it all the same: its jobs do not stand aside")
    void fullIsNotGone() throws Exception {
        queue.setLimits(Map.of("skip_after_seconds", 10));
        enqueue("video", 0, 1);
        letTimePass(11);
        queue.claimWith("w", 1, room(Map.of("video", 0)));
        queue.claimWith("x", 1, Map.of("handlers", List.of("none")));

        assertThat(queue.status("video0")).isEqualTo("waiting");
    }

    @Test
    @DisplayName("Numbers that are none are refused, and nothing starts")
    void refused() {
        enqueue("video", 0, 1);
        for (Object numbers : List.of(Map.of("video", -1), Map.of("video", 1001), Map.of("video", 1.5), "video")) {
            assertThatThrownBy(() -> queue.claimWith("w", 1, Map.of("handlers", numbers)))
                    .isInstanceOfSatisfying(
                            BadRequestException.class, e -> assertThat(e.code()).isEqualTo("JQ007"));
        }
        assertThat(queue.status("video0")).isEqualTo("waiting");
    }

    @Test
    @DisplayName("A heartbeat's note is there for readers until the next attempt")
    void note() {
        long token = queue.startNow("a", "m");
        String note = "x".repeat(600);
        beat("a", Map.of("token", token, "progress", 40, "note", "upscaling"));
        assertThat(queue.explain("a").path("note").asString()).isEqualTo("upscaling");
        beat("a", Map.of("token", token));
        assertThat(queue.explain("a").path("note").asString()).isEqualTo("upscaling");
        assertThat(queue.call("job_queue_status", Map.of())
                        .path("models")
                        .path(0)
                        .path("holders")
                        .path(0)
                        .path("note")
                        .asString())
                .isEqualTo("upscaling");
        beat("a", Map.of("token", token, "note", note));
        assertThat(queue.explain("a").path("note").asString()).hasSize(500);

        queue.end("a", token, "release");
        queue.claim("w", 1);
        assertThat(queue.explain("a").path("note").isNull()).isTrue();
    }

    private void beat(String job, Map<String, ?> more) {
        Map<String, Object> lease = new java.util.LinkedHashMap<>(more);
        lease.put("job_id", job);
        queue.call("job_queue_heartbeat", Map.of("worker_id", "w", "leases", List.of(lease)));
    }
}
