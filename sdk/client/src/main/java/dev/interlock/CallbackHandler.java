package dev.interlock;

import org.jspecify.annotations.Nullable;

/** The code of a step that goes on when its callback has come. Must be thread-safe. */
@FunctionalInterface
public interface CallbackHandler {
    /**
     * Makes the step's output of what came. Keep it to a look at that: when it throws, another attempt of the step submits
     * again. What is done with the output belongs in the next step.
     *
     * @return the step's output: any object that Jackson writes as JSON, at most 1 MiB of it; null for none
     * @throws Exception what happens then is up to the step's {@link FailurePolicy}, or the worker's
     */
    @Nullable
    Object run(StepContext context, Callback callback) throws Exception;
}
