package dev.interlock.internal.worker;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Delays that double from a first one to a longest one, less up to a quarter by chance. Immutable and thread-safe. */
public final class Backoff {
    private final long first;
    private final long max;
    private final @Nullable RandomGenerator random;

    public Backoff(Duration first, Duration max) {
        this(first, max, null);
    }

    Backoff(Duration first, Duration max, @Nullable RandomGenerator random) {
        if (first.isZero() || first.isNegative() || max.compareTo(first) < 0) {
            throw new IllegalArgumentException("A backoff from " + first + " to " + max
                    + ": give a first delay above zero and a longest one not below it.");
        }
        this.first = first.toNanos();
        this.max = max.toNanos();
        this.random = random;
    }

    /** The delay after the n-th attempt, from 1. */
    public Duration delay(int attempt) {
        // More doublings than this pass any bound; the shift itself must not overflow.
        int doublings = Math.min(Math.max(attempt, 1) - 1, 62);
        long full = first > (max >> doublings) ? max : first << doublings;
        RandomGenerator chance = random == null ? ThreadLocalRandom.current() : random;
        return Duration.ofNanos(full - (long) (full / 4.0 * chance.nextDouble()));
    }
}
