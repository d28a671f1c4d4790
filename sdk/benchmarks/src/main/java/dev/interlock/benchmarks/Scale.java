package dev.interlock.benchmarks;

import java.time.Duration;

/**
 * How large a run is.
 *
 * @param full the full set, with its deep lines and long cases; else the short one
 * @param rounds how often each load takes its turn
 * @param time how long each load is measured
 * @param warmUp how long it runs before that
 */
public record Scale(boolean full, int rounds, Duration time, Duration warmUp) {

    /** A few minutes in all: that it runs, and roughly how it stands. */
    static final Scale SHORT = new Scale(false, 2, Duration.ofMillis(1000), Duration.ofMillis(500));

    /** For the numbers that are published. */
    static final Scale FULL = new Scale(true, 5, Duration.ofSeconds(3), Duration.ofSeconds(1));

    /** The first in a full run, the second in a short one. */
    public int either(int inFull, int inShort) {
        return full ? inFull : inShort;
    }
}
