package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.worker.Backoff;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BiFunction;

/**
 * What becomes of a job whose handler threw. It goes by the exception's class, never by its text. Called on the thread of
 * the handler; must be thread-safe.
 *
 * <pre>{@code
 * FailurePolicy.standard()
 *         .failingOn(BadPromptException.class)
 *         .on(RateLimitedException.class, (e, job) -> Outcome.retryIn(e.retryAfter(), "rate limited"))
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
     * Fails for good on {@link FatalJobException} and {@link InvalidRequestException}; retries on anything else, after a
     * delay that doubles with each attempt, less up to a quarter by chance, so that what failed together does not come
     * back together.
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

    /** An exception as the reason of an outcome: its class and its message. */
    static String describe(Throwable failure) {
        String message = failure.getMessage();
        String name = failure.getClass().getSimpleName();
        return message == null ? name : name + ": " + message;
    }
}
