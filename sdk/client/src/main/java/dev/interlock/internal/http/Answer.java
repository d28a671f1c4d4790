package dev.interlock.internal.http;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What came back at last.
 *
 * @param error null for a success
 */
public record Answer(
        int status,
        Map<String, List<String>> headers,
        String body,
        @Nullable ErrorBody error) {}
