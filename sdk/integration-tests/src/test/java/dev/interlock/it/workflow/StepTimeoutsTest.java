package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.FailurePolicy;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.StartResult;
import dev.interlock.StepTimeoutException;
import dev.interlock.WorkflowDefinition;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A step that takes too long. */
class StepTimeoutsTest extends WorkflowTestBase {

    @Test
    @DisplayName("A step that hangs is interrupted at its timeout and tried again; its duration is told (F96, F103)")
    void f96_f103_hangingStep() throws Exception {
        WorkflowDefinition definition = workflow()
                .step("image", name("a"), step -> called.add("image"))
                .step(
                        "video",
                        s -> s.model(name("b"))
                                .timeout(Duration.ofMillis(300))
                                .failurePolicy(FailurePolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(2)))
                                .handler(step -> {
                                    called.add("video " + step.attempt());
                                    if (step.attempt() == 1) {
                                        new CountDownLatch(1).await();
                                    }
                                    return "done";
                                }))
                .build();
        Heard heard = new Heard(2);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        assertThat(called).containsExactly("image", "video 1", "video 2");
        assertThat(heard.statuses).containsExactly(OutcomeStatus.RETRY_SCHEDULED, OutcomeStatus.COMPLETED);
        assertThat(heard.reasons).first().asString().contains("\"video\" took longer than its 0.3 seconds");
        assertThat(heard.steps).containsExactly("image", "video StepTimeoutException", "video");
        assertThat(heard.ran.stream().skip(1).findFirst().orElseThrow()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }

    @Test
    @DisplayName("A step that swallows the interrupt and returns did not work either (F96)")
    void f96_swallowedInterrupt() throws Exception {
        WorkflowDefinition definition = workflow()
                .step(
                        "video",
                        s -> s.model(name("b"))
                                .timeout(Duration.ofMillis(200))
                                .failurePolicy(
                                        (e, job) -> Outcome.fail(e.getClass().getSimpleName()))
                                .handler(step -> {
                                    while (!step.job().shouldStop()) {
                                        Thread.onSpinWait();
                                    }
                                    return "half done";
                                }))
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        assertThat(heard.reasons).containsExactly(StepTimeoutException.class.getSimpleName());
        assertThat(wire.calls("job_queue_checkpoint")).isZero();
    }

    @Test
    @DisplayName(
            "A step that does not listen is left behind: its models are free, and what it still says is for nothing (F96)")
    void f96_deafStep() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        WorkflowDefinition definition = workflow()
                .step(
                        "video",
                        s -> s.model(name("b"))
                                .timeout(Duration.ofMillis(200))
                                .failurePolicy((e, job) -> Outcome.retryIn(Duration.ofHours(1), "too long"))
                                .handler(step -> {
                                    while (goOn.getCount() > 0) {
                                        try {
                                            goOn.await();
                                        } catch (InterruptedException e) {
                                            called.add("interrupted");
                                        }
                                    }
                                    over.countDown();
                                    return "late";
                                }))
                .build();
        Heard heard = new Heard(1);
        JobWorker worker = closing(worker(heard, definition)
                .concurrency(1)
                .stopTime(Duration.ofMillis(200))
                .build());
        worker.start();
        others.enqueue(job("j", definition).build());
        await(heard.abandoned);
        heard.awaitRuns();

        StartResult other = others.start(JobRequest.normal(name("other"))
                .models(name("b"))
                .handler(name("other"))
                .build());
        assertThat(other).isInstanceOf(StartResult.Started.class);
        assertThat(heard.statuses).containsExactly(OutcomeStatus.RETRY_SCHEDULED);
        // Its thread is not free, so its slot is not either.
        assertThat(worker.state().running()).isOne();

        goOn.countDown();
        await(over);
        worker.close();
        assertThat(worker.state().running()).isZero();
        assertThat(wire.calls("job_queue_checkpoint")).isZero();
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.DELAYED);
    }
}
