package dev.interlock.internal.http;

import dev.interlock.DataException;
import java.lang.reflect.Type;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.json.JsonMapper;

/** JSON, by Jackson; nothing of it shows in the public API. */
public final class JsonCodec {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private JsonCodec() {}

    public static String write(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("This cannot be written as JSON: " + e.getOriginalMessage(), e);
        }
    }

    @SuppressWarnings("TypeParameterUnusedInFormals") // the callers' own signatures tie T to the type
    public static <T> T read(String json, Type type) {
        JavaType target = MAPPER.constructType(type);
        if (target.hasRawClass(Void.class)) {
            throw new IllegalArgumentException("Use execute() where no answer is wanted.");
        }
        try {
            T value = MAPPER.readValue(json.isBlank() ? "null" : json, target);
            if (value == null) {
                throw new DataException("The answer is null, and a " + target.toCanonical() + " was asked for.");
            }
            return value;
        } catch (JacksonException e) {
            // Jackson's own message quotes the data, which may be anybody's.
            throw new DataException("The answer is not a " + target.toCanonical() + ": " + problem(e));
        }
    }

    private static String problem(JacksonException e) {
        if (e instanceof StreamReadException) {
            return "it is not JSON (line " + e.getLocation().getLineNr() + ", column "
                    + e.getLocation().getColumnNr() + ").";
        }
        StringBuilder path = new StringBuilder();
        for (JacksonException.Reference reference : e.getPath()) {
            if (reference.getPropertyName() != null) {
                path.append(path.isEmpty() ? "" : ".").append(reference.getPropertyName());
            } else {
                path.append('[').append(reference.getIndex()).append(']');
            }
        }
        String type = e instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null
                ? mismatch.getTargetType().getName()
                : null;
        return (path.isEmpty() ? "it" : "\"" + path + "\"")
                + (type == null
                        ? " does not fit (" + e.getClass().getSimpleName() + ")."
                        : " does not fit " + type + ".");
    }

    public static <T> List<T> readList(String json, Class<T> element) {
        return read(json, MAPPER.getTypeFactory().constructCollectionType(List.class, element));
    }

    /** An error body as a tree; null when it is no JSON object. */
    static @Nullable JsonNode object(String text) {
        try {
            JsonNode node = MAPPER.readTree(text);
            return node != null && node.isObject() ? node : null;
        } catch (JacksonException e) {
            return null;
        }
    }
}
