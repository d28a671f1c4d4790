package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.ServiceException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Failures 3A: claiming a slot. The numbers are those of docs/reference/failures.md. */
class ClaimingTest extends EngineTest {

    @Test
    @DisplayName("F1 Of many starts at one instant for one model exactly one starts, the others stand in a total order")
    void f1_startsAtOneInstant() throws Exception {
        for (int round = 0; round < 10; round++) {
            String model = "round-" + round;
            List<Callable<JsonNode>> calls = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                String id = model + "-" + i;
                calls.add(() -> queue.start(id, model));
            }

            List<JsonNode> answers = atOnce(calls);

            assertThat(answers)
                    .filteredOn(a -> a.path("result").asString().equals("started"))
                    .hasSize(1);
            List<Integer> positions = IntStream.range(0, 16)
                    .map(i -> queue.position(model + "-" + i))
                    .filter(p -> p > 0)
                    .sorted()
                    .boxed()
                    .toList();
            assertThat(positions)
                    .containsExactlyElementsOf(
                            IntStream.rangeClosed(1, 15).boxed().toList());
        }
    }

    @Test
    @DisplayName("F3 While A runs nothing that other jobs do takes its model away")
    void f3_othersCannotFreeAModel() throws Exception {
        long a = queue.startNow("a", "m");
        queue.start("b", "m");
        queue.start("c", "m", "n");
        long d = queue.startNow("d", "k");

        queue.complete("d", d);
        queue.complete("b", a);
        queue.call("job_queue_cancel", Map.of("job_id", "b"));
        queue.sweep();

        assertThat(queue.claim("w", 10)).isEmpty();
        assertThat(queue.complete("a", a)).isEqualTo("completed");
        assertThat(queue.claim("w", 10)).containsExactly("c");
    }

    static List<Object> badModels() {
        return Arrays.asList(
                null,
                "motion-2.0-fast",
                7,
                true,
                Map.of("model", "m"),
                List.of(List.of("m")),
                List.of(Map.of("name", "m")),
                Arrays.asList("m", null),
                List.of("m", 3),
                List.of("m", "  "),
                List.of(""),
                List.of("x".repeat(201)),
                Collections.nCopies(10_000, "m"),
                List.of());
    }

    @ParameterizedTest
    @MethodSource("badModels")
    @DisplayName("F6, F8, F10 Models that are not an array of names, or empty, are refused and change nothing")
    void f6_badModelsAreRefused(Object models) throws Exception {
        Map<String, Object> arguments = new HashMap<>();
        arguments.put("job_id", "bad");
        arguments.put("models", models);

        assertThatThrownBy(() -> queue.call("job_queue_start", arguments))
                .isInstanceOfSatisfying(ServiceException.class, e -> {
                    assertThat(e.status()).isEqualTo(400);
                    assertThat(e.code()).isEqualTo("JQ002");
                    assertThat(e.hint()).isNotBlank();
                });
        Map<String, Object> job = new HashMap<>();
        job.put("job_id", "bad");
        job.put("models", models);
        assertThatThrownBy(() -> queue.enqueueAll(List.of(Queue.job("good", "m"), job)))
                .isInstanceOfSatisfying(
                        ServiceException.class, e -> assertThat(e.code()).isEqualTo("JQ002"));

        assertThat(rows("select job_id from public.job_queue_jobs")).isEmpty();
        assertThat(rows("select id::text from public.job_queue_log")).isEmpty();
        assertThat(rows("select model from public.job_queue_models where model <> ''"))
                .isEmpty();
    }

    @Test
    @DisplayName("F8 A job that needs no model says so, and then counts against the global limit only")
    void f8_unrestricted() {
        queue.setLimits(Map.of("max_active_jobs", 1));

        JsonNode first = queue.startWith(Map.of("unrestricted", true), "a");
        JsonNode second = queue.startWith(Map.of("unrestricted", true), "b");

        assertThat(first.path("result").asString()).isEqualTo("started");
        assertThat(second.path("result").asString()).isEqualTo("queued");
    }

    @Test
    @DisplayName("F12 Spellings configured as one model conflict; case and other names differ")
    void f12_aliases() {
        queue.setModel("Motion 2.0", Map.of("alias_of", "motion-2.0"));
        queue.startNow("a", "motion-2.0");

        assertThat(queue.start("b", " Motion 2.0 ").path("blocked_by_job_id").asString())
                .isEqualTo("a");
        assertThat(queue.start("c", "MOTION-2.0").path("result").asString()).isEqualTo("started");
    }

    @Test
    @DisplayName("F14 A second start of a running job gets no lease; the same request gets its own again")
    void f14_secondStart() {
        JsonNode first = queue.startAs("r-1", "a", "m");
        JsonNode other = queue.startAs("r-2", "a", "m");
        JsonNode again = queue.startAs("r-1", "a", "m");

        assertThat(other.path("result").asString()).isEqualTo("running");
        assertThat(other.has("lease")).isFalse();
        assertThat(again).isEqualTo(first);
    }

    @Test
    @DisplayName("F14 The same request many times at one instant starts one attempt")
    void f14_doubledRequests() throws Exception {
        List<JsonNode> answers = atOnce(Collections.nCopies(12, () -> queue.startAs("same", "a", "m")));

        assertThat(answers).allSatisfy(a -> assertThat(a).isEqualTo(answers.get(0)));
        assertThat(events("a")).containsExactly("started");
    }

    @Test
    @DisplayName("A known job asked for with other models is refused")
    void otherModelsAreRefused() {
        queue.startNow("a", "m");

        assertThatThrownBy(() -> queue.start("a", "n"))
                .isInstanceOfSatisfying(
                        ServiceException.class, e -> assertThat(e.code()).isEqualTo("JQ009"));
    }

    @Test
    @DisplayName("Claims at one instant share the runnable jobs out: each to one worker, none left")
    void claimsAtOneInstant() throws Exception {
        List<Map<String, Object>> jobs = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            jobs.add(Queue.job("job-" + i, "model-" + i));
        }
        queue.enqueueAll(jobs);
        List<Callable<List<String>>> calls = new ArrayList<>();
        for (int w = 0; w < 10; w++) {
            String worker = "w" + w;
            calls.add(() -> queue.claim(worker, 10));
        }

        List<String> claimed = new ArrayList<>();
        atOnce(calls).forEach(claimed::addAll);
        claimed.addAll(queue.claim("last", 40));

        assertThat(claimed).hasSize(40).doesNotHaveDuplicates();
    }

    @Test
    @DisplayName("A job that shares no model with those that wait starts at once")
    void unrelatedModelsDoNotWait() {
        queue.startNow("a", "m");
        for (int i = 0; i < 20; i++) {
            queue.start("w" + i, "m");
        }

        assertThat(queue.start("free", "n").path("result").asString()).isEqualTo("started");
    }

    @Test
    @DisplayName("Capacity lets as many in, in order; a raise lets the next in, a lower one drains")
    void capacity() {
        queue.setModel("m", Map.of("capacity", 2));
        long a = queue.startNow("a", "m");
        long b = queue.startNow("b", "m");
        queue.start("c", "m");
        queue.start("d", "m");

        queue.setModel("m", Map.of("capacity", 3));
        assertThat(queue.claim("w", 5)).containsExactly("c");

        queue.setModel("m", Map.of("capacity", 1));
        queue.complete("a", a);
        queue.complete("b", b);
        assertThat(queue.claim("w", 5)).isEmpty();
        queue.setModel("m", Map.of("capacity", 2));
        assertThat(queue.claim("w", 5)).containsExactly("d");
    }

    @Test
    @DisplayName("A capacity raised for thousands at once lets them all in, within a call's time")
    void capacityForThousands() {
        queue.setModel("m", Map.of("capacity", 0));
        for (int batch = 0; batch < 3; batch++) {
            List<Map<String, Object>> jobs = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                jobs.add(Queue.job("job-" + batch + "-" + i, "m"));
            }
            queue.enqueueAll(jobs);
        }
        queue.setModel("m", Map.of("capacity", 2999));
        assertThat(queue.claim("w", 1000)).hasSize(1000).startsWith("job-0-0", "job-0-1");
        assertThat(queue.call("job_queue_status", Map.of())
                        .path("jobs")
                        .path("runnable")
                        .asInt())
                .isEqualTo(1999);
    }

    @Test
    @DisplayName(
            "A claim that found nothing finds nothing when its copy comes late: jobs that came since are not started for nobody")
    void lateCopyOfAnEmptyClaim() {
        Map<String, ?> request = Map.of("request_id", "poll-1");
        JsonNode first = queue.claimWith("w", 5, request);
        queue.enqueue(Queue.job("a", "m"));
        assertThat(queue.claimWith("w", 5, request)).isEqualTo(first);
        assertThat(queue.claim("w", 5)).containsExactly("a");
    }
}
