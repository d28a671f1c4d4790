package dev.interlock.it.model;

import org.jspecify.annotations.Nullable;

/** The settings of the whole queue. */
final class Limits {

    @Nullable
    Integer maxActiveJobs;

    long priorityStepSeconds = 600;
    int defaultCapacity = 1;
    boolean refuseUnknown;

    /** Nobody starts, whatever is free. */
    boolean paused;

    /** When the pause last ended. */
    long resumedAt = Long.MIN_VALUE;

    /** How often a job that is held up may be passed. */
    int maxOvertakes;

    /** Microseconds. */
    @Nullable
    Long skipAfter = 60_000_000L;
}
