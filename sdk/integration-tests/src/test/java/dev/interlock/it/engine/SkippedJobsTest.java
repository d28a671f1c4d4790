package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rule 3: a job that could run and that no live worker can take stands aside, and comes back to its place. */
class SkippedJobsTest extends EngineTest {
    private static final Map<String, ?> VIDEO = Map.of("handlers", List.of("video"));
    private static final Map<String, ?> IMAGE = Map.of("handlers", List.of("image"));

    @Test
    @DisplayName(
            "It is passed after the set time, not before, and returns to its place when a worker that can run it claims")
    void passedAndBack() throws Exception {
        imageAheadOfVideo();
        assertThat(claim("v", VIDEO)).isEmpty();
        letTimePass(50);
        assertThat(claim("v", VIDEO)).isEmpty();
        letTimePass(20);
        assertThat(claim("v", VIDEO)).containsExactly("video-1");
        assertThat(events("image")).containsExactly("queued", "skipped");
        assertThat(queue.status("image")).isEqualTo("delayed");
        assertThat(queue.explain("image").path("conflict_reason").asString())
                .startsWith("No worker asks for handler image");

        // Back, and ahead of the video that came after it.
        assertThat(claim("i", IMAGE)).isEmpty();
        assertThat(queue.position("image")).isEqualTo(1);
        queue.complete("video-1", token("video-1"));
        assertThat(claim("v", VIDEO)).isEmpty();
        assertThat(claim("i", IMAGE)).containsExactly("image");
    }

    @Test
    @DisplayName("A worker that is busy, and only sends heartbeats, is there: nothing of its kind is passed")
    void busyWorkersCount() throws Exception {
        queue.enqueue(Queue.job("busy", Map.of("handler", "image"), "other"));
        assertThat(claim("i", IMAGE)).containsExactly("busy");
        imageAheadOfVideo();
        for (int minute = 0; minute < 3; minute++) {
            letTimePass(50);
            queue.call("job_queue_heartbeat", Map.of("worker_id", "i", "leases", List.of()));
            assertThat(claim("v", VIDEO)).isEmpty();
        }
        assertThat(events("image")).doesNotContain("skipped");
    }

    @Test
    @DisplayName("The same where the set time is short: every sign of life counts that is younger")
    void busyWorkersCountAtOnce() throws Exception {
        queue.setLimits(Map.of("skip_after_seconds", 4));
        queue.enqueue(Queue.job("busy", Map.of("handler", "image"), "other"));
        assertThat(claim("i", IMAGE)).containsExactly("busy");
        imageAheadOfVideo();
        letTimePass(3);
        queue.call("job_queue_heartbeat", Map.of("worker_id", "i", "leases", List.of()));
        letTimePass(2);
        assertThat(claim("v", VIDEO)).isEmpty();
        assertThat(events("image")).doesNotContain("skipped");
    }

    @Test
    @DisplayName("A pause of everything is no time in which it could run")
    void pausedMeanwhile() throws Exception {
        imageAheadOfVideo();
        queue.setLimits(Map.of("paused", true));
        letTimePass(3600);
        queue.setLimits(Map.of("paused", false));
        assertThat(claim("v", VIDEO)).isEmpty();
        assertThat(events("image")).doesNotContain("skipped");
        letTimePass(70);
        assertThat(claim("v", VIDEO)).containsExactly("video-1");
    }

    @Test
    @DisplayName("What a worker can run is judged by its models too")
    void byModels() throws Exception {
        queue.enqueue(Queue.job("both", "m", "n"), Queue.job("one", "m"));
        Map<String, ?> only = Map.of("models", List.of("m"));
        assertThat(claim("w", only)).isEmpty();
        letTimePass(70);
        assertThat(claim("w", only)).containsExactly("one");
        assertThat(events("both")).contains("skipped");
    }

    @Test
    @DisplayName(
            "A job left in line by a caller of start that never asks again holds nobody up; if it does ask, it is next")
    void forgottenCaller() throws Exception {
        long token = queue.startNow("a", "m");
        queue.start("forgotten", "m");
        queue.start("patient", "m");
        queue.complete("a", token);
        letTimePass(70);

        assertThat(queue.start("patient", "m").path("result").asString()).isEqualTo("started");
        assertThat(queue.status("forgotten")).isEqualTo("delayed");
        queue.start("later", "m");
        assertThat(queue.start("forgotten", "m").path("status").asString()).isEqualTo("waiting");
        queue.complete("patient", token("patient"));
        assertThat(queue.start("forgotten", "m").path("result").asString()).isEqualTo("started");
    }

    @Test
    @DisplayName("A job that start asks for is not set aside by this very call, however long it has been its turn")
    void askedForLate() throws Exception {
        long token = queue.startNow("a", "m");
        queue.start("b", "m");
        queue.complete("a", token);
        letTimePass(3600);
        assertThat(queue.start("b", "m").path("result").asString()).isEqualTo("started");
    }

    @Test
    @DisplayName("Never, when the setting says so; and not while everything is paused")
    void switchedOff() throws Exception {
        Map<String, Object> never = new HashMap<>();
        never.put("skip_after_seconds", null);
        queue.setLimits(never);
        imageAheadOfVideo();
        letTimePass(86400);
        assertThat(claim("v", VIDEO)).isEmpty();

        queue.setLimits(Map.of("skip_after_seconds", 60, "paused", true));
        assertThat(claim("v", VIDEO)).isEmpty();
        assertThat(events("image")).doesNotContain("skipped");
    }

    @Test
    @DisplayName("One that stands aside can be cancelled, and expires at its deadline")
    void endsAside() throws Exception {
        imageAheadOfVideo();
        letTimePass(70);
        claim("v", VIDEO);
        assertThat(queue.call("job_queue_cancel", Map.of("job_id", "image"))
                        .path("result")
                        .asString())
                .isEqualTo("cancelled");
    }

    private void imageAheadOfVideo() {
        queue.enqueue(
                Queue.job("image", Map.of("handler", "image"), "m"),
                Queue.job("video-1", Map.of("handler", "video"), "m"));
    }

    private List<String> claim(String worker, Map<String, ?> options) {
        return Queue.ids(queue.claimWith(worker, 5, options));
    }
}
