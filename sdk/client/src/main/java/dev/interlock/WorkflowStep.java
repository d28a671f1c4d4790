package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.coordination.Json;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One step of a {@link WorkflowDefinition}. Immutable; made by {@link WorkflowDefinition.Builder#step(String,
 * java.util.function.Consumer)}.
 */
public final class WorkflowStep {
    private final String name;
    private final @Nullable String title;
    private final @Nullable String type;
    private final @Nullable String provider;
    private final List<String> models;
    private final @Nullable StepHandler handler;
    private final @Nullable CallbackHandler callbackHandler;
    private final @Nullable Predicate<StepContext> condition;
    private final @Nullable Duration timeout;
    private final @Nullable Integer attempts;
    private final @Nullable FailurePolicy failurePolicy;
    private final boolean requiresInputImage;
    private final @Nullable String settingsJson;

    private WorkflowStep(Builder builder) {
        this.name = builder.name;
        this.title = builder.title;
        this.type = builder.type;
        this.provider = builder.provider;
        this.models = builder.models;
        this.handler = builder.handler;
        this.callbackHandler = builder.callbackHandler;
        this.condition = builder.condition;
        this.timeout = builder.timeout;
        this.attempts = builder.attempts;
        this.failurePolicy = builder.failurePolicy;
        this.requiresInputImage = builder.requiresInputImage;
        this.settingsJson = builder.settingsJson;
    }

    /** Its name, unique within the workflow. */
    public String name() {
        return name;
    }

    /** What a person calls it; null for nothing else than its name. */
    public @Nullable String title() {
        return title;
    }

    /** What kind of step it is, in a word of yours; null for none. */
    public @Nullable String type() {
        return type;
    }

    /** Whose models it uses, in a word of yours; null for none. Models are not told apart by it. */
    public @Nullable String provider() {
        return provider;
    }

    /** The models that it uses, in order, without duplicates; empty for a step that needs none. */
    public List<String> models() {
        return models;
    }

    /** Its code; null in a definition that is only for putting jobs in line. */
    public @Nullable StepHandler handler() {
        return handler;
    }

    /** What makes its output of the callback that it waited for; null: the output is what came. */
    public @Nullable CallbackHandler callbackHandler() {
        return callbackHandler;
    }

    /** When it is to be run; null for always. */
    public @Nullable Predicate<StepContext> condition() {
        return condition;
    }

    /** How long one attempt may take; null for no limit. */
    public @Nullable Duration timeout() {
        return timeout;
    }

    /** How often it may be attempted; null: as often as the job. */
    public @Nullable Integer attempts() {
        return attempts;
    }

    /** What becomes of the job when the step's code throws; null: what the worker's policy says. */
    public @Nullable FailurePolicy failurePolicy() {
        return failurePolicy;
    }

    /** Whether the job's payload must name an image. */
    public boolean requiresInputImage() {
        return requiresInputImage;
    }

    /** Everything that the workflow's file says of the step, as JSON text; null when it is not from a file. */
    public @Nullable String settingsJson() {
        return settingsJson;
    }

    /**
     * Everything that the workflow's file says of the step as an object of yours.
     *
     * @throws DataException when it is not from a file, or that does not fit the class
     */
    public <T> T settings(Class<T> type) {
        return Json.decode("What is set for step \"" + name + "\"", settingsJson, type);
    }

    /** Names the step and its models. */
    @Override
    public String toString() {
        return "WorkflowStep[" + name + ", " + models + "]";
    }

    /** Builds a {@link WorkflowStep}. Not thread-safe. */
    public static final class Builder {
        private final String name;
        private @Nullable String title;
        private @Nullable String type;
        private @Nullable String provider;
        private List<String> models = List.of();
        private boolean noModel;
        private @Nullable StepHandler handler;
        private @Nullable CallbackHandler callbackHandler;
        private @Nullable Predicate<StepContext> condition;
        private @Nullable Duration timeout;
        private @Nullable Integer attempts;
        private @Nullable FailurePolicy failurePolicy;
        private boolean requiresInputImage;
        private @Nullable String settingsJson;

        Builder(String name) {
            this.name = Checks.handler(name);
        }

        String name() {
            return name;
        }

        @Nullable
        String title() {
            return title;
        }

        @Nullable
        String type() {
            return type;
        }

        /** The model that it uses. Replaces those given before. */
        public Builder model(String model) {
            return models(List.of(Checks.model(model)));
        }

        /** The models that it uses, all at once. Replaces those given before. */
        public Builder models(String... names) {
            return models(Arrays.asList(names));
        }

        /** The models that it uses, all at once. Replaces those given before. */
        public Builder models(Collection<String> names) {
            this.models = Checks.modelNames(names);
            this.noModel = false;
            return this;
        }

        /** Says that it needs no model. */
        public Builder noModel() {
            this.models = List.of();
            this.noModel = true;
            return this;
        }

        /** Its code: what it does, or what it submits before it waits for a callback. */
        public Builder handler(StepHandler code) {
            this.handler = Checks.required("The handler of the step", code);
            return this;
        }

        /**
         * What makes its output of the callback, for a step whose code returns an {@link AwaitCallback}; default: the output
         * is what came.
         */
        public Builder onCallback(CallbackHandler code) {
            this.callbackHandler = Checks.required("The callback handler of the step", code);
            return this;
        }

        /**
         * Runs it only when this is so; otherwise it is passed over, and its models are not taken, or given back. It is asked
         * when the steps before it are done and saved, and again by a run that resumes here: of their outputs and the job's
         * payload, so let it depend on nothing else. What it throws is a failure of the step.
         */
        public Builder when(Predicate<StepContext> condition) {
            this.condition = Checks.required("The condition of the step", condition);
            return this;
        }

        /**
         * How long its code may take, more than zero and at most 30 days; default: as long as it likes. A wait for a callback
         * has a bound of its own. When the time is over, its thread is
         * interrupted and the attempt fails with a {@link StepTimeoutException}. Code that goes on in spite of the interrupt
         * is left behind after the worker's {@linkplain JobWorker.Builder#stopTime stop time}: the attempt ends without it and
         * the models are given back, though it may still be using them.
         */
        public Builder timeout(Duration limit) {
            Checks.seconds("The step's timeout", limit, Duration.ofDays(30));
            if (limit.isZero()) {
                throw new InvalidRequestException("JQ007", "The step's timeout is zero.", "Give more.", null);
            }
            this.timeout = limit;
            return this;
        }

        /**
         * How often it may be attempted, 1 to 100; the job fails when its last attempt did not work. Default: as often as the
         * job, which has at least as many attempts as its steps may need together.
         */
        public Builder attempts(int times) {
            this.attempts = Checks.range("The number of attempts of a step", times, 1, 100);
            return this;
        }

        /** What becomes of the job when its code throws; default: what the worker's policy says. */
        public Builder failurePolicy(FailurePolicy policy) {
            this.failurePolicy = Checks.required("The failure policy of the step", policy);
            return this;
        }

        /**
         * Says that the job's payload must name an image: be its address itself, or an object with {@code image_url} or
         * {@code input_image_url}. A job without fails before its first step.
         */
        public Builder requiresInputImage() {
            this.requiresInputImage = true;
            return this;
        }

        /** What a person calls it. */
        public Builder title(String text) {
            this.title = Checks.required("The title of the step", text);
            return this;
        }

        /** What kind of step it is, in a word of yours, 1 to 200 characters. */
        public Builder type(String word) {
            this.type = Checks.handler(word);
            return this;
        }

        /** Whose models it uses, in a word of yours, 1 to 200 characters. */
        public Builder provider(String word) {
            this.provider = Checks.handler(word);
            return this;
        }

        /** What its code finds under {@link WorkflowStep#settings}: any object that Jackson writes as JSON. */
        public Builder settings(Object settings) {
            this.settingsJson = Json.encode("What is set for the step", settings);
            return this;
        }

        WorkflowStep build() {
            if (models.isEmpty() && !noModel) {
                throw new InvalidRequestException(
                        "JQ002",
                        "The step \"" + name + "\" names no model.",
                        "Name the models that it uses; a step that truly needs none says so with noModel().",
                        null);
            }
            return new WorkflowStep(this);
        }
    }
}
