package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.ClaimRequest;
import dev.interlock.Holding;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.Lease;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkflowDefinition;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The three ways in which a workflow holds its models, as a worker runs it. */
class HoldingTest extends WorkflowTestBase {
    private final Queue<List<String>> heldInSteps = new ConcurrentLinkedQueue<>();

    @Test
    @DisplayName("release_as_used: each model is given back after the last step that needs it")
    void releaseAsUsed() throws Exception {
        assertThat(heldWith(Holding.RELEASE_AS_USED))
                .containsExactly(List.of("a", "b", "c"), List.of("b", "c"), List.of("c"));
    }

    @Test
    @DisplayName("whole_run: all models from start to end")
    void wholeRun() throws Exception {
        assertThat(heldWith(Holding.WHOLE_RUN))
                .containsExactly(List.of("a", "b", "c"), List.of("a", "b", "c"), List.of("a", "b", "c"));
    }

    @Test
    @DisplayName("per_step: only those of the current step, several where it has several")
    void perStep() throws Exception {
        assertThat(heldWith(Holding.PER_STEP)).containsExactly(List.of("a", "c"), List.of("b"), List.of("c"));
    }

    private Queue<List<String>> heldWith(Holding rule) throws Exception {
        WorkflowDefinition definition = workflow()
                .step("one", s -> s.models(name("a"), name("c")).handler(step -> heldInSteps.add(held())))
                .step("two", name("b"), step -> heldInSteps.add(held()))
                .step("three", name("c"), step -> heldInSteps.add(held()))
                .holding(rule)
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();
        assertThat(heard.statuses).containsExactly(OutcomeStatus.COMPLETED);
        return heldInSteps;
    }

    @Test
    @DisplayName("per_step: the next model is busy: the run ends, nothing is held, and a later run goes on")
    void perStepWaits() throws Exception {
        WorkflowDefinition definition = workflow()
                .step("image", name("a"), step -> {
                    called.add("image");
                    return new Image("1.png");
                })
                .step("video", name("b"), step -> {
                    called.add("video of " + step.previousOutput(Image.class).url() + " in attempt " + step.attempt()
                            + " of the job's " + step.job().attempt());
                    return null;
                })
                .holding(Holding.PER_STEP)
                .build();
        others.enqueue(JobRequest.normal(name("busy"))
                .models(name("b"))
                .handler(name("other"))
                .build());
        Lease busy = others.claim(
                        ClaimRequest.builder(1).handlers(name("other")).build())
                .leases()
                .get(0);
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        JobExplanation waiting = others.explain(name("j"));
        assertThat(waiting.status()).isEqualTo(JobStatus.WAITING);
        assertThat(waiting.blockedByJobId()).isEqualTo(name("busy"));
        assertThat(held()).containsExactly("b");
        assertThat(wire.calls("job_queue_checkpoint")).isOne();

        others.complete(busy);
        await(heard.ended);
        assertThat(called).containsExactly("image", "video of 1.png in attempt 1 of the job's 1");
        assertThat(heard.statuses).containsExactly(OutcomeStatus.RELEASED, OutcomeStatus.COMPLETED);
    }

    @Test
    @DisplayName("per_step: two workflows that need each other's models both finish (F109)")
    void f109_oppositeOrders() throws Exception {
        WorkflowDefinition there = WorkflowDefinition.builder(name("there"))
                .step("one", name("a"), step -> called.add("there"))
                .step("two", name("b"), step -> called.add("there"))
                .holding(Holding.PER_STEP)
                .build();
        WorkflowDefinition back = WorkflowDefinition.builder(name("back"))
                .step("one", name("b"), step -> called.add("back"))
                .step("two", name("a"), step -> called.add("back"))
                .holding(Holding.PER_STEP)
                .build();
        int each = 5;
        for (int i = 0; i < each; i++) {
            others.enqueue(job("there" + i, there).build());
            others.enqueue(job("back" + i, back).build());
        }
        Heard heard = new Heard(1, 2 * each);
        closing(worker(heard, there, back).concurrency(4).build()).start();
        await(heard.ended);
        assertThat(called).hasSize(4 * each);
        assertThat(held()).isEmpty();
    }
}
