package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.interlock.ClaimRequest;
import dev.interlock.FailurePolicy;
import dev.interlock.FatalJobException;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.SupabaseClient;
import dev.interlock.UnauthorizedException;
import dev.interlock.WorkerListener;
import dev.interlock.WorkerState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class JobWorkerTest extends CoordinatorTestBase {
    record Prompt(String text) {}

    record Image(String url) {}

    @Test
    void worker_runsJobsWithTheirPayloadsAndKeepsTheirResults() throws Exception {
        Finished finished = new Finished(3);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    job.progress(50);
                    return Outcome.complete(
                            new Image("https://x/" + job.payload(Prompt.class).text()));
                })
                .concurrency(2)
                .build());
        for (String id : List.of("a", "b", "c")) {
            others.enqueue(job(id, "m").payload(new Prompt(id)).build());
        }

        worker.start();
        await(finished.latch);

        assertThat(finished.statuses).containsOnly(OutcomeStatus.COMPLETED);
        assertThat(coordinator.explain(name("c")).result(Image.class)).isEqualTo(new Image("https://x/c"));
        worker.close();
        WorkerState state = worker.state();
        assertThat(state.phase()).isEqualTo(WorkerState.Phase.CLOSED);
        assertThat(state.started()).isEqualTo(3);
        assertThat(state.completed()).isEqualTo(3);
        assertThat(state.running()).isZero();
        assertThatIllegalStateException().isThrownBy(worker::start);
    }

    @Test
    void worker_whenItIsBusy_makesOneCallAJob() throws Exception {
        int jobs = 20;
        List<JobRequest> requests = new ArrayList<>();
        for (int i = 0; i < jobs; i++) {
            requests.add(job("j" + i, "m").build());
        }
        others.enqueueAll(requests);
        List<String> callsAtTheLast = new ArrayList<>();
        AtomicInteger count = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(1);
        JobWorker worker = closing(worker(new WorkerListener() {
                    @Override
                    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                        if (count.incrementAndGet() == jobs) {
                            callsAtTheLast.addAll(wire.functions());
                            done.countDown();
                        }
                    }
                })
                .handle(name("handler"), job -> Outcome.complete())
                .concurrency(1)
                .build());

        worker.start();
        await(done);

        assertThat(callsAtTheLast).startsWith("job_queue_claim").hasSize(1 + jobs);
        assertThat(callsAtTheLast.subList(1, 1 + jobs)).containsOnly("job_queue_complete");
    }

    @Test
    void worker_neverHoldsMoreThanItCanRunAtOnce() throws Exception {
        int jobs = 60;
        List<JobRequest> requests = new ArrayList<>();
        for (int i = 0; i < jobs; i++) {
            requests.add(job("j" + i, "m" + i).build());
        }
        others.enqueueAll(requests);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Finished finished = new Finished(jobs);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    Thread.onSpinWait();
                    inside.decrementAndGet();
                    return Outcome.complete();
                })
                .concurrency(3)
                .build());

        worker.start();
        await(finished.latch);

        assertThat(most.get()).isBetween(1, 3);
        assertThat(finished.jobs).hasSize(jobs).doesNotHaveDuplicates();
    }

    @Test
    void handlerThatThrows_isTriedAgainByThePolicyUntilItWorks() throws Exception {
        Finished finished = new Finished(3);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    if (job.attempt() < 3) {
                        throw new IllegalStateException("not yet: quota limit");
                    }
                    return Outcome.complete(Map.of("attempt", job.attempt()));
                })
                .failurePolicy(FailurePolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(20)))
                .build());
        others.enqueue(job("j", "m").build());

        worker.start();
        await(finished.latch);

        assertThat(finished.statuses)
                .containsExactly(OutcomeStatus.RETRY_SCHEDULED, OutcomeStatus.RETRY_SCHEDULED, OutcomeStatus.COMPLETED);
    }

    @Test
    void handlerThatCannotSucceed_failsItsJobForGood() throws Exception {
        Finished finished = new Finished(4);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> switch (job.jobId().charAt(0)) {
                    case 'a' -> throw new FatalJobException("the prompt was refused");
                    case 'b' -> throw new ArithmeticException("mine");
                    case 'c' -> Outcome.complete("x".repeat(2_000_000));
                    default -> Outcome.complete(job.payload(Prompt.class));
                })
                .failurePolicy(FailurePolicy.standard().failingOn(ArithmeticException.class))
                .build());
        for (String id : List.of("a", "b", "c", "d")) {
            others.enqueue(job(id, "m").build());
        }

        worker.start();
        await(finished.latch);

        assertThat(finished.statuses).hasSize(4).containsOnly(OutcomeStatus.FAILED);
        assertThat(coordinator.explain(name("a")).error()).contains("the prompt was refused");
        assertThat(coordinator.explain(name("b")).error()).contains("mine");
        assertThat(coordinator.explain(name("c")).error()).contains("JQ005");
        assertThat(coordinator.explain(name("d")).error()).contains("payload");
    }

    @Test
    void lostLease_interruptsTheHandlerAndItsOutcomeChangesNothing() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch lost = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        Finished finished = new Finished(1) {
            @Override
            public void leaseLost(Lease lease, String reason) {
                lost.countDown();
            }
        };
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    inside.countDown();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        interrupted.countDown();
                    }
                    return Outcome.complete("of the run that lost its lease");
                })
                // Full, so that it does not poll and take the job back itself.
                .concurrency(1)
                .lease(Duration.ofSeconds(3))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        // Its lease ran out and somebody else took the job, as if this process had been asleep. A heartbeat may come in
        // between and hold it once more.
        List<Lease> taken = List.of();
        while (taken.isEmpty()) {
            letLeaseRunOut(name("j"));
            taken = others.claim(
                            ClaimRequest.builder(1).handlers(name("handler")).build())
                    .leases();
        }
        Lease theirs = taken.get(0);

        await(lost);
        await(interrupted);
        assertThat(theirs.attempt()).isEqualTo(2);
        worker.close();
        assertThat(finished.jobs).isEmpty();
        assertThat(worker.state().lost()).isOne();
        assertThat(others.complete(theirs, "theirs")).isEqualTo(OutcomeStatus.COMPLETED);
        assertThat(others.explain(name("j")).result(String.class)).isEqualTo("theirs");
    }

    @Test
    void cancel_reachesTheHandlerWithTheNextHeartbeat() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        AtomicBoolean sawCancel = new AtomicBoolean();
        Finished finished = new Finished(1);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    inside.countDown();
                    try {
                        new CountDownLatch(1).await();
                        return Outcome.complete();
                    } finally {
                        sawCancel.set(job.isCancelled());
                    }
                })
                .lease(Duration.ofSeconds(3))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        others.cancel(name("j"), "the user went away");
        await(finished.latch);

        assertThat(sawCancel).isTrue();
        assertThat(finished.statuses).containsExactly(OutcomeStatus.CANCELLED);
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.CANCELLED);
    }

    @Test
    void heartbeats_keepALongJobAndTakeItsProgressAlong() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        Finished finished = new Finished(1);
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> {
                    job.progress(41, "upscaling");
                    job.progress(42);
                    inside.countDown();
                    end.await();
                    return Outcome.complete();
                })
                .lease(Duration.ofSeconds(1))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        JobExplanation job = others.explain(name("j"));
        while (wire.calls("job_queue_heartbeat") < 5) {
            Thread.onSpinWait();
            job = others.explain(name("j"));
        }
        assertThat(job.status()).isEqualTo(JobStatus.RUNNING);
        assertThat(job.attempt()).isOne();
        assertThat(job.progress()).isEqualTo(42);
        assertThat(job.note()).isEqualTo("upscaling");
        end.countDown();
        await(finished.latch);
        assertThat(finished.statuses).containsExactly(OutcomeStatus.COMPLETED);
    }

    @Test
    void close_whenHandlersStillRun_waitsForThem() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        JobWorker worker = closing(worker(new Finished(1))
                .handle(name("handler"), job -> {
                    inside.countDown();
                    end.await();
                    return Outcome.complete("in time");
                })
                .concurrency(2)
                .build());
        others.enqueue(job("j", "m").build());
        others.enqueue(job("next", "m").build());
        worker.start();
        await(inside);

        Thread closer = new Thread(worker::close);
        closer.start();
        while (worker.state().phase() == WorkerState.Phase.RUNNING) {
            Thread.onSpinWait();
        }
        end.countDown();
        closer.join();

        assertThat(others.explain(name("j")).result(String.class)).isEqualTo("in time");
        assertThat(others.explain(name("next")).status()).isEqualTo(JobStatus.WAITING);
    }

    @Test
    void close_whenTheGraceTimeIsOver_givesTheJobsBackAtNoCostOfAnAttempt() throws Exception {
        CountDownLatch inside = new CountDownLatch(2);
        JobWorker worker = closing(worker(new Finished(1))
                .handle(name("handler"), job -> {
                    inside.countDown();
                    new CountDownLatch(1).await();
                    return Outcome.complete();
                })
                .concurrency(2)
                .closeGrace(Duration.ZERO)
                .build());
        others.enqueueAll(List.of(job("a", "m").build(), job("b", "n").build()));
        worker.start();
        await(inside);

        worker.close();

        for (String id : List.of("a", "b")) {
            JobExplanation job = others.explain(name(id));
            assertThat(job.status()).isEqualTo(JobStatus.WAITING);
            assertThat(job.attempt()).isZero();
            assertThat(job.runnable()).isTrue();
        }
        assertThat(worker.state().released()).isEqualTo(2);
    }

    @Test
    void executorThatTakesNoMore_costsNoAttempt() throws Exception {
        Finished finished = new Finished(1);
        AtomicInteger offers = new AtomicInteger();
        JobWorker worker = closing(worker(finished)
                .handle(name("handler"), job -> Outcome.complete())
                .executor(task -> {
                    if (offers.getAndIncrement() == 0) {
                        throw new RejectedExecutionException("full");
                    }
                    new Thread(task).start();
                })
                .build());
        others.enqueue(job("j", "m").maxAttempts(1).build());

        worker.start();
        while (!finished.statuses.contains(OutcomeStatus.COMPLETED)) {
            await(finished.latch);
            Thread.onSpinWait();
        }

        assertThat(finished.statuses).containsExactly(OutcomeStatus.RELEASED, OutcomeStatus.COMPLETED);
    }

    @Test
    void listenerThatThrows_changesNothing() throws Exception {
        CountDownLatch done = new CountDownLatch(2);
        JobWorker worker = closing(worker(new WorkerListener() {
                    @Override
                    public void jobStarted(Lease lease) {
                        throw new IllegalStateException("a listener of the user's that throws");
                    }

                    @Override
                    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                        done.countDown();
                        throw new IllegalStateException("a listener of the user's that throws");
                    }
                })
                .handle(name("handler"), job -> Outcome.complete())
                .build());
        others.enqueueAll(List.of(job("a", "m").build(), job("b", "m").build()));

        worker.start();
        await(done);

        assertThat(others.explain(name("b")).status()).isEqualTo(JobStatus.COMPLETED);
    }

    @Test
    void start_whenTheKeyIsRefused_saysSoAtOnceAndStartsNothing() {
        SupabaseClient client =
                closing(SupabaseClient.create(local.url(), "sb_secret_wrongwrongwrongwrongwr_wrongwro"));
        JobWorker worker = closing(JobWorker.builder(JobCoordinator.create(client))
                .handle(name("handler"), job -> Outcome.complete())
                .build());

        assertThatExceptionOfType(UnauthorizedException.class).isThrownBy(worker::start);
        assertThat(worker.state().phase()).isEqualTo(WorkerState.Phase.NEW);
    }

    @Test
    void builder_whenTheWorkerCouldRunNothing_refuses() {
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> JobWorker.builder(coordinator).build());
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> JobWorker.builder(coordinator).concurrency(0));
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> JobWorker.builder(coordinator).lease(Duration.ofDays(365)))
                .satisfies(e -> assertThat(e.code()).isEqualTo("JQ004"));
    }

    private JobWorker.Builder worker(WorkerListener listener) {
        return JobWorker.builder(coordinator)
                .workerId(name("worker"))
                .pollInterval(Duration.ofMillis(10), Duration.ofMillis(200))
                .listener(listener);
    }

    /** Counts the jobs that finish. */
    static class Finished implements WorkerListener {
        final CountDownLatch latch;
        final Queue<String> jobs = new ConcurrentLinkedQueue<>();
        final Queue<OutcomeStatus> statuses = new ConcurrentLinkedQueue<>();

        Finished(int jobs) {
            latch = new CountDownLatch(jobs);
        }

        @Override
        public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
            jobs.add(lease.jobId());
            statuses.add(status);
            latch.countDown();
        }
    }
}
