package dev.interlock.internal.worker;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * When an idle worker polls next: soon after there was work, then less and less often up to the longest interval, with
 * some chance in it so that many workers do not poll together. Times are of {@link System#nanoTime()}. Not thread-safe.
 */
final class PollTimer {
    private final long min;
    private final long max;
    private final @Nullable RandomGenerator random;
    private long interval;
    private long next;
    private @Nullable Instant woken;

    PollTimer(Duration min, Duration max, long now) {
        this(min, max, now, null);
    }

    PollTimer(Duration min, Duration max, long now, @Nullable RandomGenerator random) {
        this.min = min.toNanos();
        this.max = max.toNanos();
        this.random = random;
        this.interval = this.min;
        this.next = now;
    }

    /** Nanoseconds until the next poll; zero or less when it is due. */
    long remaining(long now) {
        return next - now;
    }

    /**
     * A claim was answered.
     *
     * @param found whether it started any job
     * @param dueIn nanoseconds until something falls due; null for nothing
     * @param dueAt when that is, by the database's clock
     */
    void answered(long now, boolean found, @Nullable Long dueIn, @Nullable Instant dueAt) {
        if (found) {
            interval = min;
            next = now + min;
            return;
        }
        RandomGenerator chance = random == null ? ThreadLocalRandom.current() : random;
        long wait = (long) (interval * (0.75 + chance.nextDouble() / 4));
        interval = Math.min(max, interval * 2);
        // The claim has just taken up whatever was due, so a time in the past means that the clocks differ. For the
        // same
        // reason one time wakes it early once, and not again and again.
        if (dueIn != null && dueAt != null && dueIn > 0 && dueIn < wait && !dueAt.equals(woken)) {
            woken = dueAt;
            wait = Math.max(dueIn, min);
        }
        next = now + wait;
    }

    /** Nothing more is claimed before a full interval has passed. */
    void holdOff(long now) {
        interval = max;
        next = now + max;
    }
}
