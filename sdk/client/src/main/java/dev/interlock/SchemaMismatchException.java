package dev.interlock;

import org.jspecify.annotations.Nullable;

/** The database has not what this call needs: migrations are missing or old. The message says what to run. */
public class SchemaMismatchException extends InterlockException {
    private static final long serialVersionUID = 1L;

    /** An exception with this message. */
    public SchemaMismatchException(String message) {
        super(message);
    }

    /** An exception with this message and cause. */
    public SchemaMismatchException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
