package dev.interlock;

import org.jspecify.annotations.Nullable;

/**
 * The settings that hold for all jobs, as they are now.
 *
 * @param maxActiveJobs how many jobs may run at once over all models; null = any number
 * @param priorityStepSeconds by how many seconds one level of priority goes ahead
 * @param defaultCapacity what an unknown model gets as its capacity
 * @param unknownModels {@code create} or {@code refuse}: what happens to a job that names an unknown model
 * @param logRetentionDays how long the log is kept; null = for ever
 * @param paused whether nobody may start, whatever is free
 * @param maxOvertakes how many later jobs may start on a model that a job keeps while it waits for another one
 * @param skipAfterSeconds after how long a job that no live worker can run stands aside; null = never
 */
public record Limits(
        @Nullable Integer maxActiveJobs,
        double priorityStepSeconds,
        int defaultCapacity,
        String unknownModels,
        @Nullable Integer logRetentionDays,
        boolean paused,
        int maxOvertakes,
        @Nullable Double skipAfterSeconds) {}
