package dev.interlock.internal.worker;

import dev.interlock.InterlockException;
import dev.interlock.InterlockIoException;
import dev.interlock.JobContext;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.ServiceException;
import dev.interlock.WorkerListener;
import dev.interlock.WorkerState;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts a worker's parts together and takes them through their life. Thread-safe. */
public final class WorkerEngine {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");
    private static final Duration LAST_WAIT = Duration.ofSeconds(2);

    private final WorkerConfig config;
    private final Runs runs = new Runs();
    private final Notices notices;
    private final Connection connection;
    private final LeaseKeeper keeper;
    private final Runner runner;
    private final Dispatcher dispatcher;
    private final Thread dispatcherThread;
    private final Executor executor;
    private final @Nullable ExecutorService ownExecutor;
    private final ExecutorService aside;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final CompletableFuture<Void> hurried = new CompletableFuture<>();

    // Held while the phase changes and through a close, so that a second close waits for the first.
    private final ReentrantLock lifecycle = new ReentrantLock();
    private volatile WorkerState.Phase phase = WorkerState.Phase.NEW;

    public WorkerEngine(WorkerConfig config) {
        this.config = config;
        this.notices = new Notices(config.listeners());
        this.aside = Executors.newCachedThreadPool(Threads.daemons("interlock-stop-" + config.workerId()));
        this.connection = new Connection(config.workerId(), notices);
        this.keeper = new LeaseKeeper(config, runs, connection, notices);
        this.runner = new Runner(config, notices);
        this.dispatcher = new Dispatcher(config, runs, connection, notices, new Start(), aside);
        // Not a daemon: a program whose main method only starts a worker goes on running.
        this.dispatcherThread = new Thread(
                () -> {
                    try {
                        dispatcher.run();
                    } finally {
                        ended.complete(null);
                    }
                },
                "interlock-worker-" + config.workerId());
        Executor given = config.executor();
        if (given == null) {
            String name = "interlock-job-" + config.workerId();
            ownExecutor = config.virtualThreads()
                    ? Threads.virtual(name)
                    : Executors.newCachedThreadPool(Threads.daemons(name));
            executor = ownExecutor;
        } else {
            ownExecutor = null;
            executor = given;
        }
    }

    public void start() {
        lifecycle.lock();
        try {
            if (phase != WorkerState.Phase.NEW) {
                throw new IllegalStateException("The worker " + config.workerId() + " was started or closed already.");
            }
            checkSetup();
            phase = WorkerState.Phase.RUNNING;
            keeper.start();
            dispatcherThread.start();
        } finally {
            lifecycle.unlock();
        }
    }

    /** What a person has to put right is told at once; what passes by itself is left to the dispatcher. */
    private void checkSetup() {
        try {
            config.calls().requireContract();
        } catch (InterlockException e) {
            boolean passes = e instanceof InterlockIoException
                    || (e instanceof ServiceException s && s.status() != 401 && s.status() != 403);
            if (!passes) {
                throw e;
            }
            LOG.debug("Worker {}: the coordinator does not answer at the start", config.workerId(), e);
        }
    }

    public void close() {
        lifecycle.lock();
        try {
            if (phase == WorkerState.Phase.RUNNING) {
                phase = WorkerState.Phase.DRAINING;
                drain();
            }
            phase = WorkerState.Phase.CLOSED;
        } finally {
            keeper.stop();
            if (ownExecutor != null) {
                ownExecutor.shutdown();
            }
            aside.shutdown();
            lifecycle.unlock();
        }
    }

    /** For a shutdown hook. */
    public void closeAtShutdown() {
        SecondSignal.onSignal(() -> hurried.complete(null));
        close();
    }

    /** Has a close that is under way, or the one that this begins, wait for no handler longer than it takes it to stop. */
    public void closeNow() {
        hurried.complete(null);
        close();
    }

    /** Lets the runs end; then asks them to; then leaves what is left to its leases. */
    private void drain() {
        try {
            dispatcher.close();
            if (!endsUnhurried(config.grace())) {
                for (Run run : runs.all()) {
                    if (run.stop(Run.Stop.CLOSING)) {
                        LOG.debug("Worker {} closes: job {} is interrupted", config.workerId(), run.jobId());
                    }
                }
                if (!ends(config.stopTime())) {
                    LOG.warn(
                            "Worker {} closes with {} jobs that did not stop or could not be given back; their models are"
                                    + " free when their leases run out",
                            config.workerId(),
                            runs.size());
                }
            }
        } catch (InterruptedException e) {
            // Whoever closes is in a hurry: what runs is left to its leases.
            runs.all().forEach(run -> run.stop(Run.Stop.CLOSING));
            Thread.currentThread().interrupt();
        }
        dispatcher.stop();
        try {
            if (!ends(LAST_WAIT)) {
                dispatcherThread.interrupt();
            }
        } catch (InterruptedException e) {
            dispatcherThread.interrupt();
            Thread.currentThread().interrupt();
        }
    }

    private boolean endsUnhurried(Duration patience) throws InterruptedException {
        awaitFor(CompletableFuture.anyOf(ended, hurried), patience);
        return ended.isDone();
    }

    /** Waits for the dispatcher, which ends when no run is held. */
    private boolean ends(Duration patience) throws InterruptedException {
        awaitFor(ended, patience);
        return ended.isDone();
    }

    private static void awaitFor(CompletableFuture<?> event, Duration patience) throws InterruptedException {
        try {
            event.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            // Whoever waits looks whether it happened.
            return;
        }
    }

    private final class Start implements Dispatcher.Starter {
        @Override
        public void keep(Run run) {
            run.host(new Host(run));
            keeper.watch(run);
        }

        @Override
        public void start(Run run) {
            try {
                executor.execute(() -> carryOut(run));
            } catch (Throwable e) { // Whatever a user's executor throws, or a thread that cannot be created.
                LOG.warn(
                        "Worker {}: its executor does not take job {}, which goes back",
                        config.workerId(),
                        run.jobId(),
                        e);
                dispatcher.holdOff();
                run.leave();
                runs.ended(run, Outcome.release());
            }
        }
    }

    private void carryOut(Run run) {
        Outcome outcome = null;
        try {
            outcome = runner.run(run);
        } finally {
            // Also when memory ran out where nothing should throw: its lease must not be renewed for ever.
            settle(run, outcome);
        }
    }

    private void settle(Run run, @Nullable Outcome outcome) {
        OutcomeStatus over = run.over();
        if (run.isAbandoned()) {
            runs.left();
        } else if (over != null) {
            runs.settled(run, over);
            notices.tell(l -> l.jobFinished(run.lease(), Outcome.release(), over));
        } else if (outcome == null) {
            // Nothing to say under a lease that is lost; only now is the slot free.
            runs.settled(run, OutcomeStatus.NOT_RUNNING);
        } else {
            runs.ended(run, outcome);
        }
    }

    /** What a run may ask of its worker. */
    private final class Host implements RunControl.Host {
        private final Run run;

        Host(Run run) {
            this.run = run;
        }

        @Override
        public Outcome outcomeOf(JobContext job, Throwable failure) {
            return runner.byPolicy(job, failure);
        }

        @Override
        public Future<?> after(Duration delay, Runnable action) {
            return keeper.after(delay, action);
        }

        @Override
        public Duration stopTime() {
            return config.stopTime();
        }

        @Override
        public Duration pollInterval() {
            return config.pollMax();
        }

        @Override
        public void tell(Consumer<WorkerListener> event) {
            notices.tell(event);
        }

        @Override
        public void abandoned(Outcome outcome) {
            runs.abandoned(run, outcome);
        }
    }

    public WorkerState state() {
        Connection.Health health = connection.health();
        Runs.Counts counts = runs.counts();
        return new WorkerState(
                config.workerId(),
                phase,
                health.failingSince(),
                health.lastFailure(),
                health.lastContact(),
                runs.size(),
                config.concurrency(),
                counts.started(),
                counts.of(OutcomeStatus.COMPLETED),
                counts.of(OutcomeStatus.FAILED),
                counts.of(OutcomeStatus.RETRY_SCHEDULED),
                counts.of(OutcomeStatus.RELEASED),
                counts.of(OutcomeStatus.CANCELLED),
                counts.lost());
    }
}
