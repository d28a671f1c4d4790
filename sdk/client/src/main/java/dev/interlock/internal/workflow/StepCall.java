package dev.interlock.internal.workflow;

import dev.interlock.AwaitCallback;
import dev.interlock.AwaitResult;
import dev.interlock.Callback;
import dev.interlock.CallbackHandler;
import dev.interlock.CallbackTimeoutException;
import dev.interlock.JobStep;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.StepHandler;
import dev.interlock.WorkflowState;
import dev.interlock.WorkflowStep;
import dev.interlock.internal.coordination.Json;
import dev.interlock.internal.worker.RunControl;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** One attempt of a step: its code, the wait for its callback, and what is made of that. */
final class StepCall {
    private final RunControl run;
    private final StepView view;
    private final WorkflowStep step;
    private final List<JobStep> lateSteps;
    private @Nullable Outcome over;

    StepCall(RunControl run, StepView view, List<JobStep> lateSteps) {
        this.lateSteps = lateSteps;
        this.run = run;
        this.view = view;
        this.step = view.step();
    }

    /** What the handler is to return when the wait has ended the run; null when the run goes on. */
    @Nullable
    Outcome over() {
        return over;
    }

    /**
     * Runs the step.
     *
     * @param pending the callback that an earlier run of it has begun to wait for; null when it begins
     * @return its output, unless the run is {@link #over}
     */
    @Nullable
    Object run(WorkflowState.@Nullable Callback pending) throws Exception {
        if (pending == null) {
            Object output = timed(() -> handler().run(view));
            return output instanceof AwaitCallback wait ? await(wait, wait.noteJson()) : output;
        }
        if (pending.timedOut()) {
            throw new CallbackTimeoutException(step.name());
        }
        if (pending.arrived()) {
            return received(new Callback(pending.payloadJson(), pending.noteJson()));
        }
        // The run before kept the models and died, or its worker closed. What it submitted is under way; its bound
        // counts.
        return await(AwaitCallback.within(Duration.ofDays(1)), pending.noteJson());
    }

    private StepHandler handler() {
        StepHandler code = step.handler();
        if (code == null) {
            throw new IllegalStateException("Step \"" + step.name() + "\" has no code.");
        }
        return code;
    }

    private @Nullable Object await(AwaitCallback wait, @Nullable String noteJson) throws Exception {
        while (true) {
            AwaitResult answer =
                    Writes.send(run, id -> run.calls().await(run.lease(), view.index(), wait, lateSteps, id));
            switch (answer.result()) {
                case ARRIVED -> {
                    run.writing(false);
                    return received(new Callback(answer.payloadJson(), noteJson));
                }
                case WAITING -> {
                    over = run.endedAs(OutcomeStatus.RELEASED);
                    return null;
                }
                case CANCELLED -> {
                    over = run.endedAs(OutcomeStatus.CANCELLED);
                    return null;
                }
                case TIMED_OUT -> {
                    run.writing(false);
                    throw new CallbackTimeoutException(step.name());
                }
                default -> {
                    run.writing(false);
                    // Nothing else is to be done on this thread; its heartbeats have one of their own.
                    Thread.sleep(run.pollInterval().toMillis());
                }
            }
        }
    }

    private @Nullable Object received(Callback callback) throws Exception {
        CallbackHandler code = step.callbackHandler();
        if (code == null) {
            String payload = callback.payloadJson();
            return payload == null ? null : Json.tree("The payload of the callback", payload);
        }
        Object output = timed(() -> code.run(view, callback));
        if (output instanceof AwaitCallback) {
            throw new IllegalStateException("The callback handler of step \"" + step.name()
                    + "\" returned an AwaitCallback; a second wait belongs in a step of its own.");
        }
        return output;
    }

    /** Within the step's time, and told to the listeners. */
    private @Nullable Object timed(Callable<@Nullable Object> code) throws Exception {
        TimeLimit limit = new TimeLimit(run, step, overdue -> Failures.abandon(run, view, overdue));
        long begun = System.nanoTime();
        Throwable thrown = null;
        try {
            return limit.call(code);
        } catch (Throwable e) {
            thrown = e;
            throw e;
        } finally {
            Duration ran = Duration.ofNanos(System.nanoTime() - begun);
            Throwable why = thrown;
            run.tell(l -> l.stepEnded(run.lease(), step, ran, why));
        }
    }
}
