package dev.interlock.it.worker;

import dev.interlock.JobCoordinator;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A process of {@link ManyJobsTest}: some workers whose handlers have one effect, a line on the standard output. It answers
 * each line of its input with the memory in use, and ends with its input.
 */
public final class ManyJobsProcess {
    static final String EFFECT = "effect ";
    static final String MEMORY = "memory ";
    static final String READY = "ready";

    private ManyJobsProcess() {}

    /** The arguments are the process's name, its handler's name and how many workers it has. */
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (SupabaseClient supabase = SupabaseClient.fromEnv()) {
            List<JobWorker> workers = new ArrayList<>();
            for (int i = 0; i < Integer.parseInt(args[2]); i++) {
                JobWorker worker = JobWorker.builder(JobCoordinator.create(supabase))
                        .workerId(args[0] + "-" + i)
                        .handle(args[1], job -> {
                            // One write, so that lines of several handlers do not mix.
                            out.println(EFFECT + job.jobId());
                            return Outcome.complete();
                        })
                        .concurrency(ManyJobsTest.CONCURRENCY)
                        .pollInterval(Duration.ofMillis(100), Duration.ofSeconds(1))
                        .build();
                worker.start();
                workers.add(worker);
            }
            out.println(READY);
            while (in.readLine() != null) {
                out.println(MEMORY + usedMemory());
            }
            workers.forEach(JobWorker::close);
        }
    }

    private static long usedMemory() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
