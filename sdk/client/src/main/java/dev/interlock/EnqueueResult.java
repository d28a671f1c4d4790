package dev.interlock;

import org.jspecify.annotations.Nullable;

/**
 * Where a job stands after {@link JobCoordinator#enqueue}.
 *
 * @param jobId the job
 * @param entered true when the job is new; false when it was known already, in which case nothing changed and it keeps
 *     its place
 * @param status where the job is in its life
 * @param queuePosition its place among those that wait, 1 = next; null when it stands in no line
 * @param blockedByJobId the job that holds it up; null when none does
 * @param conflictReason why it waits, for a person; null when it does not
 */
public record EnqueueResult(
        String jobId,
        boolean entered,
        JobStatus status,
        @Nullable Integer queuePosition,
        @Nullable String blockedByJobId,
        @Nullable String conflictReason) {}
