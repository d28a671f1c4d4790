package dev.interlock.internal.worker;

import dev.interlock.InterlockException;
import dev.interlock.WorkerListener;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether the coordinator answers, as the worker's calls find it. Says so once when it stops and once when it is back. */
final class Connection {
    /** The kinds of calls; each fails and recovers for itself. */
    enum Call {
        DISPATCH,
        HEARTBEAT
    }

    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private final String workerId;
    private final Notices notices;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Call, Instant> failing = new EnumMap<>(Call.class);
    private @Nullable Instant failingSince;
    private @Nullable String lastFailure;
    private @Nullable Instant lastContact;

    Connection(String workerId, Notices notices) {
        this.workerId = workerId;
        this.notices = notices;
    }

    /** An answer came. True: this kind of call had been failing. */
    boolean answered(Call call) {
        boolean back;
        Duration outage = null;
        lock.lock();
        try {
            lastContact = Instant.now();
            back = failing.remove(call) != null;
            if (back && failing.isEmpty() && failingSince != null) {
                outage = Duration.between(failingSince, lastContact);
                failingSince = null;
                lastFailure = null;
            }
        } finally {
            lock.unlock();
        }
        if (outage != null) {
            Duration lasted = outage;
            LOG.info("Worker {}: the coordinator answers again after {} ms", workerId, lasted.toMillis());
            notices.tell(WorkerListener::recovered, lasted);
        }
        return back;
    }

    boolean isFailing(Call call) {
        lock.lock();
        try {
            return failing.containsKey(call);
        } finally {
            lock.unlock();
        }
    }

    void failed(Call call, InterlockException failure) {
        boolean first;
        lock.lock();
        try {
            Instant now = Instant.now();
            first = failingSince == null;
            if (first) {
                failingSince = now;
            }
            failing.putIfAbsent(call, now);
            lastFailure = String.valueOf(failure.getMessage());
        } finally {
            lock.unlock();
        }
        if (first) {
            LOG.warn(
                    "Worker {}: the coordinator does not answer as it should; running jobs go on while their leases hold,"
                            + " nothing new starts, and the worker keeps trying: {}",
                    workerId,
                    failure.getMessage());
        } else {
            LOG.debug("Worker {}: still failing: {}", workerId, failure.getMessage());
        }
        notices.tell(WorkerListener::callFailed, failure);
    }

    /** How it is: since when it fails and why, and when it last answered. */
    record Health(
            @Nullable Instant failingSince,
            @Nullable String lastFailure,
            @Nullable Instant lastContact) {}

    Health health() {
        lock.lock();
        try {
            return new Health(failingSince, lastFailure, lastContact);
        } finally {
            lock.unlock();
        }
    }
}
