package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.QueueStatus;
import dev.interlock.WorkerListener;
import dev.interlock.WorkflowDefinition;
import dev.interlock.WorkflowStep;
import dev.interlock.it.worker.CoordinatorTestBase;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Workers that run workflows, and what was seen of them. */
abstract class WorkflowTestBase extends CoordinatorTestBase {
    record Prompt(String text) {}

    record Image(String url) {}

    record Video(String url, String of) {}

    /** The steps whose code was called, in order. */
    final Queue<String> called = new ConcurrentLinkedQueue<>();

    /** A workflow of this test's own. */
    final WorkflowDefinition.Builder workflow() {
        return WorkflowDefinition.builder(name("workflow"));
    }

    final JobRequest.Builder job(String id, WorkflowDefinition definition) {
        return JobRequest.workflow(name(id), definition);
    }

    /** A worker over the wire that can be watched and broken. */
    final JobWorker.Builder worker(Heard heard, WorkflowDefinition... definitions) {
        return worker(coordinator, "worker", heard, definitions);
    }

    final JobWorker.Builder worker(
            JobCoordinator over, String workerId, Heard heard, WorkflowDefinition... definitions) {
        JobWorker.Builder worker = JobWorker.builder(over)
                .workerId(name(workerId))
                .pollInterval(Duration.ofMillis(10), Duration.ofMillis(100))
                .listener(heard);
        for (WorkflowDefinition definition : definitions) {
            worker.workflow(definition);
        }
        return worker;
    }

    /** The models of this test that are held now, without what the test's name adds. */
    final List<String> held() {
        String suffix = name("");
        return others.status().models().stream()
                .filter(model -> !model.holders().isEmpty())
                .map(QueueStatus.Model::model)
                .filter(model -> model.endsWith(suffix))
                .map(model -> model.substring(0, model.length() - suffix.length()))
                .sorted()
                .toList();
    }

    /** Waits for what must come to be; the time only bounds how long a broken build takes. */
    static void until(BooleanSupplier so) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!so.getAsBoolean()) {
            assertThat(System.nanoTime()).as("the time when it has happened").isLessThan(end);
            Thread.onSpinWait();
        }
    }

    /** What a worker says. */
    static final class Heard implements WorkerListener {
        final Queue<OutcomeStatus> statuses = new ConcurrentLinkedQueue<>();
        final Queue<String> reasons = new ConcurrentLinkedQueue<>();
        final Queue<String> steps = new ConcurrentLinkedQueue<>();
        final Queue<Duration> ran = new ConcurrentLinkedQueue<>();
        final CountDownLatch ended;
        final CountDownLatch lost = new CountDownLatch(1);
        final CountDownLatch abandoned = new CountDownLatch(1);
        private final CountDownLatch finished;

        /** Waits for so many runs, or for one job that has ended. */
        Heard(int runs) {
            this(runs, 1);
        }

        Heard(int runs, int jobs) {
            finished = new CountDownLatch(runs);
            ended = new CountDownLatch(jobs);
        }

        void awaitRuns() throws InterruptedException {
            await(finished);
        }

        @Override
        public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
            statuses.add(status);
            if (outcome instanceof Outcome.Retry retry) {
                reasons.add(retry.reason());
            } else if (outcome instanceof Outcome.Fail fail) {
                reasons.add(fail.reason());
            }
            if (status == OutcomeStatus.COMPLETED
                    || status == OutcomeStatus.FAILED
                    || status == OutcomeStatus.CANCELLED) {
                ended.countDown();
            }
            finished.countDown();
        }

        @Override
        public void stepEnded(Lease lease, WorkflowStep step, Duration took, @Nullable Throwable thrown) {
            steps.add(
                    step.name() + (thrown == null ? "" : " " + thrown.getClass().getSimpleName()));
            ran.add(took);
        }

        @Override
        public void handlerAbandoned(Lease lease, WorkflowStep step) {
            abandoned.countDown();
        }

        @Override
        public void leaseLost(Lease lease, String reason) {
            lost.countDown();
        }
    }
}
