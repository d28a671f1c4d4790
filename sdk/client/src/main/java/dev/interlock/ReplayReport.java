package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether the log alone gives what the tables say ({@link JobCoordinator#replay()}).
 *
 * @param checked jobs that were rebuilt from their events and compared
 * @param notCovered jobs that began before the oldest event that is kept, and cannot be judged
 * @param differences where log and tables differ; at most 1,000 of a page
 * @param next the page after this one, for {@link JobCoordinator#replayPage}; null when there is none
 */
public record ReplayReport(
        long checked,
        long notCovered,
        List<Difference> differences,
        @Nullable String next) {
    /** Copies the list. */
    public ReplayReport {
        differences = Json.copy(differences);
    }

    /** Whether no difference was found. */
    public boolean consistent() {
        return differences.isEmpty();
    }

    /**
     * Something that log and tables say differently.
     *
     * @param jobId of this job
     * @param what {@code status}, {@code attempt}, {@code token}, {@code worker_id}, {@code held} (its models), or {@code events}: one that cannot
     *     follow those before it
     * @param log what its events make of it; null for nothing
     * @param table what the tables say; null for nothing
     */
    public record Difference(
            String jobId,
            String what,
            @Nullable String log,
            @Nullable String table) {}
}
