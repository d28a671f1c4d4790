package dev.interlock.internal.worker;

import dev.interlock.ClaimRequest;
import dev.interlock.Outcome;
import dev.interlock.internal.coordination.Calls;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request of the dispatcher: outcomes, a claim, or both. While its answer is not known it is sent again with the same
 * id and the same content, so that whatever happened to the first, it takes effect once and its leases are not lost.
 *
 * @param requestId the id that makes it one request
 * @param ended the runs that ended; empty for a mere claim
 * @param claim the jobs to start; null for none
 * @param firstSentAt when it was first about to be sent, by {@link System#nanoTime()}
 * @param substitute whether it reports that the database refused the run's own outcome
 */
record Exchange(
        String requestId, List<Ended> ended, @Nullable ClaimRequest claim, long firstSentAt, boolean substitute) {
    /** Below the 15 minutes for which the database knows a request id. */
    private static final Duration MAX_AGE = Duration.ofMinutes(10);

    /**
     * A run and how it ended.
     *
     * @param run the run
     * @param outcome how it ended
     */
    record Ended(Run run, Outcome outcome) {}

    static Exchange of(List<Ended> ended, @Nullable ClaimRequest claim) {
        return new Exchange(Calls.newRequestId(), List.copyOf(ended), claim, System.nanoTime(), false);
    }

    /** Says instead of a refused outcome that it was refused. */
    static Exchange substitute(Run run, Outcome outcome) {
        return new Exchange(Calls.newRequestId(), List.of(new Ended(run, outcome)), null, System.nanoTime(), true);
    }

    /** Whether sending it again has no use any more: the leases that it may have taken have run out. */
    boolean isPast(Duration lease) {
        long age = System.nanoTime() - firstSentAt;
        return age > (ended.isEmpty() ? lease : MAX_AGE).toNanos();
    }
}
