package dev.interlock;

import org.jspecify.annotations.Nullable;

/** No answer came: the host could not be reached, or the connection broke or timed out. */
public class InterlockIoException extends InterlockException {
    private static final long serialVersionUID = 1L;

    private final boolean outcomeUnknown;

    /** An exception with this message and cause; whether the request may have been carried out all the same. */
    public InterlockIoException(String message, @Nullable Throwable cause, boolean outcomeUnknown) {
        super(message, cause);
        this.outcomeUnknown = outcomeUnknown;
    }

    /** Whether the request may have been carried out: true when it was sent and the answer is missing, false when it surely was not. */
    public boolean outcomeUnknown() {
        return outcomeUnknown;
    }
}
