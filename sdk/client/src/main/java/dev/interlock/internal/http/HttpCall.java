package dev.interlock.internal.http;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request as the public builders describe it.
 *
 * @param method the HTTP method
 * @param path below {@code /rest/v1}, starting with a slash, encoded
 * @param query the encoded query, without the question mark; may be empty
 * @param headers headers besides those of every request
 * @param body JSON, or null for none
 * @param repeatable whether it may be carried out twice without harm
 * @param timeout for the whole call with its retries; null for the client's
 * @param schemaWait how long a missing function or table is waited for, right after a migration
 */
public record HttpCall(
        String method,
        String path,
        String query,
        Map<String, String> headers,
        @Nullable String body,
        boolean repeatable,
        @Nullable Duration timeout,
        Duration schemaWait) {

    /** A call without query, headers or body. */
    public static HttpCall of(String method, String path) {
        boolean reads = method.equals("GET") || method.equals("HEAD");
        return new HttpCall(method, path, "", Map.of(), null, reads, null, Duration.ZERO);
    }

    public HttpCall query(String encoded) {
        return new HttpCall(method, path, encoded, headers, body, repeatable, timeout, schemaWait);
    }

    public HttpCall header(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new HttpCall(method, path, query, more, body, repeatable, timeout, schemaWait);
    }

    public HttpCall body(String json) {
        return new HttpCall(method, path, query, headers, json, repeatable, timeout, schemaWait);
    }

    public HttpCall mayBeRepeated() {
        return new HttpCall(method, path, query, headers, body, true, timeout, schemaWait);
    }

    public HttpCall timeout(Duration duration) {
        return new HttpCall(method, path, query, headers, body, repeatable, duration, schemaWait);
    }

    public HttpCall schemaWait(Duration duration) {
        return new HttpCall(method, path, query, headers, body, repeatable, timeout, duration);
    }
}
