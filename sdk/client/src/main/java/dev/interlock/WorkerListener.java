package dev.interlock;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Hears what a worker does. Every method does nothing by default; override those you need. They are called on the
 * worker's own threads, at the same time for several jobs: be thread-safe and quick. What they throw is logged and
 * otherwise ignored.
 */
public interface WorkerListener {
    /** A job's handler is about to be called. */
    default void jobStarted(Lease lease) {}

    /**
     * A job's handler has ended; its outcome is about to be sent.
     *
     * @param ran how long it took
     * @param thrown what it threw; null when it returned
     */
    default void handlerEnded(Lease lease, Duration ran, @Nullable Throwable thrown) {}

    /** A run ended and the database has answered. */
    default void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {}

    /**
     * A step of a workflow has ended.
     *
     * @param ran how long this attempt of it took
     * @param thrown what it threw; null when its output is about to be saved
     */
    default void stepEnded(Lease lease, WorkflowStep step, Duration ran, @Nullable Throwable thrown) {}

    /**
     * A step whose time is over goes on in spite of its interrupt: the run ends without it, and its models are free for
     * others though it may still be using them. Its thread takes up a slot of the worker until it ends.
     */
    default void handlerAbandoned(Lease lease, WorkflowStep step) {}

    /** A lease is lost: the handler has been interrupted, and its outcome will not be sent, or was refused. */
    default void leaseLost(Lease lease, String reason) {}

    /** Somebody has asked for the job to be cancelled: the handler has been interrupted. */
    default void cancelRequested(Lease lease) {}

    /**
     * A claim was answered, whether it went alone or with outcomes.
     *
     * @param asked for how many jobs at most
     * @param given how many were started
     */
    default void claimed(int asked, int given) {}

    /** The coordinator cannot be reached or refuses. Called for each failed call; running jobs go on, nothing new starts. */
    default void callFailed(InterlockException failure) {}

    /**
     * The coordinator answers again.
     *
     * @param outage how long it did not
     */
    default void recovered(Duration outage) {}
}
