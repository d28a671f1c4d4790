package dev.interlock.samples;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Migrator;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;

/** Two jobs that need the same model, and a worker that runs one after the other. */
public final class HelloJob {

    private HelloJob() {}

    /** Uses the project that SUPABASE_URL names, else a local one. */
    public static void main(String[] args) throws Exception {
        try (Project project = Project.open()) {
            run(project.supabase());
        }
    }

    private static void run(SupabaseClient supabase) throws Exception {
        String first = "hello-" + UUID.randomUUID();
        String second = "hello-" + UUID.randomUUID();
        CountDownLatch done = new CountDownLatch(2);

        // readme:start
        Migrator.create(supabase).migrate();
        JobCoordinator coordinator = JobCoordinator.create(supabase);

        coordinator.enqueue(JobRequest.normal(first)
                .handler("image")
                .models("motion-2.0-fast")
                .payload(Map.of("prompt", "a knight"))
                .build());
        coordinator.enqueue(JobRequest.normal(second)
                .handler("image")
                .models("motion-2.0-fast")
                .build());

        try (JobWorker worker = JobWorker.builder(coordinator)
                .handle("image", job -> {
                    System.out.println(job.jobId() + " has " + job.models() + " to itself, token " + job.token());
                    done.countDown();
                    return Outcome.complete(Map.of("url", "https://example.com/knight.png"));
                })
                .concurrency(8)
                .build()) {
            worker.start();
            done.await();
        }
        // readme:end

        JobStatus last = coordinator.explain(second).status();
        if (last != JobStatus.COMPLETED) {
            throw new IllegalStateException("The second job is " + last + ".");
        }
        System.out.println("Both are done, one after the other.");
    }
}
