package dev.interlock.samples.studio;

import dev.interlock.JobCoordinator;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import dev.interlock.WorkflowDefinition;
import java.time.Duration;
import java.util.Map;

/** One worker of the studio: a process of its own, as in production. It ends on SIGTERM, or when its standard input does. */
public final class WorkerProcess {

    /** How many jobs each worker runs at once. */
    static final int SLOTS = 6;

    static final Duration LEASE = Duration.ofSeconds(3);

    private WorkerProcess() {}

    /** Runs a worker as the environment says. */
    public static void main(String[] args) throws Exception {
        Map<String, String> env = System.getenv();
        Plan plan = new Plan(env.getOrDefault("STUDIO_RUN", ""));
        Providers providers = new Providers(env.getOrDefault("PROVIDER_URL", ""));
        String workerId = env.getOrDefault("WORKER_ID", "worker");

        try (SupabaseClient supabase = SupabaseClient.fromEnv()) {
            JobWorker.Builder builder = JobWorker.builder(JobCoordinator.create(supabase))
                    .workerId(workerId)
                    .handle(plan.named(Plan.SINGLE), Plan.Task.class, (task, job) -> {
                        String model = job.models().get(0);
                        return Outcome.complete(Map.of(
                                "asset",
                                providers.generate(
                                        model,
                                        job.jobId(),
                                        0,
                                        workerId,
                                        task.millis().get(0))));
                    })
                    .concurrency(SLOTS)
                    .lease(LEASE)
                    .pollInterval(Duration.ofMillis(25), Duration.ofMillis(200))
                    // A call at a provider cannot be called back: it ends, and only then is its model given back.
                    .closeGrace(Duration.ofSeconds(10));
            for (Plan.Flow flow : Plan.FLOWS) {
                builder.workflow(definition(plan, flow, providers, workerId));
            }
            try (JobWorker worker = builder.build()) {
                worker.closeOnShutdown();
                worker.start();
                while (System.in.read() >= 0) {
                    // Whoever started it says nothing; the end of the stream is the sign to end.
                }
            }
        }
    }

    private static WorkflowDefinition definition(Plan plan, Plan.Flow flow, Providers providers, String workerId) {
        WorkflowDefinition.Builder workflow = WorkflowDefinition.builder(plan.named(flow.id()));
        for (String model : flow.models()) {
            workflow.step(
                    /* name= */ model,
                    /* model= */ plan.named(model),
                    step -> {
                        int millis =
                                step.job().payload(Plan.Task.class).millis().get(step.index());
                        return providers.generate(step.model(), step.job().jobId(), step.index(), workerId, millis);
                    });
        }
        return workflow.build();
    }
}
