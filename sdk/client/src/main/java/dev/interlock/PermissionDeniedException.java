package dev.interlock;

import dev.interlock.internal.http.ErrorBody;

/** The key is good and its role may not do this (403, SQLSTATE 42501): a grant or a policy is missing. */
public final class PermissionDeniedException extends ServiceException {
    private static final long serialVersionUID = 1L;

    PermissionDeniedException(ErrorBody error) {
        super(error);
    }
}
