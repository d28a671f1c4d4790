package dev.interlock;

import java.time.Duration;

/**
 * Hears what a worker does. Every method does nothing by default; override those you need. They are called on the
 * worker's own threads, at the same time for several jobs: be thread-safe and quick. What they throw is logged and
 * otherwise ignored.
 */
public interface WorkerListener {
    /** A job's handler is about to be called. */
    default void jobStarted(Lease lease) {}

    /** A run ended and the database has answered. */
    default void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {}

    /** A lease is lost: the handler has been interrupted, and its outcome will not be sent, or was refused. */
    default void leaseLost(Lease lease, String reason) {}

    /** Somebody has asked for the job to be cancelled: the handler has been interrupted. */
    default void cancelRequested(Lease lease) {}

    /** The coordinator cannot be reached or refuses. Called for each failed call; running jobs go on, nothing new starts. */
    default void callFailed(InterlockException failure) {}

    /**
     * The coordinator answers again.
     *
     * @param outage how long it did not
     */
    default void recovered(Duration outage) {}
}
