package dev.interlock.internal.worker;

import dev.interlock.JobContext;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkerListener;
import dev.interlock.internal.coordination.Calls;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/** A run as code of ours sees it that writes for it while it runs: a workflow between its steps. Thread-safe. */
public interface RunControl extends JobContext {
    /** The coordinator's functions, each within the time that a worker gives a call. */
    Calls calls();

    /** Whether the lease surely still holds. */
    boolean isLeaseTrusted();

    /** Whether the run was told to stop for a reason of its own: lost, cancelled, or the worker closes. */
    boolean isStopped();

    /**
     * A write is under way with which the database may end the run itself; a heartbeat that finds the run ended then says
     * nothing, because the answer to the write will.
     */
    void writing(boolean now);

    /**
     * The database has ended the run with one of its writes: no outcome is sent.
     *
     * @return what the handler is to return
     */
    Outcome endedAs(OutcomeStatus status);

    /**
     * The time of what the handler does now is over: interrupts it.
     *
     * @return whether it was interrupted; false: it has ended
     */
    boolean interruptAsOverdue();

    /**
     * Ends the run with this outcome though its handler goes on. Whatever that still says is for nothing; its thread takes
     * up a slot of the worker until it ends.
     *
     * @return whether it was ended so; false: it has ended, or its lease is lost
     */
    boolean abandon(Outcome outcome);

    /**
     * What the worker's failure policy makes of an exception.
     *
     * @param job the job as the policy is to see it
     */
    Outcome outcomeOf(JobContext job, Throwable failure);

    /** Has this done by the worker's timer; it must be quick. */
    Future<?> after(Duration delay, Runnable action);

    /** How long an interrupted handler gets to stop. */
    Duration stopTime();

    /** How often to ask for what may have come. */
    Duration pollInterval();

    /** Tells the worker's listeners. */
    void tell(Consumer<WorkerListener> event);

    /** What the run says to its worker. */
    interface Host {
        /** See {@link RunControl#outcomeOf}. */
        Outcome outcomeOf(JobContext job, Throwable failure);

        /** See {@link RunControl#after}. */
        Future<?> after(Duration delay, Runnable action);

        /** See {@link RunControl#stopTime}. */
        Duration stopTime();

        /** See {@link RunControl#pollInterval}. */
        Duration pollInterval();

        /** See {@link RunControl#tell}. */
        void tell(Consumer<WorkerListener> event);

        /** See {@link RunControl#abandon}. */
        void abandoned(Outcome outcome);
    }
}
