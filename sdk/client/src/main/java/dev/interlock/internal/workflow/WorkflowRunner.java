package dev.interlock.internal.workflow;

import dev.interlock.DataException;
import dev.interlock.FatalJobException;
import dev.interlock.JobContext;
import dev.interlock.JobHandler;
import dev.interlock.Outcome;
import dev.interlock.StepContext;
import dev.interlock.WorkflowDefinition;
import dev.interlock.WorkflowStep;
import dev.interlock.internal.coordination.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs a workflow's steps in order, as the handler of its jobs. Thread-safe. */
public final class WorkflowRunner implements JobHandler {
    private final WorkflowDefinition definition;

    public WorkflowRunner(WorkflowDefinition definition) {
        this.definition = definition;
    }

    @Override
    public Outcome handle(JobContext job) throws Exception {
        List<String> missing = definition.models().stream()
                .filter(model -> !job.models().contains(model))
                .toList();
        if (!missing.isEmpty()) {
            // Using a model that the job does not hold is the very collision that this is here to prevent.
            throw new FatalJobException("The workflow \"" + definition.id() + "\" uses " + missing + ", but job \""
                    + job.jobId() + "\" was enqueued without. It holds " + job.models() + ".");
        }
        // Kept as JSON, as they will be in the database, so that a step sees the same whether it resumes or not.
        Map<String, @Nullable String> outputs = new LinkedHashMap<>();
        @Nullable String last = null;
        for (int i = 0; i < definition.steps().size(); i++) {
            WorkflowStep step = definition.steps().get(i);
            if (job.shouldStop()) {
                throw new InterruptedException("The workflow was told to stop before its step " + step.name());
            }
            Object output = step.handler().run(new Step(job, step, i, new LinkedHashMap<>(outputs)));
            last = Json.encode("The output of step \"" + step.name() + "\"", output);
            outputs.put(step.name(), last);
            job.progress(100 * (i + 1) / definition.steps().size());
        }
        return new Outcome.Complete(last);
    }

    private record Step(JobContext job, WorkflowStep step, int index, Map<String, @Nullable String> outputs)
            implements StepContext {
        @Override
        public <T> T output(String stepName, Class<T> type) {
            if (!outputs.containsKey(stepName)) {
                throw new FatalJobException("Step \"" + step.name() + "\" asks for the output of \"" + stepName
                        + "\", which is not a step before it. Before it are " + outputs.keySet() + ".");
            }
            try {
                return Json.decode("The output of step \"" + stepName + "\"", outputs.get(stepName), type);
            } catch (DataException e) {
                throw new FatalJobException(String.valueOf(e.getMessage()), e);
            }
        }

        @Override
        public <T> T previousOutput(Class<T> type) {
            String previous = null;
            for (String name : outputs.keySet()) {
                previous = name;
            }
            if (previous == null) {
                throw new FatalJobException("Step \"" + step.name() + "\" is the first; there is no output before it.");
            }
            return output(previous, type);
        }
    }
}
