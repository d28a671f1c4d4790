package dev.interlock;

/**
 * The code that runs a kind of job. Called on one of the worker's threads, at the same time for several jobs, so it must
 * be thread-safe.
 */
@FunctionalInterface
public interface JobHandler {
    /**
     * Runs one attempt of a job. The worker renews its lease meanwhile.
     *
     * <p>The thread is interrupted when the run should stop: its lease is lost, somebody cancels the job, or the worker
     * closes. Let the interrupt end the work; blocking calls do so by themselves.
     *
     * @return how it ended
     * @throws Exception what happens then is up to the worker's {@link FailurePolicy}
     */
    Outcome handle(JobContext context) throws Exception;
}
