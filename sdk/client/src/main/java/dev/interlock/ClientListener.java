package dev.interlock;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Observes a client's requests; called on the thread of the call, so it must be quick. Implementations must be thread-safe. What a listener throws is
 * logged and changes nothing.
 */
public interface ClientListener {

    /**
     * A request got an answer, of whatever status.
     *
     * @param method the HTTP method
     * @param path the path below {@code /rest/v1}, without the query
     * @param status the HTTP status
     * @param took from sending to the whole answer
     * @param attempt 1 for the first
     */
    default void answered(String method, String path, int status, Duration took, int attempt) {}

    /**
     * A request got no answer.
     *
     * @param method the HTTP method
     * @param path the path below {@code /rest/v1}, without the query
     * @param took from sending to the failure
     * @param attempt 1 for the first
     */
    default void unanswered(String method, String path, Duration took, int attempt) {}

    /**
     * A request that failed will be sent again after a pause.
     *
     * @param method the HTTP method
     * @param path the path below {@code /rest/v1}, without the query
     * @param status the HTTP status, or 0 without an answer
     * @param code the error code, if there is one
     * @param pause how long until it is sent again
     * @param attempt the one that failed; 1 for the first
     */
    default void retrying(String method, String path, int status, @Nullable String code, Duration pause, int attempt) {}
}
