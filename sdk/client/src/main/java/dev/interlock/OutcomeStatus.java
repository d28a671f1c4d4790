package dev.interlock;

/** What became of a run's outcome in the database. */
public enum OutcomeStatus {
    /** The job is completed. */
    COMPLETED,
    /** The job failed for good: it said so, or its attempts are used up. */
    FAILED,
    /** The job goes back to its own place when it falls due. */
    RETRY_SCHEDULED,
    /** The job is back at its own place in line; the attempt does not count. */
    RELEASED,
    /** The job had been asked to cancel, and is cancelled now. */
    CANCELLED,
    /** Nothing changed: a newer attempt has begun since. */
    STALE,
    /** Nothing changed: the job does not run (its lease was taken back, or it has ended). */
    NOT_RUNNING,
    /** Nothing changed: the database does not know the job. */
    UNKNOWN_JOB,
    /** A word that this version of the SDK does not know; the database is newer. */
    UNKNOWN;

    /** Whether the outcome took effect; false for {@link #STALE}, {@link #NOT_RUNNING} and {@link #UNKNOWN_JOB}. */
    public boolean isAccepted() {
        return this != STALE && this != NOT_RUNNING && this != UNKNOWN_JOB;
    }
}
