package dev.interlock;

import dev.interlock.internal.http.ErrorBody;

/** Too many requests (429). */
public final class RateLimitedException extends ServiceException {
    private static final long serialVersionUID = 1L;

    RateLimitedException(ErrorBody error) {
        super(error);
    }
}
