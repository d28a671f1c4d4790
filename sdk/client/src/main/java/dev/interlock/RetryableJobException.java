package dev.interlock;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by a handler to have its job tried again, at a time of its own or when the worker's {@link FailurePolicy} says.
 * Extend it for kinds of your own.
 *
 * <pre>{@code
 * throw new RetryableJobException("the provider is busy", Duration.ofSeconds(retryAfterSeconds));
 * }</pre>
 */
public class RetryableJobException extends InterlockException {
    private static final long serialVersionUID = 1L;

    /** The longest delay that the database takes. */
    private static final Duration LONGEST = Duration.ofDays(365);

    private final @Nullable Duration after;
    private final @Nullable Instant at;

    /** When to try again is up to the policy. */
    public RetryableJobException(String reason) {
        this(reason, null, null, null);
    }

    /** When to try again is up to the policy. */
    public RetryableJobException(String reason, @Nullable Throwable cause) {
        this(reason, null, null, cause);
    }

    /**
     * Try again after a delay, as a provider's {@code Retry-After} gives it.
     *
     * @param reason why, for a person
     * @param after the delay; less than zero means at once, more than 365 days are taken for these
     */
    public RetryableJobException(String reason, Duration after) {
        this(reason, after, null, null);
    }

    /**
     * Try again at a time, for example when a quota is reset.
     *
     * @param reason why, for a person
     * @param at from when, by the database's clock; the past means at once
     */
    public RetryableJobException(String reason, Instant at) {
        this(reason, null, at, null);
    }

    /**
     * With everything: at most one of the two times is given.
     *
     * @param reason why, for a person
     * @param after the delay; null for none
     * @param at from when; null for none
     * @param cause what caused it; null for nothing
     */
    protected RetryableJobException(
            String reason, @Nullable Duration after, @Nullable Instant at, @Nullable Throwable cause) {
        super(reason, cause);
        this.after = after == null ? null : bounded(after);
        this.at = at;
    }

    /** The delay to try again after; null when it has none of its own. */
    public @Nullable Duration after() {
        return after;
    }

    /** From when to try again; null when it has no time of its own. */
    public @Nullable Instant at() {
        return at;
    }

    private static Duration bounded(Duration after) {
        if (after.isNegative()) {
            return Duration.ZERO;
        }
        return after.compareTo(LONGEST) > 0 ? LONGEST : after;
    }
}
