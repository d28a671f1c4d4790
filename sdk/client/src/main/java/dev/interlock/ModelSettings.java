package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import org.jspecify.annotations.Nullable;

/**
 * What to change of a model ({@link JobCoordinator#setModel}); what is not said stays. Immutable.
 *
 * <pre>{@code
 * coordinator.setModel("motion-2.0-fast", ModelSettings.capacity(2));
 * coordinator.setModel("motion-2.0-fast", ModelSettings.pause());
 * }</pre>
 *
 * @param capacity how many jobs may hold it at once, 0 to 10,000; null leaves it
 * @param paused whether nobody may start on it; null leaves it
 * @param startsPerMinute how many may start on it within any 60 seconds, 1 to 100,000; 0 = any number; null leaves it
 */
public record ModelSettings(
        @Nullable Integer capacity,
        @Nullable Boolean paused,
        @Nullable Integer startsPerMinute) {
    /** Checks the capacity and the rate. */
    public ModelSettings {
        if (capacity != null) {
            Checks.capacity(capacity);
        }
        if (startsPerMinute != null) {
            Checks.range("starts_per_minute", startsPerMinute, 0, 100_000);
        }
    }

    /** Lets so many jobs hold the model at once, 0 to 10,000. Those that hold it already run on. */
    public static ModelSettings capacity(int capacity) {
        return new ModelSettings(capacity, null, null);
    }

    /** Lets nobody start on the model; its waiting jobs hold nobody else up. Those that hold it already run on. */
    public static ModelSettings pause() {
        return new ModelSettings(null, true, null);
    }

    /** Ends a pause; the jobs that waited go back to their own places. */
    public static ModelSettings resume() {
        return new ModelSettings(null, false, null);
    }

    /** Lets so many jobs start on the model within any 60 seconds, 1 to 100,000; 0 = any number. */
    public static ModelSettings startsPerMinute(int starts) {
        return new ModelSettings(null, null, starts);
    }
}
