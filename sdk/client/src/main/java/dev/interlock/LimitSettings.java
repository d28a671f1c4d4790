package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What to change of the settings that hold for all jobs ({@link JobCoordinator#setLimits}); what is not said stays.
 * Immutable.
 *
 * <pre>{@code
 * coordinator.setLimits(LimitSettings.builder().maxActiveJobs(1).build());   // one job at a time
 * coordinator.setLimits(LimitSettings.builder().noMaxActiveJobs().build());  // as many as the models allow
 * }</pre>
 */
public final class LimitSettings {
    private final Map<String, @Nullable Object> settings;

    private LimitSettings(Map<String, @Nullable Object> settings) {
        this.settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
    }

    /** A builder that changes nothing yet. */
    public static Builder builder() {
        return new Builder();
    }

    /** The settings to change, by their names in {@code docs/reference/rpc.md}; a null value takes a limit away. */
    public Map<String, @Nullable Object> asMap() {
        return settings;
    }

    /** Builds {@link LimitSettings}. Not thread-safe. */
    public static final class Builder {
        private final Map<String, @Nullable Object> settings = new LinkedHashMap<>();

        private Builder() {}

        /** At most so many jobs run at once over all models, 1 to 10,000; 1 = one job at a time. */
        public Builder maxActiveJobs(int jobs) {
            settings.put("max_active_jobs", Checks.range("max_active_jobs", jobs, 1, 10_000));
            return this;
        }

        /** Any number of jobs may run at once, as far as their models allow. */
        public Builder noMaxActiveJobs() {
            settings.put("max_active_jobs", null);
            return this;
        }

        /** By how much one level of priority goes ahead, 0 to 24 hours; counts for jobs that enter from now on. */
        public Builder priorityStep(Duration step) {
            settings.put("priority_step_seconds", Checks.seconds("priority_step_seconds", step, Duration.ofDays(1)));
            return this;
        }

        /** What an unknown model gets as its capacity, 0 to 10,000. */
        public Builder defaultCapacity(int capacity) {
            settings.put("default_capacity", Checks.capacity(capacity));
            return this;
        }

        /** Whether a job that names an unknown model is refused (JQ008), instead of the model being created. */
        public Builder refuseUnknownModels(boolean refuse) {
            settings.put("unknown_models", refuse ? "refuse" : "create");
            return this;
        }

        /** Whether nobody may start, whatever is free; those that run go on, those that wait keep their places. */
        public Builder paused(boolean paused) {
            settings.put("paused", paused);
            return this;
        }

        /**
         * How many later jobs may start on a model that a job keeps while it waits for another one, 0 to 1,000; with 0
         * nobody passes anybody in a line they share.
         */
        public Builder maxOvertakes(int jobs) {
            settings.put("max_overtakes", Checks.range("max_overtakes", jobs, 0, 1000));
            return this;
        }

        /**
         * After how long a job that could run, and that no live worker can run, stands aside, 1 s to 24 hours; it is back
         * at its place as soon as such a worker claims. Longer than the longest pause between two polls.
         */
        public Builder skipAfter(Duration time) {
            settings.put("skip_after_seconds", Checks.seconds("skip_after_seconds", time, Duration.ofDays(1)));
            return this;
        }

        /** No job ever stands aside for want of a worker. */
        public Builder neverSkip() {
            settings.put("skip_after_seconds", null);
            return this;
        }

        /** How long the log is kept, 1 to 3,650 days. */
        public Builder logRetentionDays(int days) {
            settings.put("log_retention_days", Checks.range("log_retention_days", days, 1, 3650));
            return this;
        }

        /** Keeps the log for ever. */
        public Builder keepLog() {
            settings.put("log_retention_days", null);
            return this;
        }

        /** The settings. */
        public LimitSettings build() {
            return new LimitSettings(settings);
        }
    }
}
