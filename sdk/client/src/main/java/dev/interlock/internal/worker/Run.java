package dev.interlock.internal.worker;

import dev.interlock.DataException;
import dev.interlock.FatalJobException;
import dev.interlock.JobContext;
import dev.interlock.Lease;
import dev.interlock.LeaseLostException;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.UnknownJobException;
import dev.interlock.WorkerListener;
import dev.interlock.internal.coordination.Calls;
import dev.interlock.internal.coordination.Checks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One attempt of a job that this worker holds, and what its handler sees of it. Thread-safe. */
final class Run implements RunControl {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    /** Why a handler was told to stop. */
    enum Stop {
        LOST,
        CANCELLED,
        CLOSING,
        OVERDUE
    }

    private final Lease lease;
    private final LeaseClock clock;
    private final Calls calls;
    private final Executor aside;

    // Held for a moment only, so that an interrupt meets this handler and never the next task of its thread.
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Thread thread;
    private boolean entered;
    private boolean ended;
    private boolean abandoned;

    private @Nullable Future<?> alarm;

    private volatile boolean cancelled;
    private volatile boolean closing;
    private volatile boolean lost;
    private volatile boolean overdue;
    private volatile boolean writing;
    private volatile @Nullable OutcomeStatus over;
    private volatile @Nullable Host host;
    private volatile @Nullable Progress progress;
    private final List<Runnable> onStop = new ArrayList<>();

    /**
     * What the handler said of its progress.
     *
     * @param percent 0 to 100
     * @param note a word for a person; null for none
     */
    record Progress(int percent, @Nullable String note) {}

    /**
     * A run, which has not begun.
     *
     * @param aside where what a handler wants done on a stop is done
     */
    Run(Lease lease, LeaseClock clock, Calls calls, Executor aside) {
        this.lease = lease;
        this.clock = clock;
        this.calls = calls;
        this.aside = aside;
    }

    LeaseClock clock() {
        return clock;
    }

    /** Keeps what goes off when the lease can no longer be trusted; cancelled when the handler ends. */
    void alarm(Future<?> next) {
        lock.lock();
        try {
            if (ended) {
                next.cancel(false);
            } else {
                alarm = next;
            }
        } finally {
            lock.unlock();
        }
    }

    /** The handler is about to be called on this thread. False: it must not be. */
    boolean enter() {
        lock.lock();
        try {
            if (ended || shouldStop()) {
                return false;
            }
            thread = Thread.currentThread();
            entered = true;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The handler has returned, or was never called. From now on it is not interrupted and its lease cannot get lost. */
    void leave() {
        lock.lock();
        try {
            ended = true;
            onStop.clear();
            if (alarm != null) {
                alarm.cancel(false);
            }
            thread = null;
            if (entered) {
                // An interrupt meant for the handler must not reach what its thread does next.
                Thread.interrupted();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Tells the handler to stop, once for each reason. False: it has ended, or was told so already. */
    boolean stop(Stop reason) {
        lock.lock();
        try {
            if (ended || has(reason)) {
                return false;
            }
            switch (reason) {
                case LOST -> lost = true;
                case CANCELLED -> cancelled = true;
                case CLOSING -> closing = true;
                case OVERDUE -> overdue = true;
            }
            if (thread != null) {
                thread.interrupt();
            }
            onStop.forEach(this::doAside);
            onStop.clear();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private boolean has(Stop reason) {
        return switch (reason) {
            case LOST -> lost;
            case CANCELLED -> cancelled;
            case CLOSING -> closing;
            case OVERDUE -> overdue;
        };
    }

    @Override
    public boolean isLeaseLost() {
        return lost;
    }

    @Override
    public void onStop(Runnable action) {
        Checks.required("What is to be done on a stop", action);
        lock.lock();
        try {
            if (ended) {
                return;
            }
            if (shouldStop()) {
                doAside(action);
            } else {
                onStop.add(action);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Not on the thread that found out: that one keeps the leases of all the others. */
    private void doAside(Runnable action) {
        Runnable safely = () -> {
            try {
                action.run();
            } catch (RuntimeException | LinkageError | AssertionError e) {
                LOG.warn("What the handler of job {} wanted done on a stop threw; that changes nothing", jobId(), e);
            }
        };
        try {
            aside.execute(safely);
        } catch (RejectedExecutionException e) {
            // The worker is closed, and this is the thread of a handler that has not noticed.
            safely.run();
        }
    }

    @Nullable
    Progress progress() {
        return progress;
    }

    /** Whom it belongs to; before its handler is called. */
    void host(Host its) {
        host = its;
    }

    private Host host() {
        return Objects.requireNonNull(host, "The run has not begun.");
    }

    /** What the database made of the run by itself; null while that is for the run's outcome to say. */
    @Nullable
    OutcomeStatus over() {
        return over;
    }

    boolean isWriting() {
        return writing || over != null;
    }

    boolean isAbandoned() {
        lock.lock();
        try {
            return abandoned;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Calls calls() {
        return calls;
    }

    @Override
    public boolean isLeaseTrusted() {
        return !lost && clock.isTrusted(System.nanoTime());
    }

    @Override
    public boolean isStopped() {
        return lost || cancelled || closing;
    }

    @Override
    public void writing(boolean now) {
        writing = now;
    }

    @Override
    public Outcome endedAs(OutcomeStatus status) {
        over = status;
        return Outcome.release();
    }

    @Override
    public boolean interruptAsOverdue() {
        return stop(Stop.OVERDUE);
    }

    @Override
    public boolean abandon(Outcome outcome) {
        lock.lock();
        try {
            if (ended || lost || over != null) {
                return false;
            }
            ended = true;
            abandoned = true;
            thread = null;
            if (alarm != null) {
                alarm.cancel(false);
            }
        } finally {
            lock.unlock();
        }
        host().abandoned(outcome);
        return true;
    }

    @Override
    public Outcome outcomeOf(JobContext job, Throwable failure) {
        return host().outcomeOf(job, failure);
    }

    @Override
    public Future<?> after(Duration delay, Runnable action) {
        return host().after(delay, action);
    }

    @Override
    public Duration stopTime() {
        return host().stopTime();
    }

    @Override
    public Duration pollInterval() {
        return host().pollInterval();
    }

    @Override
    public void tell(Consumer<WorkerListener> event) {
        host().tell(event);
    }

    @Override
    public Lease lease() {
        return lease;
    }

    @Override
    public <T> T payload(Class<T> type) {
        try {
            return lease.payload(type);
        } catch (DataException e) {
            throw new FatalJobException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void progress(int percent) {
        Progress before = progress;
        progress = new Progress(Checks.progress(percent), before == null ? null : before.note());
    }

    @Override
    public void progress(int percent, String note) {
        progress = new Progress(Checks.progress(percent), Checks.note(note));
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    public boolean shouldStop() {
        return isStopped() || overdue;
    }

    @Override
    public List<String> releaseModels(String... models) {
        List<String> names = Checks.models(Checks.modelNames(Arrays.asList(models)), false);
        Calls.Released released = calls.releaseModels(lease.jobId(), lease.token(), names);
        if (released.status() == OutcomeStatus.UNKNOWN_JOB) {
            throw new UnknownJobException(lease.jobId(), null);
        }
        if (!released.status().isAccepted()) {
            throw new LeaseLostException(lease.jobId(), lease.token(), released.status());
        }
        return released.models();
    }
}
