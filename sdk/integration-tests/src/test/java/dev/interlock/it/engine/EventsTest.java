package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What the events say beside the transition: who changed what, and what a wait and a run took. */
class EventsTest extends EngineTest {

    /** Of each event, in order: its type, its models and one path of its details. */
    private List<String> details(String jobId, String path) throws Exception {
        return rows(
                "select concat_ws(' ', event_type, models, metadata #>> ?::text[]) from public.job_queue_log where job_id = ? order by seq",
                path,
                jobId);
    }

    @Test
    @DisplayName("An operator's change says what it was, what it is and whose key did it; no change is no event")
    void operators() throws Exception {
        queue.setModel("m", Map.of("capacity", 2));
        queue.setModel("m", Map.of("capacity", 2));
        queue.setModel("m", Map.of("paused", true, "starts_per_minute", 5));
        queue.setModel("n", Map.of("alias_of", "m"));
        Map<String, Object> limits = new HashMap<>();
        limits.put("max_active_jobs", 3);
        queue.setLimits(limits);
        queue.setLimits(limits);
        limits.put("max_active_jobs", null);
        queue.setLimits(limits);

        assertThat(details("", "{before}"))
                .containsExactly(
                        "model_changed [\"m\"] {\"paused\": null, \"capacity\": null}",
                        "model_changed [\"m\"] {\"paused\": false, \"starts_per_minute\": null}",
                        "model_changed [\"n\"] {\"alias_of\": null}",
                        "limits_changed {\"max_active_jobs\": null}",
                        "limits_changed {\"max_active_jobs\": 3}");
        assertThat(details("", "{after}"))
                .containsExactly(
                        "model_changed [\"m\"] {\"paused\": false, \"capacity\": 2}",
                        "model_changed [\"m\"] {\"paused\": true, \"starts_per_minute\": 5}",
                        "model_changed [\"n\"] {\"alias_of\": \"m\"}",
                        "limits_changed {\"max_active_jobs\": 3}",
                        "limits_changed {\"max_active_jobs\": null}");
        assertThat(rows("select distinct metadata ->> 'by' from public.job_queue_log"))
                .containsExactly("service_role");
    }

    @Test
    @DisplayName("What operators do to a job says who, and what it was before")
    void operatorsOnJobs() throws Exception {
        queue.enqueue(Queue.job("a", "m"));
        queue.call("job_queue_reprioritize", Map.of("job_id", "a", "priority", 5));
        queue.call("job_queue_cancel", Map.of("job_id", "a"));
        queue.call("job_queue_retry", Map.of("job_id", "a", "options", Map.of("attempts", 7)));
        queue.claim("w", 1);
        queue.call("job_queue_cancel", Map.of("job_id", "a"));

        assertThat(details("a", "{by}"))
                .containsExactly(
                        "queued [\"m\"]",
                        "reprioritized [\"m\"] service_role",
                        "cancelled [\"m\"] service_role",
                        "retried [\"m\"] service_role",
                        "started [\"m\"]",
                        "cancel_requested [\"m\"] service_role");
        assertThat(details("a", "{priority_before}").get(1)).endsWith(" 0");
        assertThat(details("a", "{max_attempts}").get(3)).endsWith(" 7");
        assertThat(details("a", "{max_attempts_before}").get(3)).endsWith(" 3");
    }

    @Test
    @DisplayName("A pause is an event of each job that it moves, out of its lines and back")
    void pause() throws Exception {
        queue.startNow("runs", "m");
        queue.enqueue(Queue.job("waits", "m"), Queue.job("elsewhere", "n"));

        queue.setModel("m", Map.of("paused", true));
        queue.setModel("m", Map.of("paused", true));
        queue.setModel("m", Map.of("paused", false));

        assertThat(details("waits", "{status}"))
                .containsExactly("queued [\"m\"] waiting", "blocked [\"m\"] delayed", "queued [\"m\"] waiting");
        assertThat(events("runs")).containsExactly("started");
        assertThat(events("elsewhere")).containsExactly("queued");
    }

    @Test
    @DisplayName(
            "A start says what the wait took, from entering, falling due or being taken back on; an end says what the run took")
    void times() throws Exception {
        queue.enqueue(Queue.job("a", "m"));
        sql("update public.job_queue_jobs set waits_since = now() - interval '100 seconds' where job_id = 'a'");
        long token = queue.claimToken("w");
        sql("update public.job_queue_jobs set started_at = now() - interval '50 seconds',"
                + " waits_since = now() - interval '150 seconds' where job_id = 'a'");
        queue.end("a", token, "retry");
        queue.claimToken("w");
        letLeaseRunOut("a");
        queue.sweep();
        queue.call("job_queue_cancel", Map.of("job_id", "a"));

        assertThat(rows(
                        "select event_type || ' ' || coalesce('waited ' || round((metadata ->> 'waited')::numeric / 10) * 10, '')"
                                + " || coalesce('ran ' || round((metadata ->> 'ran')::numeric / 10) * 10, '')"
                                + " from public.job_queue_log where job_id = 'a' order by seq"))
                .containsExactly(
                        "queued ",
                        "started waited 100",
                        "retry_scheduled ran 50",
                        "started waited 0",
                        "lease_expired ran 0",
                        "cancelled waited 0");
    }
}
