package dev.interlock.benchmarks.cases;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/** A worker that runs jobs for some seconds, puts a new one in line for each, and then prints the peak of its live heap in megabytes. */
public final class WorkerProcess {

    private WorkerProcess() {}

    public static void main(String[] args) throws Exception {
        AtomicLong ran = new AtomicLong();
        double peak = 0;
        try (SupabaseClient supabase = SupabaseClient.fromEnv()) {
            JobCoordinator coordinator = JobCoordinator.create(supabase);
            JobWorker worker = JobWorker.builder(coordinator)
                    .handle("normal", context -> {
                        coordinator.enqueue(JobRequest.normal("after-" + UUID.randomUUID())
                                .models(context.models())
                                .build());
                        ran.incrementAndGet();
                        return Outcome.complete();
                    })
                    .concurrency(8)
                    .build();
            worker.start();
            Instant end = Instant.now().plus(Duration.ofSeconds(Long.parseLong(args[0])));
            while (Instant.now().isBefore(end)) {
                Thread.sleep(250);
                System.gc();
                peak = Math.max(
                        peak,
                        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1048576.0);
            }
            worker.close();
        }
        if (ran.get() == 0) {
            throw new IllegalStateException("The worker had nothing to do.");
        }
        System.out.println(peak);
    }
}
