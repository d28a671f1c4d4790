package dev.interlock.internal.worker;

import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The runs that a worker holds, by their tokens, and those of them that wait for their outcome to be sent. A run takes up
 * its slot until the database has answered its outcome. Thread-safe; no call is made under its lock.
 */
final class Runs {
    private static final long MAX_TEXT = 4L * 1024 * 1024;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<Long, Run> held = new HashMap<>();
    private final Deque<Exchange.Ended> ready = new ArrayDeque<>();
    private final Map<OutcomeStatus, Long> outcomes = new EnumMap<>(OutcomeStatus.class);
    private int abandoned;
    private long started;
    private long lost;
    private long version;

    /** Takes a run in. False: it is held already (an answer that came twice). */
    boolean add(Run run) {
        lock.lock();
        try {
            if (held.putIfAbsent(run.token(), run) != null) {
                return false;
            }
            started++;
            changed();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The run's handler has ended; its outcome is to be sent. */
    void ended(Run run, Outcome outcome) {
        lock.lock();
        try {
            ready.add(new Exchange.Ended(run, outcome));
            changed();
        } finally {
            lock.unlock();
        }
    }

    /** The run has ended with this outcome while its handler goes on; its slot is free when that has {@link #left}. */
    void abandoned(Run run, Outcome outcome) {
        lock.lock();
        try {
            abandoned++;
            ready.add(new Exchange.Ended(run, outcome));
            changed();
        } finally {
            lock.unlock();
        }
    }

    /** The handler of a run that was abandoned has ended at last. */
    void left() {
        lock.lock();
        try {
            abandoned--;
            changed();
        } finally {
            lock.unlock();
        }
    }

    /** The run is over and its slot is free. */
    void settled(Run run, OutcomeStatus status) {
        lock.lock();
        try {
            if (held.remove(run.token(), run)) {
                if (status.isAccepted()) {
                    outcomes.merge(status, 1L, Long::sum);
                } else {
                    lost++;
                }
                changed();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Takes the outcomes that are ready now: at most so many, and no more text at once than a request should carry. */
    List<Exchange.Ended> takeReady(int atMost) {
        lock.lock();
        try {
            List<Exchange.Ended> taken = new ArrayList<>();
            long text = 0;
            while (taken.size() < atMost && !ready.isEmpty()) {
                text += size(ready.element().outcome());
                if (text > MAX_TEXT && !taken.isEmpty()) {
                    break;
                }
                taken.add(ready.remove());
            }
            return taken;
        } finally {
            lock.unlock();
        }
    }

    private static int size(Outcome outcome) {
        String result = outcome instanceof Outcome.Complete complete ? complete.resultJson() : null;
        return result == null ? 0 : result.length();
    }

    /** A number that grows with every change; to be read before what a wait depends on is looked at. */
    long version() {
        lock.lock();
        try {
            return version;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until something has changed since that version, or the time is over. */
    void await(long seen, long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        lock.lock();
        try {
            while (version == seen) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    return;
                }
                changed.await(left, TimeUnit.NANOSECONDS);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Lets those that wait look again. */
    void touch() {
        lock.lock();
        try {
            changed();
        } finally {
            lock.unlock();
        }
    }

    private void changed() {
        version++;
        changed.signalAll();
    }

    /** Waits until no run is held. False: the time is over. */
    boolean awaitEmpty(long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        lock.lock();
        try {
            while (!held.isEmpty()) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                changed.await(left, TimeUnit.NANOSECONDS);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    List<Run> all() {
        lock.lock();
        try {
            return List.copyOf(held.values());
        } finally {
            lock.unlock();
        }
    }

    int size() {
        lock.lock();
        try {
            return held.size() + abandoned;
        } finally {
            lock.unlock();
        }
    }

    /** What has become of the runs so far. */
    record Counts(long started, Map<OutcomeStatus, Long> outcomes, long lost) {
        long of(OutcomeStatus status) {
            return outcomes.getOrDefault(status, 0L);
        }
    }

    Counts counts() {
        lock.lock();
        try {
            return new Counts(started, Map.copyOf(outcomes), lost);
        } finally {
            lock.unlock();
        }
    }
}
