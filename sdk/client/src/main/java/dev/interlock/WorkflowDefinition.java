package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import java.util.ArrayList;
import java.util.List;

/**
 * A workflow: steps that run one after the other, each on its model. Immutable.
 *
 * <pre>{@code
 * WorkflowDefinition knight = WorkflowDefinition.builder("knight-style-img-to-video")
 *         .step("image", "nano-banana-pro-leonardo", step -> draw(step.job().payload(Prompt.class)))
 *         .step("video", "motion-2.0-fast", step -> animate(step.previousOutput(Image.class)))
 *         .build();
 * coordinator.enqueue(JobRequest.workflow("job-43", knight).payload(prompt).build());
 * JobWorker worker = JobWorker.builder(coordinator).workflow(knight).build();
 * }</pre>
 *
 * <p>The job holds all its models from the first step to the end. The output of the last step becomes the job's result.
 * The outputs are not kept in the database between the steps yet: an attempt that fails or dies begins with the first
 * step again.
 */
public final class WorkflowDefinition {
    private final String id;
    private final List<WorkflowStep> steps;

    private WorkflowDefinition(String id, List<WorkflowStep> steps) {
        this.id = id;
        this.steps = List.copyOf(steps);
    }

    /**
     * A builder.
     *
     * @param id the workflow's id, which is the handler of its jobs
     */
    public static Builder builder(String id) {
        return new Builder(id);
    }

    /** The workflow's id. */
    public String id() {
        return id;
    }

    /** Its steps, in order. */
    public List<WorkflowStep> steps() {
        return steps;
    }

    /** The models of its steps, in order, without duplicates: what its job needs. */
    public List<String> models() {
        return steps.stream().map(WorkflowStep::model).distinct().toList();
    }

    /** Builds a {@link WorkflowDefinition}. Not thread-safe. */
    public static final class Builder {
        private final String id;
        private final List<WorkflowStep> steps = new ArrayList<>();

        private Builder(String id) {
            this.id = Checks.handler(id);
        }

        /**
         * Adds a step.
         *
         * @param name its name, unique within the workflow
         * @param model the model that it uses
         * @param handler its code
         * @throws InvalidRequestException when there is a step of this name already, or a name is not one
         */
        public Builder step(String name, String model, StepHandler handler) {
            if (steps.stream().anyMatch(s -> s.name().equals(name))) {
                throw new InvalidRequestException(
                        "JQ003", "The workflow has two steps named \"" + name + "\".", "Give each its own name.", null);
            }
            steps.add(new WorkflowStep(name, model, handler));
            return this;
        }

        /**
         * The workflow.
         *
         * @throws InvalidRequestException when it has no step
         */
        public WorkflowDefinition build() {
            if (steps.isEmpty()) {
                throw new InvalidRequestException(
                        "JQ003", "The workflow \"" + id + "\" has no step.", "Add at least one.", null);
            }
            Checks.models(
                    Checks.modelNames(steps.stream().map(WorkflowStep::model).toList()), false);
            return new WorkflowDefinition(id, steps);
        }
    }
}
