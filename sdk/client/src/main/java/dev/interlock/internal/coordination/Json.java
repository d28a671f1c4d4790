package dev.interlock.internal.coordination;

import dev.interlock.DataException;
import dev.interlock.InvalidRequestException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.ValueInstantiationException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;

/** JSON in and out: the user's payloads and results, and the coordinator's answers. */
public final class Json {
    /** The database's own bound on a payload or a result. */
    static final int MAX_BYTES = 1024 * 1024;

    private static final JsonMapper USER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private static final JsonMapper ANSWERS = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .addModule(new SimpleModule()
                    .addDeserializer(dev.interlock.JobType.class, words(dev.interlock.JobType.class))
                    .addDeserializer(dev.interlock.JobStatus.class, words(dev.interlock.JobStatus.class)))
            .build();

    private Json() {}

    /** A user's object as JSON text; null for null. */
    public static @Nullable String encode(String what, @Nullable Object value) {
        if (value == null) {
            return null;
        }
        String text;
        try {
            text = USER.writeValueAsString(value);
        } catch (JacksonException e) {
            throw new InvalidRequestException(
                    "JQ007",
                    what + " cannot be written as JSON: " + e.getOriginalMessage(),
                    "Give a record, a map, a list or a plain value.",
                    e);
        }
        // A character takes at least one byte, so most texts need no second look.
        int bytes = text.length() > MAX_BYTES || text.length() * 3L > MAX_BYTES
                ? text.getBytes(StandardCharsets.UTF_8).length
                : 0;
        if (bytes > MAX_BYTES) {
            throw Checks.refuse(
                    "JQ005",
                    what + " is too large: " + bytes + " bytes of JSON.",
                    "Keep it within 1 MiB (" + MAX_BYTES + " bytes); put large data in storage and give its address.");
        }
        if (holdsNul(text)) {
            throw Checks.refuse("JQ007", what + " holds a NUL character.", "PostgreSQL cannot store it; leave it out.");
        }
        return text;
    }

    /** Whether JSON text has an escaped NUL, not just the text of one after an escaped backslash. */
    private static boolean holdsNul(String json) {
        for (int at = json.indexOf("\\u0000"); at >= 0; at = json.indexOf("\\u0000", at + 1)) {
            int backslashes = 1;
            while (at - backslashes >= 0 && json.charAt(at - backslashes) == '\\') {
                backslashes++;
            }
            if (backslashes % 2 == 1) {
                return true;
            }
        }
        return false;
    }

    /** JSON text as a user's object. */
    public static <T> T decode(String what, @Nullable String json, Class<T> type) {
        if (json == null) {
            throw new DataException(what + " is empty; a " + type.getSimpleName() + " was asked for.");
        }
        try {
            return USER.readValue(json, type);
        } catch (JacksonException e) {
            throw new DataException(what + " is not a " + type.getSimpleName() + ": " + misfit(e), e);
        }
    }

    /** Where JSON does not fit, and what is expected there; never what stands there, which is the user's. */
    private static String misfit(JacksonException e) {
        StringBuilder text = new StringBuilder();
        for (JacksonException.Reference part : e.getPath()) {
            if (part.getPropertyName() == null) {
                text.append('[').append(part.getIndex()).append(']');
            } else {
                text.append(text.isEmpty() ? "" : ".").append(part.getPropertyName());
            }
        }
        String where = text.isEmpty() ? "" : "its field \"" + text + "\" ";
        if (e instanceof ValueInstantiationException && e.getCause() != null) {
            // What the user's own constructor says of it.
            return where + "is refused: " + e.getCause().getMessage();
        }
        if (e instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null) {
            return where + "should be of the type " + mismatch.getTargetType().getSimpleName();
        }
        return where + e.getOriginalMessage();
    }

    /** JSON text of a user's as a tree. */
    public static JsonNode tree(String what, String json) {
        try {
            return USER.readTree(json);
        } catch (JacksonException e) {
            throw new DataException(what + " is not JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** A part of an answer as one of the SDK's own types. */
    static <T> T read(JsonNode node, Class<T> type) {
        try {
            return ANSWERS.treeToValue(node, type);
        } catch (JacksonException e) {
            throw new DataException(
                    "The database answered what is not a " + type.getSimpleName() + ": " + e.getOriginalMessage(), e);
        }
    }

    /** The text of a part of an answer; null where it is absent or null. */
    static @Nullable String text(@Nullable JsonNode node) {
        return node == null || node.isNull() || node.isMissingNode() ? null : node.toString();
    }

    /** An immutable copy of a list that an answer may leave out. */
    public static <T> List<T> copy(@Nullable List<T> list) {
        return list == null ? List.of() : List.copyOf(list);
    }

    /** The constant of a word, or the last one ({@code UNKNOWN} in all of ours), so that a newer database does no harm. */
    static <E extends Enum<E>> E word(Class<E> type, @Nullable String word) {
        E[] constants = type.getEnumConstants();
        if (word != null) {
            String name = word.toUpperCase(Locale.ROOT);
            for (E constant : constants) {
                if (constant.name().equals(name)) {
                    return constant;
                }
            }
        }
        return constants[constants.length - 1];
    }

    private static <E extends Enum<E>> ValueDeserializer<E> words(Class<E> type) {
        return new ValueDeserializer<>() {
            @Override
            public E deserialize(JsonParser parser, DeserializationContext context) {
                return word(type, parser.getString());
            }
        };
    }
}
