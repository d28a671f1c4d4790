package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.coordination.Json;
import java.time.Instant;
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
 * JobRequest.workflow("job-43", "knight-style-img-to-video").models("nano-banana-pro-leonardo", "motion-2.0-fast").build()
 * }</pre>
 */
public final class JobRequest {
    private final String jobId;
    private final JobType jobType;
    private final @Nullable String handler;
    private final List<String> models;
    private final boolean unrestricted;
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
        this.models = Checks.models(builder.models, builder.unrestricted);
        this.unrestricted = builder.unrestricted;
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
     * A workflow of this definition, over its models.
     *
     * @param jobId 1 to 200 characters, any of them
     * @throws InvalidRequestException (JQ001) when the id is not one
     */
    public static Builder workflow(String jobId, WorkflowDefinition definition) {
        return workflow(jobId, definition.id()).models(definition.models());
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

        /** A job that has not started by then, by the database's clock, fails as expired. */
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
