package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.worker.Routes;
import dev.interlock.internal.worker.Threads;
import dev.interlock.internal.worker.WorkerConfig;
import dev.interlock.internal.worker.WorkerEngine;
import dev.interlock.internal.workflow.WorkflowRunner;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Claims jobs and runs them: what an application that runs jobs has running all day.
 *
 * <pre>{@code
 * JobWorker worker = JobWorker.builder(coordinator)
 *         .handle("image", Prompt.class, (prompt, job) ->
 *                 Outcome.complete(provider.generate(prompt, job.idempotencyKey())))
 *         .handle("video", this::video)
 *         .workflow(knightStyleImgToVideo)
 *         .concurrency(8)
 *         .concurrency("video", 2)
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
     * {@link #close()} without the grace time: handlers are interrupted at once, and what stops within the
     * {@linkplain Builder#stopTime stop time} is given back. A close that another thread has begun hurries up. For a second
     * signal, or a platform that is about to kill the process.
     */
    public void closeNow() {
        engine.closeNow();
    }

    /**
     * Has the worker closed when the JVM is told to end (SIGTERM, Ctrl-C, {@code System.exit}). The platform must give the
     * process the grace time plus a few seconds. A second SIGTERM or Ctrl-C meanwhile is a {@link #closeNow()}.
     *
     * @return this
     */
    public JobWorker closeOnShutdown() {
        Runtime.getRuntime().addShutdownHook(new Thread(engine::closeAtShutdown, "interlock-close"));
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
        private final Map<String, JobHandler> modelHandlers = new LinkedHashMap<>();
        private final Map<String, Integer> limits = new LinkedHashMap<>();
        private final List<WorkerListener> listeners = new ArrayList<>();
        private String workerId = newWorkerId();
        private int concurrency = 4;
        private @Nullable Executor executor;
        private boolean virtualThreads;
        private Duration pollMin = Duration.ofMillis(100);
        private Duration pollMax = Duration.ofSeconds(1);
        private Duration lease;
        private Duration grace = Duration.ofSeconds(30);
        private Duration stopTime = Duration.ofSeconds(5);
        private FailurePolicy failurePolicy = FailurePolicy.standard();

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
            return add(handlers, "handlers", Checks.handler(handler), code);
        }

        /**
         * The code that runs jobs with this handler name, given their payload as an object.
         *
         * @param payload what the payload is read as, usually a record; properties that it does not have are ignored. A job
         *     whose payload does not fit fails for good, before the code is called
         * @throws InvalidRequestException when the name has its code already
         */
        public <T> Builder handle(String handler, Class<T> payload, PayloadHandler<T> code) {
            return handle(handler, typed(payload, code));
        }

        /**
         * The code that runs jobs by their models instead of their handlers: it runs those whose first model is this. The
         * worker claims jobs of any handler whose models are all among those that it has code for. A worker is of one kind or
         * the other: for both, build two.
         *
         * @param model the model's own name, not an alias
         * @throws InvalidRequestException when the model has its code already
         */
        public Builder handleModel(String model, JobHandler code) {
            return add(modelHandlers, "models", Checks.model(model), code);
        }

        /**
         * {@link #handleModel(String, JobHandler)} given the jobs' payload as an object, as in
         * {@link #handle(String, Class, PayloadHandler)}.
         */
        public <T> Builder handleModel(String model, Class<T> payload, PayloadHandler<T> code) {
            return handleModel(model, typed(payload, code));
        }

        private Builder add(Map<String, JobHandler> to, String what, String name, JobHandler code) {
            if (to.putIfAbsent(name, Checks.required("The code", code)) != null) {
                throw new InvalidRequestException(
                        "JQ003", "There are two " + what + " named \"" + name + "\".", "Give each its own name.", null);
            }
            return this;
        }

        private static <T> JobHandler typed(Class<T> payload, PayloadHandler<T> code) {
            Checks.required("The class of the payload", payload);
            Checks.required("The code", code);
            return job -> code.handle(job.payload(payload), job);
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
         * Of all these, how many with this handler name it runs at once. More of them are not claimed: they wait in line for
         * any worker that has room.
         *
         * @param handler one that this worker has
         * @param jobs 1 to 1,000; only the worker's own {@link #concurrency(int)} when it is more than that
         */
        public Builder concurrency(String handler, int jobs) {
            limits.put(Checks.handler(handler), Checks.range("The concurrency of " + handler, jobs, 1, 1000));
            return this;
        }

        /**
         * What runs the handlers; the default is a pool of the worker's own, of as many threads as jobs run. It must have a
         * thread for each of the concurrent jobs, and run what it accepts: a job that waits for a thread holds its models all
         * the while. You close it, after the worker.
         */
        public Builder executor(Executor handlerExecutor) {
            this.executor = Checks.required("The executor", handlerExecutor);
            this.virtualThreads = false;
            return this;
        }

        /**
         * Runs each handler on a virtual thread of its own, instead of an executor.
         *
         * @throws ConfigurationException when this JVM has none: they came with Java 21
         */
        public Builder virtualThreads() {
            Threads.requireVirtual();
            this.virtualThreads = true;
            this.executor = null;
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

        /** Hears what the worker does. There may be several. */
        public Builder listener(WorkerListener workerListener) {
            listeners.add(Checks.required("The listener", workerListener));
            return this;
        }

        /**
         * The worker, not started yet.
         *
         * @throws InvalidRequestException when it has no handler and no workflow, code for handlers and code for models, or a
         *     {@linkplain #concurrency(String, int) limit} for a handler that it does not have
         */
        public JobWorker build() {
            return new JobWorker(new WorkerConfig(
                    coordinator.calls().within(callTimeout()),
                    workerId,
                    routes(),
                    concurrency,
                    executor,
                    virtualThreads,
                    pollMin,
                    pollMax,
                    lease,
                    grace,
                    stopTime,
                    failurePolicy,
                    listeners));
        }

        private Routes routes() {
            if (handlers.isEmpty() && modelHandlers.isEmpty()) {
                throw refuse("The worker has no handler.", "Add one with handle(…), handleModel(…) or workflow(…).");
            }
            if (!handlers.isEmpty() && !modelHandlers.isEmpty()) {
                throw refuse(
                        "The worker has code for the handlers " + handlers.keySet() + " and for the models "
                                + modelHandlers.keySet() + ".",
                        "Use two workers, one with handle(…) and workflow(…) and one with handleModel(…): a claim goes by"
                                + " the one or the other.");
            }
            for (String name : limits.keySet()) {
                if (!handlers.containsKey(name)) {
                    throw refuse(
                            "The worker has a concurrency for \"" + name + "\", which is no handler of its.",
                            handlers.isEmpty()
                                    ? "How many jobs use a model at once is the model's capacity: setModel(…)."
                                    : "Its handlers are " + handlers.keySet() + ".");
                }
            }
            boolean byModel = handlers.isEmpty();
            return new Routes(byModel ? modelHandlers : handlers, byModel, limits);
        }

        private static InvalidRequestException refuse(String message, String hint) {
            return new InvalidRequestException("JQ003", message, hint, null);
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
