package dev.interlock;

import java.util.Objects;

/**
 * How the run under a lease ended, for {@link JobCoordinator#completeAll}.
 *
 * @param lease the lease
 * @param outcome how its run ended
 */
public record LeaseOutcome(Lease lease, Outcome outcome) {
    /** Checks that both parts are there. */
    public LeaseOutcome {
        Objects.requireNonNull(lease, "lease");
        Objects.requireNonNull(outcome, "outcome");
    }
}
