package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.InterlockException;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobExplanation;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkerListener;
import dev.interlock.WorkerState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What can go wrong under a running worker: it keeps what it has, starts nothing, says why, and recovers by itself. */
class WorkerTroublesTest extends CoordinatorTestBase {
    enum Trouble {
        KEY_REVOKED("401"),
        GRANTS_REVOKED("42501"),
        DATABASE_DOWN(""),
        POSTGREST_DOWN("502"),
        GATEWAY_PAGE("520"),
        FUNCTIONS_GONE("migrations"),
        OTHER_CONTRACT("contract 2");

        private final String says;

        Trouble(String says) {
            this.says = says;
        }
    }

    private final Semaphore failures = new Semaphore(0);
    private final Queue<String> refusals = new ConcurrentLinkedQueue<>();
    private final Queue<String> begun = new ConcurrentLinkedQueue<>();
    private final Queue<OutcomeStatus> statuses = new ConcurrentLinkedQueue<>();

    @ParameterizedTest
    @EnumSource(Trouble.class)
    void trouble_keepsTheOutcomeStartsNothingAndPassesByItself(Trouble trouble) throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        CountDownLatch finished = new CountDownLatch(2);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    begun.add(job.jobId());
                    inside.countDown();
                    end.await();
                    return Outcome.complete("worth money");
                })
                .build());
        others.enqueue(job("j", "m").build());
        others.enqueue(job("later", "m").build());
        worker.start();
        await(inside);

        begin(trouble);
        try {
            fail(1);
            end.countDown();
            fail(2);

            WorkerState state = worker.state();
            assertThat(state.isHealthy()).isFalse();
            assertThat(state.failingSince()).isNotNull();
            assertThat(state.lastFailure()).contains(trouble.says);
            assertThat(begun).containsExactly(name("j"));
        } finally {
            end(trouble);
        }
        await(finished);

        assertThat(statuses).containsOnly(OutcomeStatus.COMPLETED);
        for (String id : new String[] {"j", "later"}) {
            JobExplanation job = others.explain(name(id));
            assertThat(job.attempt()).isOne();
            assertThat(job.result(String.class)).isEqualTo("worth money");
        }
        assertThat(worker.state().isHealthy()).isTrue();
    }

    @Test
    void heartbeatsThatFail_keepNewJobsFromStartingUntilTheyWorkAgain() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch lost = new CountDownLatch(1);
        CountDownLatch finished = new CountDownLatch(1);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    begun.add(job.jobId());
                    if (job.jobId().equals(name("j")) && job.attempt() == 1) {
                        inside.countDown();
                        try {
                            new CountDownLatch(1).await();
                        } finally {
                            if (job.isLeaseLost()) {
                                lost.countDown();
                            }
                        }
                    }
                    return Outcome.complete();
                })
                .lease(Duration.ofSeconds(1))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        wire.cut("job_queue_heartbeat");
        fail(1);
        others.enqueue(job("k", "n").build());
        await(lost);
        fail(2);
        long claims = wire.calls("job_queue_claim");
        fail(2);

        // It holds nothing any more, and asks only whether heartbeats work again.
        assertThat(wire.calls("job_queue_claim")).isEqualTo(claims);
        assertThat(begun).containsExactly(name("j"));
        assertThat(others.explain(name("k")).status()).isEqualTo(JobStatus.WAITING);

        wire.mend();
        await(finished);
        assertThat(begun).contains(name("k"));
    }

    /** One handler's words must not cost all jobs their leases, for example under an older SQL that knows no notes. */
    @Test
    void f131_heartbeatThatIsRefused_goesWithoutTheProgress() throws Exception {
        CountDownLatch finished = new CountDownLatch(1);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    job.progress(40, "upscaling");
                    // Refused, and sent again without.
                    while (wire.calls("job_queue_heartbeat") < 6 && !job.shouldStop()) {
                        TimeUnit.MILLISECONDS.sleep(10);
                    }
                    return Outcome.complete();
                })
                .lease(Duration.ofSeconds(3))
                .build());
        wire.refuse(
                "upscaling",
                "{\"code\":\"JQ007\",\"details\":null,\"hint\":null,\"message\":\"A lease has an unknown key.\"}");
        others.enqueue(job("j", "m").build());
        worker.start();
        await(finished);

        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.COMPLETED);
        assertThat(others.explain(name("j")).attempt()).isOne();
        assertThat(worker.state().lost()).isZero();
        assertThat(refusals).isEmpty();
    }

    private void begin(Trouble trouble) throws SQLException {
        switch (trouble) {
            case KEY_REVOKED -> wire.spoilKey();
            case GRANTS_REVOKED -> sql("revoke execute on all functions in schema public from service_role");
            case DATABASE_DOWN -> local.stopPostgres();
            case POSTGREST_DOWN -> local.stopPostgrest();
            case GATEWAY_PAGE -> wire.page(520);
            case FUNCTIONS_GONE -> functionsGone();
            case OTHER_CONTRACT -> {
                sql("alter function public.job_queue_version() rename to kept_version");
                sql("create function public.job_queue_version() returns jsonb language sql as "
                        + "$$ select public.kept_version() || '{\"contract\": 2, \"oldest_contract\": 2}' $$");
                sql("grant execute on function public.job_queue_version() to service_role");
                functionsGone();
            }
        }
    }

    private void functionsGone() throws SQLException {
        sql("alter function public.job_queue_claim(text, integer, jsonb) rename to kept_claim");
        sql("alter function public.job_queue_complete(jsonb, jsonb) rename to kept_complete");
        sql("notify pgrst, 'reload schema'");
    }

    private void end(Trouble trouble) throws SQLException {
        switch (trouble) {
            case KEY_REVOKED, GATEWAY_PAGE -> wire.mend();
            case GRANTS_REVOKED -> sql("grant execute on all functions in schema public to service_role");
            case DATABASE_DOWN -> local.startPostgres();
            case POSTGREST_DOWN -> local.startPostgrest();
            case FUNCTIONS_GONE -> functionsBack();
            case OTHER_CONTRACT -> {
                sql("drop function public.job_queue_version()");
                sql("alter function public.kept_version() rename to job_queue_version");
                functionsBack();
            }
        }
    }

    private void functionsBack() throws SQLException {
        sql("alter function public.kept_claim(text, integer, jsonb) rename to job_queue_claim");
        sql("alter function public.kept_complete(jsonb, jsonb) rename to job_queue_complete");
        sql("notify pgrst, 'reload schema'");
    }

    private void sql(String statement) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement run = connection.createStatement()) {
            run.execute(statement);
        }
    }

    /** Waits until so many more calls have failed. */
    private void fail(int calls) throws InterruptedException {
        failures.drainPermits();
        assertThat(failures.tryAcquire(calls, 60, TimeUnit.SECONDS))
                .as("%s calls failed", calls)
                .isTrue();
    }

    private JobWorker.Builder worker(CountDownLatch finished) {
        return JobWorker.builder(coordinator)
                .workerId(name("worker"))
                .pollInterval(Duration.ofMillis(10), Duration.ofMillis(100))
                .listener(new WorkerListener() {
                    @Override
                    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                        statuses.add(status);
                        finished.countDown();
                    }

                    @Override
                    public void callFailed(InterlockException failure) {
                        if (failure instanceof InvalidRequestException) {
                            refusals.add(String.valueOf(failure.getMessage()));
                        }
                        failures.release();
                    }
                });
    }
}
