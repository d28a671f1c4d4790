package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.worker.Backoff;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.function.BiFunction;

/**
 * What becomes of a job whose handler threw. It goes by the exception's class, never by its text. Called on the thread of
 * the handler; must be thread-safe.
 *
 * <pre>{@code
 * FailurePolicy.standard()
 *         .failingOn(BadPromptException.class)
 *         .on(QuotaException.class, (e, job) -> Outcome.retryAt(e.resetsAt(), "the quota is used up"))
 * }</pre>
 */
@FunctionalInterface
public interface FailurePolicy {
    /**
     * The outcome of a run whose handler threw.
     *
     * @param failure what it threw
     * @param context the job
     */
    Outcome onFailure(Throwable failure, JobContext context);

    /** {@link #exponential} from 1 second to 5 minutes: what a worker does where nothing else is said. */
    static FailurePolicy standard() {
        return exponential(Duration.ofSeconds(1), Duration.ofMinutes(5));
    }

    /**
     * Fails for good on {@link FatalJobException} and {@link InvalidRequestException}; retries on a
     * {@link RetryableJobException} when that says; retries on anything else, known or not, after a delay that doubles
     * with each attempt, less up to a quarter by chance, so that what failed together does not come back together. The
     * job's own {@linkplain JobRequest#maxAttempts number of attempts} (3 where nothing is said) ends it.
     *
     * @param first the delay after the first attempt; more than zero
     * @param max the longest delay
     */
    static FailurePolicy exponential(Duration first, Duration max) {
        Backoff backoff = new Backoff(first, Checks.retryDelay(max));
        return (failure, context) -> {
            if (failure instanceof FatalJobException || failure instanceof InvalidRequestException) {
                return Outcome.fail(describe(failure));
            }
            if (failure instanceof RetryableJobException retryable) {
                Instant at = retryable.at();
                Duration after = retryable.after();
                if (at != null) {
                    return Outcome.retryAt(at, describe(failure));
                }
                if (after != null) {
                    return Outcome.retryIn(after, describe(failure));
                }
            }
            return Outcome.retryIn(backoff.delay(context.attempt()), describe(failure));
        };
    }

    /** This policy, but an exception of this class (or a subclass) fails the job for good. */
    default FailurePolicy failingOn(Class<? extends Throwable> type) {
        return on(type, (failure, context) -> Outcome.fail(describe(failure)));
    }

    /** This policy, but an exception of this class (or a subclass) has this outcome. The one named last goes first. */
    default <E extends Throwable> FailurePolicy on(Class<E> type, BiFunction<E, JobContext, Outcome> outcome) {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(outcome, "outcome");
        return (failure, context) ->
                type.isInstance(failure) ? outcome.apply(type.cast(failure), context) : onFailure(failure, context);
    }

    /**
     * An exception as the reason of an outcome: its class and its message; the message alone where a handler threw
     * {@link FatalJobException} or {@link RetryableJobException} to say it.
     */
    static String describe(Throwable failure) {
        String message = failure.getMessage();
        Class<?> type = failure.getClass();
        if (message != null && (type == FatalJobException.class || type == RetryableJobException.class)) {
            return message;
        }
        String name = failure.getClass().getSimpleName();
        return message == null ? name : name + ": " + message;
    }
}
