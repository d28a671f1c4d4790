package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.InterlockException;
import dev.interlock.SupabaseClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Failures 3G and 3J to 3L: what dies is repaired by whoever comes next, order bends by bounds, and everything can be seen afterwards. */
class RecoveryTest extends EngineTest {

    @ParameterizedTest
    @ValueSource(strings = {"claim", "sweep", "start", "enqueue"})
    @DisplayName(
            "F110, F112, F115, F118 A holder that died is repaired by the next call of anybody, and nobody else is touched")
    void f110_anybodyRepairs(String call) throws Exception {
        queue.startNow("dead", "m");
        queue.startNow("alive", "n");
        letLeaseRunOut("dead");

        switch (call) {
            case "claim" -> queue.claimWith("w", 1, Map.of("handlers", List.of("none")));
            case "sweep" -> queue.sweep();
            case "start" -> queue.start("other", "o");
            default -> queue.enqueue(Queue.job("other", "o"));
        }

        assertThat(queue.status("dead")).isEqualTo("waiting");
        assertThat(events("dead")).containsExactly("started", "lease_expired");
        assertThat(events("alive")).containsExactly("started");
        assertThat(queue.claim("w", 1)).containsExactly("dead");
    }

    @Test
    @DisplayName("F116 Many recover at one instant: each dead job is taken back once and started once")
    void f116_manyRecover() throws Exception {
        for (int i = 0; i < 10; i++) {
            queue.startNow("dead-" + i, "m" + i);
            letLeaseRunOut("dead-" + i);
        }
        List<Callable<List<String>>> claims = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            String worker = "w" + i;
            claims.add(() -> queue.claim(worker, 3));
        }
        List<String> started = new ArrayList<>();
        atOnce(claims).forEach(started::addAll);
        for (List<String> more = queue.claim("w", 10); !more.isEmpty(); more = queue.claim("w", 10)) {
            started.addAll(more);
        }

        assertThat(started).hasSize(10).doesNotHaveDuplicates();
        assertThat(rows("select job_id from public.job_queue_log where event_type = 'lease_expired'"))
                .hasSize(10)
                .doesNotHaveDuplicates();
    }

    @Test
    @DisplayName(
            "F117, F121 Between the claim and the first step of its run a job is under a lease, and comes back with it")
    void f117_deadBeforeTheFirstStep() throws Exception {
        queue.enqueue(Queue.job("a", "m"), Queue.job("b", "m"));
        queue.claim("dies", 1);
        letTimePass(25);
        assertThat(queue.claim("w", 5)).isEmpty();
        letTimePass(10);
        assertThat(queue.claim("w", 5)).containsExactly("a");
        assertThat(queue.status("b")).isEqualTo("waiting");
    }

    @Test
    @DisplayName(
            "F119, F120, F156, F157, F158 A pause is one row that all see at once, holds no seat, stops workflows too and loses nothing")
    void f120_pause() throws Exception {
        queue.enqueue(
                Queue.job("paused", Map.of("job_type", "workflow", "priority", -2), "m", "p"),
                Queue.job("behind", "m"));
        queue.setModel("p", Map.of("paused", true));
        assertThat(queue.claim("w", 5)).containsExactly("behind");

        queue.setLimits(Map.of("paused", true));
        queue.enqueue(Queue.job("free", "o"));
        assertThat(queue.claim("w", 5)).isEmpty();
        assertThat(queue.start("free", "o").path("result").asString()).isEqualTo("queued");

        queue.setLimits(Map.of("paused", false));
        assertThat(queue.claim("w", 5)).containsExactly("free");
        assertThat(queue.status("paused")).isEqualTo("delayed");
    }

    @Test
    @DisplayName("F154 A signed-in user inserts jobs as themselves only")
    void f154_impersonation() throws Exception {
        SupabaseClient user = SupabaseClient.builder()
                .url(local.url())
                .key(local.publishableKey())
                .accessToken(local.accessToken(UUID.randomUUID().toString()))
                .build();

        assertThatThrownBy(() -> user.from("jobs")
                        .insert(Map.of(
                                "user_id",
                                UUID.randomUUID().toString(),
                                "prompt",
                                "p",
                                "required_models",
                                List.of("m")))
                        .execute())
                .isInstanceOf(InterlockException.class)
                .hasMessageContaining("42501");
        assertThat(rows("select job_id from public.job_queue_jobs")).isEmpty();
    }

    @Test
    @DisplayName(
            "F155 A lower priority waits longer, but not for ever: after its step it stands before a later, higher one")
    void f155_ageing() throws Exception {
        queue.setModel("m", Map.of("capacity", 0));
        queue.enqueue(Queue.job("low", Map.of("priority", -1), "m"));
        letTimePass(300);
        queue.enqueue(Queue.job("soon", "m"));
        letTimePass(360);
        queue.enqueue(Queue.job("later", "m"));

        assertThat(queue.position("soon")).isEqualTo(1);
        assertThat(queue.position("low")).isEqualTo(2);
        assertThat(queue.position("later")).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"waiting", "delayed", "running", "completed", "failed", "cancelled"})
    @DisplayName("F160 Cancel in every state ends where it should, and leaves nothing behind")
    void f160_cancelInEveryState(String state) throws Exception {
        String id = UUID.randomUUID().toString();
        long other = state.equals("waiting") ? queue.startNow("other", "m") : 0;
        sql("insert into public.jobs (job_id, prompt, required_models) values ('" + id + "', 'p', '[\"m\"]')");
        long token = 0;
        if (!state.equals("waiting")) {
            token = queue.claimWith("w", 1, Map.of())
                    .path("leases")
                    .path(0)
                    .path("token")
                    .asLong();
        }
        switch (state) {
            case "delayed" ->
                queue.call(
                        "job_queue_complete",
                        Map.of(
                                "outcomes",
                                List.of(Map.of(
                                        "job_id", id, "token", token, "outcome", "retry", "retry_in_seconds", 60))));
            case "completed" -> queue.complete(id, token);
            case "failed" -> queue.end(id, token, "fail");
            case "cancelled" -> {
                queue.call("job_queue_cancel", Map.of("job_id", id));
                queue.end(id, token, "fail");
            }
            default -> {}
        }

        JsonNode answer = queue.call("job_queue_cancel", Map.of("job_id", id));

        boolean unfinished = List.of("waiting", "delayed").contains(state);
        assertThat(answer.path("result").asString())
                .isEqualTo(unfinished ? "cancelled" : state.equals("running") ? "cancel_requested" : "finished");
        if (state.equals("running")) {
            assertThat(queue.end(id, token, "retry")).isEqualTo("cancelled");
        }
        assertThat(rows("select status from public.jobs where blocked_by_job_id is null and queued_at is null"
                        + " and queue_position is null"))
                .containsExactly(unfinished || state.equals("running") ? "cancelled" : state);
        if (other != 0) {
            queue.complete("other", other);
        }
        assertThat(rows("select job_id from public.job_queue_lines")).isEmpty();
    }

    @Test
    @DisplayName(
            "F163, F165, F168 One started event an attempt; what each wait and each run took is in the log of every job that ended")
    void f165_waitsAndRuns() throws Exception {
        queue.enqueue(Queue.job("a", "m"), Queue.job("b", "m"));
        JsonNode lease = queue.claimWith("w", 1, Map.of());
        for (int i = 0; i < 3; i++) {
            JsonNode one = lease.path("leases").path(0);
            lease = queue.end(
                    one.path("job_id").asString(),
                    one.path("token").asLong(),
                    i == 0 ? "retry" : "complete",
                    Map.of("claim", Map.of("max_jobs", 1)));
        }

        assertThat(rows(
                        "select job_id || (metadata ->> 'attempt') from public.job_queue_log where event_type = 'started'"
                                + " and metadata -> 'waited' is not null order by 1"))
                .containsExactly("a1", "a2", "b1");
        assertThat(rows("select job_id from public.job_queue_log where event_type in ('completed', 'retry_scheduled')"
                        + " and metadata -> 'ran' is not null order by 1"))
                .containsExactly("a", "a", "b");
    }

    @Test
    @DisplayName("F167 The state row tells the oldest active job and all models in use, within a second of traffic")
    void f167_stateRow() throws Exception {
        queue.startNow("a", "m");
        queue.startNow("b", "n");
        sql("update public.job_queue_state set last_updated = last_updated - interval '1 second' where id = 1");
        queue.sweep();

        assertThat(rows("select active_job_id || active_job_type || active_models from public.job_queue_state"))
                .containsExactly("anormal[\"m\", \"n\"]");
    }

    @Test
    @DisplayName("The state row names a job that started within a second of another's end from its first heartbeat on")
    void stateRowByHeartbeat() throws Exception {
        queue.sweep();
        queue.end("a", queue.startNow("a", "m"), "complete", Map.of());
        long b = queue.startNow("b", "m");
        sql("update public.job_queue_state set last_updated = last_updated - interval '1 second' where id = 1");

        queue.call(
                "job_queue_heartbeat", Map.of("worker_id", "w", "leases", List.of(Map.of("job_id", "b", "token", b))));

        assertThat(rows("select active_job_id || active_models from public.job_queue_state"))
                .containsExactly("b[\"m\"]");
    }

    @Test
    @DisplayName(
            "F169, F172, F175 A hundred callers at one instant on a model of three seats: three run, the others wait, none is lost")
    void f175_hundredAtOnce() throws Exception {
        queue.setModel("m", Map.of("capacity", 3));
        List<Callable<String>> starts = new ArrayList<>();
        IntStream.range(0, 100)
                .forEach(i -> starts.add(
                        () -> queue.start("job-" + i, "m").path("result").asString()));

        List<String> results = atOnce(starts);

        assertThat(results).filteredOn("started"::equals).hasSize(3);
        assertThat(results).filteredOn("queued"::equals).hasSize(97);
        assertThat(rows("select job_id from public.job_queue_lines where model = 'm' and seat is not null"))
                .hasSize(3);
    }

    @Test
    @DisplayName("F170 A job that needs two models has both or none, and gives back both")
    void f170_bothOrNone() throws Exception {
        long a = queue.startNow("a", "m");
        queue.start("both", "n", "m");
        assertThat(rows("select status from public.job_queue_jobs where job_id = 'both'"))
                .containsExactly("waiting");
        queue.complete("a", a);
        long both = queue.startNow("both", "n", "m");
        queue.start("next", "m");
        queue.start("next too", "n");
        queue.complete("both", both);

        assertThat(queue.claim("w", 5)).containsExactly("next", "next too");
    }
}
