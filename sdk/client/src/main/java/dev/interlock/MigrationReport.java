package dev.interlock;

import java.util.List;

/**
 * What {@link Migrator#migrate} did.
 *
 * @param newProject whether it took the project for a new one (000) or an existing one (027)
 * @param applied the files it applied, in order; empty when all were there
 * @param verification what the seed's verification queries said afterwards
 * @param message the success message, for people
 */
public record MigrationReport(boolean newProject, List<String> applied, Verification verification, String message) {

    /** Copies the list. */
    public MigrationReport {
        applied = List.copyOf(applied);
    }
}
