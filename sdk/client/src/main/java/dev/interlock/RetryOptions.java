package dev.interlock;

import java.time.Duration;

/**
 * How often, and after which pauses, a call is sent again that may be: the pause doubles from {@code firstPause} up to {@code longestPause}, a
 * quarter of it at random; a {@code Retry-After} of the service is honoured. What may be sent again is fixed, see docs/reference/settings.md.
 *
 * @param attempts how often a call is sent at most, 1 (never again) to 20
 * @param firstPause the pause before the second attempt
 * @param longestPause the longest pause
 */
public record RetryOptions(int attempts, Duration firstPause, Duration longestPause) {

    /** Checks the ranges. */
    public RetryOptions {
        if (attempts < 1 || attempts > 20) {
            throw new IllegalArgumentException("attempts is " + attempts + "; give 1 to 20.");
        }
        if (firstPause.isNegative() || longestPause.compareTo(firstPause) < 0) {
            throw new IllegalArgumentException(
                    "The pauses must not be negative, nor the longest shorter than the first.");
        }
    }

    /** Four attempts, with pauses of 0.2 s to 5 s. */
    public static RetryOptions defaults() {
        return new RetryOptions(4, Duration.ofMillis(200), Duration.ofSeconds(5));
    }

    /** Nothing is sent twice. */
    public static RetryOptions none() {
        return new RetryOptions(1, Duration.ZERO, Duration.ZERO);
    }
}
