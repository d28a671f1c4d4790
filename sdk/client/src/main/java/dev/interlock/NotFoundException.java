package dev.interlock;

import dev.interlock.internal.http.ErrorBody;

/** There is nothing at this path (404). A missing table or function is a {@link SchemaMismatchException} instead. */
public final class NotFoundException extends ServiceException {
    private static final long serialVersionUID = 1L;

    NotFoundException(ErrorBody error) {
        super(error);
    }
}
