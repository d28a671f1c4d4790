package dev.interlock;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer to {@link JobCoordinator#completeAll}.
 *
 * @param outcomes what became of each outcome, in the order given; a refused one does not stop the others
 * @param claim the jobs claimed in the same transaction; null when none were asked for
 */
public record Completion(
        List<OutcomeResult> outcomes, @Nullable Claim claim) {
    /** Copies the list. */
    public Completion {
        outcomes = List.copyOf(outcomes);
    }
}
