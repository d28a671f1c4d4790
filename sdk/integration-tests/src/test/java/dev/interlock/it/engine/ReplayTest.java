package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Rule 11: the log alone says what every job is and which models it holds; what was changed by another hand is found. */
class ReplayTest extends EngineTest {

    /** A change by another hand, the job it concerns and what about it must be found to differ. */
    private record Change(String sql, String job, String what) {}

    private static final List<Change> CHANGES = List.of(
            new Change(
                    "delete from public.job_queue_log where job_id = 'completed' and event_type = 'completed'",
                    "completed",
                    "status"),
            new Change(
                    "delete from public.job_queue_log where job_id = 'paused' and event_type = 'queued'",
                    "paused",
                    "events"),
            new Change(
                    "delete from public.job_queue_log where job_id = 'lost' and event_type = 'started'",
                    "lost",
                    "events"),
            new Change(
                    "delete from public.job_queue_log where job_id = 'retried' and event_type = 'started'",
                    "retried",
                    "events"),
            new Change(
                    "delete from public.job_queue_log where job_id = 'partly' and event_type = 'released'",
                    "partly",
                    "held"),
            new Change("delete from public.job_queue_log where job_id = 'scheduled'", "scheduled", "status"),
            new Change(
                    "update public.job_queue_log set event_type = 'failed' where event_type = 'completed'",
                    "completed",
                    "events"),
            new Change(
                    "update public.job_queue_log set metadata = metadata || '{\"token\": 1}' where job_id = 'partly'",
                    "partly",
                    "token"),
            new Change(
                    "update public.job_queue_jobs set status = 'failed' where job_id = 'completed'",
                    "completed",
                    "status"),
            new Change("update public.job_queue_jobs set attempt = 7 where job_id = 'retried'", "retried", "attempt"),
            new Change("update public.job_queue_jobs set token = 7000 where job_id = 'partly'", "partly", "token"),
            new Change(
                    "update public.job_queue_jobs set worker_id = 'x' where job_id = 'partly'", "partly", "worker_id"),
            new Change("delete from public.job_queue_lines where job_id = 'partly'", "partly", "held"),
            new Change("delete from public.job_queue_jobs where job_id = 'failed'", "failed", "status"),
            new Change(
                    "insert into public.job_queue_log (job_id, job_type, event_type, models, metadata) select job_id, job_type, event_type, models, metadata from public.job_queue_log where event_type = 'completed'",
                    "completed",
                    "events"));

    /** What a test tampered with must not be held against the engine. */
    @AfterEach
    void putRight() throws Exception {
        sql(
                "truncate public.job_queue_jobs, public.job_queue_checkpoints, public.job_queue_callbacks, public.job_queue_lines, public.job_queue_log");
    }

    /** One job in each state, with every kind of event behind it. */
    private long everything() throws Exception {
        queue.enqueue(Queue.job("waiting", "m"), Queue.job("scheduled", Map.of("run_at", "2999-01-01T00:00:00Z"), "m"));
        long first = queue.startNow("completed", "m2");
        queue.complete("completed", first);
        queue.end("failed", queue.startNow("failed", "m2"), "fail");
        queue.call("job_queue_cancel", Map.of("job_id", "waiting"));
        queue.end("retried", queue.startNow("retried", "m3"), "retry");
        queue.startNow("lost", "m4");
        letLeaseRunOut("lost");
        queue.end("released", queue.startNow("released", "m5"), "release");
        queue.claimWith("other", 1, Map.of("models", List.of("m5")));
        long token = queue.startNow("partly", "n1", "n2");
        queue.call("job_queue_release_models", Map.of("job_id", "partly", "token", token, "models", List.of("n1")));
        queue.call("job_queue_cancel", Map.of("job_id", "partly"));
        queue.start("blocked", "n2");
        queue.enqueue(Queue.job("paused", "p"));
        queue.setModel("p", Map.of("paused", true));
        queue.setModel("m3", Map.of("paused", true));
        queue.setModel("m3", Map.of("paused", false));
        queue.call("job_queue_retry", Map.of("job_id", "failed"));
        queue.call("job_queue_reprioritize", Map.of("job_id", "blocked", "priority", 3));
        steps("whole_run");
        steps("release_as_used");
        steps("per_step");
        return token;
    }

    /** A job of three steps, the last of which needs the first one's model again and has to wait for it under per_step. */
    private void steps(String holding) throws Exception {
        List<Map<String, Object>> steps = List.of(
                Map.of("models", List.of(holding + "1")),
                Map.of("models", List.of(holding + "2", holding + "3")),
                Map.of("models", List.of(holding + "3")),
                Map.of("models", List.of(holding + "1", holding + "3")));
        Map<String, Object> job = new HashMap<>(Map.of("job_id", holding, "steps", steps, "holding", holding));
        queue.enqueueAll(List.of(job));
        JsonNode lease = queue.claimWith(
                        holding, 5, Map.of("models", List.of(holding + "1", holding + "2", holding + "3")))
                .path("leases")
                .path(0);
        long token = lease.path("token").asLong();
        for (int step = 0; step < 2; step++) {
            queue.call("job_queue_checkpoint", Map.of("job_id", holding, "token", token, "step", step));
        }
        if (holding.equals("release_as_used")) {
            queue.call(
                    "job_queue_release_models",
                    Map.of("job_id", holding, "token", token, "models", List.of(holding + "1")));
        }
        if (holding.equals("per_step")) {
            queue.startNow("in the way", holding + "1");
        }
        queue.call("job_queue_checkpoint", Map.of("job_id", holding, "token", token, "step", 2));
    }

    @Test
    @DisplayName("Every kind of transition replays to what the tables say")
    void consistent() throws Exception {
        everything();

        JsonNode answer = queue.call("job_queue_replay", Map.of());

        assertThat(answer.path("consistent").asBoolean()).isTrue();
        assertThat(answer.path("differences")).isEmpty();
        assertThat(answer.path("not_covered").asInt()).isZero();
        assertThat(answer.path("checked").asInt())
                .isEqualTo(Integer.parseInt(
                        rows("select count(*)::text from public.job_queue_jobs").get(0)));
    }

    @Test
    @DisplayName("A log or a table changed by another hand is found, and says in which job and what")
    void tampered() throws Exception {
        everything();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (Change change : CHANGES) {
                statement.execute(change.sql());

                assertThat(replay(connection))
                        .as(change.sql())
                        .anySatisfy(found -> assertThat(found)
                                .contains("\"job_id\": \"" + change.job() + "\"")
                                .contains("\"what\": \"" + change.what() + "\""));
                connection.rollback();
            }
        }
    }

    @Test
    @DisplayName("A large queue is gone through in parts, each from where the last one ended")
    void inParts() throws Exception {
        everything();
        sql("delete from public.job_queue_jobs where job_id in ('completed', 'failed')");

        int calls = 0;
        int checked = 0;
        int differences = 0;
        Map<String, Object> options = new HashMap<>(Map.of("max_jobs", 2));
        while (true) {
            JsonNode answer = queue.call("job_queue_replay", Map.of("options", options));
            calls++;
            checked += answer.path("checked").asInt();
            differences += answer.path("differences").size();
            if (answer.path("next").isNull()) {
                break;
            }
            options.put("after", answer.path("next").asString());
        }

        assertThat(calls).isGreaterThan(8);
        assertThat(checked)
                .isEqualTo(Integer.parseInt(
                        rows("select count(distinct job_id)::text from public.job_queue_log where job_id <> ''")
                                .get(0)));
        assertThat(differences).isEqualTo(6);
    }

    @Test
    @DisplayName(
            "Rows that others wrote to the log are none of the engine's events; a job older than the log is not judged")
    void notOurs() throws Exception {
        everything();
        sql(
                "insert into public.job_queue_log (job_id, job_type, event_type) values ('predecessor', 'normal', 'started')");
        sql("delete from public.job_queue_log where job_id = 'partly' and event_type = 'started'");
        sql("update public.job_queue_marks set log_whole_from = (select entered_at from public.job_queue_jobs"
                + " where job_id = 'partly') where id = 1");

        assertThat(replay()).isEmpty();
        assertThat(queue.call("job_queue_replay", Map.of()).path("not_covered").asInt())
                .isEqualTo(1);
    }
}
