package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Workflows with steps: checkpoints and the three holding rules. */
class StepsTest extends EngineTest {

    @Test
    @DisplayName("whole_run: all models from start to end; the checkpoints are given to whoever resumes")
    void wholeRun() throws Exception {
        enter("w", "whole_run", "a", "b");
        queue.claim("worker", 1);
        JsonNode saved = checkpoint("w", 0, Map.of("url", "1.png"));
        assertThat(saved.path("result").asString()).isEqualTo("saved");
        assertThat(saved.path("models")).extracting(JsonNode::asString).containsExactly("a", "b");
        assertThat(queue.start("x", "a").path("result").asString()).isEqualTo("queued");

        letLeaseRunOut("w");
        JsonNode lease = queue.claimWith("another", 1, Map.of()).path("leases").path(0);
        assertThat(lease.path("attempt").asInt()).isEqualTo(2);
        assertThat(lease.path("current_step").asInt()).isEqualTo(1);
        assertThat(lease.path("checkpoints").path("0").path("url").asString()).isEqualTo("1.png");
    }

    @Test
    @DisplayName("release_as_used: all at the start; each is free for others after the last step that needs it")
    void releaseAsUsed() throws Exception {
        enter("w", "release_as_used", "a c", "b", "c");
        queue.enqueue(Queue.job("x", "a"), Queue.job("y", "b"), Queue.job("z", "c"));
        assertThat(queue.claim("worker", 5)).containsExactly("w");

        assertThat(held(checkpoint("w", 0, "one"))).containsExactly("b", "c");
        assertThat(queue.claim("worker", 5)).containsExactly("x");
        assertThat(held(checkpoint("w", 1, "two"))).containsExactly("c");
        assertThat(queue.claim("worker", 5)).containsExactly("y");

        // Taken back, it needs only what its remaining steps need, and is first in line for that.
        letLeaseRunOut("w");
        assertThat(queue.claim("worker", 5)).containsExactly("w");
        assertThat(held(checkpoint("w", 2, "three"))).isEmpty();
        assertThat(queue.claim("worker", 5)).containsExactly("z");
    }

    @Test
    @DisplayName(
            "per_step: only the current step's models; where the next ones are free the run goes on under its lease")
    void perStepGoesOn() throws Exception {
        enter("w", "per_step", "a", "b");
        queue.enqueue(Queue.job("x", "b"), Queue.job("y", "a"));
        assertThat(queue.claim("worker", 5)).containsExactly("w", "x");
        queue.complete("x", token("x"));
        long token = token("w");

        JsonNode saved = checkpoint("w", 0, "one");

        assertThat(saved.path("result").asString()).isEqualTo("saved");
        assertThat(held(saved)).containsExactly("b");
        assertThat(token("w")).isEqualTo(token);
        assertThat(queue.claim("worker", 5)).containsExactly("y");
        assertThat(events("w")).containsExactly("queued", "started", "checkpoint");
    }

    @Test
    @DisplayName(
            "per_step: where they are not, it goes back to its own place, its lease ends and the attempt is not counted twice")
    void perStepWaits() throws Exception {
        enter("w", "per_step", "a", "b");
        long busy = queue.startNow("busy", "b");
        queue.enqueue(Queue.job("later", "b"));
        queue.claim("worker", 5);
        long token = token("w");

        JsonNode saved = checkpoint("w", 0, "one");
        assertThat(saved.path("result").asString()).isEqualTo("waiting");
        assertThat(saved.path("blocked_by_job_id").asString()).isEqualTo("busy");
        assertThat(saved.path("queue_position").asInt()).isEqualTo(1);
        // The answer was lost, and the worker asks again.
        assertThat(checkpoint("w", token, 0, "one", Map.of())).isEqualTo(saved);
        assertThat(queue.complete("w", token)).isEqualTo("not_running");
        assertThat(queue.start("x", "a").path("result").asString()).isEqualTo("started");

        queue.complete("busy", busy);
        JsonNode lease = queue.claimWith("another", 5, Map.of()).path("leases").path(0);
        assertThat(lease.path("job_id").asString()).isEqualTo("w");
        assertThat(lease.path("attempt").asInt()).isEqualTo(1);
        assertThat(lease.path("current_step").asInt()).isEqualTo(1);
        assertThat(checkpoint("w", token, 1, "two", Map.of()).path("result").asString())
                .isEqualTo("stale");
    }

    @Test
    @DisplayName("per_step: two workflows that want each other's model do not wait for each other for ever")
    void perStepNoDeadlock() throws Exception {
        enter("v", "per_step", "a", "b");
        enter("w", "per_step", "b", "a");
        assertThat(queue.claim("worker", 5)).containsExactly("v", "w");

        assertThat(checkpoint("v", 0, 1).path("result").asString()).isEqualTo("waiting");
        assertThat(checkpoint("w", 0, 1).path("result").asString()).isEqualTo("saved");
        assertThat(queue.claim("worker", 5)).containsExactly("v");
        assertThat(queue.complete("v", token("v"))).isEqualTo("completed");
        assertThat(queue.complete("w", token("w"))).isEqualTo("completed");
    }

    @Test
    @DisplayName("per_step: the next step's model is paused: it stands aside and comes back when that ends")
    void perStepPaused() throws Exception {
        enter("w", "per_step", "a", "b");
        queue.claim("worker", 1);
        queue.setModel("b", Map.of("paused", true));
        assertThat(checkpoint("w", 0, 1).path("status").asString()).isEqualTo("delayed");
        queue.setModel("b", Map.of("paused", false));
        assertThat(queue.claim("worker", 1)).containsExactly("w");
    }

    @Test
    @DisplayName(
            "per_step: a job that is to be cancelled ends at its checkpoint, before it takes the next step's models")
    void perStepCancelled() throws Exception {
        enter("w", "per_step", "a", "b");
        queue.claim("worker", 1);
        queue.call("job_queue_cancel", Map.of("job_id", "w"));
        assertThat(checkpoint("w", 0, 1).path("result").asString()).isEqualTo("cancelled");
        assertThat(queue.claim("worker", 1)).isEmpty();
        assertThat(events("w")).containsExactly("queued", "started", "cancel_requested", "cancelled");
    }

    @Test
    @DisplayName("One job at a time: job_queue_state no longer names a job that waits for its next step")
    void perStepState() throws Exception {
        queue.setLimits(Map.of("max_active_jobs", 1));
        enter("w", "per_step", "a", "b");
        queue.claim("worker", 1);
        queue.setModel("b", Map.of("paused", true));
        checkpoint("w", 0, 1);
        assertThat(rows("select coalesce(active_job_id, 'none') || active_models from public.job_queue_state"))
                .containsExactly("none[]");
    }

    @Test
    @DisplayName("A checkpoint sent twice changes nothing; a late one of an older run is stale")
    void once() throws Exception {
        enter("w", "whole_run", "a", "b");
        queue.claim("worker", 1);
        long first = token("w");
        JsonNode saved = checkpoint("w", first, 0, "one", Map.of("request_id", "r"));
        assertThat(checkpoint("w", first, 0, "two", Map.of("request_id", "r"))).isEqualTo(saved);
        assertThat(checkpoint("w", 0, "two").path("result").asString()).isEqualTo("saved");
        letLeaseRunOut("w");
        queue.claim("another", 1);

        assertThat(checkpoint("w", first, 1, "late", Map.of()).path("result").asString())
                .isEqualTo("stale");
        assertThat(rows("select step || ' ' || output from public.job_queue_checkpoints"))
                .containsExactly("0 \"one\"");
    }

    @Test
    @DisplayName("Steps may be passed over; the last one leaves no model under release_as_used")
    void nextStep() throws Exception {
        enter("w", "release_as_used", "a", "b", "c");
        queue.claim("worker", 1);
        JsonNode saved = checkpoint("w", token("w"), 0, "one", Map.of("next_step", 2));
        assertThat(saved.path("current_step").asInt()).isEqualTo(2);
        assertThat(held(saved)).containsExactly("c");
    }

    @Test
    @DisplayName("workflow_executions follow in the same transaction: current_step, its model and the checkpoints")
    void mirrored() throws Exception {
        String id = "0192a000-0000-4000-8000-000000000001";
        sql("insert into public.jobs (job_id, prompt, job_type) values ('" + id + "', 'p', 'workflow')");
        sql("insert into public.workflow_executions (job_id, workflow_id, total_steps, checkpoints) values ('" + id
                + "', 'wf', 2, '{\"_input\": 1}')");
        enter(id, "per_step", "a", "b c");
        queue.claim("worker", 1);
        String execution =
                "select concat_ws(' ', status, current_step, current_step_model, checkpoints #- '{0,completed_at}')"
                        + " from public.workflow_executions";
        assertThat(rows(execution)).containsExactly("running 0 a {\"_input\": 1}");
        checkpoint(id, 0, "one");
        String saved =
                "{\"0\": {\"output\": \"one\", \"status\": \"completed\", \"step_name\": \"step 1\"}, \"_input\": 1}";
        assertThat(rows(execution)).containsExactly("running 1 b " + saved);
        queue.complete(id, token(id));
        assertThat(rows(execution)).containsExactly("completed 1 " + saved);
    }

    @Test
    @DisplayName("What cannot be is refused with the reason, and changes nothing")
    void refused() throws Exception {
        enter("w", "whole_run", "a", "b");
        queue.claim("worker", 1);
        assertThatThrownBy(() -> checkpoint("w", 1, "x"))
                .hasMessageContaining("Step 1 is not the current one, which is 0");
        assertThatThrownBy(() -> checkpoint("w", token("w"), 0, "x", Map.of("next_step", 3)))
                .hasMessageContaining("next_step is 3");
        queue.startNow("plain", "p");
        assertThatThrownBy(() -> checkpoint("plain", 0, "x")).hasMessageContaining("The job has no steps");
        assertThatThrownBy(() -> queue.enqueue(Map.of("job_id", "y", "models", List.of("a"), "steps", steps("a"))))
                .hasMessageContaining("names models and steps");
        assertThatThrownBy(() -> queue.enqueue(Map.of("job_id", "y", "models", List.of("a"), "holding", "per_step")))
                .hasMessageContaining("a holding rule and no steps");
        assertThatThrownBy(() -> queue.enqueue(Map.of("job_id", "y", "steps", steps("a"), "holding", "some")))
                .hasMessageContaining("The holding rule \"some\" is unknown");
        assertThat(rows("select job_id from public.job_queue_checkpoints")).isEmpty();
        assertThat(checkpoint("nobody", 7, 0, "x", Map.of()).path("result").asString())
                .isEqualTo("unknown_job");
    }

    /** Each step as the names of its models, separated by blanks. */
    private void enter(String jobId, String holding, String... steps) {
        queue.enqueue(Map.of("job_id", jobId, "holding", holding, "steps", steps(steps)));
    }

    private static List<Map<String, ?>> steps(String... steps) {
        return Stream.of(steps)
                .<Map<String, ?>>map(models -> Map.of("models", models.split(" ")))
                .toList();
    }

    private JsonNode checkpoint(String jobId, int step, Object output) throws Exception {
        return checkpoint(jobId, token(jobId), step, output, Map.of());
    }

    private JsonNode checkpoint(String jobId, long token, int step, Object output, Map<String, ?> options) {
        Map<String, Object> arguments = new HashMap<>(Map.of("job_id", jobId, "token", token, "step", step));
        arguments.put("output", output);
        arguments.put("options", options);
        return queue.call("job_queue_checkpoint", arguments);
    }

    private static List<String> held(JsonNode answer) {
        return answer.path("models").valueStream().map(JsonNode::asString).toList();
    }
}
