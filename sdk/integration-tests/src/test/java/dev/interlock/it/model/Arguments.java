package dev.interlock.it.model;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The named arguments of a call, or an object within them, read as what they are known to be. */
record Arguments(Map<String, ?> values) {

    /** A time on the history's own clock; it becomes text of the server's clock when it is sent. */
    record Time(long micros) {

        String text(long offset) {
            return Instant.EPOCH.plus(micros - offset, ChronoUnit.MICROS).toString();
        }

        @Override
        public String toString() {
            return "@" + micros;
        }
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    @Nullable
    Object value(String name) {
        return values.get(name);
    }

    String text(String name) {
        return String.valueOf(values.get(name));
    }

    String text(String name, String otherwise) {
        return values.get(name) instanceof String text ? text : otherwise;
    }

    long number(String name, long otherwise) {
        return values.get(name) instanceof Number number ? number.longValue() : otherwise;
    }

    boolean is(String name) {
        return Boolean.TRUE.equals(values.get(name));
    }

    @Nullable
    Long time(String name) {
        return values.get(name) instanceof Time time ? time.micros() : null;
    }

    @SuppressWarnings("unchecked")
    Arguments object(String name) {
        return values.get(name) instanceof Map<?, ?> map
                ? new Arguments((Map<String, ?>) map)
                : new Arguments(Map.of());
    }

    @SuppressWarnings("unchecked")
    List<Arguments> objects(String name) {
        return values.get(name) instanceof List<?> list
                ? list.stream()
                        .map(entry -> new Arguments((Map<String, ?>) entry))
                        .toList()
                : List.of();
    }

    List<String> list(String name) {
        List<String> names = names(name);
        return names == null ? List.of() : names;
    }

    @SuppressWarnings("unchecked")
    @Nullable
    List<String> names(String name) {
        return (List<String>) values.get(name);
    }
}
