package dev.interlock;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a claim.
 *
 * @param leases the jobs that were started, in order; empty when nothing may start now
 * @param nextDueAt the database's time at which the next delayed job falls due or the next lease runs out, so that an
 *     idle worker can sleep until then; null when there is neither
 */
public record Claim(List<Lease> leases, @Nullable Instant nextDueAt) {
    /** Copies the list. */
    public Claim {
        leases = List.copyOf(leases);
    }
}
