package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A lease to renew, and how far its job has come ({@link JobCoordinator#heartbeatAll}). Immutable.
 *
 * @param lease the lease
 * @param progress 0 to 100 per cent; null leaves it as it is
 * @param note a word about it for a person; null leaves it as it is
 */
public record Heartbeat(
        Lease lease, @Nullable Integer progress, @Nullable String note) {
    /** Checks the parts. */
    public Heartbeat {
        Objects.requireNonNull(lease, "lease");
        if (progress != null) {
            Checks.progress(progress);
        }
        note = note == null ? null : Checks.note(note);
    }

    /** A renewal that leaves the progress as it is. */
    public static Heartbeat of(Lease lease) {
        return new Heartbeat(lease, null, null);
    }

    /**
     * The same renewal with a progress.
     *
     * @param percent 0 to 100
     */
    public Heartbeat withProgress(int percent) {
        return new Heartbeat(lease, percent, note);
    }

    /**
     * The same renewal with a word about the progress.
     *
     * @param text at most 500 characters; longer ones are cut
     */
    public Heartbeat withNote(String text) {
        return new Heartbeat(lease, progress, text);
    }
}
