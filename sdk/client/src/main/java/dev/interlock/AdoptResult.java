package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a call of {@link JobCoordinator#adopt} did or, as a dry run, would do.
 *
 * @param adopted how many jobs came into line
 * @param passedOver how many rows somebody else had locked; a later call sees what has become of them
 * @param notAdopted the rows that stay as they were, each with its reason
 * @param jobs the first 100 of those adopted, in their order
 * @param next where the next call goes on ({@link AdoptOptions#after}); null when all were looked at
 */
public record AdoptResult(
        int adopted,
        int passedOver,
        List<NotAdopted> notAdopted,
        List<Adopted> jobs,
        @Nullable String next) {
    /** Copies the lists. */
    public AdoptResult {
        notAdopted = Json.copy(notAdopted);
        jobs = Json.copy(jobs);
    }

    /**
     * A job that came into line.
     *
     * @param jobId the job
     * @param status what its row said
     * @param jobType how the log shows it
     * @param handler which code is going to run it
     * @param models what it needs
     * @param queuedAt since when it has waited: its place in every line
     * @param dueAt when it comes into line, where it backs off until then; else null
     * @param queuePosition its place among those that wait, 1 = next; null when it stands in no line yet, or past 10,000
     * @param currentStep the step that a workflow goes on with, from 0; null where none was begun
     * @param attempt how many attempts it has used
     * @param maxAttempts how many it has
     */
    public record Adopted(
            String jobId,
            String status,
            JobType jobType,
            String handler,
            List<String> models,
            Instant queuedAt,
            @Nullable Instant dueAt,
            @Nullable Integer queuePosition,
            @Nullable Integer currentStep,
            int attempt,
            int maxAttempts) {
        /** Copies the list. */
        public Adopted {
            models = Json.copy(models);
        }
    }

    /**
     * A row that waits and was not adopted.
     *
     * @param jobId the job
     * @param status what its row says
     * @param code one of the codes in docs/reference/errors.md
     * @param reason why, for a person
     * @param hint what to do
     */
    public record NotAdopted(
            String jobId,
            String status,
            String code,
            String reason,
            @Nullable String hint) {}
}
