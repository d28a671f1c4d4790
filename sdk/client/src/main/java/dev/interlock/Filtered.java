package dev.interlock;

import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.http.Transport;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What queries with filters have in common. Several filters are joined by AND. Values are quoted as PostgREST needs it, so any text is safe. Not
 * thread-safe.
 *
 * @param <S> the query itself
 */
public abstract class Filtered<S extends Filtered<S>> {

    final Transport transport;
    HttpCall call;
    private final List<String> parameters = new ArrayList<>();
    private boolean filtered;

    Filtered(Transport transport, HttpCall call) {
        this.transport = transport;
        this.call = call;
    }

    abstract S self();

    /** The column equals the value. */
    public S eq(String column, Object value) {
        return filter(column, "eq." + given(column, value));
    }

    /** The column differs from the value. */
    public S neq(String column, Object value) {
        return filter(column, "neq." + given(column, value));
    }

    /** The column is greater than the value. */
    public S gt(String column, Object value) {
        return filter(column, "gt." + given(column, value));
    }

    /** The column is greater than the value or equal to it. */
    public S gte(String column, Object value) {
        return filter(column, "gte." + given(column, value));
    }

    /** The column is less than the value. */
    public S lt(String column, Object value) {
        return filter(column, "lt." + given(column, value));
    }

    /** The column is less than the value or equal to it. */
    public S lte(String column, Object value) {
        return filter(column, "lte." + given(column, value));
    }

    /** The column matches the pattern; {@code *} stands for any text. */
    public S like(String column, String pattern) {
        return filter(column, "like." + given(column, pattern));
    }

    /** As {@link #like}, whatever the case. */
    public S ilike(String column, String pattern) {
        return filter(column, "ilike." + given(column, pattern));
    }

    /** The column is one of the values. */
    public S in(String column, Collection<?> values) {
        List<String> quoted = new ArrayList<>();
        for (Object value : values) {
            quoted.add(quoted(given(column, value)));
        }
        return filter(column, "in.(" + String.join(",", quoted) + ")");
    }

    /** The column is null, true or false. */
    public S is(String column, @Nullable Boolean value) {
        return filter(column, "is." + value);
    }

    /** The column, an array or JSON, contains this: a list for an array, anything else as JSON. */
    public S contains(String column, Object value) {
        if (value instanceof Collection<?> elements) {
            List<String> quoted = new ArrayList<>();
            for (Object element : elements) {
                quoted.add(quoted(given(column, element)));
            }
            return filter(column, "cs.{" + String.join(",", quoted) + "}");
        }
        return filter(column, "cs." + JsonCodec.write(value));
    }

    /** The column, JSON, contains this JSON: {@code containsJson("required_models", List.of("m"))}. */
    public S containsJson(String column, Object value) {
        return filter(column, "cs." + JsonCodec.write(value));
    }

    /**
     * One of these conditions holds, each in PostgREST's form: {@code or("status.eq.pending", "queued_at.is.null")}. A value with commas or
     * parentheses must be in double quotes.
     */
    public S or(String... conditions) {
        if (conditions.length == 0) {
            throw new IllegalArgumentException("or() needs a condition.");
        }
        return filter("or", "(" + String.join(",", conditions) + ")");
    }

    /** The column does not meet the operator: {@code not("status", "in", "(failed,cancelled)")}. */
    public S not(String column, String operator, Object value) {
        return filter(column, "not." + operator + "." + given(column, value));
    }

    /** The time for this call, its retries included, instead of the client's. */
    public S timeout(Duration duration) {
        call = call.timeout(duration);
        return self();
    }

    private S filter(String column, String condition) {
        if (column.isBlank()) {
            throw new IllegalArgumentException("The column of a filter is blank.");
        }
        filtered = true;
        return parameter(column, condition);
    }

    final S parameter(String name, String value) {
        parameters.add(encoded(name) + "=" + encoded(value));
        return self();
    }

    final void without(String... names) {
        for (String name : names) {
            parameters.removeIf(parameter -> parameter.startsWith(name + "="));
        }
    }

    final S header(String name, String value) {
        call = call.header(name, value);
        return self();
    }

    final boolean isFiltered() {
        return filtered;
    }

    final HttpCall ready() {
        return call.query(String.join("&", parameters));
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Null is no value: {@code neq.null} would compare with the text "null" and so match every row. */
    private static String given(String column, @Nullable Object value) {
        if (value == null) {
            throw new NullPointerException("The value of the filter on \"" + column
                    + "\" is null. Ask for null with is(\"" + column + "\", null).");
        }
        return value.toString();
    }

    private static String quoted(String value) {
        return "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
