package dev.interlock.samples;

import dev.interlock.FailurePolicy;
import dev.interlock.Holding;
import dev.interlock.JobCoordinator;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Migrator;
import dev.interlock.WorkflowDefinition;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A workflow in forty lines: two steps, each on its model. The first run fails in the second step; the second run goes on from there, with the output
 * of the first step, which is not made again.
 */
public final class RunWorkflow {

    private RunWorkflow() {}

    // sample:start
    record Prompt(String text) {}

    record Image(String url) {}

    record Video(String url, Image from) {}

    private static WorkflowDefinition knight(String run, Provider provider) {
        return WorkflowDefinition.builder("knight-style-img-to-video-" + run)
                .step("style", "nano-banana-pro-" + run, step -> {
                    Prompt prompt = step.job().payload(Prompt.class);
                    return provider.draw(prompt, step.idempotencyKey());
                })
                .step(
                        "animate",
                        s -> s.model("motion-2.0-fast-" + run)
                                .timeout(Duration.ofMinutes(10))
                                .attempts(3)
                                .handler(step -> {
                                    Image image = step.previousOutput(Image.class);
                                    return provider.animate(image, step.idempotencyKey());
                                }))
                .holding(Holding.RELEASE_AS_USED)
                .build();
    }

    private static void run(JobCoordinator coordinator, String jobId, WorkflowDefinition knight) throws Exception {
        coordinator.enqueue(JobRequest.workflow(jobId, knight)
                .payload(new Prompt("a knight on a bridge"))
                .build());
        try (JobWorker worker = JobWorker.builder(coordinator)
                .workflow(knight)
                .failurePolicy(FailurePolicy.exponential(Duration.ofMillis(200), Duration.ofSeconds(5)))
                .build()) {
            worker.start();
            Set<JobStatus> ends = Set.of(JobStatus.COMPLETED, JobStatus.FAILED);
            while (!ends.contains(coordinator.explain(jobId).status())) {
                Thread.sleep(50);
            }
        }
    }
    // sample:end

    /** Ends with exit code 0 when the first step was made once and the second twice. */
    public static void main(String[] args) throws Exception {
        try (Project project = Project.open()) {
            Migrator.create(project.supabase()).migrate();
            JobCoordinator coordinator = JobCoordinator.create(project.supabase());
            String run = UUID.randomUUID().toString().substring(0, 8);
            String jobId = "knight-" + run;
            Provider provider = new Provider();

            run(coordinator, jobId, knight(run, provider));

            JobExplanation job = coordinator.explain(jobId);
            System.out.println(
                    jobId + ": " + job.status() + " after " + job.attempt() + " attempts, " + job.result(Video.class));
            List<String> expected = List.of(jobId + ":0:1", jobId + ":1:1", jobId + ":1:2");
            if (!provider.keys.equals(expected)) {
                throw new IllegalStateException("The provider was asked " + provider.keys + ", not " + expected + ".");
            }
            System.out.println("The first step was made once, the second one again from its output.");
        }
    }

    /** A provider whose video model fails the first time. */
    private static final class Provider {

        private final List<String> keys = new CopyOnWriteArrayList<>();

        Image draw(Prompt prompt, String key) {
            keys.add(key);
            System.out.println("style    with key " + key + ": " + prompt.text());
            return new Image("https://example.com/knight.png");
        }

        Video animate(Image image, String key) throws IOException {
            boolean first = keys.stream().noneMatch(k -> k.contains(":1:"));
            keys.add(key);
            System.out.println("animate  with key " + key + ": " + image.url() + (first ? " - fails" : ""));
            if (first) {
                throw new IOException("The provider hung up.");
            }
            return new Video("https://example.com/knight.mp4", image);
        }
    }
}
