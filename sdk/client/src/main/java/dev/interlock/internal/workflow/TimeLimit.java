package dev.interlock.internal.workflow;

import dev.interlock.StepTimeoutException;
import dev.interlock.WorkflowStep;
import dev.interlock.internal.worker.RunControl;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The time that a step may take. When it is over the step's thread is interrupted, and after the worker's stop time whoever
 * waits for the step is told that it did not listen.
 */
final class TimeLimit {
    private enum State {
        RUNNING,
        ENDED,
        OVERDUE
    }

    private final RunControl run;
    private final WorkflowStep step;
    private final Consumer<StepTimeoutException> ignored;
    private volatile boolean left;
    private final AtomicReference<State> state = new AtomicReference<>(State.RUNNING);

    /**
     * A limit.
     *
     * @param ignored told on a thread of its own when the step goes on in spite of its interrupt
     */
    TimeLimit(RunControl run, WorkflowStep step, Consumer<StepTimeoutException> ignored) {
        this.run = run;
        this.step = step;
        this.ignored = ignored;
    }

    /** Calls it on this thread; what it returns or throws after its time counts no more. */
    @Nullable
    Object call(Callable<@Nullable Object> code) throws Exception {
        Duration timeout = step.timeout();
        if (timeout == null) {
            return code.call();
        }
        Future<?> alarm = run.after(timeout, () -> over(timeout));
        Object output = null;
        Throwable thrown = null;
        try {
            output = code.call();
        } catch (Throwable e) { // Errors too, of code that was interrupted.
            thrown = e;
        }
        alarm.cancel(false);
        left = true;
        if (!state.compareAndSet(State.RUNNING, State.ENDED)) {
            StepTimeoutException overdue = new StepTimeoutException(step.name(), timeout);
            if (thrown != null) {
                overdue.addSuppressed(thrown);
            }
            throw overdue;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown != null) {
            throw (Exception) thrown;
        }
        return output;
    }

    private void over(Duration timeout) {
        if (state.compareAndSet(State.RUNNING, State.OVERDUE) && run.interruptAsOverdue()) {
            Future<?> unused = run.after(run.stopTime(), () -> {
                if (left) {
                    return;
                }
                // What a policy of the user's does must not hold up the leases of other runs.
                Thread thread = new Thread(
                        () -> ignored.accept(new StepTimeoutException(step.name(), timeout)),
                        "interlock-overdue-" + run.jobId());
                thread.setDaemon(true);
                thread.start();
            });
        }
    }
}
