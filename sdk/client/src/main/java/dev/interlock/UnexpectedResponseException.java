package dev.interlock;

import dev.interlock.internal.http.ErrorBody;

/** Something else than the service answered: HTML or foreign JSON of a gateway. The outcome may be unknown. */
public final class UnexpectedResponseException extends ServiceException {
    private static final long serialVersionUID = 1L;

    UnexpectedResponseException(ErrorBody error) {
        super(error);
    }
}
