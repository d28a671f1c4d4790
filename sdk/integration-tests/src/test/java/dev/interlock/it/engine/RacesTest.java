package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Races that need no gate: what never waits whatever is locked, and a hunt for deadlocks with random pairs of calls. */
class RacesTest extends EngineTest {

    @Test
    @DisplayName("I8 Claims and heartbeats wait for no row of a job, no mirrored row and no use of what is tidied away")
    void whatNeverWaits() throws Exception {
        sql("insert into public.jobs (prompt, required_models) values ('edited', '[\"e\"]')");
        queue.enqueue(Queue.job("locked", "l"), Queue.job("free", "f"));
        long token = queue.startNow("held", "h");
        sql("insert into public.job_queue_workers values ('gone', null, null, now() - interval '2 days')");
        sql("update public.job_queue_state set last_updated = '-infinity'");
        try (Connection connection = local.openConnection();
                Statement others = connection.createStatement()) {
            connection.setAutoCommit(false);
            others.execute("update public.jobs set prompt = 'still editing'");
            for (String lock : List.of(
                    "public.job_queue_jobs where job_id in ('locked', 'held')",
                    "public.job_queue_models",
                    "public.job_queue_workers where worker_id = 'gone'")) {
                others.execute("select 1 from " + lock + " for update");
            }
            others.execute("select pg_advisory_xact_lock(19028, 0)");

            assertThat(queue.claim("w", 5)).containsExactly("free");
            assertThat(queue.call(
                                    "job_queue_heartbeat",
                                    Map.of(
                                            "worker_id",
                                            "w",
                                            "leases",
                                            List.of(Map.of("job_id", "held", "token", token, "progress", 1))))
                            .at("/leases/0/result")
                            .asString())
                    .isEqualTo("held");
            connection.rollback();
        }
        assertThat(queue.claim("w", 5)).hasSize(2);
    }

    @Test
    @DisplayName("I5 A claim of one passes over a job whose row somebody edits, for the next one, as far as it takes")
    void editedRowsArePassed() throws Exception {
        for (int i = 0; i < 20; i++) {
            sql("insert into public.jobs (prompt, required_models) values ('edited', '[\"m" + i + "\"]')");
        }
        queue.enqueue(Queue.job("next", "n"), Queue.job("last", "o"));
        try (Connection connection = local.openConnection();
                Statement editor = connection.createStatement()) {
            connection.setAutoCommit(false);
            editor.execute("update public.jobs set prompt = 'still editing'");

            assertThat(queue.claim("w", 1)).containsExactly("next");
            assertThat(queue.claim("w", 5)).containsExactly("last");
            connection.rollback();
        }
        assertThat(queue.claim("w", 50)).hasSize(20);
    }

    @Test
    @DisplayName("A job past its deadline is not started, however many of them there are")
    void pastDeadline() {
        for (int i = 0; i < 50; i++) {
            queue.enqueue(Queue.job("late-" + i, Map.of("deadline", "2001-01-01T00:00:00Z"), "m" + i));
        }

        assertThat(queue.claim("w", 50)).isEmpty();
    }

    @Test
    @DisplayName("I8 No two of all the calls wait for each other, on a few jobs over few models")
    void deadlockHunt() throws Exception {
        long seed = Long.getLong("interlock.seed", System.nanoTime());
        System.out.println("seed of deadlockHunt: " + seed + " (repeat with -Dinterlock.seed=" + seed + ")");
        sql("insert into public.jobs (job_id, prompt) select ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'p'"
                + " from generate_series(0, 9) as n");
        Callable<List<String>> first = () -> hunt(new Random(seed), "hunter-1");
        Callable<List<String>> second = () -> hunt(new Random(seed + 1), "hunter-2");
        Callable<List<String>> third = () -> hunt(new Random(seed + 2), "hunter-3");

        assertThat(atOnce(List.of(first, second, third)))
                .allSatisfy(errors -> assertThat(errors).isEmpty());
    }

    /** Transactions of one call each, as PostgREST makes them, or of a user's two statements; what went wrong. */
    private List<String> hunt(Random random, String worker) throws Exception {
        Map<String, Integer> errors = new HashMap<>();
        try (StepSession session = new StepSession(local.openAdminConnection(), "service_role")) {
            for (int i = 0; i < 150; i++) {
                session.start(statements(random, worker), 0);
                String answer = session.answer();
                // Refusals are answers; a deadlock or a wait of 8 seconds is not.
                if (answer.startsWith("error ") && !answer.startsWith("error JQ")) {
                    errors.merge(answer, 1, Integer::sum);
                }
            }
        }
        return List.copyOf(errors.keySet());
    }

    private static List<String> statements(Random random, String worker) {
        String job = "00000000-0000-4000-8000-00000000000" + random.nextInt(10);
        String fresh = new java.util.UUID(random.nextLong(), random.nextLong()).toString();
        // The models of a job are always the same, so that starts of known jobs are not refused.
        String models = "(select to_jsonb(array_agg(m order by random())) from (values ('m' || " + job.charAt(35) % 3
                + "), ('n' || " + job.charAt(35) % 2 + ")) as v (m))";
        String token = "coalesce((select token from public.job_queue_jobs where job_id = '" + job + "'), 1)";
        String outcome = List.of("complete", "retry", "release", "fail").get(random.nextInt(4));
        return switch (random.nextInt(12)) {
            case 0, 1 ->
                List.of("select public.job_queue_start('" + job + "', " + models + ", '{\"worker_id\": \"" + worker
                        + "\", \"priority\": " + random.nextInt(3) + "}')");
            case 2, 3 ->
                List.of("select public.job_queue_complete(jsonb_build_array(jsonb_build_object('job_id', '" + job
                        + "', 'token', " + token + ", 'outcome', '" + outcome
                        + "')), '{\"claim\": {\"max_jobs\": 2}, \"worker_id\": \"" + worker + "\"}')");
            case 4, 5 -> List.of("select public.job_queue_claim('" + worker + "', 2)");
            case 6 -> List.of("select public.job_queue_cancel('" + job + "')");
            case 7 -> List.of("select public.job_queue_retry('" + job + "')");
            case 8 ->
                List.of("update public.job_queue_jobs set lease_until = now() - interval '1 second' where job_id = '"
                        + job + "' and status = 'running' and pg_try_advisory_xact_lock(1)");
            case 9 ->
                List.of(
                        "update public.jobs set prompt = 'edited' where job_id = '" + job + "'",
                        "insert into public.jobs (job_id, prompt, required_models) values ('" + fresh
                                + "', 'p', '[\"m0\", \"n1\"]')");
            case 10 ->
                List.of("select public.job_queue_set_model('m" + random.nextInt(3) + "', '{\"capacity\": "
                        + (1 + random.nextInt(2)) + "}')");
            default ->
                List.of("select public.job_queue_release_models('" + job + "', " + token
                        + ", '[\"m0\", \"m1\", \"m2\"]')");
        };
    }
}
