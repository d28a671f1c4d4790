package dev.interlock;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a heartbeat found for one lease.
 *
 * @param jobId the job
 * @param token the token of the run
 * @param status whether the lease is held
 * @param leaseUntil until when it goes now, by the database's clock; null when it is lost
 */
public record HeartbeatResult(
        String jobId, long token, Status status, @Nullable Instant leaseUntil) {
    /** Whether a lease is held. */
    public enum Status {
        /** It was renewed: go on. */
        HELD,
        /** It was renewed, and somebody has asked for the job to be cancelled: stop, and say so as its outcome. */
        CANCEL_REQUESTED,
        /** It is not this run's any more: stop; nothing that the run still writes is accepted. */
        LOST,
        /** A word that this version of the SDK does not know; the database is newer. */
        UNKNOWN
    }

    /** Whether the run may go on for now: everything but {@link Status#LOST}. */
    public boolean isHeld() {
        return status != Status.LOST;
    }
}
