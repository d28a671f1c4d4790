package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.BadRequestException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Failures 3E: attempts are counted in one place, waits are kept, and every reason to wait has its way out. */
class RetriesTest extends EngineTest {

    @ParameterizedTest
    @ValueSource(
            strings = {"retry retry retry", "dead dead dead", "retry dead retry", "dead retry dead", "retry retry dead"
            })
    @DisplayName(
            "F73, F74, F82, F83, F92 Whatever path an attempt ends on, the last one fails the job, and its rows with it")
    void f83_attemptsOnEveryPath(String ends) throws Exception {
        String id = UUID.randomUUID().toString();
        sql("insert into public.jobs (job_id, prompt, job_type, required_models) values ('" + id
                + "', 'p', 'workflow', '[\"m\"]')");
        int attempt = 0;
        for (String end : ends.split(" ", -1)) {
            JsonNode lease = attempt % 2 == 0
                    ? queue.claimWith("w", 1, Map.of()).path("leases").path(0)
                    : queue.start(id, "m").path("lease");
            assertThat(lease.path("attempt").asInt()).isEqualTo(++attempt);
            if (end.equals("retry")) {
                queue.end(id, lease.path("token").asLong(), "retry");
            } else {
                letLeaseRunOut(id);
                queue.sweep();
            }
        }

        assertThat(queue.status(id)).isEqualTo("failed");
        assertThat(rows("select status from public.jobs union all select status from public.workflow_executions"))
                .containsExactly("failed", "failed");
        assertThat(queue.claim("w", 5)).isEmpty();
    }

    @Test
    @DisplayName(
            "F76, F78, F85 A retry keeps the time it asked for, to the second; without a reason it follows the default")
    void f85_retryAt() throws Exception {
        Instant due = Instant.now().plusSeconds(86_400).truncatedTo(java.time.temporal.ChronoUnit.SECONDS);
        long a = queue.startNow("a", "m");
        queue.call(
                "job_queue_complete",
                Map.of(
                        "outcomes",
                        List.of(Map.of("job_id", "a", "token", a, "outcome", "retry", "retry_at", due.toString()))));
        long b = queue.startNow("b", "n");
        queue.end("b", b, "retry");

        assertThat(Instant.parse(queue.explain("a").path("run_at").asString().replace("+00:00", "Z")))
                .isEqualTo(due);
        assertThat(queue.claim("w", 5)).containsExactly("b");
        assertThat(queue.explain("a").path("attempt").asInt()).isEqualTo(1);
    }

    @Test
    @DisplayName(
            "F77, F89 While a job backs off nothing starts it, a restart of the database included, and it keeps no seat")
    void f77_restartDuringBackoff() throws Exception {
        long a = queue.startNow("a", "m");
        queue.call(
                "job_queue_complete",
                Map.of(
                        "outcomes",
                        List.of(Map.of("job_id", "a", "token", a, "outcome", "retry", "retry_in_seconds", 600))));
        queue.sweep();
        queue.enqueue(Queue.job("a", "m"));
        assertThat(queue.start("a", "m").path("status").asString()).isEqualTo("delayed");
        assertThat(queue.claim("w", 5)).isEmpty();

        long b = queue.startNow("b", "m");
        sql("update public.job_queue_jobs set due_at = now() where job_id = 'a'");
        assertThat(queue.claim("w", 5)).isEmpty();
        queue.complete("b", b);
        assertThat(queue.claim("w", 5)).containsExactly("a");
    }

    @ParameterizedTest
    @ValueSource(strings = {"quota limit reached, please retry", "timeout", "INVALID_IMAGE_FORMAT", ""})
    @DisplayName(
            "F84 A failure is final whatever its words, and an attempt to be made again is made again whatever its words")
    void f84_wordsDecideNothing(String error) throws Exception {
        long a = queue.startNow("a", "m");
        long b = queue.startNow("b", "n");
        JsonNode answer = queue.call(
                "job_queue_complete",
                Map.of(
                        "outcomes",
                        List.of(
                                Map.of("job_id", "a", "token", a, "outcome", "fail", "error", error),
                                Map.of("job_id", "b", "token", b, "outcome", "retry", "error", error))));

        assertThat(answer.path("outcomes").path(0).path("result").asString()).isEqualTo("failed");
        assertThat(answer.path("outcomes").path(1).path("result").asString()).isEqualTo("retry_scheduled");
        assertThat(queue.claim("w", 5)).containsExactly("b");
    }

    @Test
    @DisplayName("F86 Progress that is not a whole number from 0 to 100 is refused, and changes nothing")
    void f86_progress() throws Exception {
        long token = queue.startNow("a", "m");
        for (Object progress : List.of(Map.of("status", "failed"), "50", 101, -1, 0.5, List.of())) {
            assertThatThrownBy(() -> queue.call(
                            "job_queue_heartbeat",
                            Map.of(
                                    "worker_id",
                                    "w",
                                    "leases",
                                    List.of(Map.of("job_id", "a", "token", token, "progress", progress)))))
                    .isInstanceOfSatisfying(
                            BadRequestException.class, e -> assertThat(e.code()).isEqualTo("JQ007"));
        }
        assertThat(rows("select progress::text from public.job_queue_jobs")).containsExactly("0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a busy model",
                "no capacity",
                "a paused model",
                "a paused queue",
                "not due",
                "backing off",
                "the global limit",
                "a rate",
                "no worker",
                "a dead holder",
                "its row was inserted late"
            })
    @DisplayName("F79, F80, F88 Every reason to wait has its way out, and only those that waited for it move")
    void f80_everyReasonHasItsWayOut(String reason) throws Exception {
        String id = "a";
        Map<String, Object> claim = Map.of("handlers", List.of("image"));
        String due = Instant.now().plusSeconds(600).toString();
        long busy = List.of("a busy model", "a dead holder", "the global limit").contains(reason)
                ? queue.startWith(Map.of("max_attempts", 1), "busy", "m")
                        .path("lease")
                        .path("token")
                        .asLong()
                : 0;
        switch (reason) {
            case "no capacity" -> queue.setModel("m", Map.of("capacity", 0));
            case "a paused model" -> queue.setModel("m", Map.of("paused", true));
            case "a paused queue" -> queue.setLimits(Map.of("paused", true));
            case "the global limit" -> queue.setLimits(Map.of("max_active_jobs", 1));
            case "a rate" -> {
                queue.setModel("m", Map.of("starts_per_minute", 1));
                queue.complete("before", queue.startNow("before", "m"));
            }
            default -> {}
        }
        if (reason.startsWith("its row")) {
            id = UUID.randomUUID().toString();
            sql(
                    "begin isolation level serializable; insert into public.jobs (job_id, prompt, required_models) values ('"
                            + id + "', 'p', '[\"m\"]'); commit");
        } else {
            queue.enqueue(Queue.job(
                    id,
                    reason.equals("not due") ? Map.of("run_at", due, "job_type", "image") : Map.of("job_type", "image"),
                    reason.equals("the global limit") ? "n" : "m"));
        }
        if (reason.equals("backing off")) {
            long token = queue.claimWith("w", 1, claim)
                    .path("leases")
                    .path(0)
                    .path("token")
                    .asLong();
            queue.call(
                    "job_queue_complete",
                    Map.of(
                            "outcomes",
                            List.of(Map.of(
                                    "job_id", id, "token", token, "outcome", "retry", "retry_in_seconds", 600))));
        }
        if (!reason.startsWith("its row")) {
            queue.enqueue(Queue.job("another", Map.of("run_at", due, "job_type", "image"), "o"));
            boolean capable = !reason.equals("no worker");
            assertThat(Queue.ids(queue.claimWith("w", 5, capable ? claim : Map.of("handlers", List.of("video")))))
                    .isEmpty();
        }

        switch (reason) {
            case "a busy model", "the global limit" -> queue.complete("busy", busy);
            case "a dead holder" -> letLeaseRunOut("busy");
            case "no capacity" -> queue.setModel("m", Map.of("capacity", 1));
            case "a paused model" -> queue.setModel("m", Map.of("paused", false));
            case "a paused queue" -> queue.setLimits(Map.of("paused", false));
            case "no worker" -> {
                letTimePass(70);
                assertThat(Queue.ids(queue.claimWith("v", 5, Map.of("handlers", List.of("video")))))
                        .isEmpty();
                assertThat(queue.status(id)).isEqualTo("delayed");
            }
            case "not due", "backing off" -> sql("update public.job_queue_jobs set due_at = now() where job_id = 'a'");
            case "a rate" -> {
                sql("update public.job_queue_starts set started_at = started_at - interval '61 seconds' where true");
                sql("update public.job_queue_models set next_start_at = now() where next_start_at is not null");
            }
            default -> {}
        }

        assertThat(Queue.ids(queue.claimWith("w", 5, claim))).containsExactly(id);
    }
}
