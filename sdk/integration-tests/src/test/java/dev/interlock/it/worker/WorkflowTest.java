package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.QueueStatus;
import dev.interlock.WorkerListener;
import dev.interlock.WorkflowDefinition;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class WorkflowTest extends CoordinatorTestBase {
    record Prompt(String text) {}

    record Image(String url) {}

    record Video(String url, String of) {}

    private final Queue<List<String>> heldInSteps = new ConcurrentLinkedQueue<>();

    @Test
    void workflow_runsItsStepsInOrderHoldingAllItsModels() throws Exception {
        WorkflowDefinition knight = knight();
        CountDownLatch finished = start(knight);

        others.enqueue(JobRequest.workflow(name("j"), knight)
                .payload(new Prompt("a knight"))
                .build());
        await(finished);

        JobExplanation job = others.explain(name("j"));
        assertThat(job.status()).isEqualTo(JobStatus.COMPLETED);
        assertThat(job.result(Video.class)).isEqualTo(new Video("video", "image of a knight"));
        assertThat(heldInSteps)
                .hasSize(2)
                .allSatisfy(
                        models -> assertThat(models).containsExactlyInAnyOrder(name("nano-banana"), name("motion")));
    }

    @Test
    void workflow_whenItsJobLacksAModel_failsBeforeItsFirstStep() throws Exception {
        WorkflowDefinition knight = knight();
        CountDownLatch finished = start(knight);

        others.enqueue(JobRequest.workflow(name("j"), knight.id())
                .models(name("motion"))
                .build());
        await(finished);

        JobExplanation job = others.explain(name("j"));
        assertThat(job.status()).isEqualTo(JobStatus.FAILED);
        assertThat(job.error()).contains(name("nano-banana"));
        assertThat(heldInSteps).isEmpty();
    }

    private WorkflowDefinition knight() {
        return WorkflowDefinition.builder(name("knight"))
                .step("image", name("nano-banana"), step -> {
                    heldInSteps.add(heldNow());
                    return new Image(
                            "image of " + step.job().payload(Prompt.class).text());
                })
                .step("video", name("motion"), step -> {
                    heldInSteps.add(heldNow());
                    return new Video("video", step.previousOutput(Image.class).url());
                })
                .build();
    }

    /** The models that somebody else's eyes see held, of this test's. */
    private List<String> heldNow() {
        return others.status().models().stream()
                .filter(model -> !model.holders().isEmpty())
                .map(QueueStatus.Model::model)
                .filter(model -> model.equals(name("nano-banana")) || model.equals(name("motion")))
                .toList();
    }

    private CountDownLatch start(WorkflowDefinition definition) {
        CountDownLatch finished = new CountDownLatch(1);
        closing(JobWorker.builder(coordinator)
                        .workerId(name("worker"))
                        .pollInterval(Duration.ofMillis(10), Duration.ofMillis(200))
                        .workflow(definition)
                        .listener(new WorkerListener() {
                            @Override
                            public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                                finished.countDown();
                            }
                        })
                        .build())
                .start();
        return finished;
    }
}
