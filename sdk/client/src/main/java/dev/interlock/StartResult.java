package dev.interlock;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The answer to "can this job start?" ({@link JobCoordinator#start}).
 *
 * <pre>{@code
 * StartResult result = coordinator.start(JobRequest.normal("job-42").models("motion-2.0-fast").build());
 * if (result instanceof StartResult.Started started) {
 *     run(started.lease());
 * } else if (result instanceof StartResult.Queued queued) {
 *     log("waits at place " + queued.position() + ": " + queued.reason());
 * }
 * }</pre>
 */
public sealed interface StartResult {
    /** Whether the job was started by this request, that is, whether this is {@link Started}. */
    default boolean isStarted() {
        return this instanceof Started;
    }

    /** Whether the job waits, that is, whether this is {@link Queued}. */
    default boolean isQueued() {
        return this instanceof Queued;
    }

    /**
     * The job was started and all its models are held.
     *
     * @param lease the right to run it
     */
    record Started(Lease lease) implements StartResult {}

    /**
     * The job waits; it keeps this place however often it asks again, and any worker that can run it may start it.
     *
     * @param status {@link JobStatus#WAITING} or {@link JobStatus#DELAYED}
     * @param position its place among those that wait, the largest over its lines, 1 = next; null when it stands in no
     *     line
     * @param blockedBy the job that holds it up; null when none does
     * @param reason why it waits, for a person
     */
    record Queued(
            JobStatus status,
            @Nullable Integer position,
            @Nullable String blockedBy,
            @Nullable String reason) implements StartResult {}

    /**
     * Another request has started the job already; no token is given out.
     *
     * @param workerId who runs it
     * @param attempt which attempt it is, from 1
     * @param leaseUntil until when its lease goes, by the database's clock
     */
    record AlreadyRunning(
            @Nullable String workerId,
            int attempt,
            @Nullable Instant leaseUntil) implements StartResult {}

    /**
     * The job has ended and does not run again.
     *
     * @param status how it ended
     */
    record AlreadyFinished(JobStatus status) implements StartResult {}
}
