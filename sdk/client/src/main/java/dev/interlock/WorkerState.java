package dev.interlock;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A worker at one moment ({@link JobWorker#state()}), for health checks and dashboards.
 *
 * @param workerId its name
 * @param phase where it is in its life
 * @param failingSince since when the coordinator cannot be reached or refuses; null when all is well
 * @param lastFailure what the last failed call said; null when all is well
 * @param lastContact when the coordinator last answered; null when it has not yet
 * @param running jobs that it holds now, those included whose outcome is on its way
 * @param concurrency how many it may hold at once
 * @param started jobs started so far
 * @param completed of these, completed
 * @param failed of these, failed for good
 * @param retried of these, given back to be tried again
 * @param released of these, given back at no cost of an attempt
 * @param cancelled of these, cancelled
 * @param lost of these, lost with their leases
 */
public record WorkerState(
        String workerId,
        Phase phase,
        @Nullable Instant failingSince,
        @Nullable String lastFailure,
        @Nullable Instant lastContact,
        int running,
        int concurrency,
        long started,
        long completed,
        long failed,
        long retried,
        long released,
        long cancelled,
        long lost) {
    /** Where a worker is in its life. */
    public enum Phase {
        /** Built, not started. */
        NEW,
        /** Claims and runs jobs. */
        RUNNING,
        /** Closing: claims nothing new and lets its jobs end. */
        DRAINING,
        /** Closed. */
        CLOSED
    }

    /** Whether it runs and the coordinator answers. */
    public boolean isHealthy() {
        return phase == Phase.RUNNING && failingSince == null;
    }
}
