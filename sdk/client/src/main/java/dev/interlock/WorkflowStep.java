package dev.interlock;

import dev.interlock.internal.coordination.Checks;

/**
 * One step of a {@link WorkflowDefinition}.
 *
 * @param name its name, unique within the workflow
 * @param model the model that it uses
 * @param handler its code
 */
public record WorkflowStep(String name, String model, StepHandler handler) {
    /** Checks the parts. */
    public WorkflowStep {
        name = Checks.handler(name);
        model = Checks.model(model);
        Checks.required("The handler of the step", handler);
    }
}
