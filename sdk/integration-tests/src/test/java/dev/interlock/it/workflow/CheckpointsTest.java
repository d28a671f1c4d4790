package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.interlock.CheckpointResult;
import dev.interlock.ClaimRequest;
import dev.interlock.Holding;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobStep;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.LeaseLostException;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkflowDefinition;
import dev.interlock.WorkflowState;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A step's output is saved once, and a step that is saved is never run again. */
class CheckpointsTest extends WorkflowTestBase {

    @Test
    @DisplayName("Steps run in order with the outputs of those before; the last output is the result (F104, F108)")
    void f104_f108_stepsRunInOrder() throws Exception {
        Queue<List<String>> held = new ConcurrentLinkedQueue<>();
        WorkflowDefinition knight = workflow()
                .step("image", name("nano-banana"), step -> {
                    held.add(held());
                    return new Image(step.job().payload(Prompt.class).text() + ".png");
                })
                .step("video", name("motion"), step -> {
                    held.add(held());
                    return new Video("video", step.previousOutput(Image.class).url());
                })
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, knight).build()).start();

        others.enqueue(job("j", knight).payload(new Prompt("a knight")).build());
        heard.awaitRuns();

        JobExplanation job = others.explain(name("j"));
        assertThat(job.status()).isEqualTo(JobStatus.COMPLETED);
        assertThat(job.finishedAt()).isNotNull();
        assertThat(job.progress()).isEqualTo(100);
        assertThat(job.result(Video.class)).isEqualTo(new Video("video", "a knight.png"));
        assertThat(held).hasSize(2).allSatisfy(models -> assertThat(models).containsExactly("motion", "nano-banana"));
        assertThat(heard.steps).containsExactly("image", "video");
    }

    @Test
    @DisplayName("A worker dies after a checkpoint: another one goes on with the next step (F93, F105)")
    void f93_resumesAfterTheLastCheckpoint() throws Exception {
        CountDownLatch inVideo = new CountDownLatch(1);
        Queue<String> keys = new ConcurrentLinkedQueue<>();
        WorkflowDefinition dying = workflow()
                .step("image", name("a"), step -> {
                    called.add("image");
                    keys.add(step.idempotencyKey());
                    return new Image("1.png");
                })
                .step("video", name("b"), step -> {
                    called.add("video");
                    keys.add(step.idempotencyKey());
                    wire.cut();
                    inVideo.countDown();
                    new CountDownLatch(1).await();
                    return null;
                })
                .build();
        WorkflowDefinition next = workflow()
                .step("image", name("a"), step -> called.add("image again"))
                .step("video", name("b"), step -> {
                    called.add("video again of "
                            + step.output("image", Image.class).url());
                    keys.add(step.idempotencyKey());
                    return new Video("2.mp4", step.previousOutput(Image.class).url());
                })
                .build();
        closing(worker(new Heard(1), dying).lease(Duration.ofSeconds(6)).build())
                .start();
        others.enqueue(job("j", dying).build());
        await(inVideo);
        letLeaseRunOut(name("j"));

        Heard heard = new Heard(1);
        closing(worker(others, "another", heard, next).build()).start();
        heard.awaitRuns();

        assertThat(called).containsExactly("image", "video", "video again of 1.png");
        assertThat(others.explain(name("j")).result(Video.class)).isEqualTo(new Video("2.mp4", "1.png"));
        assertThat(keys).startsWith(name("j") + ":0:1", name("j") + ":1:1").hasSize(3);
    }

    @Test
    @DisplayName("The answers to a checkpoint are lost: the step is not run again and its output is kept (F94, F98)")
    void f94_f98_answersAreLost() throws Exception {
        WorkflowDefinition knight = workflow()
                .step("image", name("a"), step -> {
                    called.add("image");
                    wire.loseAnswers("job_queue_checkpoint", 5);
                    return new Image("1.png");
                })
                .step("video", name("b"), step -> {
                    called.add("video");
                    return step.previousOutput(Image.class);
                })
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, knight).build()).start();
        others.enqueue(job("j", knight).build());
        heard.awaitRuns();

        assertThat(called).containsExactly("image", "video");
        assertThat(heard.statuses).containsExactly(OutcomeStatus.COMPLETED);
        assertThat(others.explain(name("j")).result(Image.class)).isEqualTo(new Image("1.png"));
        assertThat(wire.calls("job_queue_checkpoint")).isEqualTo(5 + 2);
    }

    @Test
    @DisplayName("A run that lost its job saves nothing: what the newer run saved stays (F95)")
    void f95_lateRunSavesNothing() throws Exception {
        CountDownLatch inImage = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        WorkflowDefinition slow = workflow()
                .step("image", name("a"), step -> {
                    inImage.countDown();
                    while (goOn.getCount() > 0) {
                        try {
                            goOn.await();
                        } catch (InterruptedException ignored) {
                            called.add("interrupted");
                        }
                    }
                    return new Image("late.png");
                })
                .step("video", name("b"), step -> called.add("late video"))
                .build();
        Heard late = new Heard(1);
        // One job at a time, so that it does not take the same one again.
        JobWorker worker = closing(
                worker(late, slow).concurrency(1).lease(Duration.ofSeconds(6)).build());
        worker.start();
        others.enqueue(job("j", slow).build());
        await(inImage);
        letLeaseRunOut(name("j"));
        Lease newer = others.claim(ClaimRequest.builder(1).handlers(slow.id()).build())
                .leases()
                .get(0);
        assertThat(others.checkpoint(newer, 0, new Image("newer.png")).goesOn()).isTrue();

        goOn.countDown();
        await(late.lost);
        worker.close();

        assertThat(called).doesNotContain("late video");
        letLeaseRunOut(name("j"));
        WorkflowState state =
                state(others.claim(ClaimRequest.builder(1).handlers(slow.id()).build())
                        .leases()
                        .get(0));
        assertThat(state.currentStep()).isEqualTo(1);
        assertThat(state.output(0, Image.class)).isEqualTo(new Image("newer.png"));
    }

    @Test
    @DisplayName("Steps by hand: the lease says how far the job is, and a checkpoint whether the run goes on")
    void stepsByHand() {
        others.enqueue(JobRequest.workflow(name("j"), name("by hand"))
                .step("image", name("a"))
                .step("review")
                .step("video", name("b"))
                .holding(Holding.PER_STEP)
                .build());
        Lease lease = claim();
        WorkflowState state = state(lease);
        assertThat(state.holding()).isEqualTo(Holding.PER_STEP);
        assertThat(state.steps())
                .containsExactly(
                        new JobStep("image", List.of(name("a"))),
                        new JobStep("review", List.of()),
                        new JobStep("video", List.of(name("b"))));
        assertThat(state.currentStep()).isZero();

        CheckpointResult saved = others.checkpoint(lease, 0, Map.of("url", "1.png"));
        assertThat(saved.result()).isEqualTo(CheckpointResult.Result.SAVED);
        assertThat(saved.models()).isEmpty();
        others.enqueue(JobRequest.normal(name("busy"))
                .models(name("b"))
                .handler(name("other"))
                .build());
        others.claim(ClaimRequest.builder(1).handlers(name("other")).build());
        CheckpointResult waiting = others.checkpoint(lease, 1, null);
        assertThat(waiting.result()).isEqualTo(CheckpointResult.Result.WAITING);
        assertThat(waiting.jobStatus()).isEqualTo(JobStatus.WAITING);
        assertThat(waiting.blockedByJobId()).isEqualTo(name("busy"));
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> others.checkpoint(lease, 2, null))
                .satisfies(e -> assertThat(e.status()).isEqualTo(OutcomeStatus.NOT_RUNNING));
    }

    @Test
    @DisplayName("A checkpoint of a later step, or of a job without steps, is refused")
    void refusedCheckpoints() {
        others.enqueue(JobRequest.workflow(name("j"), name("by hand"))
                .step("image", name("a"))
                .step("video", name("b"))
                .build());
        Lease lease = claim();
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> others.checkpoint(lease, 1, null))
                .satisfies(e -> assertThat(e.code()).isEqualTo("JQ007"));
    }

    private Lease claim() {
        return others.claim(ClaimRequest.builder(1).handlers(name("by hand")).build())
                .leases()
                .get(0);
    }

    private static WorkflowState state(Lease lease) {
        return Objects.requireNonNull(lease.workflow());
    }
}
