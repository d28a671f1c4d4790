package dev.interlock.it.faults;

import dev.interlock.FailurePolicy;
import dev.interlock.JobContext;
import dev.interlock.JobCoordinator;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.RetryOptions;
import dev.interlock.SupabaseClient;
import dev.interlock.WorkerListener;
import dev.interlock.WorkflowDefinition;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A process that runs a worker of the SDK for each order that it reads, until it reads {@link #REST}. It ends when its standard input does, so it
 * never outlives the test.
 */
public final class WorkerProcess {

    /** How often an idle worker polls at the least. */
    static final Duration POLL = Duration.ofMillis(200);

    static final String REST = "rest";

    /** For whom to work. */
    record Order(String url, String key, int witnessPort, String run, Duration lease) {

        String line() {
            return String.join("\t", url, key, Integer.toString(witnessPort), run, Long.toString(lease.toMillis()));
        }

        static Order of(String line) {
            String[] words = line.split("\t", -1);
            return new Order(
                    words[0],
                    words[1],
                    Integer.parseInt(words[2]),
                    words[3],
                    Duration.ofMillis(Long.parseLong(words[4])));
        }
    }

    private WorkerProcess() {}

    /** The one argument is the process's name. */
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            work(args[0], Order.of(line), in);
        }
        System.exit(0);
    }

    private static void work(String name, Order order, BufferedReader in) throws Exception {
        String run = order.run();
        try (Provider provider = Provider.connect(order.witnessPort(), name);
                SupabaseClient supabase = SupabaseClient.builder()
                        .url(order.url())
                        .key(order.key())
                        // Gives up soon, so that the worker's own repeats come into play.
                        .retry(new RetryOptions(2, Duration.ofMillis(20), Duration.ofMillis(100)))
                        .build()) {
            JobWorker.Builder builder = JobWorker.builder(JobCoordinator.create(supabase))
                    .workerId(name)
                    .handle(run + Load.CALL, job -> call(provider, job))
                    .workflow(run + Load.TWO_STEPS, steps(provider, run, Load.TWO_STEPS_MODELS))
                    .workflow(run + Load.THREE_STEPS, steps(provider, run, Load.THREE_STEPS_MODELS))
                    .concurrency(Fleet.CONCURRENCY)
                    .lease(order.lease())
                    .pollInterval(Duration.ofMillis(20), POLL)
                    .failurePolicy(FailurePolicy.exponential(Duration.ofMillis(20), Duration.ofMillis(200)))
                    .closeGrace(Duration.ofSeconds(2))
                    .stopTime(Duration.ofSeconds(1))
                    .listener(new Outcomes(provider));
            for (Flows.Plan plan : Flows.PLANS) {
                builder.workflow(plan.definition(run, provider));
            }
            try (JobWorker worker = builder.build()) {
                worker.start();
                if (in.readLine() == null) {
                    endAnyway();
                }
            }
        }
    }

    private static Outcome call(Provider provider, JobContext job) throws InterruptedException {
        Load.Task task = job.payload(Load.Task.class);
        provider.call(job, Load.CALL, job.models(), task.millis(job.attempt()));
        if (job.attempt() <= task.failures()) {
            return Outcome.retryIn(Duration.ofMillis(20), "the provider is busy");
        }
        return task.fatal() ? Outcome.fail("the prompt was refused") : Outcome.complete(Map.of("by", job.token()));
    }

    /** A workflow holds all its models from start to end: each step says so to the witness. */
    private static WorkflowDefinition steps(Provider provider, String run, List<String> models) {
        WorkflowDefinition.Builder definition = WorkflowDefinition.builder("steps");
        for (int i = 0; i < models.size(); i++) {
            String step = "step" + i;
            boolean last = i == models.size() - 1;
            definition.step(step, run + models.get(i), context -> {
                JobContext job = context.job();
                Load.Task task = job.payload(Load.Task.class);
                provider.call(job, step, job.models(), task.millis(job.attempt()));
                if (last && job.attempt() <= task.failures()) {
                    throw new IllegalStateException("the provider fell over");
                }
                return step;
            });
        }
        return definition.build();
    }

    /** A close that hangs must not leave a process behind. */
    private static void endAnyway() {
        Thread guard = new Thread(
                () -> {
                    try {
                        TimeUnit.SECONDS.sleep(15);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    Runtime.getRuntime().halt(1);
                },
                "end-anyway");
        guard.setDaemon(true);
        guard.start();
    }

    private record Outcomes(Provider provider) implements WorkerListener {
        @Override
        public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
            if (status == OutcomeStatus.COMPLETED || status == OutcomeStatus.FAILED) {
                provider.ended(lease.jobId(), status);
            }
        }
    }
}
