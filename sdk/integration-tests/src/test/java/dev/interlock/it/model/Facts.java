package dev.interlock.it.model;

import org.jspecify.annotations.Nullable;

/** What only the server knows: its clock at the instant it did something, and the numbers it gives. Read after the call. */
interface Facts {

    long enteredAt(String jobId);

    long startedAt(String jobId);

    long token(String jobId);

    /** When the pause of everything last ended. */
    long resumedAt();

    /** When it was last written down that this worker is there; null for one that nobody knows. */
    @Nullable
    Long heardOf(String worker);
}
