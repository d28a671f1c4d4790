package dev.interlock.internal.worker;

import dev.interlock.JobHandler;
import dev.interlock.Outcome;
import dev.interlock.WorkerListener;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls the handler of a run and makes of whatever it does an outcome. */
final class Runner {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private final WorkerConfig config;
    private final Notices notices;

    Runner(WorkerConfig config, Notices notices) {
        this.config = config;
        this.notices = notices;
    }

    /** How the run ended, on this thread; null when its lease is lost and there is nothing to say. */
    @Nullable
    Outcome run(Run run) {
        Outcome outcome;
        try {
            if (run.enter()) {
                outcome = call(run);
            } else {
                outcome = stopped(run);
            }
        } finally {
            run.leave();
        }
        return run.isLost() ? null : outcome;
    }

    private Outcome call(Run run) {
        notices.tell(WorkerListener::jobStarted, run.lease());
        try {
            JobHandler handler = config.handlers().get(run.lease().handler());
            if (handler == null) {
                // Only these handlers are asked for, so this takes a database that does not keep to its contract.
                return Outcome.release();
            }
            Outcome outcome = handler.handle(run);
            // The user's code need not know of our null checks.
            return outcome == null ? Outcome.fail("The handler returned null instead of an Outcome.") : outcome;
        } catch (Throwable failure) { // Errors too: whatever a handler does, its job must end and its models be free.
            return failed(run, failure);
        }
    }

    private Outcome failed(Run run, Throwable failure) {
        if (run.isStopped()) {
            LOG.debug("The handler of job {} was stopped", run.jobId(), failure);
            return stopped(run);
        }
        LOG.debug("The handler of job {} threw", run.jobId(), failure);
        try {
            Outcome outcome = config.failurePolicy().onFailure(failure, run);
            if (outcome != null) {
                return outcome;
            }
            LOG.warn("The FailurePolicy returned null for job {}; the job fails", run.jobId(), failure);
        } catch (RuntimeException e) {
            LOG.warn("The FailurePolicy threw for job {}; the job fails", run.jobId(), e);
        }
        return Outcome.fail(failure.getClass().getSimpleName());
    }

    /** What a run comes to that was told to stop and did. The cancel goes first: it is what its job's owner wants. */
    private static Outcome stopped(Run run) {
        return run.isCancelled() ? Outcome.fail("Cancelled while it ran.") : Outcome.release();
    }
}
