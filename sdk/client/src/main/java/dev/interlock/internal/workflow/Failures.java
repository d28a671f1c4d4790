package dev.interlock.internal.workflow;

import dev.interlock.FailurePolicy;
import dev.interlock.Outcome;
import dev.interlock.RetryableJobException;
import dev.interlock.StepTimeoutException;
import dev.interlock.WorkflowStep;
import dev.interlock.internal.worker.RunControl;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What becomes of a job whose step failed. */
final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private Failures() {}

    /** By the step's policy, or else the worker's; a retry that the step has no attempt left for is a failure. */
    static Outcome outcomeOf(RunControl run, StepView view, Throwable failure) {
        WorkflowStep step = view.step();
        StepJob job = new StepJob(run, view.attempt());
        Outcome outcome = null;
        FailurePolicy policy = step.failurePolicy();
        if (policy != null) {
            try {
                outcome = policy.onFailure(failure, job);
            } catch (Throwable e) { // As for a handler.
                LOG.warn("The FailurePolicy of step {} threw for job {}", step.name(), run.jobId(), e);
            }
        }
        if (outcome == null) {
            outcome = run.outcomeOf(job, failure);
        } else if (outcome instanceof Outcome.Retry retry && retry.at() == null && retry.in() == null) {
            outcome = run.outcomeOf(job, new RetryableJobException(retry.reason()));
        }
        Integer attempts = step.attempts();
        if (outcome instanceof Outcome.Retry retry && attempts != null && view.attempt() >= attempts) {
            return Outcome.fail(
                    "Step \"" + step.name() + "\" did not work in " + view.attempt() + " attempts: " + retry.reason());
        }
        return outcome;
    }

    /** Ends the run of a step that goes on in spite of its interrupt. */
    static void abandon(RunControl run, StepView view, StepTimeoutException overdue) {
        if (run.abandon(outcomeOf(run, view, overdue))) {
            LOG.warn(
                    "Step {} of job {} goes on in spite of its interrupt after its {} s; the run ends without it, and its"
                            + " models are given back",
                    view.step().name(),
                    run.jobId(),
                    overdue.timeout().toMillis() / 1000.0);
            run.tell(l -> l.handlerAbandoned(run.lease(), view.step()));
        }
    }
}
