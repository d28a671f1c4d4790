package dev.interlock;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the seed document's verification queries return, and in what the installed SQL differs from this version's.
 *
 * @param hasJobs whether the database has a table {@code jobs}; a database for the coordination alone has none
 * @param hasExecutions whether it has a table {@code workflow_executions}
 * @param jobsColumns how many of the 5 columns of {@code jobs} are there
 * @param executionsColumns how many of the 3 columns of {@code workflow_executions} are there
 * @param tables how many of {@code job_queue_state} and {@code job_queue_log} are there
 * @param stateRows how many rows {@code job_queue_state} has; 1 is right
 * @param activeJobId the job that its row names; null when none runs
 * @param version the version of the SQL that is installed; null when there is none
 * @param differences every object that is missing, was changed, or lets in whom it should not; empty when all is as it should be
 */
public record Verification(
        boolean hasJobs,
        boolean hasExecutions,
        int jobsColumns,
        int executionsColumns,
        int tables,
        int stateRows,
        @Nullable String activeJobId,
        @Nullable String version,
        List<Difference> differences) {

    /** Copies the list. */
    public Verification {
        differences = List.copyOf(differences);
    }

    /** Whether everything that the seed names is there. */
    public boolean isComplete() {
        return tables == 2
                && stateRows == 1
                && (!hasJobs || jobsColumns == 5)
                && (!hasExecutions || executionsColumns == 3);
    }

    /** Whether moreover every object is as this version installs it. */
    public boolean isExact() {
        return isComplete() && differences.isEmpty();
    }

    /** The results in the words of the seed. */
    public List<String> lines() {
        return List.of(
                "jobs columns: " + jobsColumns + " rows",
                "workflow_executions columns: " + executionsColumns + " rows",
                "new tables: " + tables + " rows",
                "job_queue_state: " + stateRows + " row with "
                        + (activeJobId == null ? "NULL active_job_id" : "active_job_id " + activeJobId));
    }
}
