package dev.interlock.internal.worker;

import dev.interlock.FailurePolicy;
import dev.interlock.WorkerListener;
import dev.interlock.internal.coordination.Calls;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What a worker was built with.
 *
 * @param executor the user's; null for one of the worker's own
 * @param virtualThreads whether the worker's own has virtual threads
 * @param grace how long a close waits for handlers to end by themselves
 * @param stopTime how long it then waits for interrupted ones
 */
public record WorkerConfig(
        Calls calls,
        String workerId,
        Routes routes,
        int concurrency,
        @Nullable Executor executor,
        boolean virtualThreads,
        Duration pollMin,
        Duration pollMax,
        Duration lease,
        Duration grace,
        Duration stopTime,
        FailurePolicy failurePolicy,
        List<WorkerListener> listeners) {
    public WorkerConfig {
        listeners = List.copyOf(listeners);
    }
}
