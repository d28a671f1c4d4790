package dev.interlock.cli.view;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads the answers of the SQL functions. What comes from the data is made harmless to a terminal here. */
final class Fields {

    private Fields() {}

    /** The text of a field; empty where it is null or missing. */
    static String text(JsonNode node, String field) {
        return TextTable.printable(node.path(field).asString(""));
    }

    /** Whether the field is there and not null. */
    static boolean has(JsonNode node, String field) {
        return node.hasNonNull(field);
    }

    /** The time in a field; null where there is none. */
    static @Nullable Instant time(JsonNode node, String field) {
        String text = node.path(field).asString("");
        return text.isEmpty() ? null : OffsetDateTime.parse(text).toInstant();
    }

    /** The texts of an array. */
    static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(item -> texts.add(TextTable.printable(item.asString(""))));
        return texts;
    }
}
