package dev.interlock.internal.http;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What came back at last.
 *
 * @param headers names in lower case
 * @param error null for a success
 */
public record Answer(
        int status,
        Map<String, List<String>> headers,
        String body,
        @Nullable ErrorBody error) {

    /** The first value of a header, or null. */
    public @Nullable String header(String lowerCaseName) {
        List<String> values = headers.get(lowerCaseName);
        return values == null || values.isEmpty() ? null : values.get(0);
    }

    Answer outcomeIsUnknown() {
        return error == null ? this : new Answer(status, headers, body, error.outcomeIsUnknown());
    }
}
