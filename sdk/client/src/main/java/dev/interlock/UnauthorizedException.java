package dev.interlock;

import dev.interlock.internal.http.ErrorBody;

/** The key was refused (401): missing, wrong, revoked, or of the wrong kind. */
public final class UnauthorizedException extends ServiceException {
    private static final long serialVersionUID = 1L;

    UnauthorizedException(ErrorBody error) {
        super(error);
    }
}
