package dev.interlock;

import org.jspecify.annotations.Nullable;

/**
 * A request to the coordinator that can never work as it is: an empty job id, a model list that is null, a lease time of
 * a year. Nothing has changed. It is raised by the SDK before anything is sent where it can tell, else by the database,
 * with the same code; {@code docs/reference/errors.md} lists the codes ({@code JQ001} to {@code JQ010}).
 */
public class InvalidRequestException extends InterlockException {
    private static final long serialVersionUID = 1L;

    private final String code;
    private final @Nullable String hint;

    /** With the code of the error, what is wrong, what to do about it, and the database's error where it is from there. */
    public InvalidRequestException(String code, String message, @Nullable String hint, @Nullable Throwable cause) {
        super(message + (hint == null ? "" : " " + hint) + " (" + code + ")", cause);
        this.code = code;
        this.hint = hint;
    }

    /** The stable code, for example {@code JQ002}. */
    public String code() {
        return code;
    }

    /** What to do about it; null when there is nothing to add. */
    public @Nullable String hint() {
        return hint;
    }
}
