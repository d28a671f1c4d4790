package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which waiting jobs of an existing {@code jobs} table are to be adopted ({@link JobCoordinator#adopt}). Immutable.
 *
 * <pre>{@code
 * AdoptOptions options = AdoptOptions.builder()
 *         .workflow("knight-style-img-to-video", "gemini-25-flash-aicc", "clipdrop-upscale")
 *         .dryRun(true)
 *         .build();
 * }</pre>
 */
public final class AdoptOptions {
    private final boolean dryRun;
    private final boolean running;
    private final Map<String, List<String>> workflows;
    private final int maxJobs;
    private final @Nullable String after;

    private AdoptOptions(Builder builder) {
        this.dryRun = builder.dryRun;
        this.running = builder.running;
        this.workflows = Collections.unmodifiableMap(new LinkedHashMap<>(builder.workflows));
        this.maxJobs = builder.maxJobs;
        this.after = builder.after;
    }

    /** A builder: adopts those that wait, up to 1,000 a call, from the beginning. */
    public static Builder builder() {
        return new Builder();
    }

    /** The same, from where an answer says that it goes on. */
    public AdoptOptions after(@Nullable String next) {
        Builder builder = new Builder();
        builder.dryRun = dryRun;
        builder.running = running;
        builder.workflows.putAll(workflows);
        builder.maxJobs = maxJobs;
        builder.after = next;
        return builder.build();
    }

    /** As the SQL function takes them. */
    Map<String, Object> asMap() {
        Map<String, Object> options = new LinkedHashMap<>();
        options.put("dry_run", dryRun);
        options.put("running", running);
        options.put("workflows", workflows);
        options.put("max_jobs", maxJobs);
        if (after != null) {
            options.put("after", after);
        }
        return options;
    }

    /** Builds {@link AdoptOptions}. Not thread-safe. */
    public static final class Builder {
        private final Map<String, List<String>> workflows = new LinkedHashMap<>();
        private boolean dryRun;
        private boolean running;
        private int maxJobs = 1000;
        private @Nullable String after;

        private Builder() {}

        /** Only says what it would do; changes nothing. */
        public Builder dryRun(boolean only) {
            this.dryRun = only;
            return this;
        }

        /**
         * Also adopts rows that are {@code running} and that the coordinator does not know: left over from workers that were
         * stopped for good. The run that was cut off counts as an attempt. Never while such a worker still runs.
         */
        public Builder running(boolean too) {
            this.running = too;
            return this;
        }

        /** {@link #workflow(String, List)}. */
        public Builder workflow(String id, String... models) {
            return workflow(id, Arrays.asList(models));
        }

        /**
         * The models of a workflow, for those of its jobs whose rows do not say.
         *
         * @param id its name in the rows of its jobs; {@link WorkflowDefinition#id}
         * @param models all that it needs; {@link WorkflowDefinition#models}
         */
        public Builder workflow(String id, List<String> models) {
            workflows.put(Checks.handler(id), Checks.models(Checks.modelNames(models), false));
            return this;
        }

        /** How many rows one call looks at, 1 to 1,000; the default is 1,000. */
        public Builder maxJobs(int jobs) {
            this.maxJobs = Checks.range("The number of jobs to adopt", jobs, 1, 1000);
            return this;
        }

        /** The options. */
        public AdoptOptions build() {
            return new AdoptOptions(this);
        }
    }
}
