package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is installed in the database ({@link JobCoordinator#version}).
 *
 * @param version the version of the migrations
 * @param contract the newest contract that this SQL keeps; a release that adds to the functions in a way that an SDK needs raises it
 * @param oldestContract the oldest contract that it still keeps: an SDK works when its own is between the two
 * @param migrations the migrations that were applied through the migrator
 */
public record InstalledVersion(String version, int contract, int oldestContract, List<Migration> migrations) {
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
