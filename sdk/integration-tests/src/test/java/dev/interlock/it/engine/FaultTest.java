package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.InterlockException;
import dev.interlock.InterlockIoException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.RetryOptions;
import dev.interlock.ServerErrorException;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import java.io.IOException;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.ResponseBody;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What happens when the way to the database fails: nothing runs that should not, and nothing is lost. */
class FaultTest extends EngineTest {

    private static final JobRequest JOB = JobRequest.normal("a").models("m").build();

    @Test
    @DisplayName("F4 A start whose call fails leaves the job startable; nothing is orphaned")
    void f4_failedStart() {
        AtomicInteger failures = new AtomicInteger(3);
        try (SupabaseClient faulty = client(chain -> failures.getAndDecrement() > 0 && isCall(chain, "job_queue_start")
                ? answer(chain, 503, "{\"code\":\"PGRST002\",\"message\":\"schema cache\"}")
                : chain.proceed(chain.request()))) {
            StartResult result = JobCoordinator.create(faulty).start(JOB);

            assertThat(result).isInstanceOf(StartResult.Started.class);
        }
    }

    @Test
    @DisplayName("F5, F16 While the database cannot be asked nothing starts; afterwards it does")
    void f5_noStartWithoutADatabase() throws Exception {
        JobCoordinator coordinator = JobCoordinator.create(client(chain -> chain.proceed(chain.request())));
        coordinator.status();
        local.stopPostgrest();
        try {
            assertThatThrownBy(() -> coordinator.start(JOB)).isInstanceOf(InterlockException.class);
        } finally {
            local.startPostgrest();
        }
        assertThat(rows("select job_id from public.job_queue_jobs")).isEmpty();

        assertThat(coordinator.start(JOB)).isInstanceOf(StartResult.Started.class);
    }

    @Test
    @DisplayName("F15 When the answer is lost after the commit, the retry gets the same lease")
    void f15_lostAnswer() throws Exception {
        AtomicInteger losses = new AtomicInteger(2);
        try (SupabaseClient faulty = client(chain -> {
            Response response = chain.proceed(chain.request());
            if (isCall(chain, "job_queue_start") && losses.getAndDecrement() > 0) {
                response.close();
                throw new IOException("the connection broke");
            }
            return response;
        })) {
            StartResult result = JobCoordinator.create(faulty).start(JOB);

            assertThat(result).isInstanceOf(StartResult.Started.class);
            assertThat(((StartResult.Started) result).lease().attempt()).isEqualTo(1);
            assertThat(events("a")).containsExactly("started");
        }
    }

    @Test
    @DisplayName("When the answer of complete-and-claim is lost, the retry gets the same outcomes and the same leases")
    void lostAnswerOfComplete() throws Exception {
        long token = queue.startNow("a", "m");
        queue.enqueue(Queue.job("b", "m"));
        Map<String, ?> options = Map.of("request_id", "r-7", "claim", Map.of("max_jobs", 1));

        JsonNode lost = queue.end("a", token, "complete", options);
        JsonNode again = queue.end("a", token, "complete", options);

        assertThat(again).isEqualTo(lost);
        assertThat(events("a")).containsExactly("started", "completed");
        assertThat(events("b")).containsExactly("queued", "started");
    }

    @Test
    @DisplayName(
            "F48 A row that refuses to be written stops nothing: its job runs and ends, and the log says what the row refused")
    void f48_mirrorFails() throws Exception {
        sql("insert into public.jobs (prompt, required_models) values ('p', '[\"m\"]')");
        sql("create function public.test_refuse() returns trigger language plpgsql as"
                + " $$ begin raise exception 'no updates today'; end $$");
        sql(
                "create trigger test_refuse before update on public.jobs for each row execute function public.test_refuse()");
        String id;
        try {
            JsonNode lease = queue.claimWith("w", 1, Map.of()).path("leases").path(0);
            id = lease.path("job_id").asString();
            assertThat(events(id)).containsExactly("queued", "started", "mirror_failed");
            queue.sweep();
            assertThat(queue.complete(id, lease.path("token").asLong())).isEqualTo("completed");
            assertThat(events(id)).containsExactly("queued", "started", "mirror_failed", "completed", "mirror_failed");
        } finally {
            sql("drop function public.test_refuse() cascade");
        }
        assertThat(rows("select metadata ->> 'message' from public.job_queue_log where event_type = 'mirror_failed'"))
                .containsOnly("no updates today");
    }

    @Test
    @DisplayName("A claim passes over a job whose row somebody edits, and takes it when they are done")
    void editedRowIsPassedOver() throws Exception {
        sql("insert into public.jobs (prompt, required_models) values ('edited', '[\"m\"]'), ('free', '[\"n\"]')");
        try (Connection connection = local.openConnection();
                Statement editor = connection.createStatement()) {
            connection.setAutoCommit(false);
            editor.execute("update public.jobs set prompt = 'still editing' where prompt = 'edited'");

            assertThat(queue.claim("w", 5)).hasSize(1);
            connection.commit();
        }

        assertThat(queue.claim("w", 5)).hasSize(1);
    }

    @Test
    @DisplayName(
            "I8 A transaction that edits one row and inserts another does not deadlock with completions of the first")
    void editAndInsertAgainstCompletion() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try {
            for (int i = 0; i < 10; i++) {
                sql("insert into public.jobs (prompt, required_models) values ('job " + i + "', '[\"m\"]')");
                JsonNode lease =
                        queue.claimWith("w", 1, Map.of()).path("leases").path(0);
                String id = lease.path("job_id").asString();
                Future<String> completion;
                try (Connection connection = local.openConnection();
                        Statement editor = connection.createStatement()) {
                    connection.setAutoCommit(false);
                    editor.execute("update public.jobs set prompt = 'edited' where job_id = '" + id + "'");
                    completion = threads.submit(
                            () -> queue.complete(id, lease.path("token").asLong()));
                    awaitLockWait();
                    editor.execute("insert into public.jobs (prompt, required_models) values ('another', '[\"m\"]')");
                    connection.commit();
                }

                assertThat(completion.get()).isEqualTo("completed");
                JsonNode next = queue.claimWith("w", 1, Map.of()).path("leases").path(0);
                queue.complete(
                        next.path("job_id").asString(), next.path("token").asLong());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    @DisplayName("Gateways that answer with HTML or break are survived; the state is right afterwards")
    void brokenGateway() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        List<Interceptor> faults = List.of(
                chain -> answer(chain, 502, "<html><body>Bad gateway</body></html>"),
                chain -> answer(chain, 520, "<html>Web server is returning an unknown error</html>"),
                chain -> answer(chain, 504, "upstream timed out"),
                chain -> {
                    chain.proceed(chain.request()).close();
                    throw new IOException("reset after the commit");
                });
        try (SupabaseClient faulty = client(chain -> {
            int n = calls.getAndIncrement();
            return n % 2 == 0 ? faults.get(n / 2 % faults.size()).intercept(chain) : chain.proceed(chain.request());
        })) {
            JobCoordinator coordinator = JobCoordinator.create(faulty);
            for (int i = 0; i < 20; i++) {
                StartResult result = coordinator.start(
                        JobRequest.normal("job-" + i).models("m").build());
                assertThat(result).isInstanceOf(StartResult.Started.class);
                coordinator.complete(((StartResult.Started) result).lease());
            }
        }
        assertThat(rows("select count(*) from public.job_queue_log where event_type = 'started'"))
                .containsExactly("20");
        assertThat(rows("select count(*) from public.job_queue_log where event_type = 'completed'"))
                .containsExactly("20");
    }

    @Test
    @DisplayName("A host that cannot be reached is said to be so, at once and without a guess")
    void unreachableHost() {
        try (SupabaseClient nowhere = SupabaseClient.builder()
                .url("http://127.0.0.1:1")
                .key(local.secretKey())
                .retry(RetryOptions.none())
                .build()) {
            assertThatThrownBy(() -> JobCoordinator.create(nowhere).start(JOB))
                    .isInstanceOfSatisfying(
                            InterlockIoException.class,
                            e -> assertThat(e.outcomeUnknown()).isFalse())
                    .hasMessageContaining("127.0.0.1 could not be reached");
        }
    }

    @Test
    @DisplayName("A crash of the database loses nothing that was committed, and the lease still ends")
    void databaseCrash() throws Exception {
        long token = queue.startNow("a", "m");
        queue.start("b", "m");

        local.restartPostgres();

        assertThat(eventually(() -> queue.complete("a", token))).isEqualTo("completed");
        assertThat(queue.claim("w", 5)).containsExactly("b");
    }

    private interface Attempt<T> {
        T call();
    }

    /** PostgREST needs a moment to find its database again, and says so meanwhile. */
    private static <T> T eventually(Attempt<T> attempt) {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (true) {
            try {
                return attempt.call();
            } catch (ServerErrorException | InterlockIoException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
            }
        }
    }

    private void awaitLockWait() throws Exception {
        while (rows("select pid::text from pg_stat_activity where wait_event_type = 'Lock' and query like '%job_queue_complete%'"
                        + " and pid <> pg_backend_pid()")
                .isEmpty()) {
            Thread.onSpinWait();
        }
    }

    private SupabaseClient client(Interceptor fault) {
        return SupabaseClient.builder()
                .url(local.url())
                .key(local.secretKey())
                .retry(new RetryOptions(5, Duration.ofMillis(5), Duration.ofMillis(20)))
                .httpClient(new OkHttpClient.Builder().addInterceptor(fault).build())
                .build();
    }

    private static boolean isCall(Interceptor.Chain chain, String function) {
        return chain.request().url().encodedPath().endsWith("/rpc/" + function);
    }

    private static Response answer(Interceptor.Chain chain, int status, String body) {
        return new Response.Builder()
                .request(chain.request())
                .protocol(Protocol.HTTP_1_1)
                .code(status)
                .message("fault")
                .body(ResponseBody.create(body, MediaType.get(body.startsWith("{") ? "application/json" : "text/html")))
                .build();
    }
}
