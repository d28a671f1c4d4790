package dev.interlock;

import org.jspecify.annotations.Nullable;

/** An answer could not be read as what was asked for, or a query meant for one row found none or several. */
public class DataException extends InterlockException {
    private static final long serialVersionUID = 1L;

    /** An exception with this message. */
    public DataException(String message) {
        super(message);
    }

    /** An exception with this message and cause. */
    public DataException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
