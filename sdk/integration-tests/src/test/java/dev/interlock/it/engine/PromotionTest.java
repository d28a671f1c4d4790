package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Failures 3B: release, completion, promotion. The numbers are those of docs/reference/failures.md. */
class PromotionTest extends EngineTest {

    @Test
    @DisplayName("F17 When A completes and B is next, B starts in the same call and is never marked blocked again")
    void f17_noSpuriousBlock() throws Exception {
        long a = queue.startNow("a", "m");
        queue.enqueue(Queue.job("b", "m"));

        JsonNode answer = queue.end("a", a, "complete", Map.of("claim", Map.of("max_jobs", 1)));

        assertThat(Queue.ids(answer)).containsExactly("b");
        assertThat(events("b")).containsExactly("queued", "started");
    }

    @Test
    @DisplayName("F18, F19 A fresh arrival queues behind a waiter even while the model is free")
    void f19_arrivalsDoNotBarge() {
        long a = queue.startNow("a", "m");
        queue.start("waiter", "m");
        queue.complete("a", a);

        JsonNode fresh = queue.start("fresh", "m");

        assertThat(fresh.path("result").asString()).isEqualTo("queued");
        assertThat(fresh.path("blocked_by_job_id").asString()).isEqualTo("waiter");
        assertThat(queue.claim("w", 5)).containsExactly("waiter");
    }

    @Test
    @DisplayName("F18 Under endless arrivals during completions the freed model always goes to the longest waiter")
    void f18_arrivalsDuringCompletions() throws Exception {
        long token = queue.startNow("job-0", "m");
        queue.start("job-1", "m");
        for (int i = 1; i <= 20; i++) {
            String running = "job-" + (i - 1);
            long itsToken = token;
            String arriving = "job-" + (i + 1);
            List<Callable<JsonNode>> calls = List.of(
                    () -> queue.end(running, itsToken, "complete", Map.of("claim", Map.of("max_jobs", 1))),
                    () -> queue.start(arriving, "m"));

            List<JsonNode> answers = atOnce(calls);

            assertThat(Queue.ids(answers.get(0))).containsExactly("job-" + i);
            assertThat(answers.get(1).path("result").asString()).isEqualTo("queued");
            token = answers.get(0).path("leases").path(0).path("token").asLong();
        }
    }

    @Test
    @DisplayName(
            "F20, F23 A waiter between two blockers that end at one instant is started exactly once, by one of many claims")
    void f23_twoCompletionsAtOneInstant() throws Exception {
        for (int round = 0; round < 10; round++) {
            String a = "a" + round;
            String b = "b" + round;
            long tokenA = queue.startNow(a, "m");
            long tokenB = queue.startNow(b, "n");
            queue.start("w" + round, "m", "n");
            Map<String, ?> claiming = Map.of("claim", Map.of("max_jobs", 1));
            List<Callable<List<String>>> calls = new ArrayList<>();
            calls.add(() -> Queue.ids(queue.end(a, tokenA, "complete", claiming)));
            calls.add(() -> Queue.ids(queue.end(b, tokenB, "complete", claiming)));
            for (int i = 0; i < 4; i++) {
                String worker = "worker-" + i;
                calls.add(() -> queue.claim(worker, 1));
            }

            List<String> started = new ArrayList<>();
            atOnce(calls).forEach(started::addAll);
            started.addAll(queue.claim("last", 1));

            assertThat(started).containsExactly("w" + round);
            queue.complete("w" + round, tokenOf("w" + round));
        }
    }

    @Test
    @DisplayName("F21 Completing a job that never held a model changes nothing, promotes nothing, logs nothing")
    void f21_completeOfAJobThatDoesNotRun() throws Exception {
        long a = queue.startNow("a", "m");
        queue.start("b", "m");
        List<String> before = rows("select id::text from public.job_queue_log order by seq");

        assertThat(queue.complete("b", a)).isEqualTo("not_running");
        assertThat(queue.complete("nobody", a)).isEqualTo("unknown_job");
        assertThat(queue.complete("a", a + 1000)).isEqualTo("stale");

        assertThat(rows("select id::text from public.job_queue_log order by seq"))
                .isEqualTo(before);
        assertThat(queue.claim("w", 5)).isEmpty();
        assertThat(queue.status("a")).isEqualTo("running");
    }

    @Test
    @DisplayName("F24 A waiter on M and N starts only after both blockers have ended")
    void f24_bothBlockers() {
        long a = queue.startNow("a", "m");
        long b = queue.startNow("b", "n");
        queue.start("w", "m", "n");

        queue.complete("a", a);
        assertThat(queue.claim("x", 5)).isEmpty();
        assertThat(queue.explain("w").path("blocked_by_job_id").asString()).isEqualTo("b");
        queue.complete("b", b);

        assertThat(queue.claim("x", 5)).containsExactly("w");
    }

    @Test
    @DisplayName("F25 After one completion all waiters that fit together start in one pass")
    void f25_allCompatibleWaiters() {
        long a = queue.startNow("a", "m", "n", "k");
        queue.start("b", "m");
        queue.start("c", "n");
        queue.start("d", "m", "n");
        queue.start("e", "k");

        JsonNode answer = queue.end("a", a, "complete", Map.of("claim", Map.of("max_jobs", 10)));

        assertThat(Queue.ids(answer)).containsExactly("b", "c", "e");
    }

    @Test
    @DisplayName("F27 A row that claims to be blocked by a job long gone starts all the same and is put right")
    void f27_columnsAreNotTheTruth() throws Exception {
        String id = insertedJob("m");
        sql("update public.jobs set blocked_by_job_id = 'unknown', conflict_reason = 'lies', status = 'pending'");

        assertThat(queue.claim("w", 5)).containsExactly(id);

        assertThat(rows("select status from public.jobs where blocked_by_job_id is null and conflict_reason is null"))
                .containsExactly("running");
    }

    @Test
    @DisplayName("F27 A stale blocker in the columns of a waiting job is put right by the sweep")
    void f27_sweepRepairsColumns() throws Exception {
        queue.startNow("a", "m");
        insertedJob("m");
        sql("update public.jobs set blocked_by_job_id = 'unknown'");

        queue.sweep();

        assertThat(rows("select blocked_by_job_id from public.jobs")).containsExactly("a");
    }

    @Test
    @DisplayName("F28 A job past its deadline fails as expired, and stands in nobody's way")
    void f28_deadline() throws Exception {
        long a = queue.startNow("a", "m");
        queue.enqueue(
                Queue.job(
                        "late", Map.of("deadline", Instant.now().minusSeconds(1).toString()), "m"),
                Queue.job("c", "m"));

        queue.complete("a", a);

        assertThat(queue.claim("w", 5)).containsExactly("c");
        assertThat(queue.status("late")).isEqualTo("failed");
        assertThat(events("late")).containsExactly("queued", "expired");
    }

    @Test
    @DisplayName("F28, F34, F110 A holder whose lease ran out is taken back at the next claim, to its own place")
    void f34_deadHolder() throws Exception {
        long dead = queue.startNow("a", "m");
        queue.start("b", "m");
        letLeaseRunOut("a");

        JsonNode claim = queue.claimWith("w", 5, Map.of());

        assertThat(Queue.ids(claim)).containsExactly("a");
        assertThat(claim.path("leases").path(0).path("attempt").asInt()).isEqualTo(2);
        assertThat(claim.path("leases").path(0).path("token").asLong()).isGreaterThan(dead);
        assertThat(queue.complete("a", dead)).isEqualTo("stale");
        assertThat(events("a")).containsExactly("started", "lease_expired", "started");
    }

    @Test
    @DisplayName("F29 A worker that took a job and cannot run it gives it back: free at once, attempt not counted")
    void f29_giveBack() {
        queue.enqueue(Queue.job("a", "m"), Queue.job("b", "m"));
        JsonNode lease = queue.claimWith("w", 1, Map.of()).path("leases").path(0);

        assertThat(queue.end("a", lease.path("token").asLong(), "release")).isEqualTo("released");

        JsonNode next = queue.claimWith("w2", 1, Map.of()).path("leases").path(0);
        assertThat(next.path("job_id").asString()).isEqualTo("a");
        assertThat(next.path("attempt").asInt()).isEqualTo(1);
    }

    @Test
    @DisplayName("F30 A job cancelled after its promotion and before its start leaves no seat behind")
    void f30_cancelledWhileRunnable() {
        long a = queue.startNow("a", "m");
        queue.start("b", "m");
        queue.start("c", "m");
        queue.complete("a", a);

        queue.call("job_queue_cancel", Map.of("job_id", "b"));

        assertThat(queue.claim("w", 5)).containsExactly("c");
        assertThat(queue.status("b")).isEqualTo("cancelled");
    }

    @Test
    @DisplayName("F31 Promotion only marks a job runnable; only a worker that can run it takes it")
    void f31_capableWorkersOnly() {
        long a = queue.startNow("a", "m");
        queue.enqueue(Queue.job("b", Map.of("job_type", "workflow", "handler", "knight"), "m"));
        queue.complete("a", a);

        assertThat(Queue.ids(queue.claimWith("images", 5, Map.of("handlers", List.of("image")))))
                .isEmpty();
        assertThat(Queue.ids(queue.claimWith("others", 5, Map.of("models", List.of("n")))))
                .isEmpty();
        assertThat(queue.explain("b").path("runnable").asBoolean()).isTrue();
        assertThat(Queue.ids(queue.claimWith("knights", 5, Map.of("handlers", List.of("knight")))))
                .containsExactly("b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"complete", "fail", "retry", "release", "lease", "spent lease", "release_models"})
    @DisplayName("F36 Every way a model becomes free lets the next one in")
    void f36_everyWayPromotes(String way) throws Exception {
        long a = queue.startWith(Map.of("max_attempts", way.equals("spent lease") ? 1 : 2), "a", "m", "n")
                .path("lease")
                .path("token")
                .asLong();
        queue.enqueue(Queue.job("b", Map.of("priority", 5), "m"));

        switch (way) {
            case "lease", "spent lease" -> letLeaseRunOut("a");
            case "release_models" ->
                queue.call("job_queue_release_models", Map.of("job_id", "a", "token", a, "models", List.of("m")));
            default -> queue.end("a", a, way);
        }

        assertThat(queue.claim("w", 5)).contains("b");
    }

    @Test
    @DisplayName("F37 A running job that is cancelled keeps its models until its run has ended or its lease has")
    void f37_cancelOfARunningJob() throws Exception {
        long a = queue.startNow("a", "m");
        queue.start("b", "m");

        JsonNode answer = queue.call("job_queue_cancel", Map.of("job_id", "a"));

        assertThat(answer.path("result").asString()).isEqualTo("cancel_requested");
        assertThat(queue.claim("w", 5)).isEmpty();
        assertThat(heartbeat("a", a).path("result").asString()).isEqualTo("cancel_requested");
        letLeaseRunOut("a");
        assertThat(queue.claim("w", 5)).containsExactly("b");
        assertThat(queue.status("a")).isEqualTo("cancelled");
    }

    @Test
    @DisplayName("F38 A job that waits for a callback keeps its models as long as somebody renews its lease")
    void f38_renewedByAnybody() throws Exception {
        long a = queue.startNow("a", "m");
        queue.start("b", "m");
        letLeaseRunOut("a");

        assertThat(heartbeat("a", a).path("result").asString()).isEqualTo("held");

        assertThat(queue.claim("w", 5)).isEmpty();
        assertThat(queue.complete("a", a)).isEqualTo("completed");
    }

    @Test
    @DisplayName("A completion sent many times at one instant changes things once")
    void doubledCompletions() throws Exception {
        long a = queue.startNow("a", "m");
        queue.start("b", "m");

        List<String> answers = atOnce(Collections.nCopies(8, () -> queue.complete("a", a)));

        assertThat(answers).containsOnly("completed");
        assertThat(events("a")).containsExactly("started", "completed");
    }

    private JsonNode heartbeat(String jobId, long token) {
        return queue.call(
                        "job_queue_heartbeat",
                        Map.of("worker_id", "any", "leases", List.of(Map.of("job_id", jobId, "token", token))))
                .path("leases")
                .path(0);
    }

    private long tokenOf(String jobId) throws Exception {
        return Long.parseLong(rows("select token::text from public.job_queue_jobs where job_id = ?", jobId)
                .get(0));
    }

    private String insertedJob(String model) throws Exception {
        sql("insert into public.jobs (prompt, required_models) values ('a knight', '[\"" + model + "\"]')");
        return rows("select job_id::text from public.jobs order by created_at desc limit 1")
                .get(0);
    }
}
