package dev.interlock.internal.coordination;

import dev.interlock.DataException;
import dev.interlock.InterlockException;
import dev.interlock.InvalidRequestException;
import dev.interlock.ServiceException;
import dev.interlock.UnknownJobException;
import org.jspecify.annotations.Nullable;

/** What the database's refusals mean to a caller. */
final class Answers {
    private Answers() {}

    /** A refusal with one of the coordinator's own codes as its own exception; anything else as it is. */
    static InterlockException translated(ServiceException e, @Nullable String jobId) {
        String code = e.code();
        if (code == null || !code.startsWith("JQ")) {
            return e;
        }
        if (code.equals("JQ006") && jobId != null) {
            return new UnknownJobException(jobId, e);
        }
        return new InvalidRequestException(code, e.serverMessage(), e.hint(), e);
    }

    /** An answer that the contract does not know. */
    static DataException odd(String what, @Nullable Throwable cause) {
        String message = "The database answered with " + what
                + ", which this version of the SDK does not understand; its migrations may be newer.";
        return cause == null ? new DataException(message) : new DataException(message, cause);
    }
}
