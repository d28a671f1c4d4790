package dev.interlock.internal.workflow;

import dev.interlock.JobContext;
import dev.interlock.StepContext;
import dev.interlock.WorkflowStep;

/** What the code of a step sees. */
record StepView(JobContext job, WorkflowStep step, int index, int attempt, Outputs outputs) implements StepContext {
    @Override
    public <T> T output(String stepName, Class<T> type) {
        return outputs.get(index, stepName, type);
    }

    @Override
    public boolean hasOutput(String stepName) {
        return outputs.has(index, stepName);
    }

    @Override
    public <T> T previousOutput(Class<T> type) {
        return outputs.previous(index, type);
    }
}
