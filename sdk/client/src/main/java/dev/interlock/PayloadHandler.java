package dev.interlock;

/**
 * The code that runs a kind of job, given its payload as an object, usually a record. Like a {@link JobHandler} it is called
 * for several jobs at the same time, so it must be thread-safe.
 *
 * @param <T> what the payload is read as
 */
@FunctionalInterface
public interface PayloadHandler<T> {
    /**
     * Runs one attempt of a job; see {@link JobHandler#handle}. It is not called for a job that has no payload or one that
     * does not fit: such a job fails for good, with a reason that says which field is at fault.
     *
     * @return how it ended
     * @throws Exception what happens then is up to the worker's {@link FailurePolicy}
     */
    Outcome handle(T payload, JobContext job) throws Exception;
}
