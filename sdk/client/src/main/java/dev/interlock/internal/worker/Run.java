package dev.interlock.internal.worker;

import dev.interlock.DataException;
import dev.interlock.FatalJobException;
import dev.interlock.JobContext;
import dev.interlock.Lease;
import dev.interlock.LeaseLostException;
import dev.interlock.OutcomeStatus;
import dev.interlock.UnknownJobException;
import dev.interlock.internal.coordination.Calls;
import dev.interlock.internal.coordination.Checks;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One attempt of a job that this worker holds, and what its handler sees of it. Thread-safe. */
final class Run implements JobContext {
    /** Why a handler was told to stop. */
    enum Stop {
        LOST,
        CANCELLED,
        CLOSING
    }

    private final Lease lease;
    private final LeaseClock clock;
    private final Calls calls;

    // Held for a moment only, so that an interrupt meets this handler and never the next task of its thread.
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Thread thread;
    private boolean ended;

    private @Nullable Future<?> alarm;

    private volatile boolean cancelled;
    private volatile boolean closing;
    private volatile boolean lost;
    private volatile @Nullable Integer progress;

    Run(Lease lease, LeaseClock clock, Calls calls) {
        this.lease = lease;
        this.clock = clock;
        this.calls = calls;
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
            if (alarm != null) {
                alarm.cancel(false);
            }
            if (thread != null) {
                thread = null;
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
            }
            if (thread != null) {
                thread.interrupt();
            }
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
        };
    }

    boolean isLost() {
        return lost;
    }

    boolean isClosing() {
        return closing;
    }

    @Nullable
    Integer progress() {
        return progress;
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
        progress = Checks.progress(percent);
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    public boolean shouldStop() {
        return lost || cancelled || closing;
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
