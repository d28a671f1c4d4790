package dev.interlock.internal.worker;

import dev.interlock.InterlockException;
import dev.interlock.InterlockIoException;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.ServiceException;
import dev.interlock.WorkerListener;
import dev.interlock.WorkerState;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
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

    // Held while the phase changes and through a close, so that a second close waits for the first.
    private final ReentrantLock lifecycle = new ReentrantLock();
    private volatile WorkerState.Phase phase = WorkerState.Phase.NEW;

    public WorkerEngine(WorkerConfig config) {
        this.config = config;
        this.notices = new Notices(config.listener());
        this.connection = new Connection(config.workerId(), notices);
        this.keeper = new LeaseKeeper(config, runs, connection, notices);
        this.runner = new Runner(config, notices);
        this.dispatcher = new Dispatcher(config, runs, connection, notices, this::begin);
        // Not a daemon: a program whose main method only starts a worker goes on running.
        this.dispatcherThread = new Thread(dispatcher, "interlock-worker-" + config.workerId());
        Executor given = config.executor();
        if (given == null) {
            ownExecutor = Executors.newCachedThreadPool(Threads.daemons("interlock-job-" + config.workerId()));
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
            lifecycle.unlock();
        }
    }

    /** Lets the runs end; then asks them to; then leaves what is left to its leases. */
    private void drain() {
        try {
            dispatcher.close();
            if (!ends(config.grace())) {
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

    /** Waits for the dispatcher, which ends when no run is held. */
    private boolean ends(Duration patience) throws InterruptedException {
        // A join of 0 would wait for ever.
        dispatcherThread.join(Math.max(1, patience.toMillis()));
        return !dispatcherThread.isAlive();
    }

    private void begin(Run run) {
        run.host(new Host(run));
        keeper.watch(run);
        try {
            executor.execute(() -> carryOut(run));
        } catch (RejectedExecutionException e) {
            LOG.warn("Worker {}: its executor takes no more jobs; job {} goes back", config.workerId(), run.jobId());
            dispatcher.holdOff();
            run.leave();
            runs.ended(run, Outcome.release());
        }
    }

    private void carryOut(Run run) {
        Outcome outcome = runner.run(run);
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
        public Future<?> after(Duration delay, Runnable action) {
            return keeper.after(delay, action);
        }

        @Override
        public Duration stopTime() {
            return config.stopTime();
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
