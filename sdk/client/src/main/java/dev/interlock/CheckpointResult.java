package dev.interlock;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint came to ({@link JobCoordinator#checkpoint}): the output is saved, and this tells how the job goes on.
 *
 * @param result whether this run goes on
 * @param jobStatus where the job is in its life
 * @param currentStep the first step that is not done, from 0; the number of steps when all are done
 * @param models the models that the job holds now
 * @param queuePosition its place when it waits, 1 = next; null when it does not
 * @param blockedByJobId whom it waits for; null for nobody
 * @param conflictReason why, for a person; null when it does not wait
 */
public record CheckpointResult(
        Result result,
        JobStatus jobStatus,
        int currentStep,
        List<String> models,
        @Nullable Integer queuePosition,
        @Nullable String blockedByJobId,
        @Nullable String conflictReason) {
    /** Whether the run goes on. */
    public enum Result {
        /** It goes on with the next step, under the same lease. */
        SAVED,
        /**
         * The next step's models are not free ({@link Holding#PER_STEP}): the run is over, the job waits at its own place,
         * and the next claim goes on from here. Nothing more is to be sent for this run.
         */
        WAITING,
        /** The job was to be cancelled, and ends here. Nothing more is to be sent for this run. */
        CANCELLED,
        /** A word that this version of the SDK does not know; the database is newer. */
        UNKNOWN
    }

    /** Copies the list. */
    public CheckpointResult {
        models = List.copyOf(models);
    }

    /** Whether this run goes on. */
    public boolean goesOn() {
        return result == Result.SAVED;
    }
}
