package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.coordination.Json;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a run ended: what a {@link JobHandler} returns and what {@link JobCoordinator#completeAll} sends. Immutable.
 *
 * <pre>{@code
 * return Outcome.complete(new Image(url));
 * return Outcome.retry("the provider is busy");
 * return Outcome.retryAt(quotaReset, "the quota is used up");
 * return Outcome.fail("the prompt was refused");
 * }</pre>
 */
public sealed interface Outcome {
    /** The job is done and has no result to keep. */
    static Outcome complete() {
        return new Complete(null);
    }

    /**
     * The job is done.
     *
     * @param result any object that Jackson writes as JSON, at most 1 MiB of it; null for none. It is written at once,
     *     so later changes to the object do not count
     * @throws InvalidRequestException when the result cannot be written as JSON or is too large
     */
    static Outcome complete(@Nullable Object result) {
        return new Complete(Json.encode("The result", result));
    }

    /**
     * The attempt did not work; try again when the worker's {@link FailurePolicy} says: it is asked with a
     * {@link RetryableJobException}. See {@link #retryIn}. Where no worker is in between, at once.
     *
     * @param reason why, for a person
     */
    static Outcome retry(String reason) {
        return new Retry(null, null, Checks.reason(reason));
    }

    /**
     * The attempt did not work; try again after a delay. The job keeps its place in line, holds no model and no thread
     * meanwhile, and fails when its attempts are used up.
     *
     * @param delay zero to 365 days
     * @param reason why, for a person
     */
    static Outcome retryIn(Duration delay, String reason) {
        return new Retry(null, Checks.retryDelay(delay), Checks.reason(reason));
    }

    /**
     * The attempt did not work; try again at a time, by the database's clock. See {@link #retryIn}.
     *
     * @param time from when; the past means at once
     * @param reason why, for a person
     */
    static Outcome retryAt(Instant time, String reason) {
        return new Retry(Checks.required("The time of the retry", time), null, Checks.reason(reason));
    }

    /**
     * The job failed for good, whatever attempts are left.
     *
     * @param reason why, for a person
     */
    static Outcome fail(String reason) {
        return new Fail(Checks.reason(reason));
    }

    /** The job goes back to its own place in line at once, and the attempt does not count. */
    static Outcome release() {
        return new Release();
    }

    /**
     * The job is done.
     *
     * @param resultJson its result as JSON text; null for none
     */
    record Complete(@Nullable String resultJson) implements Outcome {
        /** Says that it is complete; never the result. */
        @Override
        public String toString() {
            return "Complete";
        }
    }

    /**
     * The attempt did not work and the job is to be tried again. At most one of the two times is set.
     *
     * @param at when; null when {@code in} or the policy says so
     * @param in after which delay; null when {@code at} or the policy says so
     * @param reason why, for a person
     */
    record Retry(@Nullable Instant at, @Nullable Duration in, String reason) implements Outcome {}

    /**
     * The job failed for good.
     *
     * @param reason why, for a person
     */
    record Fail(String reason) implements Outcome {}

    /** The job goes back to its own place in line. */
    record Release() implements Outcome {}
}
