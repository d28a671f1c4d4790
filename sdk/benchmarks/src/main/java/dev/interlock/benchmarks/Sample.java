package dev.interlock.benchmarks;

import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * What one load came to.
 *
 * @param perSecond operations a second, all callers together
 * @param nanos how long each took
 */
public record Sample(double perSecond, Histogram nanos) {

    static final long HIGHEST = TimeUnit.MINUTES.toNanos(10);

    /** An empty histogram of nanoseconds, to three digits. */
    public static Histogram histogram() {
        return new Histogram(1000, HIGHEST, 3);
    }

    /** So many percent took no longer than these milliseconds. */
    public double millis(double percentile) {
        return nanos.getValueAtPercentile(percentile) / 1e6;
    }
}
