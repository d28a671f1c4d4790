package dev.interlock;

import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.Transport;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What queries with filters have in common. Several filters are joined by AND. Values are quoted as PostgREST needs it, so any text is safe. A column
 * may be a path into JSON ({@code payload->>style}). Not thread-safe.
 *
 * @param <S> the query itself
 */
public abstract class Filtered<S extends Filtered<S>> {

    final Transport transport;
    private HttpCall call;
    private final List<Map.Entry<String, String>> parameters = new ArrayList<>();
    private boolean filtered;

    Filtered(Transport transport, HttpCall call) {
        this.transport = transport;
        this.call = call;
    }

    abstract S self();

    /** The column equals the value. */
    public S eq(String column, Object value) {
        return where(Condition.eq(column, value));
    }

    /** The column differs from the value, and is not null. */
    public S neq(String column, Object value) {
        return where(Condition.neq(column, value));
    }

    /** The column is greater than the value. */
    public S gt(String column, Object value) {
        return where(Condition.gt(column, value));
    }

    /** The column is greater than the value or equal to it. */
    public S gte(String column, Object value) {
        return where(Condition.gte(column, value));
    }

    /** The column is less than the value. */
    public S lt(String column, Object value) {
        return where(Condition.lt(column, value));
    }

    /** The column is less than the value or equal to it. */
    public S lte(String column, Object value) {
        return where(Condition.lte(column, value));
    }

    /** The column matches the pattern; {@code *} or {@code %} stands for any text, {@code _} for one character. */
    public S like(String column, String pattern) {
        return where(Condition.like(column, pattern));
    }

    /** As {@link #like}, whatever the case. */
    public S ilike(String column, String pattern) {
        return where(Condition.ilike(column, pattern));
    }

    /** The column is one of the values; of none, no row matches. */
    public S in(String column, Collection<?> values) {
        return where(Condition.in(column, values));
    }

    /** The column is null, true or false. */
    public S is(String column, @Nullable Boolean value) {
        return where(Condition.is(column, value));
    }

    /** The column, an array, contains all elements of a collection; or, being JSON, contains this JSON (anything but a collection). */
    public S contains(String column, Object value) {
        return where(Condition.contains(column, value));
    }

    /** The column, JSON, contains this JSON: {@code containsJson("required_models", List.of("m"))}. */
    public S containsJson(String column, Object value) {
        return where(Condition.containsJson(column, value));
    }

    /** One of these conditions holds. */
    public S or(Condition... conditions) {
        return where(Condition.any(conditions));
    }

    /**
     * One of these conditions holds, each in PostgREST's own words: {@code or("status.eq.pending", "queued_at.is.null")}. A value with commas or
     * parentheses must be in double quotes; {@link #or(Condition...)} sees to that by itself.
     */
    public S or(String... conditions) {
        if (conditions.length == 0) {
            throw new IllegalArgumentException("or() needs a condition.");
        }
        return filter("or", "(" + String.join(",", conditions) + ")");
    }

    /** The column does not meet the operator, in PostgREST's own words: {@code not("status", "in", "(failed,cancelled)")}. */
    public S not(String column, String operator, Object value) {
        return filter(column, "not." + operator + "." + Condition.text(column, value));
    }

    /** The condition does not hold. */
    public S not(Condition condition) {
        return where(Condition.not(condition));
    }

    /** The condition holds. */
    public S where(Condition condition) {
        filtered = true;
        return add(condition.parameterName(), condition.parameterValue());
    }

    /** A filter in PostgREST's own words, for operators that have no method here: {@code filter("title", "fts.cat")}. */
    public S filter(String column, String operatorAndValue) {
        if (column.isBlank()) {
            throw new IllegalArgumentException("The column of a filter is blank.");
        }
        filtered = true;
        return add(column, operatorAndValue);
    }

    /** The time for this call, its retries included, instead of the client's. */
    public S timeout(Duration duration) {
        call = call.timeout(duration);
        return self();
    }

    /** Waits so long for a table that PostgREST does not know yet, as it may right after a migration. */
    public S waitForSchema(Duration duration) {
        call = call.schemaWait(duration);
        return self();
    }

    final boolean isFiltered() {
        return filtered;
    }

    final S add(String name, String value) {
        parameters.add(Map.entry(name, value));
        return self();
    }

    final S set(String name, String value) {
        parameters.removeIf(parameter -> parameter.getKey().equals(name));
        return add(name, value);
    }

    final S repeatableCall() {
        call = call.mayBeRepeated();
        return self();
    }

    /** The request; what is given here stands in for parameters of the same name, or is added; with nothing, takes them away. */
    final HttpCall ready(Map<String, String> instead) {
        List<String> query = new ArrayList<>();
        for (Map.Entry<String, String> parameter : parameters) {
            if (!instead.containsKey(parameter.getKey())) {
                query.add(encoded(parameter.getKey()) + "=" + encoded(parameter.getValue()));
            }
        }
        instead.forEach((name, value) -> {
            if (!value.isEmpty()) {
                query.add(encoded(name) + "=" + encoded(value));
            }
        });
        return call.query(String.join("&", query));
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
