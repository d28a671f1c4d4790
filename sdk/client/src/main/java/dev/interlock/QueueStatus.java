package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything a dashboard needs in one call ({@link JobCoordinator#status}). All times are the database's.
 *
 * @param now when it was taken
 * @param version what is installed
 * @param limits the settings that hold for all jobs
 * @param jobs how many jobs there are that have not ended
 * @param models models with a holder, a waiter or a setting of their own, by name; at most 1,000
 * @param workers who runs how many jobs
 */
public record QueueStatus(
        Instant now, String version, Limits limits, Counts jobs, List<Model> models, List<Worker> workers) {
    /** Copies the lists. */
    public QueueStatus {
        models = Json.copy(models);
        workers = Json.copy(workers);
    }

    /**
     * How many jobs there are.
     *
     * @param waiting in line
     * @param delayed in no line for now
     * @param running under a lease
     * @param runnable of those in line, how many the next claims may start
     */
    public record Counts(long waiting, long delayed, long running, long runnable) {}

    /**
     * A model, who holds it, and who waits for it.
     *
     * @param model its name
     * @param capacity how many jobs may hold it at once
     * @param paused whether nobody may start on it
     * @param holders who holds it; at most 100
     * @param waiting how many jobs wait for it
     * @param line the first 20 of them, in order
     */
    public record Model(
            String model, int capacity, boolean paused, List<Holder> holders, long waiting, List<Waiter> line) {
        /** Copies the lists. */
        public Model {
            holders = Json.copy(holders);
            line = Json.copy(line);
        }
    }

    /**
     * A job that holds a model.
     *
     * @param jobId the job
     * @param handler which code runs it
     * @param workerId who runs it
     * @param attempt which attempt it is
     * @param startedAt since when
     * @param leaseUntil until when its lease goes
     * @param progress 0 to 100 per cent, as its handler said; null when unknown
     * @param note what its handler said with it; null for nothing
     */
    public record Holder(
            String jobId,
            String handler,
            @Nullable String workerId,
            int attempt,
            @Nullable Instant startedAt,
            @Nullable Instant leaseUntil,
            @Nullable Integer progress,
            @Nullable String note) {}

    /**
     * A job that waits for a model.
     *
     * @param jobId the job
     * @param handler which code runs it
     * @param runnable whether the next claim by a worker that can run it starts it
     * @param queuedAt since when it waits
     */
    public record Waiter(
            String jobId,
            String handler,
            boolean runnable,
            @Nullable Instant queuedAt) {}

    /**
     * A worker that runs jobs.
     *
     * @param workerId its name
     * @param running how many jobs it runs
     */
    public record Worker(String workerId, int running) {}
}
