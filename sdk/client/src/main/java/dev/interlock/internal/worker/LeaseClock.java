package dev.interlock.internal.worker;

import java.time.Duration;

/**
 * Until when a lease can be trusted, by this machine's monotonic clock: counted from before the request that took or
 * renewed it was sent, the lease surely still holds in the database until then, however the clocks differ and however
 * long the answer took. All times are of {@link System#nanoTime()}. Thread-safe.
 */
final class LeaseClock {
    private final long lease;
    private volatile long renewedAt;

    LeaseClock(Duration lease, long sentAt) {
        this.lease = lease.toNanos();
        this.renewedAt = sentAt;
    }

    /** It was renewed by a request that was sent at this time. */
    void renewed(long sentAt) {
        renewedAt = sentAt;
    }

    /** Nanoseconds for which it can still be trusted; zero or less when it cannot. */
    long remaining(long now) {
        // A handler needs a moment to stop, so the lease is given up somewhat before its end.
        return lease - lease / 10 - (now - renewedAt);
    }

    boolean isTrusted(long now) {
        return remaining(now) > 0;
    }

    /** Nanoseconds until it should be renewed: at a third of the lease. */
    long untilHeartbeat(long now) {
        return lease / 3 - (now - renewedAt);
    }

    /** Whether a heartbeat that goes out anyway should take it along: at half the way to its own. */
    boolean mayBeat(long now) {
        return now - renewedAt >= lease / 6;
    }
}
