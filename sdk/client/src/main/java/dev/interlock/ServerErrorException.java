package dev.interlock;

import dev.interlock.internal.http.ErrorBody;

/** The service failed (5xx): by its own error, a timeout, or because it is paused or starting. */
public final class ServerErrorException extends ServiceException {
    private static final long serialVersionUID = 1L;

    ServerErrorException(ErrorBody error) {
        super(error);
    }
}
