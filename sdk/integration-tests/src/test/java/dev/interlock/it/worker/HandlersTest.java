package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.interlock.ConfigurationException;
import dev.interlock.FailurePolicy;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobExplanation;
import dev.interlock.JobHandler;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.RetryableJobException;
import dev.interlock.WorkerListener;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Which code runs which job, what it is given, and what becomes of what it says. */
class HandlersTest extends CoordinatorTestBase {
    record Prompt(String text, int seed, List<Reference> references) {
        Prompt {
            if (text != null && text.isBlank()) {
                throw new IllegalArgumentException("the text is blank");
            }
        }
    }

    record Reference(String url, double weight) {}

    private final Map<String, String> said = new ConcurrentHashMap<>();

    @Test
    void typedHandler_isGivenThePayload() throws Exception {
        CountDownLatch finished = new CountDownLatch(1);
        Prompt prompt = new Prompt("a knight", 7, List.of(new Reference("https://x/1", 0.5)));
        start(
                finished,
                builder -> builder.handle(name("handler"), Prompt.class, (given, job) -> {
                    said.put(job.jobId(), given + " " + job.idempotencyKey());
                    return Outcome.complete();
                }));

        others.enqueue(job("j", "m").payload(prompt).build());
        await(finished);

        assertThat(said).containsExactly(Map.entry(name("j"), prompt + " " + name("j") + ":1"));
    }

    @Test
    void typedHandler_whenThePayloadDoesNotFit_failsForGoodAndIsNotCalled() throws Exception {
        Map<String, Object> payloads = Map.of(
                "number", Map.of("text", "a", "seed", "a secret word"),
                "deep", Map.of("text", "a", "seed", 1, "references", List.of(Map.of("weight", List.of()))),
                "shape", List.of(1),
                "refused", Map.of("text", " ", "seed", 1));
        CountDownLatch finished = new CountDownLatch(payloads.size() + 1);
        start(
                finished,
                builder -> builder.handle(name("handler"), Prompt.class, (given, job) -> {
                    said.put(job.jobId(), given.toString());
                    return Outcome.complete();
                }));

        payloads.forEach((id, payload) ->
                others.enqueue(job(id, id).maxAttempts(5).payload(payload).build()));
        others.enqueue(job("none", "none").build());
        await(finished);

        assertThat(said).isEmpty();
        assertThat(error("number")).contains("seed", "int").doesNotContain("secret");
        assertThat(error("deep")).contains("references[0].weight");
        assertThat(error("shape")).contains("Prompt");
        assertThat(error("refused")).contains("the text is blank");
        assertThat(error("none")).contains("is empty");
        assertThat(others.explain(name("number")).status()).isEqualTo(JobStatus.FAILED);
    }

    @Test
    void modelWorker_runsJobsOfItsModelsWhateverTheirHandler() throws Exception {
        CountDownLatch finished = new CountDownLatch(3);
        start(
                finished,
                builder -> builder.handleModel(name("motion"), job -> {
                            said.put(job.jobId(), "motion");
                            return Outcome.complete();
                        })
                        .handleModel(name("flux"), Reference.class, (given, job) -> {
                            said.put(job.jobId(), "flux " + given.weight());
                            return Outcome.complete();
                        }));

        others.enqueueAll(List.of(
                job("motion", "motion").handler("image").build(),
                job("flux", "flux")
                        .handler("video")
                        .payload(new Reference("x", 2))
                        .build(),
                job("both", "motion", "flux").handler("anything").build(),
                job("other", "other").build(),
                job("mixed", "motion", "other").build()));
        await(finished);

        assertThat(said)
                .containsOnly(
                        Map.entry(name("motion"), "motion"),
                        Map.entry(name("flux"), "flux 2.0"),
                        Map.entry(name("both"), "motion"));
        assertThat(others.explain(name("other")).attempt()).isZero();
        assertThat(others.explain(name("mixed")).attempt()).isZero();
    }

    @Test
    void modelWorker_whenItHasNoCodeForAJob_saysSoInTheJob() throws Exception {
        CountDownLatch finished = new CountDownLatch(1);
        start(finished, builder -> builder.handleModel(name("motion"), job -> Outcome.complete()));

        // It needs no model that this worker does not have.
        others.enqueue(job("j").unrestricted().build());
        await(finished);

        JobExplanation job = others.explain(name("j"));
        assertThat(job.status()).isEqualTo(JobStatus.DELAYED);
        assertThat(job.error()).contains("no code");
    }

    @Test
    void f68_jobsThatFollowOneAnotherOnAModel_goToTheCodeOfTheirKind() throws Exception {
        int jobs = 12;
        CountDownLatch finished = new CountDownLatch(jobs);
        start(
                finished,
                builder -> builder.handle(name("image"), job -> {
                            said.put(job.jobId(), "image");
                            return Outcome.complete();
                        })
                        .handle(name("video"), job -> {
                            said.put(job.jobId(), "video");
                            return Outcome.complete();
                        }));
        for (int i = 0; i < jobs; i++) {
            String handler = i % 2 == 0 ? "image" : "video";
            others.enqueue(job(handler + i, "m").handler(name(handler)).build());
        }
        await(finished);

        assertThat(said).hasSize(jobs).allSatisfy((job, code) -> assertThat(job).startsWith(code));
    }

    @Test
    void builder_whenItsHandlersDoNotGoTogether_refuses() {
        JobWorker.Builder both = JobWorker.builder(coordinator)
                .handle("image", job -> Outcome.complete())
                .handleModel("motion", job -> Outcome.complete());
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(both::build)
                .withMessageContaining("[image]")
                .withMessageContaining("[motion]")
                .withMessageContaining("two workers");
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> JobWorker.builder(coordinator)
                        .handle("image", job -> Outcome.complete())
                        .concurrency("vidoe", 2)
                        .build())
                .withMessageContaining("vidoe");
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> JobWorker.builder(coordinator)
                        .handle("image", job -> Outcome.complete())
                        .handle("image", Prompt.class, (prompt, job) -> Outcome.complete()));
    }

    @Test
    void retry_whenNoTimeIsSaid_isThePolicys() throws Exception {
        Instant before = Instant.now();
        Map<String, Instant> due = retried(
                FailurePolicy.standard()
                        .on(RetryableJobException.class, (e, job) -> Outcome.retryIn(Duration.ofHours(2), "busy")),
                job -> Outcome.retry("busy"));

        assertThat(due.get(name("j")))
                .isBetween(before.plusSeconds(7200), Instant.now().plusSeconds(7260));
    }

    @Test
    void f85_retryTimeOfTheException_isHonoured() throws Exception {
        Instant reset = Instant.parse("2090-01-01T00:00:00Z");
        Instant before = Instant.now();
        Map<String, Instant> at = retried(FailurePolicy.standard(), job -> {
            throw new RetryableJobException("quota exceeded", reset);
        });
        assertThat(at.get(name("j"))).isEqualTo(reset);

        Map<String, Instant> after = retried(FailurePolicy.standard(), job -> {
            throw new RetryableJobException("rate limited", Duration.ofMinutes(10)) {
                private static final long serialVersionUID = 1L;
            };
        });
        assertThat(after.get(name("j2")))
                .isBetween(before.plusSeconds(600), Instant.now().plusSeconds(660));
    }

    @Test
    void virtualThreads_areTakenWhereTheJvmHasThem() throws Exception {
        if (Runtime.version().feature() < 21) {
            assertThatExceptionOfType(ConfigurationException.class)
                    .isThrownBy(() -> JobWorker.builder(coordinator).virtualThreads())
                    .withMessageContaining("Java 21");
            return;
        }
        CountDownLatch finished = new CountDownLatch(1);
        start(
                finished,
                builder -> builder.virtualThreads().handle(name("handler"), job -> {
                    said.put(job.jobId(), Thread.currentThread().toString());
                    return Outcome.complete();
                }));
        others.enqueue(job("j", "m").build());
        await(finished);

        assertThat(said.get(name("j"))).startsWith("VirtualThread").contains("interlock-job-");
    }

    private int retries;

    /** When a job falls due again whose handler did this. */
    private Map<String, Instant> retried(FailurePolicy policy, JobHandler code) throws Exception {
        CountDownLatch finished = new CountDownLatch(1);
        String id = retries++ == 0 ? "j" : "j" + retries;
        JobWorker worker =
                start(finished, builder -> builder.handle(name("handler"), code).failurePolicy(policy));
        others.enqueue(job(id, "m").build());
        await(finished);
        worker.close();
        return Map.of(name(id), Objects.requireNonNull(others.explain(name(id)).runAt()));
    }

    private String error(String id) {
        return Objects.requireNonNull(others.explain(name(id)).error());
    }

    private interface Setup {
        JobWorker.Builder of(JobWorker.Builder builder);
    }

    private JobWorker start(CountDownLatch finished, Setup setup) {
        JobWorker worker = closing(setup.of(JobWorker.builder(coordinator)
                        .workerId(name("worker"))
                        .pollInterval(Duration.ofMillis(10), Duration.ofMillis(100))
                        .listener(new WorkerListener() {
                            @Override
                            public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                                finished.countDown();
                            }
                        }))
                .build());
        worker.start();
        return worker;
    }
}
