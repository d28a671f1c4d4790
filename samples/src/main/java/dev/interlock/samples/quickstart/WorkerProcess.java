package dev.interlock.samples.quickstart;

import dev.interlock.JobCoordinator;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import dev.interlock.WorkflowDefinition;
import java.time.Duration;
import java.util.Map;

/** One worker of the quickstart: a process of its own, as in production. It ends when its standard input does. */
public final class WorkerProcess {

    /** What each demo job asks of its handler. */
    record Task(long millis) {}

    private WorkerProcess() {}

    /** Runs a worker as the environment says (see {@link Workers}). */
    public static void main(String[] args) throws Exception {
        Map<String, String> env = System.getenv();
        String provider = env.getOrDefault("PROVIDER_URL", "");
        Demo demo = new Demo(env.getOrDefault("DEMO_RUN", ""));

        try (SupabaseClient supabase = SupabaseClient.fromEnv()) {
            JobCoordinator coordinator = JobCoordinator.create(supabase);
            WorkflowDefinition knight = WorkflowDefinition.builder(demo.handler("knight-style-img-to-video"))
                    .step("style", demo.model(Demo.NANO), step -> {
                        long millis = step.job().payload(Task.class).millis();
                        return Http.generate(
                                provider, demo.model(Demo.NANO), step.job().jobId(), millis);
                    })
                    .step("video", demo.model(Demo.MOTION), step -> {
                        long millis = step.job().payload(Task.class).millis();
                        return Http.generate(
                                provider, demo.model(Demo.MOTION), step.job().jobId(), millis);
                    })
                    .build();
            try (JobWorker worker = JobWorker.builder(coordinator)
                    .workerId(env.getOrDefault("WORKER_ID", "worker"))
                    .handle(demo.handler("image"), job -> {
                        String model = job.lease().models().get(0);
                        String asset = Http.generate(
                                provider,
                                model,
                                job.jobId(),
                                job.payload(Task.class).millis());
                        return Outcome.complete(Map.of("asset", asset));
                    })
                    .workflow(demo.handler("knight-style-img-to-video"), knight)
                    .concurrency(2)
                    .lease(Demo.LEASE)
                    .pollInterval(Duration.ofMillis(100), Demo.POLL)
                    .build()) {
                worker.start();
                while (System.in.read() >= 0) {
                    // The parent says nothing; the end of the stream is the sign to stop.
                }
            }
        }
    }
}
