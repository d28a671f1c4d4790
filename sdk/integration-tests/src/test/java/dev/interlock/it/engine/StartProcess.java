package dev.interlock.it.engine;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A process of {@link TwentyProcessesTest}: for each round that it reads it starts its job, and says what came of it. */
public final class StartProcess {

    /** Longer than the test, so that no lease runs out meanwhile. */
    private static final Duration LEASE = Duration.ofMinutes(10);

    private StartProcess() {}

    /** The one argument is the process's name. */
    public static void main(String[] args) throws Exception {
        try (SupabaseClient supabase = SupabaseClient.fromEnv();
                BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            JobCoordinator coordinator = JobCoordinator.create(supabase);
            coordinator.status();
            System.out.println("ready");
            for (String round = in.readLine(); round != null; round = in.readLine()) {
                try {
                    StartResult result = coordinator.start(
                            JobRequest.normal(round + "-" + args[0])
                                    .models(round)
                                    .build(),
                            LEASE);
                    System.out.println(result instanceof StartResult.Started ? "started" : "queued");
                } catch (RuntimeException e) {
                    System.out.println("error " + e.getMessage());
                }
            }
        }
    }
}
