package dev.interlock.samples;

import dev.interlock.FailurePolicy;
import dev.interlock.JobCoordinator;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Migrator;
import dev.interlock.Outcome;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** A worker in thirty lines: typed payloads, an idempotency key for the provider, and what becomes of a job by the kind of its failure. */
public final class RunWorker {

    private static final Set<JobStatus> ENDED = Set.of(JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED);

    private RunWorker() {}

    /** Ends with exit code 0 when each job ended as its kind should. */
    public static void main(String[] args) throws Exception {
        try (Project project = Project.open()) {
            Migrator.create(project.supabase()).migrate();
            JobCoordinator coordinator = JobCoordinator.create(project.supabase());
            String run = UUID.randomUUID().toString().substring(0, 8);

            try (JobWorker worker = worker(coordinator, "image-" + run)) {
                worker.start();
                worker.closeOnShutdown();
                for (String text : List.of("a knight", "a busy knight", "a forbidden knight")) {
                    coordinator.enqueue(JobRequest.normal(text.replace(' ', '-') + "-" + run)
                            .handler("image-" + run)
                            .models("flux-dev-" + run)
                            .payload(new Prompt(text))
                            .build());
                }
                check(coordinator, run);
            }
        }
    }

    // sample:start
    record Prompt(String text) {}

    record Image(String url) {}

    private static JobWorker worker(JobCoordinator coordinator, String handler) {
        Provider provider = new Provider();
        return JobWorker.builder(coordinator)
                .handle(handler, Prompt.class, (prompt, job) -> {
                    job.progress(10, "drawing " + prompt.text());
                    Image image = provider.draw(prompt, job.idempotencyKey());
                    return Outcome.complete(image);
                })
                .failurePolicy(FailurePolicy.exponential(Duration.ofSeconds(1), Duration.ofMinutes(5))
                        .failingOn(RefusedException.class)
                        .on(BusyException.class, (busy, job) -> Outcome.retryIn(busy.retryAfter(), "provider busy")))
                .concurrency(8)
                .build();
    }
    // sample:end

    /** A provider that refuses one prompt and is busy at first for another. */
    private static final class Provider {

        private final Set<String> told = ConcurrentHashMap.newKeySet();

        Image draw(Prompt prompt, String idempotencyKey) throws RefusedException, BusyException {
            System.out.println("The provider is asked for " + prompt.text() + ", with the key " + idempotencyKey);
            if (prompt.text().contains("forbidden")) {
                throw new RefusedException();
            }
            if (prompt.text().contains("busy") && told.add(prompt.text())) {
                throw new BusyException(Duration.ofMillis(300));
            }
            return new Image("https://example.com/" + prompt.text().replace(' ', '-') + ".png");
        }
    }

    private static final class RefusedException extends Exception {

        RefusedException() {
            super("The prompt is against the rules.");
        }
    }

    private static final class BusyException extends Exception {

        private final transient Duration retryAfter;

        BusyException(Duration retryAfter) {
            super("Too many requests.");
            this.retryAfter = retryAfter;
        }

        Duration retryAfter() {
            return retryAfter;
        }
    }

    private static void check(JobCoordinator coordinator, String run) throws InterruptedException {
        Map<String, String> expected = new LinkedHashMap<>();
        expected.put("a-knight", "COMPLETED after 1 attempt");
        expected.put("a-busy-knight", "COMPLETED after 2 attempts");
        expected.put("a-forbidden-knight", "FAILED after 1 attempt");
        for (Map.Entry<String, String> each : expected.entrySet()) {
            JobExplanation job = coordinator.explain(each.getKey() + "-" + run);
            while (!ENDED.contains(job.status())) {
                Thread.sleep(50);
                job = coordinator.explain(job.jobId());
            }
            String ended = job.status() + " after " + job.attempt() + (job.attempt() == 1 ? " attempt" : " attempts");
            System.out.println(each.getKey() + ": " + ended + ", "
                    + (job.status() == JobStatus.COMPLETED ? job.result(Image.class) : job.error()));
            if (!ended.equals(each.getValue())) {
                throw new IllegalStateException(each.getKey() + " should be " + each.getValue() + ".");
            }
        }
    }
}
