package dev.interlock;

import java.util.List;

/**
 * What of the SQL is installed.
 *
 * @param newProject whether 000 (a new project) is right for this database, else 027 (an existing one)
 * @param applied the files that were applied as they are now
 * @param pending the files that are not applied yet, in order
 * @param changed the files that were applied with another text
 */
public record MigrationStatus(boolean newProject, List<String> applied, List<String> pending, List<String> changed) {

    /** Copies the lists. */
    public MigrationStatus {
        applied = List.copyOf(applied);
        pending = List.copyOf(pending);
        changed = List.copyOf(changed);
    }

    /** Whether nothing is to be done. */
    public boolean isUpToDate() {
        return pending.isEmpty() && changed.isEmpty();
    }
}
