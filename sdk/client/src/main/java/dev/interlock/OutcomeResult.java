package dev.interlock;

/**
 * What became of one outcome of a batch ({@link JobCoordinator#completeAll}).
 *
 * @param jobId the job
 * @param token the token of the run
 * @param status what became of it
 */
public record OutcomeResult(String jobId, long token, OutcomeStatus status) {}
