package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a job stands and why ({@link JobCoordinator#explain}). All times are the database's.
 *
 * @param jobId the job
 * @param jobType normal or workflow
 * @param handler which code runs it
 * @param status where it is in its life
 * @param priority −100 to 100
 * @param attempt attempts begun so far
 * @param maxAttempts attempts it has
 * @param queuedAt when it first entered its lines
 * @param runAt when it falls due; null when it is
 * @param queuePosition its place among those that wait, 1 = next; null when it stands in no line
 * @param blockedByJobId the job that holds it up; null when none does
 * @param conflictReason why it waits, for a person; null when it does not
 * @param runnable whether the next claim by a worker that can run it starts it
 * @param workerId who runs it, or ran it last; null when nobody has
 * @param leaseUntil until when its lease goes; null when it does not run
 * @param startedAt when its last attempt started; null when none has
 * @param finishedAt when it ended; null when it has not
 * @param progress 0 to 100 per cent, as its handler said; null when unknown
 * @param note what its handler said with its progress; null for nothing
 * @param error why its last attempt did not work; null when none failed
 * @param resultJson its result as JSON text; null when it has none. See {@link #result(Class)}
 * @param models each model it needs, and the global limit where there is one
 */
public record JobExplanation(
        String jobId,
        JobType jobType,
        String handler,
        JobStatus status,
        int priority,
        int attempt,
        int maxAttempts,
        @Nullable Instant queuedAt,
        @Nullable Instant runAt,
        @Nullable Integer queuePosition,
        @Nullable String blockedByJobId,
        @Nullable String conflictReason,
        boolean runnable,
        @Nullable String workerId,
        @Nullable Instant leaseUntil,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        @Nullable Integer progress,
        @Nullable String note,
        @Nullable String error,
        @Nullable String resultJson,
        List<Line> models) {
    /** Copies the list. */
    public JobExplanation {
        models = List.copyOf(models);
    }

    /**
     * The result as an object of yours, usually a record.
     *
     * @throws DataException when the job has no result or it does not fit the class
     */
    public <T> T result(Class<T> type) {
        return Json.decode("The result of job " + jobId, resultJson, type);
    }

    /**
     * One line that the job stands in.
     *
     * @param model the model; null for the global limit
     * @param capacity how many jobs may hold it at once
     * @param paused whether nobody may start on it
     * @param admitted whether this line would let the job start
     * @param position its place among those that wait here; null when it does not wait
     * @param holders who holds it
     * @param ahead the first 20 jobs ahead in this line
     * @param aheadCount how many jobs are ahead in this line
     */
    public record Line(
            @Nullable String model,
            int capacity,
            boolean paused,
            boolean admitted,
            @Nullable Integer position,
            List<Holder> holders,
            List<String> ahead,
            int aheadCount) {
        /** Copies the lists. */
        public Line {
            holders = Json.copy(holders);
            ahead = Json.copy(ahead);
        }
    }

    /**
     * A job that holds a model.
     *
     * @param jobId the job
     * @param workerId who runs it
     * @param leaseUntil until when its lease goes
     */
    public record Holder(
            String jobId,
            @Nullable String workerId,
            @Nullable Instant leaseUntil) {}
}
