package dev.interlock;

import dev.interlock.internal.http.JsonCodec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a row must meet, for {@code or} and {@code not}. Values are quoted as PostgREST needs it, so any text is safe. Immutable and thread-safe.
 *
 * <pre>{@code
 * supabase.from("jobs").select()
 *         .or(Condition.eq("status", "pending"), Condition.all(Condition.eq("status", "running"), Condition.lt("progress", 50)))
 *         .not(Condition.in("job_id", List.of("a", "b")))
 *         .listOf(Job.class);
 * }</pre>
 */
public final class Condition {

    /** The parameter's name: a column, or {@code and} / {@code or}. */
    private final String name;
    /** The operator with its dot; empty for a group. */
    private final String operator;
    /** The value as it is written at the top; a group's list with its parentheses. */
    private final String value;
    /** The value as it is written inside a group. */
    private final String nested;

    private final boolean negated;

    private Condition(String name, String operator, String value, String nested, boolean negated) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("The column of a filter is blank.");
        }
        this.name = name;
        this.operator = operator;
        this.value = value;
        this.nested = nested;
        this.negated = negated;
    }

    /** The column equals the value. */
    public static Condition eq(String column, Object value) {
        return compared(column, "eq", value);
    }

    /** The column differs from the value, and is not null. */
    public static Condition neq(String column, Object value) {
        return compared(column, "neq", value);
    }

    /** The column is greater than the value. */
    public static Condition gt(String column, Object value) {
        return compared(column, "gt", value);
    }

    /** The column is greater than the value or equal to it. */
    public static Condition gte(String column, Object value) {
        return compared(column, "gte", value);
    }

    /** The column is less than the value. */
    public static Condition lt(String column, Object value) {
        return compared(column, "lt", value);
    }

    /** The column is less than the value or equal to it. */
    public static Condition lte(String column, Object value) {
        return compared(column, "lte", value);
    }

    /** The column matches the pattern; {@code *} or {@code %} stands for any text, {@code _} for one character. */
    public static Condition like(String column, String pattern) {
        return compared(column, "like", pattern);
    }

    /** As {@link #like}, whatever the case. */
    public static Condition ilike(String column, String pattern) {
        return compared(column, "ilike", pattern);
    }

    /** The column is one of the values; of none, no row matches. */
    public static Condition in(String column, Collection<?> values) {
        List<String> quoted = new ArrayList<>();
        for (Object value : values) {
            quoted.add(quoted(text(column, value)));
        }
        String list = "(" + String.join(",", quoted) + ")";
        return new Condition(column, "in.", list, list, false);
    }

    /** The column is null, true or false. */
    public static Condition is(String column, @Nullable Boolean value) {
        return new Condition(column, "is.", String.valueOf(value), String.valueOf(value), false);
    }

    /** The column, an array, contains all elements of a collection; or, being JSON, contains this JSON (anything but a collection). */
    public static Condition contains(String column, Object value) {
        if (!(value instanceof Collection<?> elements)) {
            return containsJson(column, value);
        }
        List<String> quoted = new ArrayList<>();
        for (Object element : elements) {
            quoted.add(quoted(text(column, element)));
        }
        return compared(column, "cs", "{" + String.join(",", quoted) + "}");
    }

    /** The column, JSON, contains this JSON: {@code containsJson("required_models", List.of("m"))}. */
    public static Condition containsJson(String column, Object value) {
        return compared(column, "cs", JsonCodec.write(value));
    }

    /** One of these holds. */
    public static Condition any(Condition... conditions) {
        return group("or", conditions);
    }

    /** All of these hold. */
    public static Condition all(Condition... conditions) {
        return group("and", conditions);
    }

    /** The condition does not hold; of a null, neither does. */
    public static Condition not(Condition condition) {
        return new Condition(condition.name, condition.operator, condition.value, condition.nested, !condition.negated);
    }

    /** The name of the query parameter. */
    String parameterName() {
        return operator.isEmpty() && negated ? "not." + name : name;
    }

    /** The value of the query parameter. */
    String parameterValue() {
        return operator.isEmpty() ? value : (negated ? "not." : "") + operator + value;
    }

    private String insideGroup() {
        if (operator.isEmpty()) {
            return (negated ? "not." : "") + name + value;
        }
        return name + "." + (negated ? "not." : "") + operator + nested;
    }

    private static Condition group(String kind, Condition... conditions) {
        if (conditions.length == 0) {
            throw new IllegalArgumentException("A group of conditions has none.");
        }
        List<String> texts = new ArrayList<>();
        for (Condition condition : conditions) {
            texts.add(condition.insideGroup());
        }
        String list = "(" + String.join(",", texts) + ")";
        return new Condition(kind, "", list, list, false);
    }

    private static Condition compared(String column, String operator, Object value) {
        String text = text(column, value);
        return new Condition(column, operator + ".", text, quoted(text), false);
    }

    static String text(String column, @Nullable Object value) {
        if (value == null) {
            // neq.null would compare with the text "null" and so match every row: fatal in a delete.
            throw new NullPointerException("The value of the filter on \"" + column
                    + "\" is null. Ask for null with is(\"" + column + "\", null).");
        }
        return value.toString();
    }

    private static String quoted(String value) {
        return "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
