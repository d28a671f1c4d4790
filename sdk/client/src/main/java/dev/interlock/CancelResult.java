package dev.interlock;

/**
 * What a cancel came to.
 *
 * @param result what was done
 * @param jobStatus where the job is in its life now
 */
public record CancelResult(Result result, JobStatus jobStatus) {
    /** What was done. */
    public enum Result {
        /** The job waited and is cancelled now. */
        CANCELLED,
        /** The job runs; its worker is told at its next heartbeat. */
        CANCEL_REQUESTED,
        /** The job had ended already; nothing changed. */
        FINISHED,
        /** A word that this version of the SDK does not know; the database is newer. */
        UNKNOWN
    }
}
