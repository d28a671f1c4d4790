package dev.interlock.internal.http;

import dev.interlock.InterlockIoException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;

/** What it means that no answer came. */
final class NoAnswer {

    private NoAnswer() {}

    /** Whether the other side said that it has not even looked at the request, as a gateway does that restarts (HTTP/2). */
    static boolean refusedUnread(IOException failure) {
        return "stream was reset: REFUSED_STREAM".equals(failure.getMessage())
                || failure.getClass().getSimpleName().equals("ConnectionShutdownException");
    }

    private static boolean timedOut(IOException failure) {
        return failure instanceof SocketTimeoutException || "timeout".equals(failure.getMessage());
    }

    /** Whether the caller's thread was interrupted while it waited. */
    static boolean interrupted(IOException failure) {
        return failure instanceof InterruptedIOException && !timedOut(failure);
    }

    static InterlockIoException of(String host, HttpCall call, int attempts, IOException failure, boolean unknown) {
        String what;
        if (timedOut(failure)) {
            what = "did not answer in time";
        } else if (interrupted(failure)) {
            what = "was not waited for any longer: the thread was interrupted";
        } else if (unknown) {
            what = "broke the connection before it answered";
        } else {
            what = "could not be reached";
        }
        String detail = failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
        return new InterlockIoException(
                host + " " + what + " (" + call.method() + " " + call.path()
                        + (attempts > 1 ? ", tried " + attempts + " times" : "") + "): " + detail
                        + (unknown
                                ? ". Whether it was carried out is unknown."
                                : ". Nothing was carried out; check the URL and the network."),
                failure,
                unknown);
    }
}
