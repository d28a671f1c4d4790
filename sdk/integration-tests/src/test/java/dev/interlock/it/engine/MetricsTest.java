package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.interlock.ServiceException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** job_queue_metrics counts what happened, and measures what it took, as the log has it. */
class MetricsTest extends EngineTest {

    /** The history that a test wrote is of no job. */
    @AfterEach
    void noHistory() throws Exception {
        sql("delete from public.job_queue_log where job_id like 'history-%'");
    }

    private JsonNode metrics(String since) {
        return queue.call("job_queue_metrics", since == null ? Map.of() : Map.of("since", since));
    }

    private static JsonNode of(JsonNode answer, String kind, String name) {
        for (JsonNode entry : answer.path(kind + "s")) {
            if (entry.path(kind).asString().equals(name)) {
                return entry;
            }
        }
        throw new AssertionError(name + " is not in " + answer);
    }

    /** Runs of a model, one after the other: the n-th waited n seconds and ran 2n, and all ended so many minutes ago. */
    private void history(String model, int runs, int minutesAgo) throws Exception {
        sql("insert into public.job_queue_log (job_id, job_type, event_type, models, metadata, created_at)"
                + " select 'history-' || n, 'normal', e.event, '[\"" + model + "\", \"shared\"]',"
                + " jsonb_build_object('status', 'running', 'attempt', 1, 'token', n) || e.took,"
                + " now() - interval '" + minutesAgo + " minutes' from generate_series(1, " + runs + ") as n,"
                + " lateral (values ('queued', '{}'), ('started', jsonb_build_object('waited', n)),"
                + " ('completed', jsonb_build_object('ran', 2 * n))) as e (event, took)");
    }

    @Test
    @DisplayName("Waits and runs by model and type: count, mean, percentiles, largest; rates from the first event on")
    void spread() throws Exception {
        history("m", 100, 10);
        history("other", 1, 10);

        JsonNode answer = metrics(null);

        JsonNode waits = of(answer, "model", "m").path("waits");
        assertThat(waits.path("count").asInt()).isEqualTo(100);
        assertThat(waits.path("mean").asDouble()).isEqualTo(50.5);
        assertThat(waits.path("p50").asDouble()).isCloseTo(50, within(1.5));
        assertThat(waits.path("p95").asDouble()).isCloseTo(95, within(2.0));
        assertThat(waits.path("p99").asDouble()).isCloseTo(99, within(2.0));
        assertThat(waits.path("max").asDouble()).isEqualTo(100);
        JsonNode runs = of(answer, "model", "m").path("runs");
        assertThat(runs.path("count").asInt()).isEqualTo(100);
        assertThat(runs.path("mean").asDouble()).isEqualTo(101);
        assertThat(runs.path("p95").asDouble()).isCloseTo(190, within(4.0));
        assertThat(of(answer, "model", "m").path("seconds_waited").asInt()).isEqualTo(5050);
        assertThat(of(answer, "model", "m").path("completions_per_minute").asDouble())
                .isCloseTo(10, within(0.1));
        assertThat(of(answer, "model", "shared").path("waits").path("count").asInt())
                .isEqualTo(101);
        assertThat(of(answer, "job_type", "normal").path("runs").path("count").asInt())
                .isEqualTo(101);
        assertThat(answer.path("totals").path("events").path("completed").asInt())
                .isEqualTo(101);
        // The most contended first.
        assertThat(answer.path("models").path(0).path("model").asString()).isEqualTo("shared");
    }

    @Test
    @DisplayName("Each kind of event is counted once, where it belongs")
    void counts() throws Exception {
        queue.complete("completed", queue.startNow("completed", "m"));
        queue.end("failed", queue.startNow("failed", "m"), "fail");
        queue.end("retried", queue.startNow("retried", "m"), "retry");
        queue.end("retried", queue.claimToken("w"), "release");
        queue.call("job_queue_cancel", Map.of("job_id", "retried"));
        queue.startNow("lost", "m");
        letLeaseRunOut("lost");
        queue.enqueue(Queue.job("late", Map.of("deadline", "2000-01-01T00:00:00Z"), "n"));
        queue.sweep();
        queue.call("job_queue_cancel", Map.of("job_id", "lost"));
        queue.startNow("runs", "m");
        queue.start("waits", "m");

        JsonNode m = of(metrics(null), "model", "m");

        JsonNode events = m.path("events");
        assertThat(events.path("completed").asInt()).isEqualTo(1);
        assertThat(events.path("failed").asInt()).isEqualTo(1);
        assertThat(events.path("retries").asInt()).isEqualTo(1);
        assertThat(events.path("released").asInt()).isEqualTo(1);
        assertThat(events.path("lease_losses").asInt()).isEqualTo(1);
        assertThat(events.path("cancelled").asInt()).isEqualTo(2);
        assertThat(events.path("conflicts").asInt()).isEqualTo(1);
        assertThat(of(metrics(null), "model", "n")
                        .path("events")
                        .path("expired")
                        .asInt())
                .isEqualTo(1);
        // What ended while it waited has not run; what runs has not ended.
        assertThat(m.path("runs").path("count").asInt()).isEqualTo(5);
        assertThat(m.path("waits").path("count").asInt())
                .isEqualTo(events.path("started").asInt());
        assertThat(m.path("capacity").asInt()).isEqualTo(1);
        assertThat(m.path("utilisation").asDouble()).isBetween(0.0001, 1.0);
    }

    @Test
    @DisplayName(
            "Use of the seats: what ran, clipped to the time asked for, over the capacity as it was changed on the way")
    void utilisation() throws Exception {
        queue.setModel("m", Map.of("capacity", 4));
        sql(
                "update public.job_queue_log set created_at = now() - interval '30 minutes' where event_type = 'model_changed'");
        queue.setModel("m", Map.of("capacity", 2));
        sql(
                "update public.job_queue_log set created_at = now() - interval '5 minutes' where event_type = 'model_changed'"
                        + " and metadata #>> '{before,capacity}' = '4'");
        sql("insert into public.job_queue_log (job_id, job_type, event_type, models, metadata, created_at)"
                + " values ('history-1', 'normal', 'completed', '[\"m\"]', '{\"status\": \"completed\", \"attempt\": 1, \"ran\": 3600}',"
                + " now() - interval '5 minutes')");

        JsonNode m = of(
                metrics(rows("select to_json(now() - interval '10 minutes') #>> '{}'")
                        .get(0)),
                "model",
                "m");

        assertThat(m.path("busy_seconds").asDouble()).isCloseTo(300, within(5.0));
        assertThat(m.path("utilisation").asDouble()).isCloseTo(300.0 / (5 * 60 * 4 + 5 * 60 * 2), within(0.01));
    }

    @Test
    @DisplayName("Jobs that give models back hold each for the time they held it")
    void stepByStep() throws Exception {
        queue.enqueueAll(List.of(Map.of(
                "job_id",
                "flow",
                "holding",
                "per_step",
                "steps",
                List.of(Map.of("models", List.of("a")), Map.of("models", List.of("b"))))));
        long token = queue.claimToken("w");
        queue.call("job_queue_checkpoint", Map.of("job_id", "flow", "token", token, "step", 0));
        queue.complete("flow", token);
        sql("update public.job_queue_log set created_at = now() - interval '100 seconds' where event_type = 'queued'");
        sql("update public.job_queue_log set created_at = now() - interval '90 seconds' where event_type = 'started'");
        sql(
                "update public.job_queue_log set created_at = now() - interval '60 seconds' where event_type = 'checkpoint'");

        JsonNode answer = metrics(null);

        assertThat(of(answer, "model", "a").path("busy_seconds").asDouble()).isCloseTo(30, within(2.0));
        assertThat(of(answer, "model", "b").path("busy_seconds").asDouble()).isCloseTo(60, within(2.0));
    }

    @Test
    @DisplayName("It says from when the log is whole; nothing is asked of the future")
    void fromWhen() throws Exception {
        history("m", 3, 30);
        assertThat(metrics("2020-01-01T00:00:00Z").path("complete").asBoolean()).isTrue();
        sql("update public.job_queue_marks set log_whole_from = now() - interval '20 minutes' where id = 1");
        history("m", 2, 10);

        JsonNode answer = metrics("2020-01-01T00:00:00Z");

        assertThat(answer.path("complete").asBoolean()).isFalse();
        assertThat(of(answer, "model", "m").path("waits").path("count").asInt()).isEqualTo(2);
        assertThat(answer.path("seconds").asDouble()).isCloseTo(600, within(5.0));
        for (String wrong : List.of("2999-01-01T00:00:00Z", "infinity")) {
            assertThatThrownBy(() -> metrics(wrong))
                    .isInstanceOfSatisfying(
                            ServiceException.class, e -> assertThat(e.code()).isEqualTo("JQ007"));
        }
        assertThatThrownBy(() -> metrics("yesterday or so"))
                .isInstanceOfSatisfying(
                        ServiceException.class, e -> assertThat(e.code()).isEqualTo("22007"));
    }

    @Test
    @DisplayName("An empty log is an empty answer")
    void emptyLog() {
        JsonNode answer = metrics(null);

        assertThat(answer.path("models")).isEmpty();
        assertThat(answer.path("job_types")).isEmpty();
        assertThat(answer.path("totals").path("completions_per_minute").asInt()).isZero();
    }
}
