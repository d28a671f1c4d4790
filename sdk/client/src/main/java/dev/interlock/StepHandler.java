package dev.interlock;

import org.jspecify.annotations.Nullable;

/** The code of one step of a workflow. Called for several jobs at the same time, so it must be thread-safe. */
@FunctionalInterface
public interface StepHandler {
    /**
     * Runs the step. Its thread is interrupted when the run should stop, or the step's time is over.
     *
     * @return its output: any object that Jackson writes as JSON, at most 1 MiB of it; null for none. Or
     *     an {@link AwaitCallback}, when the output comes from outside later
     * @throws Exception what happens then is up to the step's {@link FailurePolicy}, or the worker's
     */
    @Nullable
    Object run(StepContext context) throws Exception;
}
