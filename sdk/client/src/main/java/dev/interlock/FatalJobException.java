package dev.interlock;

import org.jspecify.annotations.Nullable;

/**
 * Thrown by a handler to fail its job for good: another attempt would not help. Extend it for kinds of your own, or tell
 * the worker's {@link FailurePolicy} which of your exceptions are meant so.
 */
public class FatalJobException extends InterlockException {
    private static final long serialVersionUID = 1L;

    /** With the reason, for a person. */
    public FatalJobException(String reason) {
        super(reason);
    }

    /** With the reason, for a person, and what caused it. */
    public FatalJobException(String reason, @Nullable Throwable cause) {
        super(reason, cause);
    }
}
