package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobRequest;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkerListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a worker sends, counted on the wire. {@link JobWorkerTest} has the steady state. */
class WorkerCallsTest extends CoordinatorTestBase {
    @Test
    void idleWorker_makesOneCallAPollAndNoneSoonerThanItsInterval() {
        Duration interval = Duration.ofMillis(100);
        JobWorker worker = closing(worker(new WorkerListener() {})
                .pollInterval(interval, interval)
                .handle(name("handler"), job -> Outcome.complete())
                .build());

        worker.start();
        while (wire.claimTimes().size() < 8) {
            Thread.onSpinWait();
        }
        worker.close();

        assertThat(wire.functions()).containsOnly("job_queue_claim");
        List<Long> times = wire.claimTimes();
        for (int i = 1; i < times.size(); i++) {
            // Up to a quarter less by chance.
            assertThat(times.get(i) - times.get(i - 1)).isGreaterThanOrEqualTo(interval.toNanos() * 3 / 4);
        }
    }

    /** There is no event to miss: what is in line is found by the next poll. */
    @Test
    void f135_jobIsPickedUpByTheNextPoll() throws Exception {
        AtomicLong atStart = new AtomicLong();
        CountDownLatch finished = new CountDownLatch(1);
        JobWorker worker = closing(worker(counting(finished))
                .handle(name("handler"), job -> {
                    atStart.set(wire.calls("job_queue_claim"));
                    return Outcome.complete();
                })
                .build());
        worker.start();
        while (wire.claimTimes().size() < 3) {
            Thread.onSpinWait();
        }

        others.enqueue(job("j", "m").build());
        long atEnqueue = wire.calls("job_queue_claim");
        await(finished);

        // One may have been under way, and begun too soon.
        assertThat(atStart.get()).isBetween(atEnqueue, atEnqueue + 2);
    }

    @Test
    void outcomesThatAreReadyTogether_goInOneCall() throws Exception {
        int jobs = 8;
        List<JobRequest> requests = new ArrayList<>();
        for (int i = 0; i < jobs; i++) {
            requests.add(job("j" + i, "m" + i).build());
        }
        others.enqueueAll(requests);
        CyclicBarrier together = new CyclicBarrier(jobs);
        CountDownLatch ended = new CountDownLatch(jobs);
        CountDownLatch finished = new CountDownLatch(jobs);
        JobWorker worker = closing(worker(new WorkerListener() {
                    @Override
                    public void handlerEnded(Lease lease, Duration ran, @Nullable Throwable thrown) {
                        ended.countDown();
                    }

                    @Override
                    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                        finished.countDown();
                    }
                })
                .handle(name("handler"), job -> {
                    together.await(60, TimeUnit.SECONDS);
                    return Outcome.complete();
                })
                .concurrency(jobs)
                .build());
        // The first call with outcomes is held up until all have ended.
        wire.hold("job_queue_complete");

        worker.start();
        await(ended);
        wire.letThrough();
        await(finished);

        // The first, the rest, and one that a handler may still have been about to hand over.
        assertThat(wire.calls("job_queue_complete")).isBetween(1L, 3L);
        assertThat(wire.calls("job_queue_claim")).isOne();
    }

    @Test
    void handlerLimit_isKeptAndClaimsNothingThatCannotStart() throws Exception {
        int videos = 12;
        int images = 12;
        List<JobRequest> requests = new ArrayList<>();
        for (int i = 0; i < videos; i++) {
            requests.add(job("v" + i, "v" + i).handler(name("video")).build());
        }
        for (int i = 0; i < images; i++) {
            requests.add(job("i" + i, "i" + i).handler(name("image")).build());
        }
        others.enqueueAll(requests);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Queue<String> refused = new ConcurrentLinkedQueue<>();
        AtomicInteger heldVideos = new AtomicInteger();
        CountDownLatch imagesDone = new CountDownLatch(images);
        CountDownLatch finished = new CountDownLatch(videos + images);
        JobWorker worker = closing(worker(new WorkerListener() {
                    @Override
                    public void jobStarted(Lease lease) {
                        if (lease.handler().equals(name("video")) && heldVideos.incrementAndGet() > 2) {
                            refused.add(lease.jobId());
                        }
                    }

                    @Override
                    public void handlerEnded(Lease lease, Duration ran, @Nullable Throwable thrown) {
                        if (lease.handler().equals(name("video"))) {
                            heldVideos.decrementAndGet();
                        }
                    }

                    @Override
                    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                        finished.countDown();
                    }
                })
                .handle(name("video"), job -> {
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    // Videos take long: all the images pass them meanwhile.
                    await(imagesDone);
                    inside.decrementAndGet();
                    return Outcome.complete();
                })
                .handle(name("image"), job -> {
                    imagesDone.countDown();
                    return Outcome.complete();
                })
                .concurrency(5)
                .concurrency(name("video"), 2)
                .build());

        worker.start();
        await(finished);

        assertThat(most.get()).isBetween(1, 2);
        assertThat(refused).isEmpty();
        assertThat(worker.state().released()).isZero();
    }

    @Test
    void directExecutor_runsOnTheCallersThreadAndTheLeasesAreKept() throws Exception {
        CountDownLatch finished = new CountDownLatch(2);
        JobWorker worker = closing(worker(counting(finished))
                .handle(name("handler"), job -> {
                    long beats = wire.calls("job_queue_heartbeat");
                    while (wire.calls("job_queue_heartbeat") < beats + 4) {
                        Thread.onSpinWait();
                    }
                    return Outcome.complete(job.attempt());
                })
                .executor(Runnable::run)
                .lease(Duration.ofSeconds(1))
                .build());
        others.enqueueAll(List.of(job("a", "m").build(), job("b", "n").build()));

        worker.start();
        await(finished);

        // More than a lease time went by, with the worker's main thread busy.
        assertThat(others.explain(name("a")).attempt()).isOne();
        assertThat(others.explain(name("b")).attempt()).isOne();
    }

    @Test
    void executorThatFails_givesTheJobBack() throws Exception {
        AtomicInteger offers = new AtomicInteger();
        CountDownLatch finished = new CountDownLatch(2);
        JobWorker worker = closing(worker(counting(finished))
                .handle(name("handler"), job -> Outcome.complete())
                .executor(task -> {
                    if (offers.getAndIncrement() == 0) {
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                    new Thread(task).start();
                })
                .build());
        others.enqueue(job("j", "m").maxAttempts(1).build());

        worker.start();
        await(finished);

        assertThat(worker.state().released()).isOne();
        assertThat(worker.state().completed()).isOne();
    }

    /** A delay takes up no slot: with one only, the next job runs meanwhile. */
    @Test
    void f89_delayedRetryHoldsNoSlot() throws Exception {
        CountDownLatch finished = new CountDownLatch(2);
        Queue<String> handled = new ConcurrentLinkedQueue<>();
        JobWorker worker = closing(worker(counting(finished))
                .handle(name("handler"), job -> {
                    handled.add(job.jobId());
                    return job.jobId().equals(name("a"))
                            ? Outcome.retryIn(Duration.ofHours(1), "busy")
                            : Outcome.complete();
                })
                .concurrency(1)
                .build());
        others.enqueueAll(List.of(job("a", "m").build(), job("b", "m").build()));

        worker.start();
        await(finished);

        assertThat(handled).containsExactly(name("a"), name("b"));
    }

    /** A job that runs for long delays nobody's retry. */
    @Test
    void f136_longJobDelaysNoRetry() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch retried = new CountDownLatch(1);
        CountDownLatch finished = new CountDownLatch(3);
        JobWorker worker = closing(worker(counting(finished))
                .handle(name("handler"), job -> {
                    if (job.jobId().equals(name("long"))) {
                        inside.countDown();
                        await(retried);
                        return Outcome.complete();
                    }
                    await(inside);
                    if (job.attempt() == 1) {
                        return Outcome.retryIn(Duration.ZERO, "busy");
                    }
                    retried.countDown();
                    return Outcome.complete();
                })
                .concurrency(2)
                .build());
        others.enqueueAll(List.of(job("long", "m").build(), job("short", "n").build()));

        worker.start();
        await(finished);

        assertThat(worker.state().completed()).isEqualTo(2);
    }

    @Test
    void onStop_isDoneBesideTheInterrupt() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch aborted = new CountDownLatch(1);
        CountDownLatch finished = new CountDownLatch(1);
        JobWorker worker = closing(worker(counting(finished))
                .handle(name("handler"), job -> {
                    job.onStop(() -> {
                        throw new IllegalStateException("the user's own");
                    });
                    job.onStop(aborted::countDown);
                    inside.countDown();
                    // As a call that no interrupt reaches.
                    while (aborted.getCount() > 0) {
                        Thread.onSpinWait();
                    }
                    CountDownLatch atOnce = new CountDownLatch(1);
                    job.onStop(atOnce::countDown);
                    Thread.interrupted();
                    await(atOnce);
                    throw new InterruptedException("stopped");
                })
                .lease(Duration.ofSeconds(2))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        others.cancel(name("j"), null);
        await(finished);

        assertThat(worker.state().cancelled()).isOne();
    }

    private WorkerListener counting(CountDownLatch finished) {
        return new WorkerListener() {
            @Override
            public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                finished.countDown();
            }
        };
    }

    private JobWorker.Builder worker(WorkerListener listener) {
        return JobWorker.builder(coordinator)
                .workerId(name("worker"))
                .pollInterval(Duration.ofMillis(10), Duration.ofMillis(200))
                .listener(listener);
    }
}
