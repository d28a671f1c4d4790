package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Duration;
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
 * @param estimate when it may start
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
        List<Line> models,
        Estimate estimate) {
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

    /**
     * When a waiting job may start, reckoned from its exact place and the latest 100 runs of each of its models. It does not know who will enter with
     * a higher priority, who ahead waits for another model, or whether a worker is free.
     *
     * @param expected from now, when every run takes as long as the mean; null when it cannot be told, see {@code reason}
     * @param low when every run is as short as the shortest tenth
     * @param high when every run is as long as the longest tenth
     * @param startAt {@code expected} from now, by the database's clock
     * @param samples how many runs the answer rests on, the smallest number of a line; null also when no line holds it up
     * @param reason why it cannot be told, or that the job has its turn; null for neither
     */
    public record Estimate(
            @Nullable Duration expected,
            @Nullable Duration low,
            @Nullable Duration high,
            @Nullable Instant startAt,
            @Nullable Integer samples,
            @Nullable String reason) {}
}
