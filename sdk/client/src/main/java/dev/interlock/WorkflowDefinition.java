package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.workflow.DefinitionFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A workflow: steps that run one after the other, each on its models. Immutable and thread-safe.
 *
 * <pre>{@code
 * WorkflowDefinition knight = WorkflowDefinition.builder("knight-style-img-to-video")
 *         .step("image", "nano-banana-pro-leonardo", step -> draw(step.job().payload(Prompt.class)))
 *         .step("video", s -> s.model("motion-2.0-fast")
 *                 .timeout(Duration.ofMinutes(10))
 *                 .attempts(3)
 *                 .handler(step -> animate(step.previousOutput(Image.class), step.idempotencyKey())))
 *         .holding(Holding.PER_STEP)
 *         .build();
 * coordinator.enqueue(JobRequest.workflow("job-43", knight).payload(prompt).build());
 * JobWorker worker = JobWorker.builder(coordinator).workflow(knight).build();
 * }</pre>
 *
 * <p>The output of each step is saved when it ends, in the same transaction with the models that are given back, so that
 * any worker goes on from there after a crash, and a step that is saved is never run again. The output of the last step
 * becomes the job's result.
 *
 * <p>The names of the steps and their order are what a job in line remembers: a changed workflow gets a new id, or waits
 * until no job of the old one is left.
 */
public final class WorkflowDefinition {
    private final String id;
    private final @Nullable String title;
    private final boolean enabled;
    private final Holding holding;
    private final List<WorkflowStep> steps;

    private WorkflowDefinition(Builder builder, List<WorkflowStep> steps) {
        this.id = builder.id;
        this.title = builder.title;
        this.enabled = builder.enabled;
        this.holding = builder.holding;
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

    /**
     * A builder with what a JSON file says, to which the code of the steps is added:
     *
     * <pre>{@code
     * WorkflowDefinition knight = WorkflowDefinition.fromJson(Path.of("workflows/knight/config.json"))
     *         .handler("generate_image", step -> draw(step))
     *         .handlerForType("image_to_video", step -> animate(step))
     *         .build();
     * }</pre>
     *
     * <p>The file: {@code id}, {@code name}, {@code enabled}, {@code holding} ({@code whole_run}, {@code release_as_used},
     * {@code per_step}) and {@code steps}, each with {@code id} (its name), {@code name} (its title), {@code type},
     * {@code default_model} or {@code model}, {@code provider}, {@code timeout_seconds}, {@code requires_input_image}. A step
     * that needs no model says so with {@code "no_model": true}. Other keys are left to the code: {@link
     * WorkflowStep#settings}.
     *
     * @throws InvalidRequestException when it is not such a file; the message names the step and the key
     */
    public static Builder fromJson(String json) {
        return DefinitionFile.read(Checks.required("The JSON of the workflow", json));
    }

    /**
     * {@link #fromJson(String)} of a file in UTF-8.
     *
     * @throws UncheckedIOException when it cannot be read
     */
    public static Builder fromJson(Path file) {
        try {
            return fromJson(Files.readString(Checks.required("The file of the workflow", file)));
        } catch (IOException e) {
            throw new UncheckedIOException("The workflow " + file + " cannot be read.", e);
        }
    }

    /**
     * {@link #fromJson(String)} of a stream in UTF-8, for example a resource; it is read to its end and not closed.
     *
     * @throws UncheckedIOException when it cannot be read
     */
    public static Builder fromJson(InputStream stream) {
        try {
            return fromJson(new String(
                    Checks.required("The stream of the workflow", stream).readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("The workflow cannot be read.", e);
        }
    }

    /** The workflow's id. */
    public String id() {
        return id;
    }

    /** What a person calls it; null for nothing else than its id. */
    public @Nullable String title() {
        return title;
    }

    /** Whether new jobs may be made of it. Workers run those that are in line all the same. */
    public boolean isEnabled() {
        return enabled;
    }

    /** How its jobs hold their models. */
    public Holding holding() {
        return holding;
    }

    /** Its steps, in order. */
    public List<WorkflowStep> steps() {
        return steps;
    }

    /** The models of its steps, in order, without duplicates: what its job needs. */
    public List<String> models() {
        return steps.stream().flatMap(step -> step.models().stream()).distinct().toList();
    }

    /**
     * The place of a step among the steps, from 0.
     *
     * @param step its name or title
     * @throws InvalidRequestException when there is none of this name
     */
    public int indexOf(String step) {
        for (int i = 0; i < steps.size(); i++) {
            if (steps.get(i).name().equals(step) || step.equals(steps.get(i).title())) {
                return i;
            }
        }
        throw noStep(
                id, "\"" + step + "\"", steps.stream().map(WorkflowStep::name).toList());
    }

    /** How many attempts its jobs have: at least 3, and enough for what its steps say of theirs. */
    public int maxAttempts() {
        int needed = 1;
        for (WorkflowStep step : steps) {
            Integer attempts = step.attempts();
            needed += attempts == null ? 0 : attempts - 1;
        }
        return Math.min(100, Math.max(3, needed));
    }

    /** Names the workflow and its models. */
    @Override
    public String toString() {
        return "WorkflowDefinition[" + id + ", " + models() + "]";
    }

    private static InvalidRequestException noStep(String id, String what, List<String> steps) {
        return new InvalidRequestException(
                "JQ007", "The workflow \"" + id + "\" has no step " + what + ".", "Its steps are " + steps + ".", null);
    }

    /** Builds a {@link WorkflowDefinition}. Not thread-safe. */
    public static final class Builder {
        private final String id;
        private @Nullable String title;
        private boolean enabled = true;
        private Holding holding = Holding.WHOLE_RUN;
        private final List<WorkflowStep.Builder> steps = new ArrayList<>();

        private Builder(String id) {
            this.id = Checks.handler(id);
        }

        /**
         * Adds a step on one model.
         *
         * @param name its name, unique within the workflow
         * @param model the model that it uses
         * @param handler its code
         * @throws InvalidRequestException when there is a step of this name already, or a name is not one
         */
        public Builder step(String name, String model, StepHandler handler) {
            return step(name, step -> step.model(model).handler(handler));
        }

        /**
         * Adds a step.
         *
         * @param name its name, unique within the workflow
         * @param settings says what it is like
         * @throws InvalidRequestException when there is a step of this name already, or a setting is not one
         */
        public Builder step(String name, Consumer<WorkflowStep.Builder> settings) {
            if (steps.stream().anyMatch(s -> s.name().equals(name))) {
                throw new InvalidRequestException(
                        "JQ003", "The workflow has two steps named \"" + name + "\".", "Give each its own name.", null);
            }
            WorkflowStep.Builder step = new WorkflowStep.Builder(name);
            settings.accept(step);
            steps.add(step);
            return this;
        }

        /**
         * Changes a step that is there, for example one from a file.
         *
         * @param step its name or title
         * @throws InvalidRequestException when there is none of this name
         */
        public Builder configure(String step, Consumer<WorkflowStep.Builder> settings) {
            for (WorkflowStep.Builder each : steps) {
                if (each.name().equals(step) || step.equals(each.title())) {
                    settings.accept(each);
                    return this;
                }
            }
            throw noStep(id, "\"" + step + "\"", names());
        }

        /**
         * The code of a step that is there.
         *
         * @param step its name or title
         * @throws InvalidRequestException when there is none of this name
         */
        public Builder handler(String step, StepHandler code) {
            return configure(step, s -> s.handler(code));
        }

        /**
         * The code of all steps of a type.
         *
         * @throws InvalidRequestException when there is none of this type
         */
        public Builder handlerForType(String type, StepHandler code) {
            List<WorkflowStep.Builder> ofType =
                    steps.stream().filter(s -> type.equals(s.type())).toList();
            if (ofType.isEmpty()) {
                throw noStep(id, "of the type \"" + type + "\"", names());
            }
            ofType.forEach(s -> s.handler(code));
            return this;
        }

        /** How its jobs hold their models; default {@link Holding#WHOLE_RUN}. */
        public Builder holding(Holding rule) {
            this.holding = Checks.holding(rule);
            return this;
        }

        /** What a person calls it. */
        public Builder title(String text) {
            this.title = Checks.required("The title of the workflow", text);
            return this;
        }

        /** Whether new jobs may be made of it; default true. */
        public Builder enabled(boolean mayBeUsed) {
            this.enabled = mayBeUsed;
            return this;
        }

        private List<String> names() {
            return steps.stream().map(WorkflowStep.Builder::name).toList();
        }

        /**
         * The workflow.
         *
         * @throws InvalidRequestException when it has no step or more than 100, a step names no model and does not say that it
         *     needs none, or all together need more than 64
         */
        public WorkflowDefinition build() {
            if (steps.isEmpty() || steps.size() > 100) {
                throw new InvalidRequestException(
                        "JQ003",
                        "The workflow \"" + id + "\" has " + steps.size() + " steps.",
                        "Give it 1 to 100.",
                        null);
            }
            List<WorkflowStep> built =
                    steps.stream().map(WorkflowStep.Builder::build).toList();
            List<String> models = Checks.modelNames(
                    built.stream().flatMap(step -> step.models().stream()).toList());
            Checks.models(models, models.isEmpty());
            return new WorkflowDefinition(this, built);
        }
    }
}
