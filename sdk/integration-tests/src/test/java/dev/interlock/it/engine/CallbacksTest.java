package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.BadRequestException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Steps that wait for a callback from outside, keeping their models or giving them back. */
class CallbacksTest extends EngineTest {

    private static final Map<String, ?> GIVE_BACK = Map.of("within_seconds", 600);
    private static final Map<String, ?> KEEP = Map.of("within_seconds", 600, "keep_models", true);

    @Test
    @DisplayName("It gives the models back, waits in no line, and goes on at its own place when the callback comes")
    void givesBack() throws Exception {
        long token = begin("w", "whole_run");
        queue.enqueue(Queue.job("x", "a"));

        JsonNode answer = await("w", token, Map.of("within_seconds", 600, "note", Map.of("request", "r-1")));

        assertThat(answer.path("result").asString()).isEqualTo("waiting");
        assertThat(queue.status("w")).isEqualTo("delayed");
        assertThat(queue.explain("w").path("conflict_reason").asString()).startsWith("Step 0 waits for its callback");
        assertThat(queue.claim("worker", 5)).containsExactly("x");
        queue.enqueue(Queue.job("later", "a"));
        assertThat(word(callback("w", Map.of("url", "1.mp4"), Map.of()))).isEqualTo("received");
        assertThat(queue.status("w")).isEqualTo("waiting");
        queue.complete("x", token("x"));

        JsonNode lease = queue.claimWith("other", 5, Map.of()).path("leases").path(0);
        assertThat(lease.path("job_id").asString()).isEqualTo("w");
        assertThat(lease.path("attempt").asInt()).isEqualTo(1);
        assertThat(lease.path("callback").path("payload").path("url").asString())
                .isEqualTo("1.mp4");
        assertThat(lease.path("callback").path("note").path("request").asString())
                .isEqualTo("r-1");
        assertThat(lease.path("callback").path("token").asLong()).isEqualTo(token);
        assertThat(events("w")).containsExactly("queued", "started", "released", "queued", "started");
        checkpoint("w", lease.path("token").asLong());
        assertThat(rows("select count(*) from public.job_queue_callbacks")).containsExactly("0");
    }

    @Test
    @DisplayName("It keeps the models under its lease, and is told when it asks")
    void keeps() throws Exception {
        long token = begin("w", "whole_run");
        assertThat(word(await("w", token, KEEP))).isEqualTo("held");
        assertThat(queue.start("x", "a").path("result").asString()).isEqualTo("queued");
        assertThat(word(callback("w", "done", Map.of()))).isEqualTo("received");

        JsonNode answer = await("w", token, KEEP);

        assertThat(word(answer)).isEqualTo("arrived");
        assertThat(answer.path("payload").asString()).isEqualTo("done");
        assertThat(word(callback("w", "again", Map.of()))).isEqualTo("received_before");
        checkpoint("w", token);
        assertThat(word(callback("w", "late", Map.of()))).isEqualTo("step_done");
    }

    @Test
    @DisplayName("A callback that comes before the step waits is kept; it need have no payload")
    void earlyCallback() throws Exception {
        long token = begin("w", "whole_run");
        assertThat(word(callback("w", null, Map.of("token", token)))).isEqualTo("received");

        JsonNode answer = await("w", token, GIVE_BACK);

        assertThat(word(answer)).isEqualTo("arrived");
        assertThat(answer.path("payload").isNull()).isTrue();
        assertThat(queue.status("w")).isEqualTo("running");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("Past its bound it is told so, and the next try waits anew; what the old one submitted is stale then")
    void timesOut(boolean keep) throws Exception {
        long token = begin("w", "per_step");
        await("w", token, keep ? KEEP : GIVE_BACK);
        letTimePass(601);
        if (keep) {
            queue.call(
                    "job_queue_heartbeat",
                    Map.of("worker_id", "worker", "leases", List.of(Map.of("job_id", "w", "token", token))));
            assertThat(word(await("w", token, KEEP))).isEqualTo("timed_out");
        } else {
            JsonNode lease =
                    queue.claimWith("worker", 1, Map.of()).path("leases").path(0);
            assertThat(lease.path("callback").path("timed_out").asBoolean()).isTrue();
            assertThat(lease.path("attempt").asInt()).isEqualTo(1);
        }
        assertThat(queue.end("w", token("w"), "retry")).isEqualTo("retry_scheduled");
        JsonNode lease = queue.claimWith("worker", 1, Map.of()).path("leases").path(0);
        assertThat(lease.has("callback")).isFalse();
        assertThat(lease.path("attempt").asInt()).isEqualTo(2);
        assertThat(word(await("w", token("w"), KEEP))).isEqualTo("held");
        assertThat(word(callback("w", "old", Map.of("token", token)))).isEqualTo("stale");
        assertThat(word(callback("w", "new", Map.of("token", token("w"))))).isEqualTo("received");
    }

    @Test
    @DisplayName("What a try that failed had submitted is no answer for the next one, which has not started yet either")
    void lateForTheTryBefore() throws Exception {
        long token = begin("w", "whole_run");
        await("w", token, KEEP);
        assertThat(queue.end("w", token, "retry")).isEqualTo("retry_scheduled");
        assertThat(word(callback("w", "old", Map.of("token", token)))).isEqualTo("stale");

        JsonNode lease = queue.claimWith("worker", 1, Map.of()).path("leases").path(0);

        assertThat(lease.path("attempt").asInt()).isEqualTo(2);
        assertThat(lease.has("callback")).isFalse();
        assertThat(queue.end("w", token("w"), "fail")).isEqualTo("failed");
        queue.call("job_queue_retry", Map.of("job_id", "w"));
        assertThat(word(callback("w", "old", Map.of("token", token)))).isEqualTo("stale");
    }

    @Test
    @DisplayName("The log of a wait can be judged after its beginning was removed")
    void trimmedLog() throws Exception {
        await("w", begin("w", "whole_run"), GIVE_BACK);
        callback("w", "done", Map.of());
        sql("delete from public.job_queue_log where event_type in ('started', 'released')"
                + " or event_type = 'queued' and not jsonb_exists(metadata, 'callback')");
        sql("update public.job_queue_marks set log_whole_from = clock_timestamp()");
        assertThat(events("w")).containsExactly("queued");
        assertThat(replay()).isEmpty();
    }

    @Test
    @DisplayName("Any job with steps may wait, whatever its type; a note that is null is none")
    void ofAnyType() throws Exception {
        queue.enqueue(Map.of(
                "job_id", "v", "job_type", "video", "steps", List.of(Map.of("name", "one", "models", List.of("a")))));
        queue.claim("worker", 1);
        Map<String, Object> noNote = new HashMap<>(GIVE_BACK);
        noNote.put("note", null);
        assertThat(word(await("v", token("v"), noNote))).isEqualTo("waiting");
        assertThat(rows("select note from public.job_queue_callbacks")).containsExactly((String) null);
        assertThat(word(callback("v", "done", Map.of()))).isEqualTo("received");
        JsonNode lease = queue.claimWith("worker", 1, Map.of()).path("leases").path(0);
        assertThat(lease.path("callback").path("payload").asString()).isEqualTo("done");
    }

    @Test
    @DisplayName("The wait can be extended, and a wait that is none cannot")
    void extended() throws Exception {
        long token = begin("w", "whole_run");
        assertThat(word(callback("w", null, Map.of("extend_seconds", 60)))).isEqualTo("not_waiting");
        await("w", token, GIVE_BACK);
        letTimePass(500);
        assertThat(word(callback("w", null, Map.of("extend_seconds", 600)))).isEqualTo("extended");
        letTimePass(500);
        assertThat(queue.claim("worker", 1)).isEmpty();
        letTimePass(101);
        assertThat(queue.claim("worker", 1)).containsExactly("w");
        assertThat(word(callback("w", null, Map.of("extend_seconds", 600)))).isEqualTo("not_waiting");
    }

    @Test
    @DisplayName("A worker that dies while it keeps the models: the next one goes on waiting, under the same bound")
    void workerDies() throws Exception {
        long token = begin("w", "whole_run");
        await("w", token, Map.of("within_seconds", 600, "keep_models", true, "note", "r-1"));
        letLeaseRunOut("w");

        JsonNode lease = queue.claimWith("other", 1, Map.of()).path("leases").path(0);

        assertThat(lease.path("callback").path("note").asString()).isEqualTo("r-1");
        assertThat(lease.path("callback").has("timed_out")).isFalse();
        assertThat(word(await("w", token, KEEP))).isEqualTo("stale");
        assertThat(word(await("w", token("w"), KEEP))).isEqualTo("held");
        assertThat(word(callback("w", "done", Map.of("token", token)))).isEqualTo("received");
        assertThat(word(await("w", token("w"), KEEP))).isEqualTo("arrived");
    }

    @Test
    @DisplayName("Cancelled while it waits: at once; and while it runs: when it would wait, or at its next beat")
    void cancelled() throws Exception {
        await("w", begin("w", "whole_run"), GIVE_BACK);
        assertThat(word(queue.call("job_queue_cancel", Map.of("job_id", "w")))).isEqualTo("cancelled");
        assertThat(word(callback("w", "late", Map.of()))).isEqualTo("finished");

        long token = begin("v", "whole_run");
        queue.call("job_queue_cancel", Map.of("job_id", "v"));
        assertThat(word(await("v", token, GIVE_BACK))).isEqualTo("cancelled");
        assertThat(queue.status("v")).isEqualTo("cancelled");
        assertThat(queue.start("x", "a").path("result").asString()).isEqualTo("started");
    }

    @Test
    @DisplayName("A callback while a model is paused: the job stands aside until it goes on, with its callback")
    void paused() throws Exception {
        await("w", begin("w", "whole_run"), GIVE_BACK);
        queue.setModel("b", Map.of("paused", true));
        assertThat(word(callback("w", "done", Map.of()))).isEqualTo("received");
        assertThat(queue.status("w")).isEqualTo("delayed");
        queue.setModel("b", Map.of("paused", false));
        assertThat(queue.claimWith("worker", 1, Map.of())
                        .path("leases")
                        .path(0)
                        .path("callback")
                        .path("payload")
                        .asString())
                .isEqualTo("done");
    }

    @Test
    @DisplayName("What is sent twice gets the first answer")
    void once() throws Exception {
        long token = begin("w", "whole_run");
        JsonNode first = await("w", token, Map.of("request_id", "r-1"));
        assertThat(await("w", token, Map.of("request_id", "r-1"))).isEqualTo(first);
        assertThat(word(await("w", token, GIVE_BACK))).isEqualTo("waiting");
        JsonNode came = callback("w", "done", Map.of("request_id", "r-2"));
        assertThat(callback("w", "done", Map.of("request_id", "r-2"))).isEqualTo(came);
        assertThat(word(await("w", token, GIVE_BACK))).isEqualTo("waiting");
    }

    @Test
    @DisplayName(
            "Callback, bound and claim at the same instant: one of them brings it back, and the callback is not lost")
    void atTheSameInstant() throws Exception {
        for (int round = 0; round < 15; round++) {
            String job = "w" + round;
            await(job, begin(job, "whole_run"), GIVE_BACK);
            sql("update public.job_queue_jobs set due_at = clock_timestamp() where job_id = '" + job + "'");
            sql(
                    "update public.job_queue_callbacks as c set until = j.due_at from public.job_queue_jobs as j where j.job_id = c.job_id");
            List<JsonNode> answers = atOnce(List.of(
                    () -> callback(job, "done", Map.of()),
                    () -> queue.claimWith("one", 1, Map.of()),
                    () -> queue.claimWith("two", 1, Map.of())));
            assertThat(word(answers.get(0))).isEqualTo("received");
            if (queue.status(job).equals("waiting")) {
                queue.claim("three", 1);
            }
            JsonNode state = queue.explain(job);
            assertThat(state.path("status").asString()).isEqualTo("running");
            assertThat(state.path("callback").path("payload").asString()).isEqualTo("done");
            assertThat(word(await(job, token(job), GIVE_BACK))).isEqualTo("arrived");
            queue.complete(job, token(job));
        }
    }

    @Test
    @DisplayName("The wait and its callback at the same instant: never lost")
    void waitAndCallbackAtOnce() throws Exception {
        for (int round = 0; round < 15; round++) {
            String job = "w" + round;
            long token = begin(job, "per_step");
            List<JsonNode> answers =
                    atOnce(List.of(() -> await(job, token, GIVE_BACK), () -> callback(job, "done", Map.of())));
            assertThat(word(answers.get(1))).isEqualTo("received");
            if (word(answers.get(0)).equals("waiting")) {
                assertThat(queue.claim("worker", 1)).containsExactly(job);
            }
            assertThat(word(await(job, token(job), GIVE_BACK))).isEqualTo("arrived");
            queue.complete(job, token(job));
        }
    }

    @Test
    @DisplayName("Misuse is refused and changes nothing")
    void refused() throws Exception {
        long token = begin("w", "whole_run");
        refused("JQ007", () -> await("w", token, 1, Map.of()));
        refused("JQ007", () -> await("w", token, 0, Map.of("within_seconds", 0)));
        refused("JQ005", () -> await("w", token, 0, Map.of("note", "x".repeat(1_048_576))));
        refused("JQ007", () -> callback("w", 1, "x", Map.of()));
        refused("JQ007", () -> callback("w", 0, "x", Map.of("extend_seconds", 5)));
        refused("JQ006", () -> callback("nobody", 0, "x", Map.of()));
        queue.startNow("n", "z");
        refused("JQ007", () -> callback("n", 0, "x", Map.of()));
        refused("JQ007", () -> await("n", token("n"), 0, Map.of()));
        assertThat(rows("select count(*) from public.job_queue_callbacks")).containsExactly("0");
        assertThat(word(await("nobody", 1, Map.of()))).isEqualTo("unknown_job");
    }

    private static void refused(String code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BadRequestException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    /** Enters a workflow of two steps, on a and on b, and starts it; its token. */
    private long begin(String job, String holding) throws Exception {
        queue.enqueue(Map.of(
                "job_id",
                job,
                "job_type",
                "workflow",
                "holding",
                holding,
                "steps",
                List.of(Map.of("name", "one", "models", List.of("a")), Map.of("name", "two", "models", List.of("b")))));
        assertThat(queue.claim("worker", 1)).containsExactly(job);
        return token(job);
    }

    private JsonNode await(String job, long token, Map<String, ?> options) {
        return await(job, token, 0, options);
    }

    private JsonNode await(String job, long token, int step, Map<String, ?> options) {
        return queue.call("job_queue_await", Map.of("job_id", job, "token", token, "step", step, "options", options));
    }

    private JsonNode callback(String job, Object payload, Map<String, ?> options) {
        return callback(job, 0, payload, options);
    }

    private JsonNode callback(String job, int step, Object payload, Map<String, ?> options) {
        Map<String, Object> arguments = new HashMap<>(Map.of("job_id", job, "step", step, "options", options));
        if (payload != null) {
            arguments.put("payload", payload);
        }
        return queue.call("job_queue_callback", arguments);
    }

    private void checkpoint(String job, long token) {
        queue.call("job_queue_checkpoint", Map.of("job_id", job, "token", token, "step", 0));
    }

    private static String word(JsonNode answer) {
        return answer.path("result").asString();
    }
}
