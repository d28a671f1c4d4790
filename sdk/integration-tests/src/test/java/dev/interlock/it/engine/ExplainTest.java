package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What job_queue_explain and job_queue_status tell: who is in the way, and when it may be one's turn, as the latest runs have it. */
class ExplainTest extends EngineTest {

    /** How long a step of a test may take, and what the estimate is rounded to. */
    private static final Offset<Double> A_MOMENT = within(3.0);

    /** As if runs of the model had just taken these seconds, the last one first. */
    private void runs(String model, String seconds) throws Exception {
        sql("insert into public.job_queue_run_times (model, seconds) values ('" + model + "', '{" + seconds + "}')");
    }

    private void startedAgo(String job, int seconds) throws Exception {
        sql("update public.job_queue_jobs set started_at = now() - interval '" + seconds + " seconds' where job_id = '"
                + job + "'");
    }

    private JsonNode estimate(String job) {
        return queue.explain(job).path("estimate");
    }

    private double seconds(String job) {
        return estimate(job).path("seconds").asDouble(-1);
    }

    private String reason(String job) {
        assertThat(estimate(job).path("seconds").isNull()).isTrue();
        return estimate(job).path("reason").asString();
    }

    @Test
    @DisplayName("The next one waits for what remains of the run, each later one for a run more; two seats halve it")
    void byPosition() throws Exception {
        runs("m", "60,60,60,60,60,60");
        queue.startNow("holder", "m");
        startedAgo("holder", 20);
        queue.enqueue(
                Queue.job("first", "m"), Queue.job("second", "m"), Queue.job("third", "m"), Queue.job("fourth", "m"));

        assertThat(seconds("first")).isCloseTo(40, A_MOMENT);
        assertThat(seconds("second")).isCloseTo(100, A_MOMENT);
        assertThat(seconds("third")).isCloseTo(160, A_MOMENT);
        assertThat(estimate("first").path("samples").asInt()).isEqualTo(6);

        queue.setModel("m", Map.of("capacity", 2));
        // first has the second seat now: second comes after the holder, third after first, fourth after second.
        assertThat(seconds("first")).isZero();
        assertThat(estimate("first").path("reason").asString()).contains("next claim");
        assertThat(seconds("second")).isCloseTo(40, A_MOMENT);
        assertThat(seconds("third")).isCloseTo(60, A_MOMENT);
        assertThat(seconds("fourth")).isCloseTo(100, A_MOMENT);
    }

    @Test
    @DisplayName("What remains of a run is that of those that took longer; low and high are nine of ten runs' bounds")
    void spread() throws Exception {
        runs("m", "10,10,10,10,10,10,10,10,10,100");
        queue.startNow("holder", "m");
        startedAgo("holder", 20);
        queue.enqueue(Queue.job("next", "m"), Queue.job("later", "m"));

        assertThat(seconds("next")).isCloseTo(80, A_MOMENT);
        assertThat(estimate("next").path("low").asDouble()).isCloseTo(0, A_MOMENT);
        assertThat(seconds("later")).isCloseTo(99, A_MOMENT);
        assertThat(estimate("later").path("low").asDouble()).isCloseTo(10, A_MOMENT);
        assertThat(estimate("later").path("high").asDouble()).isGreaterThanOrEqualTo(seconds("later"));
    }

    @Test
    @DisplayName(
            "A job of two models waits for the slower of its lines; the global limit is one more line; a rate is reckoned with")
    void severalLines() throws Exception {
        runs("m", "30,30,30,30,30");
        runs("n", "90,90,90,90,90");
        runs("", "200,200,200,200,200");
        queue.startNow("on m", "m");
        queue.startNow("on n", "n");
        queue.enqueue(Queue.job("both", "m", "n"));

        assertThat(seconds("both")).isCloseTo(90, A_MOMENT);

        queue.setLimits(Map.of("max_active_jobs", 2));
        assertThat(seconds("both")).isCloseTo(200, A_MOMENT);
        Map<String, Object> none = new HashMap<>();
        none.put("max_active_jobs", null);
        queue.setLimits(none);
        runs("r", "1,1,1,1,1");
        queue.setModel("r", Map.of("capacity", 5, "starts_per_minute", 1));
        queue.startNow("rated", "r");
        queue.enqueue(Queue.job("next minute", "r"), Queue.job("minute after", "r"));

        assertThat(seconds("next minute")).isCloseTo(60, A_MOMENT);
        assertThat(seconds("minute after")).isCloseTo(120, A_MOMENT);
    }

    @Test
    @DisplayName("Where nothing can be said it says why")
    void unknown() throws Exception {
        runs("m", "10,10,10,10");
        long token = queue.startNow("runs", "m");
        queue.start("few", "m");
        queue.enqueue(Queue.job("later", Map.of("run_at", "2999-01-01T00:00:00Z"), "m"), Queue.job("paused", "p"));
        queue.setModel("p", Map.of("paused", true));
        queue.setModel("z", Map.of("capacity", 0));
        queue.start("nothing", "z");

        assertThat(reason("few")).isEqualTo("Too few runs of [\"m\"] measured: 4, at least 5 are needed.");
        assertThat(reason("later")).isEqualTo("Not due before 2999-01-01T00:00:00Z.");
        assertThat(reason("paused")).isEqualTo("Model paused: [\"p\"].");
        assertThat(reason("nothing")).isEqualTo("No capacity: [\"z\"].");
        assertThat(reason("runs")).isEqualTo("It runs.");
        queue.complete("runs", token);
        assertThat(reason("runs")).isEqualTo("It has ended.");
        queue.setLimits(Map.of("paused", true));
        assertThat(reason("few")).isEqualTo("Everything is paused.");
    }

    @Test
    @DisplayName(
            "Runs are measured as they end, however they end, the newest hundred of each model; nobody has to ask for it")
    void measuring() throws Exception {
        for (int i = 0; i < 3; i++) {
            queue.complete("a" + i, queue.startNow("a" + i, "m", "n"));
        }
        queue.end("a3", queue.startNow("a3", "m"), "fail");
        queue.end("a4", queue.startNow("a4", "m"), "retry");
        queue.sweep();

        assertThat(rows("select model || ' ' || cardinality(seconds) from public.job_queue_run_times order by model"))
                .containsExactly(" 5", "m 5", "n 3");
        sql("update public.job_queue_run_times set seconds = array_fill(1.0::float8, array[100])");
        queue.call("job_queue_cancel", Map.of("job_id", "a4"));
        queue.complete("b", queue.startNow("b", "m"));
        sql("update public.job_queue_state set last_updated = now() - interval '2 seconds' where id = 1");
        queue.claim("w", 1);
        assertThat(
                        rows(
                                "select cardinality(seconds) || ' ' || (seconds[1] < 1) from public.job_queue_run_times where model = 'm'"))
                .containsExactly("100 true");
    }

    @Test
    @DisplayName(
            "I10 Each line with all its holders and their lease ends, and the place in each; only lines it stands in count")
    void everyLine() throws Exception {
        queue.setModel("m", Map.of("capacity", 2));
        queue.startNow("h1", "m");
        queue.startNow("h2", "m");
        queue.enqueue(Queue.job("w1", "m"));
        queue.startNow("h3", "n");
        queue.enqueueAll(List.of(Map.of(
                "job_id",
                "flow",
                "holding",
                "per_step",
                "steps",
                List.of(Map.of("models", List.of("m")), Map.of("models", List.of("n"))))));

        JsonNode explained = queue.explain("flow");

        JsonNode m = explained.path("models").path(0);
        assertThat(m.path("model").asString()).isEqualTo("m");
        assertThat(m.path("holders").findValuesAsString("job_id")).containsExactly("h1", "h2");
        assertThat(m.path("holders").findValuesAsString("lease_until"))
                .doesNotContainNull()
                .hasSize(2);
        assertThat(m.path("position").asInt()).isEqualTo(2);
        assertThat(m.path("ahead").path(0).asString()).isEqualTo("w1");
        JsonNode n = explained.path("models").path(1);
        assertThat(n.path("stands").asBoolean()).isFalse();
        assertThat(n.path("position").isNull()).isTrue();
        assertThat(explained.path("queue_position").asInt()).isEqualTo(2);
    }

    @Test
    @DisplayName("One call for a dashboard: models, holders, waiting, longest wait, workers heard of, the last minute")
    void dashboard() throws Exception {
        queue.complete("done", queue.startNow("done", "m"));
        queue.startNow("holder", "m");
        queue.enqueue(
                Queue.job("w1", "m"),
                Queue.job("w2", "m", "n"),
                Queue.job("later", Map.of("run_at", "2999-01-01T00:00:00Z"), "m"));
        queue.enqueue(Queue.job("free", "other"));
        queue.claimWith("idle", 1, Map.of("handlers", List.of("none")));
        sql("update public.job_queue_jobs set waits_since = now() - interval '50 seconds' where job_id = 'w2'");

        JsonNode status = queue.call("job_queue_status", Map.of());

        assertThat(status.path("jobs").path("running").asInt()).isEqualTo(1);
        assertThat(status.path("jobs").path("waiting").asInt()).isEqualTo(3);
        assertThat(status.path("jobs").path("runnable").asInt()).isEqualTo(1);
        assertThat(status.path("jobs").path("delayed").asInt()).isEqualTo(1);
        JsonNode m = status.path("models").path(0);
        assertThat(m.path("model").asString()).isEqualTo("m");
        assertThat(m.path("holders").findValuesAsString("job_id")).containsExactly("holder");
        assertThat(m.path("waiting").asInt()).isEqualTo(2);
        assertThat(m.path("longest_wait_seconds").asDouble()).isCloseTo(50, A_MOMENT);
        assertThat(status.path("last_minute").path("started").asInt()).isEqualTo(2);
        assertThat(status.path("last_minute").path("completed").asInt()).isEqualTo(1);
        assertThat(status.path("workers").findValuesAsString("worker_id")).containsExactly("direct", "idle");
    }
}
