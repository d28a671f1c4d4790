package dev.interlock;

import org.jspecify.annotations.Nullable;

/** The root of everything this library throws besides {@link IllegalArgumentException} and {@link NullPointerException}. Unchecked. */
public abstract class InterlockException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** An exception with this message. */
    protected InterlockException(String message) {
        super(message);
    }

    /** An exception with this message and cause. */
    protected InterlockException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
