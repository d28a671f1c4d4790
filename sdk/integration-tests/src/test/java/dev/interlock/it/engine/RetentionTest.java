package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What is old goes: events with the jobs that ended then, oldest first, a bounded part at a time; nothing else. */
class RetentionTest extends EngineTest {

    private void keepDays(Integer days) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("log_retention_days", days);
        queue.setLimits(settings);
    }

    /** As if everything so far had happened so many days ago. */
    private void age(int days) throws Exception {
        String ago = " - interval '" + days + " days'";
        sql("update public.job_queue_log set created_at = created_at" + ago);
        sql("update public.job_queue_jobs set entered_at = entered_at" + ago + ", finished_at = finished_at" + ago);
        sql("update public.job_queue_requests set created_at = created_at" + ago);
    }

    /** Events as anybody may write them, with the columns of the seed. */
    private void oldEvents(int number) throws Exception {
        sql(
                "insert into public.job_queue_log (job_id, job_type, event_type, models, created_at) select 'old-' || n, 'normal',"
                        + " 'completed', '[\"m\"]', now() - interval '200 days' + n * interval '1 second' from generate_series(1, "
                        + number + ") as n");
    }

    private int removed(JsonNode sweep) {
        return sweep.path("log_rows_removed").asInt();
    }

    @Test
    @DisplayName("Events go with the jobs that ended then; what still waits or runs stays, and so does what is younger")
    void oldGoes() throws Exception {
        queue.complete("ended", queue.startNow("ended", "m"));
        queue.startNow("running", "m");
        queue.enqueue(Queue.job("waiting", "m"));
        queue.enqueue(Queue.job("cancelled", "m"));
        queue.call("job_queue_cancel", Map.of("job_id", "cancelled"));
        age(31);
        queue.complete("young", queue.startNow("young", "n"));
        keepDays(30);

        queue.sweep();

        assertThat(rows("select job_id from public.job_queue_jobs order by 1"))
                .containsExactly("running", "waiting", "young");
        assertThat(rows("select distinct job_id from public.job_queue_log where job_id <> ''"))
                .containsExactly("young");
        assertThat(rows("select request_id from public.job_queue_requests where created_at < now() - interval '1 day'"))
                .isEmpty();
    }

    @Test
    @DisplayName("As long as a job is known its id stands for it; once it has gone, the id is free again")
    void idempotency() throws Exception {
        queue.complete("a", queue.startNow("a", "m"));
        age(29);
        keepDays(30);
        queue.sweep();
        assertThat(queue.enqueue(Queue.job("a", "m"))
                        .path("jobs")
                        .path(0)
                        .path("result")
                        .asString())
                .isEqualTo("exists");

        age(2);
        queue.sweep();

        assertThat(queue.enqueue(Queue.job("a", "m"))
                        .path("jobs")
                        .path(0)
                        .path("result")
                        .asString())
                .isEqualTo("entered");
    }

    @Test
    @DisplayName("Null keeps everything for ever")
    void forEver() throws Exception {
        queue.complete("a", queue.startNow("a", "m"));
        age(5000);
        keepDays(null);

        assertThat(removed(queue.sweep())).isZero();

        assertThat(events("a")).containsExactly("started", "completed");
    }

    @Test
    @DisplayName("At most 5,000 rows a call, oldest first; workers do it on the way, without any sweep")
    void bounded() throws Exception {
        oldEvents(10_001);
        keepDays(90);

        assertThat(removed(queue.sweep())).isEqualTo(5000);
        assertThat(rows("select count(*)::text from public.job_queue_log where job_id = 'old-5000'"))
                .containsExactly("0");
        assertThat(rows("select count(*)::text from public.job_queue_log where job_id = 'old-5001'"))
                .containsExactly("1");
        sql("update public.job_queue_state set last_updated = now() - interval '2 seconds' where id = 1");
        queue.claim("worker", 1);
        assertThat(rows("select count(*)::text from public.job_queue_log where job_id like 'old-%'"))
                .containsExactly("1");
        assertThat(removed(queue.sweep())).isEqualTo(1);
        assertThat(removed(queue.sweep())).isZero();
    }

    @Test
    @DisplayName("Rows that were there before Interlock came are not its to remove")
    void predecessor() throws Exception {
        oldEvents(3);
        sql("update public.job_queue_marks set log_whole_from = now() - interval '100 days' where id = 1");
        keepDays(1);

        assertThat(removed(queue.sweep())).isZero();
    }

    @Test
    @DisplayName("An old job that somebody has locked is waited for by nobody, and goes the next time")
    void lockedJob() throws Exception {
        queue.complete("a", queue.startNow("a", "m"));
        age(31);
        keepDays(30);
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("select from public.job_queue_jobs where job_id = 'a' for update");

            assertThat(removed(queue.sweep())).isZero();
            connection.rollback();
        }

        assertThat(removed(queue.sweep())).isEqualTo(2);
        assertThat(rows("select job_id from public.job_queue_jobs")).isEmpty();
    }

    @Test
    @DisplayName("A retried job's first end may go from the log while the job lives on")
    void livesOn() throws Exception {
        queue.end("a", queue.startNow("a", "m"), "retry");
        age(31);
        long token = queue.claimWith("w", 1, Map.of())
                .path("leases")
                .path(0)
                .path("token")
                .asLong();
        keepDays(30);
        queue.sweep();

        assertThat(events("a")).containsExactly("started");
        assertThat(queue.complete("a", token)).isEqualTo("completed");
        assertThat(List.of(queue.status("a"))).containsExactly("completed");
    }
}
