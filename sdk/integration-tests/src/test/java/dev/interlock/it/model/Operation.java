package dev.interlock.it.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One step of a history.
 *
 * @param function a function of the contract; {@code insert} and {@code delete} for rows of {@code jobs}
 * @param arguments its arguments, times as {@link Arguments.Time}
 */
record Operation(String function, Map<String, ? extends @Nullable Object> arguments) {

    static final String INSERT = "insert";
    static final String DELETE = "delete";

    /** As it is sent: times as text of the server's clock. */
    Map<String, ?> wire(long offset) {
        return object(arguments, offset);
    }

    private static Map<String, ?> object(Map<?, ?> values, long offset) {
        Map<String, @Nullable Object> sent = new HashMap<>();
        values.forEach((name, value) -> sent.put(String.valueOf(name), value(value, offset)));
        return sent;
    }

    private static @Nullable Object value(@Nullable Object value, long offset) {
        if (value instanceof Arguments.Time time) {
            return time.text(offset);
        } else if (value instanceof Map<?, ?> map) {
            return object(map, offset);
        } else if (value instanceof List<?> list) {
            return list.stream().map(entry -> value(entry, offset)).toList();
        }
        return value;
    }

    @Override
    public String toString() {
        return function.replace("job_queue_", "") + " " + arguments;
    }
}
