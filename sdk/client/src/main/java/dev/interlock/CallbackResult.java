package dev.interlock;

/**
 * What a callback came to ({@link JobCoordinator#callback}).
 *
 * @param result what was done
 * @param jobStatus where the job is in its life
 */
public record CallbackResult(Result result, JobStatus jobStatus) {
    /** What was done. */
    public enum Result {
        /** It is there: the step goes on with it, or finds it when it begins to wait. */
        RECEIVED,
        /** The bound of the wait is moved. */
        EXTENDED,
        /** Another one was first; nothing changed. */
        RECEIVED_BEFORE,
        /** No wait is under way that could be extended; nothing changed. */
        NOT_WAITING,
        /** It is for an earlier attempt of the step; nothing changed. */
        STALE,
        /** The step is done; nothing changed. */
        STEP_DONE,
        /** The job has ended; nothing changed. */
        FINISHED,
        /** A word that this version of the SDK does not know; the database is newer. */
        UNKNOWN
    }
}
