package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How far a job with steps has come when a run of it starts: what another run needs to go on where the last one stopped.
 * Immutable; given out by the coordinator with a {@link Lease}.
 *
 * @param holding how it holds its models
 * @param steps its steps, in order; empty for a job that another system began, or that a row of {@code jobs} brought, until
 *     a worker that knows its workflow has saved a step
 * @param currentStep the first step that is not done, from 0; the number of steps when all are done
 * @param stepAttempt which attempt of the current step this is, from 1
 * @param checkpoints the outputs of the steps that are done, as JSON text, by their numbers. A step that was passed over
 *     has none; the output of one that had nothing to say is null
 * @param callback what became of the callback that the current step waits for; null when it waits for none
 */
public record WorkflowState(
        Holding holding,
        List<JobStep> steps,
        int currentStep,
        int stepAttempt,
        Map<Integer, @Nullable String> checkpoints,
        @Nullable Callback callback) {
    /** Copies the list and the map. */
    public WorkflowState {
        steps = List.copyOf(steps);
        checkpoints = Collections.unmodifiableMap(new TreeMap<>(checkpoints));
    }

    /**
     * The output of a step that is done as an object of yours.
     *
     * @param step its number, from 0
     * @throws DataException when there is none or it does not fit the class
     */
    public <T> T output(int step, Class<T> type) {
        return Json.decode("The output of step " + step, checkpoints.get(step), type);
    }

    /**
     * The callback that a step waits for.
     *
     * @param step the step
     * @param token of the run that began to wait; null while none has
     * @param until the bound of the wait, by the database's clock; null while none has begun
     * @param noteJson what that run noted, as JSON text; null for nothing
     * @param payloadJson what the callback brought, as JSON text; null when it has not come, or brought nothing
     * @param arrived whether it has come
     * @param timedOut whether the time for it is over
     */
    public record Callback(
            int step,
            @Nullable Long token,
            @Nullable Instant until,
            @Nullable String noteJson,
            @Nullable String payloadJson,
            boolean arrived,
            boolean timedOut) {
        /** Says whether it came; never what. */
        @Override
        public String toString() {
            return "Callback[step " + step + (arrived ? ", arrived]" : timedOut ? ", timed out]" : ", awaited]");
        }
    }

    /** Says how far it is; never the outputs. */
    @Override
    public String toString() {
        return "WorkflowState[step " + currentStep + " of " + steps.size() + ", " + holding + "]";
    }
}
