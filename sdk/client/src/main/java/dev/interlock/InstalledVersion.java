package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is installed in the database ({@link JobCoordinator#version}).
 *
 * @param version the version of the migrations
 * @param contract the number of the SQL contract; an SDK works with one number
 * @param migrations the migrations that were applied through the migrator
 */
public record InstalledVersion(String version, int contract, List<Migration> migrations) {
    /** Copies the list. */
    public InstalledVersion {
        migrations = Json.copy(migrations);
    }

    /**
     * A migration that was applied.
     *
     * @param name its file name
     * @param checksum of its text
     * @param appliedAt when
     */
    public record Migration(
            String name,
            @Nullable String checksum,
            @Nullable Instant appliedAt) {}
}
