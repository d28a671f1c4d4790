package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.FailurePolicy;
import dev.interlock.JobContext;
import dev.interlock.JobCoordinator;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.RetryableJobException;
import dev.interlock.WorkerListener;
import dev.interlock.WorkerState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** The code of {@code docs/guides/workers.md}: it is what stands here, and here it compiles and runs. */
class WorkersGuideTest extends CoordinatorTestBase {
    // guide:payload
    record Prompt(String text, int width, int height) {}

    record Image(String url) {}
    // guide:end

    static final class QuotaException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Instant resetsAt() {
            return Instant.parse("2090-01-01T00:00:00Z");
        }
    }

    static final class BadPromptException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** A provider as users have them. */
    private static final class Provider {
        Future<Image> generate(Prompt prompt, String idempotencyKey) {
            return java.util.concurrent.CompletableFuture.completedFuture(
                    new Image(prompt.text() + " of " + idempotencyKey));
        }

        int retryAfter() {
            return 0;
        }
    }

    private final Provider provider = new Provider();

    // guide:handler
    Outcome image(Prompt prompt, JobContext job) throws Exception {
        Future<Image> call = provider.generate(prompt, job.idempotencyKey());
        job.onStop(() -> call.cancel(true));
        job.progress(10, "waiting for the provider");
        return Outcome.complete(call.get());
    }
    // guide:end

    Outcome video(JobContext job) {
        if (job.attempt() > 100) {
            // guide:outcomes
            throw new RetryableJobException("the provider is busy", Duration.ofSeconds(provider.retryAfter()));
            // guide:end
        }
        return Outcome.complete();
    }

    @Test
    void theGuidesWorker_runs() throws Exception {
        CountDownLatch finished = new CountDownLatch(1);
        WorkerListener counting = new WorkerListener() {
            @Override
            public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                finished.countDown();
            }
        };
        // guide:worker
        JobWorker worker = JobWorker.builder(coordinator)
                .handle("image", Prompt.class, this::image)
                .handle("video", this::video)
                .concurrency(8)
                .concurrency("video", 2)
                // guide:end
                .handle(name("image"), Prompt.class, this::image)
                .listener(counting)
                // guide:worker
                .failurePolicy(FailurePolicy.exponential(Duration.ofSeconds(1), Duration.ofMinutes(5))
                        .failingOn(BadPromptException.class)
                        .on(QuotaException.class, (e, job) -> Outcome.retryAt(e.resetsAt(), "the quota is used up")))
                .build();
        worker.start();
        worker.closeOnShutdown();
        // guide:end

        others.enqueue(job("j", "m")
                .handler(name("image"))
                .payload(new Prompt("a knight", 512, 512))
                .build());
        await(finished);

        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.COMPLETED);
        assertThat(isReady(worker)).isTrue();
        worker.close();
        assertThat(isReady(worker)).isFalse();
    }

    // guide:health
    static boolean isReady(JobWorker worker) {
        WorkerState state = worker.state();
        return state.phase() == WorkerState.Phase.RUNNING
                && (state.failingSince() == null
                        || state.failingSince().isAfter(Instant.now().minusSeconds(60)));
    }
    // guide:end

    static JobWorker byModel(JobCoordinator coordinator) {
        // guide:model
        return JobWorker.builder(coordinator)
                .handleModel("motion-2.0-fast", job -> Outcome.complete())
                .handleModel("flux1-krea-dev", job -> Outcome.complete())
                .build();
        // guide:end
    }

    @Test
    void theGuide_showsThisCode() throws IOException {
        String guide = Files.readString(Path.of("../../docs/guides/workers.md")).replace("\r\n", "\n");
        List<String> lines = Files.readAllLines(
                Path.of("src/test/java/dev/interlock/it/worker/" + getClass().getSimpleName() + ".java"));
        List<String> block = new ArrayList<>();
        int blocks = 0;
        boolean inside = false;
        for (String line : lines) {
            if (line.strip().startsWith("// guide:end")) {
                inside = false;
                assertThat(guide)
                        .contains(String.join("\n", block).stripIndent().strip());
                blocks++;
                block.clear();
            } else if (line.strip().startsWith("// guide:")) {
                inside = true;
            } else if (inside) {
                block.add(line);
            }
        }
        assertThat(blocks).isEqualTo(7);
        assertThat(byModel(coordinator).state().phase()).isEqualTo(WorkerState.Phase.NEW);
    }
}
