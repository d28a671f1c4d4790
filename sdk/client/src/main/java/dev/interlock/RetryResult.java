package dev.interlock;

/**
 * What {@link JobCoordinator#retry(String, int)} came to.
 *
 * @param result what was done
 * @param jobStatus where the job is in its life now
 */
public record RetryResult(Result result, JobStatus jobStatus) {
    /** What was done. */
    public enum Result {
        /** The job had failed or been cancelled, and is back at the place in line that it had. */
        RETRIED,
        /** The job waits or runs; nothing changed. */
        UNFINISHED,
        /** The job has completed; nothing changed. */
        COMPLETED,
        /** A word that this version of the SDK does not know; the database is newer. */
        UNKNOWN
    }
}
