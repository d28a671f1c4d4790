package dev.interlock.internal.worker;

import dev.interlock.JobContext;
import dev.interlock.JobHandler;
import dev.interlock.Outcome;
import dev.interlock.RetryableJobException;
import dev.interlock.WorkerListener;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls the handler of a run and makes of whatever it does an outcome. */
final class Runner {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private static final Duration NO_CODE_DELAY = Duration.ofMinutes(1);

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
        return run.isLeaseLost() ? null : outcome;
    }

    private Outcome call(Run run) {
        notices.tell(WorkerListener::jobStarted, run.lease());
        long begun = System.nanoTime();
        Throwable thrown = null;
        try {
            JobHandler code = config.routes().codeFor(run.lease());
            Outcome outcome = code == null ? noCode(run) : code.handle(run);
            // The user's code need not know of our null checks.
            return outcome == null
                    ? Outcome.fail("The handler returned null instead of an Outcome.")
                    : resolved(run, outcome);
        } catch (Throwable failure) { // Errors too: whatever a handler does, its job must end and its models be free.
            thrown = failure;
            return failed(run, failure);
        } finally {
            tellEnd(run, Duration.ofNanos(System.nanoTime() - begun), thrown);
        }
    }

    private void tellEnd(Run run, Duration ran, @Nullable Throwable thrown) {
        notices.tell(l -> l.handlerEnded(run.lease(), ran, thrown));
    }

    /** A retry that says no time has the policy's. */
    private Outcome resolved(Run run, Outcome outcome) {
        if (outcome instanceof Outcome.Retry retry && retry.at() == null && retry.in() == null) {
            return byPolicy(run, new RetryableJobException(retry.reason()));
        }
        return outcome;
    }

    /** A claim asks for what there is code for; by models that takes in jobs that need none. */
    private Outcome noCode(Run run) {
        String what = config.routes().byModel()
                ? "whose models are " + run.models()
                : "of the handler \"" + run.lease().handler() + "\"";
        LOG.warn(
                "Worker {}: there is no code for a job {}; job {} is tried again later",
                config.workerId(),
                what,
                run.jobId());
        return Outcome.retryIn(NO_CODE_DELAY, "Worker " + config.workerId() + " has no code for a job " + what + ".");
    }

    private Outcome failed(Run run, Throwable failure) {
        if (run.isStopped()) {
            LOG.debug("The handler of job {} was stopped", run.jobId(), failure);
            return stopped(run);
        }
        if (failure instanceof Error) {
            // Not the job's fault, as likely as not: out of memory, a class that is missing.
            LOG.error("Worker {}: the handler of job {} ended with an error", config.workerId(), run.jobId(), failure);
        } else {
            LOG.debug("The handler of job {} threw", run.jobId(), failure);
        }
        return byPolicy(run, failure);
    }

    Outcome byPolicy(JobContext job, Throwable failure) {
        try {
            Outcome outcome = config.failurePolicy().onFailure(failure, job);
            if (outcome != null) {
                return outcome;
            }
            LOG.warn("The FailurePolicy returned null for job {}; the job fails", job.jobId(), failure);
        } catch (Throwable e) { // The same as for a handler.
            LOG.warn("The FailurePolicy threw for job {}; the job fails", job.jobId(), e);
        }
        return Outcome.fail(failure.getClass().getSimpleName());
    }

    /** What a run comes to that was told to stop and did. The cancel goes first: it is what its job's owner wants. */
    private static Outcome stopped(Run run) {
        return run.isCancelled() ? Outcome.fail("Cancelled while it ran.") : Outcome.release();
    }
}
