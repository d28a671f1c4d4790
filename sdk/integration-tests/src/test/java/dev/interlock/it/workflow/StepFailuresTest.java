package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.ClaimRequest;
import dev.interlock.FailurePolicy;
import dev.interlock.JobExplanation;
import dev.interlock.JobStatus;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.RetryResult;
import dev.interlock.WorkflowDefinition;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A step that fails: for good, or from there again. */
class StepFailuresTest extends WorkflowTestBase {
    private static final FailurePolicy SOON = FailurePolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(2));

    static final class UploadFailed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UploadFailed(String message) {
            super(message);
        }
    }

    static final class BadPrompt extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BadPrompt(String message) {
            super(message);
        }
    }

    @Test
    @DisplayName("A transient failure is tried again from the failed step, with the step's own attempts (F100)")
    void f100_transientFailure() throws Exception {
        AtomicInteger failures = new AtomicInteger(2);
        WorkflowDefinition definition = workflow()
                .step("image", name("a"), step -> called.add("image " + step.attempt()))
                .step(
                        "upload",
                        s -> s.model(name("b")).attempts(3).handler(step -> {
                            called.add("upload " + step.attempt() + " " + step.idempotencyKey());
                            if (failures.getAndDecrement() > 0) {
                                throw new UploadFailed(
                                        "a timeout, the quota, the limit: what a message says decides nothing");
                            }
                            return "done";
                        }))
                .step("video", name("c"), step -> called.add("video " + step.attempt()))
                .build();
        Heard heard = new Heard(3);
        closing(worker(heard, definition).failurePolicy(SOON).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        String key = name("j") + ":1:";
        assertThat(heard.statuses)
                .containsExactly(OutcomeStatus.RETRY_SCHEDULED, OutcomeStatus.RETRY_SCHEDULED, OutcomeStatus.COMPLETED);
        assertThat(called)
                .containsExactly(
                        "image 1",
                        "upload 1 " + key + "1",
                        "upload 2 " + key + "2",
                        "upload 3 " + key + "3",
                        "video 1");
        assertThat(heard.steps)
                .containsExactly("image", "upload UploadFailed", "upload UploadFailed", "upload", "video");
    }

    @Test
    @DisplayName("A hard failure of a step fails the job at once, by its class and whatever its words (F84)")
    void f84_hardFailure() throws Exception {
        WorkflowDefinition definition = workflow()
                .step(
                        "image",
                        s -> s.model(name("a"))
                                .failurePolicy(SOON.failingOn(BadPrompt.class))
                                .handler(step -> {
                                    throw new BadPrompt("rate limit, timeout, retry later");
                                }))
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        JobExplanation job = others.explain(name("j"));
        assertThat(job.status()).isEqualTo(JobStatus.FAILED);
        assertThat(job.attempt()).isOne();
        assertThat(job.error()).contains("BadPrompt");
        assertThat(job.finishedAt()).isNotNull();
    }

    @Test
    @DisplayName("The time at which a step may be tried again is kept (F85)")
    void f85_retryAt() throws Exception {
        Instant reset = Instant.now().plus(Duration.ofHours(5)).truncatedTo(ChronoUnit.MILLIS);
        WorkflowDefinition definition = workflow()
                .step(
                        "image",
                        s -> s.model(name("a"))
                                .failurePolicy(
                                        SOON.on(UploadFailed.class, (e, job) -> Outcome.retryAt(reset, "the quota")))
                                .handler(step -> {
                                    throw new UploadFailed("no");
                                }))
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        JobExplanation job = others.explain(name("j"));
        assertThat(job.status()).isEqualTo(JobStatus.DELAYED);
        assertThat(job.runAt()).isEqualTo(reset);
        assertThat(held()).isEmpty();
    }

    @Test
    @DisplayName("The last attempt of a step fails the job; a manual retry goes on from the failed step (F81, F107)")
    void f81_f107_manualRetry() throws Exception {
        AtomicBoolean fixed = new AtomicBoolean();
        WorkflowDefinition definition = workflow()
                .step("image", name("a"), step -> called.add("image"))
                .step(
                        "video",
                        s -> s.model(name("b")).attempts(2).failurePolicy(SOON).handler(step -> {
                            called.add("video");
                            if (!fixed.get()) {
                                throw new UploadFailed("no key");
                            }
                            return "done";
                        }))
                .build();
        assertThat(definition.maxAttempts()).isEqualTo(3);
        Heard heard = new Heard(2, 2);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.FAILED);
        assertThat(heard.reasons).last().asString().contains("\"video\" did not work in 2 attempts", "no key");

        fixed.set(true);
        RetryResult retried = others.retry(name("j"), 1);
        assertThat(retried.result()).isEqualTo(RetryResult.Result.RETRIED);
        await(heard.ended);

        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.COMPLETED);
        assertThat(called).containsExactly("image", "video", "video", "video");
        assertThat(others.retry(name("j"), 1).result()).isEqualTo(RetryResult.Result.COMPLETED);
    }

    @Test
    @DisplayName("Cancelled while a step runs: its output is kept, the next step does not start (F106)")
    void f106_cancelBetweenSteps() throws Exception {
        WorkflowDefinition definition = workflow()
                .step("image", name("a"), step -> {
                    others.cancel(step.job().jobId());
                    while (!step.job().isCancelled()) {
                        Thread.onSpinWait();
                    }
                    return new Image("1.png");
                })
                .step("video", name("b"), step -> called.add("video"))
                .build();
        Heard heard = new Heard(1, 2);
        closing(worker(heard, definition).lease(Duration.ofSeconds(3)).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        assertThat(heard.statuses).containsExactly(OutcomeStatus.CANCELLED);
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.CANCELLED);
        assertThat(called).isEmpty();

        others.retry(name("j"), 1);
        await(heard.ended);
        assertThat(called).containsExactly("video");
        assertThat(heard.steps).containsExactly("image", "video");
    }

    @Test
    @DisplayName("An output that is missing is an error, and never an older one in its place (F99)")
    void f99_missingOutput() throws Exception {
        WorkflowDefinition definition = workflow()
                .step("image", name("a"), step -> "image")
                .step("upscale", name("b"), step -> "upscaled")
                .step("video", name("c"), step -> called.add(step.previousOutput(String.class)))
                .build();
        others.enqueue(job("j", definition).build());
        Lease lease = others.claim(
                        ClaimRequest.builder(1).handlers(definition.id()).build())
                .leases()
                .get(0);
        others.checkpoint(lease, 0, "image", 2);
        others.release(lease);
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        heard.awaitRuns();

        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.FAILED);
        assertThat(heard.reasons).first().asString().contains("\"upscale\"", "missing");
        assertThat(called).isEmpty();
    }

    @Test
    @DisplayName(
            "A job without the image that a step requires fails before anything is paid for; others need none (F101, F102)")
    void f101_f102_inputImage() throws Exception {
        WorkflowDefinition definition = workflow()
                .step(
                        "prompt",
                        s -> s.noModel()
                                .handler(step ->
                                        called.add("prompt of " + step.job().jobId())))
                .step("image", s -> s.model(name("a")).requiresInputImage().handler(step -> "done"))
                .build();
        WorkflowDefinition none = WorkflowDefinition.builder(name("none"))
                .step("image", name("a"), step -> "done")
                .build();
        Heard heard = new Heard(4);
        closing(worker(heard, definition, none).build()).start();
        others.enqueueAll(List.of(
                job("without", definition).payload(new Prompt("a knight")).build(),
                job("address", definition).payload("https://x/1.png").build(),
                job("object", definition)
                        .payload(Map.of("input_image_url", List.of("https://x/1.png")))
                        .build(),
                job("needs none", none).build()));
        heard.awaitRuns();

        JobExplanation without = others.explain(name("without"));
        assertThat(without.status()).isEqualTo(JobStatus.FAILED);
        assertThat(without.error()).contains("Step \"image\" requires an input image");
        for (String id : List.of("address", "object", "needs none")) {
            assertThat(others.explain(name(id)).status()).as(id).isEqualTo(JobStatus.COMPLETED);
        }
        assertThat(called).containsExactlyInAnyOrder("prompt of " + name("address"), "prompt of " + name("object"));
    }

    @Test
    @DisplayName("A checkpoint that the database refuses for ever ends the job, and does not loop (F82, F98)")
    void f82_f98_refusedCheckpoint() throws Exception {
        WorkflowDefinition definition =
                workflow().step("image", name("a"), step -> called.add("image")).build();
        wire.answer400("job_queue_checkpoint", 1000, "{\"code\": \"JQ007\", \"message\": \"No.\", \"hint\": null}");
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.FAILED);
        assertThat(called).containsExactly("image");
        assertThat(held()).isEmpty();
    }

    @Test
    @DisplayName("A job that was put in line with other steps or models fails and says so")
    void otherSteps() throws Exception {
        WorkflowDefinition definition =
                workflow().step("image", name("a"), step -> called.add("image")).build();
        WorkflowDefinition before =
                workflow().step("picture", name("a"), step -> null).build();
        WorkflowDefinition less =
                workflow().step("image", name("b"), step -> null).build();
        Heard heard = new Heard(2);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("before", before).build());
        others.enqueue(job("less", less).build());
        heard.awaitRuns();

        assertThat(others.explain(name("before")).error()).contains("[image]", "[picture]", "another id");
        assertThat(others.explain(name("less")).error()).contains(name("a"), "enqueued without");
        assertThat(called).isEmpty();
    }
}
