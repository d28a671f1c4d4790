package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** One row in workflow_executions for each workflow, whatever happens; and executions that the Python system began go on. */
class ExecutionsTest extends EngineTest {

    private static final String ID = "0192a000-0000-4000-8000-000000000001";
    private static final String USER = "0192a000-0000-4000-8000-0000000000aa";
    private static final List<Map<String, ?>> STEPS = List.of(
            Map.of("name", "draw", "models", List.of("a")),
            Map.of("name", "move", "models", List.of("b")),
            Map.of("name", "voice", "models", List.of("c")));

    @BeforeEach
    void rowOfTheJob() throws Exception {
        sql("insert into public.jobs (job_id, prompt, job_type, model, user_id) values ('" + ID
                + "', 'p', 'workflow', 'wf', '" + USER + "')");
    }

    @Test
    @DisplayName("F71 A workflow that enters gets its row, with what the predecessor wrote; it follows to the end")
    void f71_oneRow() throws Exception {
        enqueue("release_as_used", Map.of("payload", Map.of("image_url", "in.png")));
        assertThat(execution("workflow_id", "user_id", "status", "current_step", "current_step_model", "total_steps"))
                .containsExactly("wf " + USER + " pending 0 a 3");
        assertThat(execution("checkpoints")).containsExactly("{\"_input\": {\"image_url\": \"in.png\"}}");
        queue.claim("worker", 1);
        checkpoint(0, "one");
        assertThat(execution("status", "current_step", "current_step_model", "retry_count", "error_info is null"))
                .containsExactly("running 1 b 0 t");
        assertThat(rows("select (checkpoints -> '0') - 'completed_at' from public.workflow_executions"))
                .containsExactly("{\"output\": \"one\", \"status\": \"completed\", \"step_name\": \"draw\"}");
        assertThat(rows("select abs(extract(epoch from now() - (checkpoints #>> '{0,completed_at}')::timestamptz)) < 60"
                        + " from public.workflow_executions"))
                .containsExactly("t");

        end("retry", "no quota");
        assertThat(execution("status", "retry_count", "error_info - 'last_attempt'"))
                .containsExactly("pending_retry 0 {\"error\": \"no quota\", \"model\": \"b\", \"attempt\": 1,"
                        + " \"failed_step\": \"move\", \"failed_step_index\": 1}");
        queue.claim("worker", 1);
        assertThat(execution("status", "retry_count", "error_info ->> 'error'")).containsExactly("running 1 no quota");
        end("fail", "bad image");
        assertThat(execution(
                        "status", "retry_count", "error_info ->> 'error'", "error_info ->> 'last_attempt' is not null"))
                .containsExactly("failed 1 bad image t");
    }

    @Test
    @DisplayName("By start, by a row with models and by a batch: one row each; a normal job gets none")
    void everyEntry() throws Exception {
        String other = ID.replace("1", "2");
        sql("insert into public.jobs (job_id, prompt, job_type, model, required_models) values ('" + other
                + "', 'p', 'workflow', 'wf-2', '[\"a\"]')");
        queue.startWith(Map.of("job_type", "workflow"), ID, "a");
        String normal = ID.replace("1", "3");
        queue.enqueue(Map.of("job_id", normal, "models", List.of("a"), "row", Map.of("prompt", "p")));
        assertThat(
                        rows(
                                "select job_id || ' ' || workflow_id || ' ' || total_steps from public.workflow_executions order by 1"))
                .containsExactly(ID + " workflow 0", other + " wf-2 0");
        assertThat(rows("select 1 from public.job_queue_log where event_type = 'mirror_failed'"))
                .isEmpty();
    }

    @Test
    @DisplayName("F71 Entered by eight at once, and started: one row; a row that is missing is made by the next start")
    void f71_atOnce() throws Exception {
        List<Callable<Boolean>> calls = Collections.nCopies(8, () -> {
            enqueue("whole_run", Map.of());
            return true;
        });
        atOnce(new ArrayList<>(calls));
        assertThat(execution("status")).containsExactly("pending");
        sql("delete from public.workflow_executions");
        queue.claim("worker", 1);
        assertThat(execution("status", "total_steps")).containsExactly("running 3");
    }

    @Test
    @DisplayName("F71 Several rows that are there already are written alike, and none is added")
    void f71_severalRows() throws Exception {
        addExecution("{\"0\": {\"status\": \"completed\", \"output\": \"early\"}}");
        addExecution("{}");
        enqueue("whole_run", Map.of("payload", "in"));
        queue.claim("worker", 1);
        checkpoint(1, "two");
        assertThat(execution(
                        "status",
                        "current_step",
                        "total_steps",
                        "checkpoints ->> '_input'",
                        "checkpoints #>> '{1,output}'"))
                .containsExactly("running 2 3 in two", "running 2 3 in two");
    }

    @Test
    @DisplayName("F95 Checkpoints that somebody else writes at the same moment are not lost")
    void f95_keyByKey() throws Exception {
        enqueue("whole_run", Map.of());
        queue.claim("worker", 1);
        try (Connection other = local.openConnection();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("update public.workflow_executions set checkpoints = checkpoints || '{\"mine\": 1}'");
            Callable<Boolean> saves = () -> {
                checkpoint(0, "one");
                return true;
            };
            Callable<Boolean> commits = () -> {
                other.commit();
                return true;
            };
            atOnce(List.of(saves, commits));
        }
        assertThat(execution("checkpoints ->> 'mine'", "checkpoints #>> '{0,output}'"))
                .containsExactly("1 one");
    }

    @Test
    @DisplayName("No row where none can be: an id of another type, a job without a row in jobs; and that is no failure")
    void whereNoneCanBe() throws Exception {
        queue.enqueue(
                Map.of("job_id", "wf-42", "steps", STEPS), Map.of("job_id", ID.replace("1", "4"), "steps", STEPS));
        queue.claim("worker", 2);
        assertThat(rows("select 1 from public.workflow_executions")).isEmpty();
        assertThat(rows("select 1 from public.job_queue_log where event_type = 'mirror_failed'"))
                .isEmpty();
    }

    @Test
    @DisplayName("F105 What Python had done is not done again: the first lease begins after the last step in a row")
    void f105_adopted() throws Exception {
        addExecution(
                "{\"_input\": \"in.png\", \"0\": {\"step_name\": \"draw\", \"status\": \"completed\", \"output\": {\"image_url\": \"0.png\"}},"
                        + " \"1\": {\"status\": \"failed_retryable\", \"error\": \"429\"}, \"2\": {\"status\": \"completed\", \"output\": 1}}");
        enqueue("release_as_used", Map.of());
        JsonNode lease = claim();
        assertThat(lease.path("current_step").asInt()).isEqualTo(1);
        assertThat(lease.path("step_attempt").asInt()).isEqualTo(1);
        assertThat(lease.path("checkpoints").toString()).isEqualTo("{\"0\":{\"image_url\":\"0.png\"}}");
        assertThat(lease.path("payload").asString()).isEqualTo("in.png");
        assertThat(rows("select model from public.job_queue_lines order by 1")).containsExactly("b", "c");
        checkpoint(1, "two");
        checkpoint(2, "three");
        assertThat(queue.complete(ID, token(ID))).isEqualTo("completed");
        assertThat(execution("status", "current_step", "checkpoints #>> '{1,status}'", "checkpoints #>> '{2,output}'"))
                .containsExactly("completed 3 completed three");
    }

    @Test
    @DisplayName("Of several rows the one that has come furthest counts; more steps than there are, all are done")
    void adoptedOfSeveral() throws Exception {
        addExecution("{\"0\": \"bare\"}");
        addExecution(
                "{\"0\": \"x\", \"1\": {\"url\": 1}, \"2\": {\"status\": \"completed\", \"output\": 2}, \"3\": 3, \"5\": 5}");
        addExecution("[]");
        enqueue("per_step", Map.of("payload", "own"));
        JsonNode lease = claim();
        assertThat(lease.path("current_step").asInt()).isEqualTo(3);
        assertThat(lease.path("checkpoints").toString()).isEqualTo("{\"0\":\"x\",\"1\":{\"url\":1},\"2\":2}");
        assertThat(lease.path("payload").asString()).isEqualTo("own");
        assertThat(queue.complete(ID, token(ID))).isEqualTo("completed");
    }

    @Test
    @DisplayName(
            "A row of jobs brings no steps: the lease says what is done, and the first checkpoint gives it its steps")
    void stepsGivenLate() throws Exception {
        addExecution("{\"_input\": \"in.png\", \"0\": {\"status\": \"completed\", \"output\": 7}}");
        sql("update public.jobs set required_models = '[\"a\", \"b\", \"c\"]'");
        JsonNode lease = claim();
        assertThat(lease.has("steps")).isFalse();
        assertThat(lease.path("current_step").asInt()).isEqualTo(1);
        assertThat(lease.path("checkpoints").toString()).isEqualTo("{\"0\":7}");
        assertThat(lease.path("payload").asString()).isEqualTo("in.png");
        assertThat(execution("total_steps", "current_step")).containsExactly("9 1");

        assertThatThrownBy(() -> checkpoint(1, "x")).hasMessageContaining("The job has no steps");
        List<Map<String, ?>> others = List.of(Map.of("models", List.of("a")), Map.of("models", List.of("z")));
        assertThatThrownBy(() -> checkpoint(1, "x", Map.of("steps", others)))
                .hasMessageContaining("A step needs the model \"z\", which the job does not hold");
        assertThat(checkpoint(1, "two", Map.of("steps", STEPS))
                        .path("current_step")
                        .asInt())
                .isEqualTo(2);
        assertThat(execution("total_steps", "current_step", "current_step_model", "checkpoints #>> '{1,step_name}'"))
                .containsExactly("3 2 c move");
        // Given again, others change nothing.
        checkpoint(2, "three", Map.of("steps", others));
        letLeaseRunOut(ID);
        assertThat(claim().path("steps").size()).isEqualTo(3);
    }

    @Test
    @DisplayName("step_attempt counts the attempts of the current step alone")
    void stepAttempt() throws Exception {
        enqueue("whole_run", Map.of("max_attempts", 9));
        assertThat(claim().path("step_attempt").asInt()).isEqualTo(1);
        letLeaseRunOut(ID);
        assertThat(claim().path("step_attempt").asInt()).isEqualTo(2);
        checkpoint(0, "one");
        end("release", "");
        assertThat(claim().path("step_attempt").asInt()).isEqualTo(1);
        end("retry", "busy");
        assertThat(claim().path("step_attempt").asInt()).isEqualTo(2);
        assertThat(execution("retry_count")).containsExactly("2");
    }

    private void addExecution(String checkpoints) throws Exception {
        sql("insert into public.workflow_executions (job_id, workflow_id, total_steps, checkpoints) values ('" + ID
                + "', 'wf', 9, '" + checkpoints + "')");
    }

    private void enqueue(String holding, Map<String, ?> more) {
        Map<String, Object> job = new HashMap<>(more);
        job.putAll(Map.of("job_id", ID, "handler", "wf", "holding", holding, "steps", STEPS));
        queue.enqueue(job);
    }

    private JsonNode claim() {
        return queue.claimWith("worker", 1, Map.of()).path("leases").path(0);
    }

    private JsonNode checkpoint(int step, Object output) throws Exception {
        return checkpoint(step, output, Map.of());
    }

    private JsonNode checkpoint(int step, Object output, Map<String, ?> options) throws Exception {
        return queue.call(
                "job_queue_checkpoint",
                Map.of("job_id", ID, "token", token(ID), "step", step, "output", output, "options", options));
    }

    private void end(String outcome, String error) throws Exception {
        queue.call(
                "job_queue_complete",
                Map.of(
                        "outcomes",
                        List.of(Map.of("job_id", ID, "token", token(ID), "outcome", outcome, "error", error))));
    }

    /** These columns of each row of workflow_executions. */
    private List<String> execution(String... columns) throws Exception {
        return rows("select concat_ws(' ', " + String.join(", ", columns) + ") from public.workflow_executions");
    }
}
