package dev.interlock.it.worker;

import dev.interlock.JobCoordinator;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import dev.interlock.WorkerState;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A program with a worker as in the guide, which {@link ShutdownTest} sends signals. It says on its standard output how far it is. */
public final class SignalledProcess {
    private SignalledProcess() {}

    /** The one argument is what the names of its handlers end with. */
    public static void main(String[] args) throws Exception {
        AtomicReference<@Nullable JobWorker> self = new AtomicReference<@Nullable JobWorker>();
        SupabaseClient supabase = SupabaseClient.fromEnv();
        JobWorker worker = JobWorker.builder(JobCoordinator.create(supabase))
                .handle("until-it-closes" + args[0], job -> {
                    say("inside");
                    while (Objects.requireNonNull(self.get()).state().phase() == WorkerState.Phase.RUNNING) {
                        Thread.onSpinWait();
                    }
                    return Outcome.complete("in time");
                })
                .handle("for-ever" + args[0], job -> {
                    say("inside");
                    new CountDownLatch(1).await();
                    return Outcome.complete();
                })
                .concurrency(1)
                .closeGrace(Duration.ofMinutes(10))
                .build();
        self.set(worker);
        worker.start();
        worker.closeOnShutdown();
        Thread watch = new Thread(() -> {
            while (worker.state().phase() == WorkerState.Phase.RUNNING) {
                Thread.onSpinWait();
            }
            say("closing");
        });
        watch.setDaemon(true);
        watch.start();
        // Ends with the test at the latest.
        while (System.in.read() >= 0) {
            Thread.onSpinWait();
        }
        Runtime.getRuntime().halt(1);
    }

    private static void say(String word) {
        System.out.println(word);
    }
}
