package dev.interlock.it.model;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Lays an answer of the engine on the one that the model expects.
 *
 * @param offset what the history's clock is ahead of the server's
 * @param elapsed how long the call took at most: a time that the server wrote lies within
 * @param first the first answers, by request id
 * @param mayTellMore whether the answer may have more in it than the model knows of, as one for readers does
 */
record AnswerCheck(long offset, long elapsed, Map<String, JsonNode> first, boolean mayTellMore) {

    /** The first difference in words, or null. */
    @Nullable
    String difference(@Nullable Object expected, JsonNode actual) {
        return difference("answer", expected, actual);
    }

    private @Nullable String difference(String path, @Nullable Object expected, JsonNode actual) {
        if (expected instanceof Map<?, ?> map) {
            return object(path, map, actual);
        } else if (expected instanceof List<?> list) {
            return array(path, list, actual);
        }
        return matches(expected, actual) ? null : path + ": expected " + expected + ", got " + actual;
    }

    private @Nullable String object(String path, Map<?, ?> expected, JsonNode actual) {
        for (Map.Entry<?, ?> entry : expected.entrySet()) {
            String difference = difference(
                    path + "." + entry.getKey(), entry.getValue(), actual.path(String.valueOf(entry.getKey())));
            if (difference != null) {
                return difference;
            }
        }
        return actual.isObject() && (mayTellMore || actual.size() == expected.size())
                ? null
                : path + ": expected the keys " + expected.keySet() + ", got " + actual;
    }

    private @Nullable String array(String path, List<?> expected, JsonNode actual) {
        if (!actual.isArray() || actual.size() != expected.size()) {
            return path + ": expected " + expected + ", got " + actual;
        }
        Iterator<JsonNode> entries = actual.iterator();
        for (int i = 0; i < expected.size(); i++) {
            String difference = difference(path + "[" + i + "]", expected.get(i), entries.next());
            if (difference != null) {
                return difference;
            }
        }
        return null;
    }

    private boolean matches(@Nullable Object expected, JsonNode actual) {
        if (actual.isMissingNode()) {
            return false;
        } else if (expected == null) {
            return actual.isNull();
        } else if (expected instanceof Expect expect) {
            return matches(expect, actual);
        } else if (expected instanceof Number number) {
            return actual.isNumber() && actual.asDouble() == number.doubleValue();
        } else if (expected instanceof Boolean bool) {
            return actual.isBoolean() && actual.asBoolean() == bool;
        }
        return actual.isString() && actual.asString().equals(expected);
    }

    private boolean matches(Expect expect, JsonNode actual) {
        if (expect instanceof Expect.OneOf oneOf) {
            return actual.isNull()
                    ? oneOf.orNull() || oneOf.values().isEmpty()
                    : oneOf.values().contains(actual.asString());
        } else if (expect instanceof Expect.At at) {
            return actual.isString() && isAbout(at.micros(), micros(actual.asString()) + offset);
        } else if (expect instanceof Expect.FirstAnswer answer) {
            return actual.equals(first.get(answer.requestId()));
        }
        return expect instanceof Expect.Whatever || !actual.isNull();
    }

    boolean isAbout(long expected, long actual) {
        return actual >= expected && actual <= expected + elapsed;
    }

    static long micros(String time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, OffsetDateTime.parse(time));
    }
}
