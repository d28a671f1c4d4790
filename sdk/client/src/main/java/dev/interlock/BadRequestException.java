package dev.interlock;

import dev.interlock.internal.http.ErrorBody;

/** The request was wrong (400, 404, 405, 406, 416): the message says what. Nothing has changed. */
public final class BadRequestException extends ServiceException {
    private static final long serialVersionUID = 1L;

    BadRequestException(ErrorBody error) {
        super(error);
    }
}
