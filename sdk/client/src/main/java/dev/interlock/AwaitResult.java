package dev.interlock;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What waiting for a callback came to ({@link JobCoordinator#awaitCallback}).
 *
 * @param result whether it has come, and whether the run goes on
 * @param until the bound of the wait, by the database's clock; null when there is none
 * @param payloadJson what the callback brought, as JSON text; null when it has not come, or brought nothing
 */
public record AwaitResult(
        Result result, @Nullable Instant until, @Nullable String payloadJson) {
    /** How it stands. */
    public enum Result {
        /** It has come: the run goes on. */
        ARRIVED,
        /** It did not come in time: the run goes on, and says what becomes of the job. */
        TIMED_OUT,
        /** It has not come, and the models are kept: renew the lease, and ask again. */
        HELD,
        /** It has not come, and the job has given everything back: the run is over. A later claim goes on. */
        WAITING,
        /** The job was to be cancelled, and ends here: the run is over. */
        CANCELLED,
        /** A word that this version of the SDK does not know; the database is newer. */
        UNKNOWN
    }

    /** Says how it stands; never what came. */
    @Override
    public String toString() {
        return "AwaitResult[" + result + ", until " + until + "]";
    }
}
