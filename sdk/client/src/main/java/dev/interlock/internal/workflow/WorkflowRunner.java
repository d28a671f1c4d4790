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
    private final List<JobStep> named;

    public WorkflowRunner(WorkflowDefinition definition) {
        this.definition = definition;
        this.steps = definition.steps();
        this.named = steps.stream()
                .map(step -> new JobStep(step.name(), step.models()))
                .toList();
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
        List<JobStep> enqueued = state == null ? List.of() : state.steps();
        requireSteps(job, enqueued);
        // A job that a row of the application's brought, or the predecessor began, gets its steps with what is saved
        // first.
        List<JobStep> lateSteps = enqueued.isEmpty() ? named : List.of();
        Outputs outputs = new Outputs(definition, state == null ? Map.of() : state.checkpoints());
        int current = state == null ? 0 : state.currentStep();
        int attempt = state == null ? job.attempt() : state.stepAttempt();
        WorkflowState.@Nullable Callback callback = state == null ? null : state.callback();
        InputImage.require(job, steps.subList(Math.min(current, steps.size()), steps.size()));

        if (callback == null && current < steps.size()) {
            Choice first = choose(run, current, attempt, outputs);
            if (first.failure() != null) {
                return failed(run, view(run, first.step(), attempt, outputs), first.failure());
            }
            if (first.step() > current) {
                // The job stands at this step, so this is the one to say that it was passed over.
                Outcome end = saved(run, lateSteps, current, Outputs.PASSED_OVER, first.step());
                if (end != null) {
                    return end;
                }
                current = first.step();
                attempt = 1;
            }
        }
        while (current < steps.size()) {
            if (run.isStopped()) {
                throw new InterruptedException("The workflow was told to stop before its step "
                        + steps.get(current).name());
            }
            WorkflowStep step = steps.get(current);
            StepView view = view(run, current, attempt, outputs);
            String output;
            try {
                StepCall call = new StepCall(run, view, lateSteps);
                Object result = call.run(callback);
                if (call.over() != null) {
                    return call.over();
                }
                output = Json.encode("The output of step \"" + step.name() + "\"", result);
            } catch (Throwable failure) { // Errors too: whatever a step does, its job must end and its models be free.
                return failed(run, view, failure);
            }
            outputs.put(current, output);
            Choice next = choose(run, current + 1, 1, outputs);
            Outcome end = saved(run, lateSteps, current, output, next.step());
            if (end != null) {
                return end;
            }
            if (next.failure() != null) {
                // Only now: the step before it is done and saved.
                return failed(run, view(run, next.step(), 1, outputs), next.failure());
            }
            current = next.step();
            attempt = 1;
            callback = null;
            job.progress(100 * current / steps.size());
        }
        return new Outcome.Complete(outputs.last());
    }

    /** What runs here must be what the job was put in line with: its models are held by the steps that it named. */
    private void requireSteps(JobContext job, List<JobStep> enqueued) {
        List<String> names = enqueued.stream().map(JobStep::name).toList();
        List<String> mine = named.stream().map(JobStep::name).toList();
        if (!enqueued.isEmpty() && !names.equals(mine)) {
            throw new FatalJobException(
                    "The workflow \"" + definition.id() + "\" has the steps " + mine + ", but job \"" + job.jobId()
                            + "\" was enqueued with " + names + ". Give a changed workflow another id.");
        }
        for (int i = 0; i < steps.size(); i++) {
            List<String> held =
                    enqueued.isEmpty() ? job.models() : enqueued.get(i).models();
            List<String> missing = steps.get(i).models().stream()
                    .filter(model -> !held.contains(model))
                    .toList();
            if (!missing.isEmpty()) {
                // Using a model that the job does not hold is the very collision that this is here to prevent.
                throw new FatalJobException(
                        "The workflow \"" + definition.id() + "\" uses " + missing + " in step \"" + mine.get(i)
                                + "\", but job \"" + job.jobId() + "\" was enqueued without. It has " + held + ".");
            }
        }
    }

    private StepView view(RunControl run, int step, int attempt, Outputs outputs) {
        return new StepView(run, steps.get(step), step, attempt, outputs.copy());
    }

    /**
     * Which step comes next.
     *
     * @param step it; the number of steps when none is left
     * @param failure what its condition threw; null when it is to be run
     */
    private record Choice(int step, @Nullable Throwable failure) {}

    /** The first step from here on that is to be run. */
    private Choice choose(RunControl run, int from, int attempt, Outputs outputs) {
        for (int i = from; i < steps.size(); i++) {
            Predicate<StepContext> condition = steps.get(i).condition();
            try {
                if (condition == null || condition.test(view(run, i, i == from ? attempt : 1, outputs))) {
                    return new Choice(i, null);
                }
            } catch (Throwable failure) { // As for a step.
                return new Choice(i, failure);
            }
            LOG.debug(
                    "Job {}: step {} is passed over", run.jobId(), steps.get(i).name());
        }
        return new Choice(steps.size(), null);
    }

    /** Saves a step's output. What the run then ends with; null when it goes on. */
    private @Nullable Outcome saved(
            RunControl run, List<JobStep> lateSteps, int step, @Nullable String output, int next) {
        CheckpointResult saved =
                Writes.send(run, id -> run.calls().checkpoint(run.lease(), step, output, next, lateSteps, id));
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
