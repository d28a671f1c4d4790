package dev.interlock;

/** Where a job is in its life. */
public enum JobStatus {
    /** In the line of each of its models. */
    WAITING,
    /** In no line for now: not due yet, backing off, or in need of a paused model. */
    DELAYED,
    /** Runs under a lease. */
    RUNNING,
    /** Ended well. */
    COMPLETED,
    /** Ended for good without success. */
    FAILED,
    /** Ended because somebody asked for it. */
    CANCELLED,
    /** A word that this version of the SDK does not know; the database is newer. */
    UNKNOWN;

    /** Whether the job has ended and will not run again: completed, failed or cancelled. */
    public boolean isFinished() {
        return this == COMPLETED || this == FAILED || this == CANCELLED;
    }
}
