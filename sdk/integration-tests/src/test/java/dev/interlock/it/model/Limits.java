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
}
