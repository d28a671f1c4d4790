package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The right to run a job until a time, renewed by {@linkplain JobCoordinator#heartbeat heartbeats}.
 *
 * <p>Its {@code token} is new for every attempt and only ever grows. Everything written for the run carries it, so that
 * an older run can change nothing once a newer one has begun; pass it on to whatever the run calls, as its idempotency
 * or fencing key.
 *
 * <p>Immutable and thread-safe. Given out by the coordinator; do not construct it yourself.
 *
 * @param jobId the job
 * @param jobType normal or workflow
 * @param handler which code runs the job
 * @param models the models that are held, in the order the job named them
 * @param attempt which attempt this is, from 1
 * @param maxAttempts how many attempts the job has
 * @param token grows with every attempt of any job
 * @param workerId who holds the lease
 * @param duration how long the lease lasts from each heartbeat
 * @param leaseUntil until when it goes, by the database's clock, as of its start
 * @param queuedAt when the job first entered its lines
 * @param startedAt when this attempt started
 * @param payloadJson the job's payload as JSON text; null when it has none. See {@link #payload(Class)}
 * @param workflow how far the job has come; null for a job without steps
 */
public record Lease(
        String jobId,
        JobType jobType,
        String handler,
        List<String> models,
        int attempt,
        int maxAttempts,
        long token,
        String workerId,
        Duration duration,
        Instant leaseUntil,
        Instant queuedAt,
        Instant startedAt,
        @Nullable String payloadJson,
        @Nullable WorkflowState workflow) {
    /** Copies the list. */
    public Lease {
        models = List.copyOf(models);
    }

    /**
     * The payload as an object of yours, usually a record; properties that the class does not have are ignored.
     *
     * @throws DataException when the job has no payload or it does not fit the class
     */
    public <T> T payload(Class<T> type) {
        return Json.decode("The payload of job " + jobId, payloadJson, type);
    }

    /** Whether this is the last attempt: a retry would fail the job. */
    public boolean isLastAttempt() {
        return attempt >= maxAttempts;
    }

    /** Names the job, the attempt and the token; never the payload. */
    @Override
    public String toString() {
        return "Lease[" + jobId + ", attempt " + attempt + "/" + maxAttempts + ", token " + token + ", " + models + "]";
    }
}
