package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.InterlockException;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
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
import org.junit.jupiter.api.Test;

/** A worker whose coordinator is away, or whose answers get lost. */
class WorkerOutageTest extends CoordinatorTestBase {
    @Test
    void outage_startsNothingAndTheWorkerRecoversByItself() throws Exception {
        Events events = new Events(1, 3);
        Queue<String> handled = new ConcurrentLinkedQueue<>();
        JobWorker worker = closing(worker(events)
                .handle(name("handler"), job -> {
                    handled.add(job.jobId());
                    return Outcome.complete();
                })
                .build());
        wire.cut();
        worker.start();
        others.enqueue(job("j", "m").build());

        await(events.failures);

        assertThat(handled).isEmpty();
        assertThat(worker.state().isHealthy()).isFalse();
        assertThat(worker.state().failingSince()).isNotNull();
        assertThat(worker.state().lastFailure()).isNotBlank();
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.WAITING);

        wire.mend();
        await(events.recovered);
        await(events.finished);
        assertThat(handled).containsExactly(name("j"));
        assertThat(worker.state().isHealthy()).isTrue();
    }

    @Test
    void outage_keepsTheOutcomeOfAJobThatEndsMeanwhile() throws Exception {
        Events events = new Events(1, 3);
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        JobWorker worker = closing(worker(events)
                .handle(name("handler"), job -> {
                    inside.countDown();
                    end.await();
                    return Outcome.complete("worth money");
                })
                .concurrency(1)
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        wire.cut();
        end.countDown();
        await(events.failures);
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.RUNNING);

        wire.mend();
        await(events.finished);
        assertThat(events.statuses).containsExactly(OutcomeStatus.COMPLETED);
        assertThat(others.explain(name("j")).attempt()).isOne();
        assertThat(others.explain(name("j")).result(String.class)).isEqualTo("worth money");
    }

    @Test
    void outageLongerThanTheLease_interruptsTheHandlerAndTheJobRunsAgainLater() throws Exception {
        Events events = new Events(1, 1);
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch lost = events.lost;
        JobWorker worker = closing(worker(events)
                .handle(name("handler"), job -> {
                    inside.countDown();
                    if (job.attempt() == 1) {
                        new CountDownLatch(1).await();
                    }
                    return Outcome.complete(job.attempt());
                })
                .lease(Duration.ofSeconds(1))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        wire.cut();
        await(lost);
        wire.mend();
        await(events.finished);

        assertThat(others.explain(name("j")).result(Integer.class)).isEqualTo(2);
        assertThat(worker.state().lost()).isOne();
    }

    @Test
    void lostAnswersToClaims_startEachJobOnce() throws Exception {
        int jobs = 6;
        Events events = new Events(jobs, 1);
        Queue<String> handled = new ConcurrentLinkedQueue<>();
        enqueue(jobs);
        // More than the client's own repeats, so that the worker has to send the same again.
        wire.loseAnswers("job_queue_claim", 7);
        JobWorker worker = closing(worker(events)
                .handle(name("handler"), job -> {
                    handled.add(job.jobId() + " " + job.attempt());
                    return Outcome.complete();
                })
                .concurrency(jobs)
                .build());

        worker.start();
        await(events.finished);

        assertThat(handled).hasSize(jobs).doesNotHaveDuplicates().allMatch(run -> run.endsWith(" 1"));
        assertThat(events.failures.getCount()).isZero();
    }

    @Test
    void lostAnswersToCompletions_loseNoJobAndRunNoneTwice() throws Exception {
        int jobs = 8;
        Events events = new Events(jobs, 1);
        Queue<String> handled = new ConcurrentLinkedQueue<>();
        enqueue(jobs);
        wire.loseAnswers("job_queue_complete", 7);
        JobWorker worker = closing(worker(events)
                .handle(name("handler"), job -> {
                    handled.add(job.jobId() + " " + job.attempt());
                    return Outcome.complete();
                })
                .concurrency(2)
                .build());

        worker.start();
        await(events.finished);

        assertThat(handled).hasSize(jobs).doesNotHaveDuplicates().allMatch(run -> run.endsWith(" 1"));
        assertThat(events.statuses).hasSize(jobs).containsOnly(OutcomeStatus.COMPLETED);
    }

    @Test
    void databaseLostInTheMiddleOfACompletion_isNotTakenForARefusal() throws Exception {
        Events events = new Events(1, 1);
        // What PostgREST says then: a 400 without a code, as if the outcome itself were at fault.
        wire.answer400("job_queue_complete", 2, "{\"code\":\"\",\"details\":null,\"hint\":null,\"message\":\"\"}");
        JobWorker worker = closing(worker(events)
                .handle(name("handler"), job -> Outcome.complete("worth money"))
                .build());
        others.enqueue(job("j", "m").build());

        worker.start();
        await(events.finished);

        assertThat(events.statuses).containsExactly(OutcomeStatus.COMPLETED);
        assertThat(others.explain(name("j")).result(String.class)).isEqualTo("worth money");
    }

    @Test
    void close_whileTheCoordinatorIsAway_comesToAnEnd() throws Exception {
        Events events = new Events(1, 1);
        CountDownLatch inside = new CountDownLatch(1);
        JobWorker worker = closing(worker(events)
                .handle(name("handler"), job -> {
                    inside.countDown();
                    new CountDownLatch(1).await();
                    return Outcome.complete();
                })
                .closeGrace(Duration.ZERO)
                .stopTime(Duration.ofMillis(200))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        wire.cut();
        worker.close();

        assertThat(others.explain(name("j")).attempt()).isOne();
    }

    private void enqueue(int jobs) {
        List<JobRequest> requests = new ArrayList<>();
        for (int i = 0; i < jobs; i++) {
            requests.add(job("j" + i, "m" + i).build());
        }
        others.enqueueAll(requests);
    }

    private JobWorker.Builder worker(WorkerListener listener) {
        return JobWorker.builder(coordinator)
                .workerId(name("worker"))
                .pollInterval(Duration.ofMillis(10), Duration.ofMillis(100))
                .listener(listener);
    }

    /** What the worker told, to be waited for. */
    static final class Events implements WorkerListener {
        final CountDownLatch finished;
        final CountDownLatch failures;
        final CountDownLatch recovered = new CountDownLatch(1);
        final CountDownLatch lost = new CountDownLatch(1);
        final Queue<OutcomeStatus> statuses = new ConcurrentLinkedQueue<>();

        Events(int jobs, int failures) {
            this.finished = new CountDownLatch(jobs);
            this.failures = new CountDownLatch(failures);
        }

        @Override
        public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
            statuses.add(status);
            finished.countDown();
        }

        @Override
        public void leaseLost(Lease lease, String reason) {
            lost.countDown();
        }

        @Override
        public void callFailed(InterlockException failure) {
            failures.countDown();
        }

        @Override
        public void recovered(Duration outage) {
            recovered.countDown();
        }
    }
}
