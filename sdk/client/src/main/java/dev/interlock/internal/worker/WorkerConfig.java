package dev.interlock.internal.worker;

import dev.interlock.FailurePolicy;
import dev.interlock.JobHandler;
import dev.interlock.WorkerListener;
import dev.interlock.internal.coordination.Calls;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What a worker was built with.
 *
 * @param executor the user's; null for one of the worker's own
 * @param grace how long a close waits for handlers to end by themselves
 * @param stopTime how long it then waits for interrupted ones
 */
public record WorkerConfig(
        Calls calls,
        String workerId,
        Map<String, JobHandler> handlers,
        int concurrency,
        @Nullable Executor executor,
        Duration pollMin,
        Duration pollMax,
        Duration lease,
        Duration grace,
        Duration stopTime,
        FailurePolicy failurePolicy,
        WorkerListener listener) {
    public WorkerConfig {
        handlers = Map.copyOf(handlers);
    }
}
