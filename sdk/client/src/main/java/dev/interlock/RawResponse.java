package dev.interlock;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer as it came.
 *
 * @param status the HTTP status, 200 to 299
 * @param headers the headers, names in lower case
 * @param body the body; empty when there was none
 */
public record RawResponse(int status, Map<String, List<String>> headers, String body) {

    /** The first value of a header, or null. */
    public @Nullable String header(String name) {
        List<String> values = headers.get(name.toLowerCase(Locale.ROOT));
        return values == null || values.isEmpty() ? null : values.get(0);
    }
}
