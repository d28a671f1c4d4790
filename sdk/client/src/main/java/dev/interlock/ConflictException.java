package dev.interlock;

import dev.interlock.internal.http.ErrorBody;

/** A constraint of the database refused it (409): a duplicate key or a missing reference. Nothing has changed. */
public final class ConflictException extends ServiceException {
    private static final long serialVersionUID = 1L;

    ConflictException(ErrorBody error) {
        super(error);
    }
}
