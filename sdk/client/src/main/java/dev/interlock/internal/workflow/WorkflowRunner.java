package dev.interlock.internal.workflow;

import dev.interlock.CheckpointResult;
import dev.interlock.FatalJobException;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobContext;
import dev.interlock.JobHandler;
import dev.interlock.JobStep;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.StepContext;
import dev.interlock.StepTimeoutException;
import dev.interlock.WorkflowDefinition;
import dev.interlock.WorkflowState;
import dev.interlock.WorkflowStep;
import dev.interlock.internal.coordination.Json;
import dev.interlock.internal.worker.RunControl;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a workflow's steps in order from the first one that is not done, as the handler of its jobs. Thread-safe. */
public final class WorkflowRunner implements JobHandler {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private final WorkflowDefinition definition;
    private final List<WorkflowStep> steps;

    public WorkflowRunner(WorkflowDefinition definition) {
        this.definition = definition;
        this.steps = definition.steps();
        for (WorkflowStep step : steps) {
            if (step.handler() == null) {
                throw new InvalidRequestException(
                        "JQ003",
                        "Step \"" + step.name() + "\" of the workflow \"" + definition.id() + "\" has no code.",
                        "Give it a handler; without one the workflow can be put in line, but not be run.",
                        null);
            }
        }
    }

    @Override
    public Outcome handle(JobContext job) throws Exception {
        RunControl run = (RunControl) job;
        WorkflowState state = job.lease().workflow();
        requireSteps(job, state);
        Outputs outputs = new Outputs(definition, state == null ? Map.of() : state.checkpoints());
        int current = state == null ? 0 : state.currentStep();
        int attempt = state == null ? job.attempt() : state.stepAttempt();
        WorkflowState.@Nullable Callback callback = state == null ? null : state.callback();
        InputImage.require(job, steps.subList(Math.min(current, steps.size()), steps.size()));

        if (current == 0) {
            int first = next(run, 0, attempt, outputs);
            if (first > 0) {
                // The job stands at its first step, so that is the one to say that it was passed over.
                Outcome end = saved(run, state, 0, Outputs.PASSED_OVER, first);
                if (end != null) {
                    return end;
                }
                current = first;
            }
        }
        while (current < steps.size()) {
            if (run.isStopped()) {
                throw new InterruptedException("The workflow was told to stop before its step "
                        + steps.get(current).name());
            }
            WorkflowStep step = steps.get(current);
            StepView view = new StepView(job, step, current, attempt, outputs.copy());
            String output;
            int next;
            try {
                StepCall call = new StepCall(run, view);
                Object result = call.run(callback);
                if (call.over() != null) {
                    return call.over();
                }
                output = Json.encode("The output of step \"" + step.name() + "\"", result);
                outputs.put(current, output);
                next = next(run, current + 1, 1, outputs);
            } catch (Throwable failure) { // Errors too: whatever a step does, its job must end and its models be free.
                return failed(run, view, failure);
            }
            Outcome end = saved(run, state, current, output, next);
            if (end != null) {
                return end;
            }
            current = next;
            attempt = 1;
            callback = null;
            job.progress(100 * current / steps.size());
        }
        return new Outcome.Complete(outputs.last());
    }

    /** What runs here must be what the job was put in line with: its models are held by the steps that it named. */
    private void requireSteps(JobContext job, @Nullable WorkflowState state) {
        if (state != null) {
            List<String> named = state.steps().stream().map(JobStep::name).toList();
            List<String> known = steps.stream().map(WorkflowStep::name).toList();
            if (!named.equals(known)) {
                throw new FatalJobException("The workflow \"" + definition.id() + "\" has the steps " + known
                        + ", but job \"" + job.jobId() + "\" was enqueued with " + named
                        + ". Give a changed workflow another id.");
            }
        }
        for (int i = 0; i < steps.size(); i++) {
            List<String> held =
                    state == null ? job.models() : state.steps().get(i).models();
            List<String> missing = steps.get(i).models().stream()
                    .filter(model -> !held.contains(model))
                    .toList();
            if (!missing.isEmpty()) {
                // Using a model that the job does not hold is the very collision that this is here to prevent.
                throw new FatalJobException("The workflow \"" + definition.id() + "\" uses " + missing + " in step \""
                        + steps.get(i).name() + "\", but job \"" + job.jobId() + "\" was enqueued without. It has "
                        + held
                        + ".");
            }
        }
    }

    /** The first step from here on that is to be run; the number of steps when none is. */
    private int next(RunControl run, int from, int attempt, Outputs outputs) {
        for (int i = from; i < steps.size(); i++) {
            Predicate<StepContext> condition = steps.get(i).condition();
            if (condition == null
                    || condition.test(new StepView(run, steps.get(i), i, i == from ? attempt : 1, outputs.copy()))) {
                return i;
            }
            LOG.debug(
                    "Job {}: step {} is passed over", run.jobId(), steps.get(i).name());
        }
        return steps.size();
    }

    /** Saves a step's output. What the run then ends with; null when it goes on. */
    private @Nullable Outcome saved(
            RunControl run, @Nullable WorkflowState state, int step, @Nullable String output, int next) {
        if (state == null) {
            return null;
        }
        CheckpointResult saved = Writes.send(run, id -> run.calls().checkpoint(run.lease(), step, output, next, id));
        switch (saved.result()) {
            case WAITING -> {
                return run.endedAs(OutcomeStatus.RELEASED);
            }
            case CANCELLED -> {
                return run.endedAs(OutcomeStatus.CANCELLED);
            }
            default -> {
                run.writing(false);
                return null;
            }
        }
    }

    private Outcome failed(RunControl run, StepView view, Throwable failure) throws Exception {
        if (run.isStopped() && !(failure instanceof StepTimeoutException)) {
            // The worker says what becomes of a run that was told to stop.
            throw new InterruptedException("Step " + view.step().name() + " was stopped: " + failure);
        }
        LOG.debug("Step {} of job {} threw", view.step().name(), run.jobId(), failure);
        return Failures.outcomeOf(run, view, failure);
    }
}
