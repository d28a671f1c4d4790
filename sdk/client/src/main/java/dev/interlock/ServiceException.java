package dev.interlock;

import dev.interlock.internal.http.ErrorBody;
import org.jspecify.annotations.Nullable;

/**
 * The service answered with an error. Judge it by {@link #code()}, which is PostgREST's ({@code PGRST…}), PostgreSQL's (a SQLSTATE), or one of
 * Interlock's ({@code JQ…}); several codes share one HTTP status.
 */
public class ServiceException extends InterlockException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final @Nullable String code;
    private final String serverMessage;
    private final @Nullable String details;
    private final @Nullable String hint;
    private final @Nullable String requestId;
    private final int attempts;
    private final boolean outcomeUnknown;

    ServiceException(ErrorBody error) {
        super(error.text());
        this.status = error.status();
        this.code = error.code();
        this.serverMessage = error.message();
        this.details = error.details();
        this.hint = error.hint();
        this.requestId = error.requestId();
        this.attempts = error.attempts();
        this.outcomeUnknown = error.outcomeUnknown();
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** The error code; null when a gateway answered in a form of its own. */
    public @Nullable String code() {
        return code;
    }

    /** The service's own message, without what {@link #getMessage} adds. */
    public String serverMessage() {
        return serverMessage;
    }

    /** Details, as the service gave them. */
    public @Nullable String details() {
        return details;
    }

    /** What to do about it, as the service gave it. */
    public @Nullable String hint() {
        return hint;
    }

    /** The id under which the platform's logs know the request. */
    public @Nullable String requestId() {
        return requestId;
    }

    /** How many times the request was sent. */
    public int attempts() {
        return attempts;
    }

    /**
     * Whether the request, or an earlier sending of it, may have been carried out all the same: true after a gateway's 502 or 504, false after an
     * error of the database, which rolls back.
     */
    public boolean outcomeUnknown() {
        return outcomeUnknown;
    }
}
