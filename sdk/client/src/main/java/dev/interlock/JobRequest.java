package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.coordination.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A job to put in line or to start: its id, the models it needs, and what its handler is to know. Immutable.
 *
 * <pre>{@code
 * JobRequest.normal("job-42").models("motion-2.0-fast").handler("image").priority(1).payload(new Prompt("a knight")).build()
 * JobRequest.workflow("job-43", knightStyle).payload(new Prompt("a knight")).build()
 * }</pre>
 */
public final class JobRequest {
    private final String jobId;
    private final JobType jobType;
    private final @Nullable String handler;
    private final List<String> models;
    private final boolean unrestricted;
    private final List<JobStep> steps;
    private final @Nullable Holding holding;
    private final int priority;
    private final int maxAttempts;
    private final @Nullable Instant runAt;
    private final @Nullable Instant deadline;
    private final @Nullable String payloadJson;
    private final @Nullable String rowJson;

    private JobRequest(Builder builder) {
        this.jobId = builder.jobId;
        this.jobType = builder.jobType;
        this.handler = builder.handler;
        this.steps = List.copyOf(builder.steps);
        this.holding = builder.holding;
        if (steps.isEmpty()) {
            if (holding != null) {
                throw new InvalidRequestException(
                        "JQ007",
                        "The job has a holding rule and no steps.",
                        "Name its steps, or leave the holding rule out.",
                        null);
            }
            this.models = Checks.models(builder.models, builder.unrestricted);
            this.unrestricted = builder.unrestricted;
        } else {
            if (!builder.models.isEmpty() || builder.unrestricted) {
                throw new InvalidRequestException(
                        "JQ002",
                        "The job names models and steps.",
                        "Leave out the models: they are those of its steps.",
                        null);
            }
            List<String> all = Checks.modelNames(
                    steps.stream().flatMap(step -> step.models().stream()).toList());
            this.unrestricted = all.isEmpty();
            this.models = Checks.models(all, unrestricted);
        }
        this.priority = builder.priority;
        this.maxAttempts = builder.maxAttempts;
        this.runAt = builder.runAt;
        this.deadline = builder.deadline;
        this.payloadJson = builder.payloadJson;
        this.rowJson = builder.rowJson;
    }

    /**
     * A job that is not a workflow: an image, a video, one call of one model.
     *
     * @param jobId 1 to 200 characters, any of them
     * @throws InvalidRequestException (JQ001) when the id is not one
     */
    public static Builder normal(String jobId) {
        return new Builder(jobId, JobType.NORMAL, null);
    }

    /**
     * A workflow.
     *
     * @param jobId 1 to 200 characters, any of them
     * @param workflowId which workflow it is; the handler that runs it has this name
     * @throws InvalidRequestException (JQ001, JQ003) when one of the ids is not one
     */
    public static Builder workflow(String jobId, String workflowId) {
        return new Builder(jobId, JobType.WORKFLOW, Checks.handler(workflowId));
    }

    /**
     * A workflow of this definition: its steps, its holding rule, and at least as many attempts as its steps may need.
     *
     * @param jobId 1 to 200 characters, any of them
     * @throws InvalidRequestException (JQ001) when the id is not one; (JQ003) when the workflow is disabled
     */
    public static Builder workflow(String jobId, WorkflowDefinition definition) {
        if (!definition.isEnabled()) {
            throw new InvalidRequestException(
                    "JQ003",
                    "The workflow \"" + definition.id() + "\" is disabled.",
                    "Its file says \"enabled\": false; jobs that are in line already go on.",
                    null);
        }
        Builder builder = workflow(jobId, definition.id()).holding(definition.holding());
        for (WorkflowStep step : definition.steps()) {
            builder.step(step.name(), step.models());
        }
        return builder.maxAttempts(definition.maxAttempts());
    }

    /** The job's id. */
    public String jobId() {
        return jobId;
    }

    /** Normal or workflow. */
    public JobType jobType() {
        return jobType;
    }

    /** Which code runs the job; null means the default, which is the job type. */
    public @Nullable String handler() {
        return handler;
    }

    /** The models it needs, trimmed, in the order given, without duplicates; empty only when unrestricted. */
    public List<String> models() {
        return models;
    }

    /** Whether it says explicitly that it needs no model. */
    public boolean isUnrestricted() {
        return unrestricted;
    }

    /** Its steps, in order; empty for a job without steps. */
    public List<JobStep> steps() {
        return steps;
    }

    /** How it holds its models; null for the default, and for a job without steps. */
    public @Nullable Holding holding() {
        return holding;
    }

    /** −100 to 100, higher first. */
    public int priority() {
        return priority;
    }

    /** How often it may be attempted, 1 to 100. */
    public int maxAttempts() {
        return maxAttempts;
    }

    /** Not before this time; null means now. */
    public @Nullable Instant runAt() {
        return runAt;
    }

    /** Until when it must have started; null means that it waits for ever. */
    public @Nullable Instant deadline() {
        return deadline;
    }

    /** What its handler is given, as JSON text; null for nothing. */
    public @Nullable String payloadJson() {
        return payloadJson;
    }

    /** The columns of the {@code jobs} row to create with it, as a JSON object; null for no row. */
    public @Nullable String rowJson() {
        return rowJson;
    }

    /** Names the job and its models; never the payload or the row. */
    @Override
    public String toString() {
        return "JobRequest[" + jobId + ", " + models + "]";
    }

    /** Builds a {@link JobRequest}. Not thread-safe. */
    public static final class Builder {
        private final String jobId;
        private final JobType jobType;
        private @Nullable String handler;
        private List<String> models = List.of();
        private boolean unrestricted;
        private final List<JobStep> steps = new ArrayList<>();
        private @Nullable Holding holding;
        private int priority;
        private int maxAttempts = 3;
        private @Nullable Instant runAt;
        private @Nullable Instant deadline;
        private @Nullable String payloadJson;
        private @Nullable String rowJson;

        private Builder(String jobId, JobType jobType, @Nullable String handler) {
            this.jobId = Checks.jobId(jobId);
            this.jobType = jobType;
            this.handler = handler;
        }

        /** The models that the job needs all at once: 1 to 64 names of 1 to 200 characters. Replaces those given before. */
        public Builder models(String... names) {
            return models(Arrays.asList(names));
        }

        /** The models that the job needs all at once: 1 to 64 names of 1 to 200 characters. Replaces those given before. */
        public Builder models(Collection<String> names) {
            this.models = Checks.modelNames(names);
            return this;
        }

        /** Says that the job needs no model; it then counts against the global limit only. */
        public Builder unrestricted() {
            this.unrestricted = true;
            return this;
        }

        /** Adds a step over these models; none for a step that needs no model. */
        public Builder step(String name, String... models) {
            return step(name, Arrays.asList(models));
        }

        /**
         * Adds a step over these models; an empty list for a step that needs no model. A job with steps names no models
         * besides; it may have 100 steps.
         */
        public Builder step(String name, Collection<String> models) {
            if (steps.size() == 100) {
                throw new InvalidRequestException(
                        "JQ007", "The job has more than 100 steps.", "Give it 1 to 100.", null);
            }
            steps.add(new JobStep(name, Checks.modelNames(models)));
            return this;
        }

        /** How a job with steps holds its models; default {@link Holding#WHOLE_RUN}. */
        public Builder holding(Holding rule) {
            this.holding = Checks.holding(rule);
            return this;
        }

        /** Which code runs the job, 1 to 200 characters; the default is the job type. */
        public Builder handler(String name) {
            this.handler = Checks.handler(name);
            return this;
        }

        /** −100 to 100, default 0; a higher one goes ahead by a bounded time a level (10 minutes by default). */
        public Builder priority(int level) {
            this.priority = Checks.priority(level);
            return this;
        }

        /** How often the job may be attempted, 1 to 100; default 3. */
        public Builder maxAttempts(int attempts) {
            this.maxAttempts = Checks.maxAttempts(attempts);
            return this;
        }

        /** Not before this time, by the database's clock. */
        public Builder runAt(Instant time) {
            this.runAt = Checks.required("The time to run at", time);
            return this;
        }

        /**
         * A job that does not run by then, by the database's clock, fails as expired. It counts whenever the job waits, between
         * two attempts or steps and for a callback too.
         */
        public Builder deadline(Instant time) {
            this.deadline = Checks.required("The deadline", time);
            return this;
        }

        /**
         * What the handler is to know: any object that Jackson writes as JSON, at most 1 MiB of it. It is written at
         * once, so later changes to the object do not count.
         *
         * @throws InvalidRequestException (JQ005) when it is too large, (JQ007) when it cannot be written as JSON
         */
        public Builder payload(@Nullable Object payload) {
            this.payloadJson = Json.encode("The payload", payload);
            return this;
        }

        /**
         * The columns of a row to create in the {@code jobs} table in the same transaction ({@code job_id} is filled in).
         * Only for {@link JobCoordinator#enqueue}.
         */
        public Builder row(Map<String, ?> columns) {
            this.rowJson = Json.encode("The row", Checks.required("The row", columns));
            return this;
        }

        /**
         * The request.
         *
         * @throws InvalidRequestException (JQ002) when there is no model and it is not {@link #unrestricted()}, or both
         */
        public JobRequest build() {
            return new JobRequest(this);
        }
    }
}
