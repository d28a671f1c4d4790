package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.worker.WorkerConfig;
import dev.interlock.internal.worker.WorkerEngine;
import dev.interlock.internal.workflow.WorkflowRunner;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Claims jobs and runs them: what an application that runs jobs has running all day.
 *
 * <pre>{@code
 * JobWorker worker = JobWorker.builder(coordinator)
 *         .handle("image", job -> {
 *             Prompt prompt = job.payload(Prompt.class);
 *             return Outcome.complete(provider.generate(prompt, job.token()));
 *         })
 *         .workflow(knightStyleImgToVideo)
 *         .concurrency(8)
 *         .build();
 * worker.start();
 * worker.closeOnShutdown();
 * }</pre>
 *
 * <p>In its steady state it makes one call a job: a handler that ends has its outcome sent together with the claim of
 * the next job. It never claims more than it can start at once. An idle worker polls, less and less often up to
 * {@linkplain Builder#pollInterval a bound}. All leases are renewed in one call, on a thread of its own.
 *
 * <p>A lease that is lost, or that could not be renewed before it ran out, has its handler interrupted and its outcome
 * dropped. While the database is away, the worker lets its jobs run as long as their leases can be trusted, starts nothing
 * new, keeps the outcomes of those that end, and recovers by itself; {@link #state()} and one line in the log tell.
 *
 * <p>Thread-safe. A worker is started once and closed once.
 */
public final class JobWorker implements AutoCloseable {
    private final WorkerEngine engine;

    private JobWorker(WorkerConfig config) {
        this.engine = new WorkerEngine(config);
    }

    /** A builder. */
    public static Builder builder(JobCoordinator coordinator) {
        return new Builder(coordinator);
    }

    /**
     * Begins to claim and run jobs, and returns. The worker keeps the JVM running until it is closed. A coordinator that
     * cannot be reached is waited for; what a person has to put right is thrown.
     *
     * @throws IllegalStateException when it was started or closed before
     * @throws SchemaMismatchException when the migrations are missing or of another version
     * @throws ServiceException when the key is refused (status 401 or 403)
     */
    public void start() {
        engine.start();
    }

    /**
     * Closes the worker: claims nothing new, waits for its jobs up to the {@linkplain Builder#closeGrace grace time}, then
     * interrupts their handlers and gives their jobs back to their own places in line at once, at no cost of an attempt.
     * The job of a handler that goes on in spite of its interrupt is not given back, because its model is still in use; its
     * lease runs out by itself. Do not call it from a handler. Does nothing when it is closed already; a second caller
     * waits for the first.
     */
    @Override
    public void close() {
        engine.close();
    }

    /**
     * Has the worker closed when the JVM is told to end (SIGTERM, Ctrl-C, {@code System.exit}). The platform must give the
     * process the grace time plus a few seconds.
     *
     * @return this
     */
    public JobWorker closeOnShutdown() {
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "interlock-close"));
        return this;
    }

    /** How the worker is at this moment. */
    public WorkerState state() {
        return engine.state();
    }

    /** Builds a {@link JobWorker}. Not thread-safe. */
    public static final class Builder {
        private final JobCoordinator coordinator;
        private final Map<String, JobHandler> handlers = new LinkedHashMap<>();
        private String workerId = newWorkerId();
        private int concurrency = 4;
        private @Nullable Executor executor;
        private Duration pollMin = Duration.ofMillis(100);
        private Duration pollMax = Duration.ofSeconds(1);
        private Duration lease;
        private Duration grace = Duration.ofSeconds(30);
        private Duration stopTime = Duration.ofSeconds(5);
        private FailurePolicy failurePolicy = FailurePolicy.standard();
        private WorkerListener listener = new WorkerListener() {};

        private Builder(JobCoordinator coordinator) {
            this.coordinator = Checks.required("The JobCoordinator", coordinator);
            this.lease = coordinator.lease();
        }

        /**
         * The worker's name, 1 to 200 characters, different for every worker. The default is made of the host, the process
         * and some random letters.
         */
        public Builder workerId(String id) {
            this.workerId = Checks.workerId(id);
            return this;
        }

        /**
         * The code that runs jobs with this handler name. The worker claims only jobs of the names given.
         *
         * @throws InvalidRequestException when the name has its code already
         */
        public Builder handle(String handler, JobHandler code) {
            if (handlers.putIfAbsent(Checks.handler(handler), Checks.required("The code of the handler", code))
                    != null) {
                throw new InvalidRequestException(
                        "JQ003", "There are two handlers named \"" + handler + "\".", "Give each its own name.", null);
            }
            return this;
        }

        /** A workflow that this worker runs. */
        public Builder workflow(WorkflowDefinition definition) {
            return workflow(definition.id(), definition);
        }

        /** A workflow that this worker runs for jobs with this handler name. */
        public Builder workflow(String handler, WorkflowDefinition definition) {
            return handle(handler, new WorkflowRunner(Checks.required("The workflow", definition)));
        }

        /** How many jobs it runs at once, 1 to 1,000; default 4. */
        public Builder concurrency(int jobs) {
            this.concurrency = Checks.range("The concurrency", jobs, 1, 1000);
            return this;
        }

        /**
         * What runs the handlers, for example virtual threads; the default is a pool of the worker's own. It must have a
         * thread for each of the concurrent jobs: one that waits for a thread holds its models all the while. You close
         * it, after the worker.
         */
        public Builder executor(Executor handlerExecutor) {
            this.executor = handlerExecutor;
            return this;
        }

        /**
         * How often an idle worker polls: soon after there was work at first, then less and less often.
         *
         * @param min the shortest interval, at least 10 milliseconds; default 100 milliseconds
         * @param max the longest; default 1 second
         */
        public Builder pollInterval(Duration min, Duration max) {
            if (min.compareTo(Duration.ofMillis(10)) < 0
                    || max.compareTo(min) < 0
                    || max.compareTo(Duration.ofHours(1)) > 0) {
                throw new InvalidRequestException(
                        "JQ007",
                        "The poll interval goes from " + min + " to " + max + ".",
                        "Give at least 10 milliseconds, at most 1 hour, the shorter one first.",
                        null);
            }
            this.pollMin = min;
            this.pollMax = max;
            return this;
        }

        /**
         * How long leases last, 1 second to 1 hour; default the coordinator's. It is renewed at a third of it. It bounds how
         * long a killed worker's models stay held.
         */
        public Builder lease(Duration duration) {
            this.lease = Checks.lease(duration);
            return this;
        }

        /** How long {@link JobWorker#close()} waits for handlers to end by themselves; default 30 seconds. */
        public Builder closeGrace(Duration duration) {
            Checks.seconds("The grace time", duration, Duration.ofDays(1));
            this.grace = duration;
            return this;
        }

        /** How long {@link JobWorker#close()} then waits for interrupted handlers to stop; default 5 seconds. */
        public Builder stopTime(Duration duration) {
            Checks.seconds("The stop time", duration, Duration.ofHours(1));
            this.stopTime = duration;
            return this;
        }

        /** What becomes of a job whose handler threw; default {@link FailurePolicy#standard()}. */
        public Builder failurePolicy(FailurePolicy policy) {
            this.failurePolicy = Checks.required("The failure policy", policy);
            return this;
        }

        /** Hears what the worker does. */
        public Builder listener(WorkerListener workerListener) {
            this.listener = Checks.required("The listener", workerListener);
            return this;
        }

        /**
         * The worker, not started yet.
         *
         * @throws InvalidRequestException when it has no handler and no workflow
         */
        public JobWorker build() {
            if (handlers.isEmpty()) {
                throw new InvalidRequestException(
                        "JQ003", "The worker has no handler.", "Add one with handle(…) or workflow(…).", null);
            }
            return new JobWorker(new WorkerConfig(
                    coordinator.calls().within(callTimeout()),
                    workerId,
                    handlers,
                    concurrency,
                    executor,
                    pollMin,
                    pollMax,
                    lease,
                    grace,
                    stopTime,
                    failurePolicy,
                    listener));
        }

        /** A call that hangs holds up the outcomes behind it, and the leases that it may have taken run out meanwhile. */
        private Duration callTimeout() {
            Duration half = lease.dividedBy(2);
            return half.compareTo(Duration.ofSeconds(10)) < 0 ? half : Duration.ofSeconds(10);
        }

        private static String newWorkerId() {
            String host;
            try {
                host = InetAddress.getLocalHost().getHostName();
            } catch (UnknownHostException e) {
                host = "unknown";
            }
            String random = UUID.randomUUID().toString().substring(0, 8);
            return host.substring(0, Math.min(host.length(), 100)) + "-"
                    + ProcessHandle.current().pid() + "-" + random;
        }
    }
}
