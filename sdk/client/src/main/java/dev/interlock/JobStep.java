package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import java.util.List;

/**
 * A step of a job as the database knows it: what it is called and what it needs. Its code is in a {@link WorkflowStep}.
 *
 * @param name 1 to 200 characters
 * @param models the models that it uses, in order, without duplicates; empty for a step that needs none
 */
public record JobStep(String name, List<String> models) {
    /** Checks and copies the parts. */
    public JobStep {
        name = Checks.handler(name);
        models = Checks.modelNames(models);
    }
}
