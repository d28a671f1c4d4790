package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.view.Styles;
import dev.interlock.cli.view.TextTable;
import org.jline.utils.AttributedStringBuilder;
import tools.jackson.databind.JsonNode;

/** Shows settings as they were and as they are. */
final class Change {

    private Change() {}

    /** A value as a person reads it; null is none. */
    static String text(JsonNode value) {
        if (value.isNull() || value.isMissingNode()) {
            return "none";
        }
        if (value.isBoolean()) {
            return value.asBoolean() ? "yes" : "no";
        }
        // Not 600.000000, as a numeric of PostgreSQL comes.
        return value.isNumber() ? value.decimalValue().stripTrailingZeros().toPlainString() : value.asString();
    }

    /** Whether the two mean the same. */
    static boolean same(JsonNode before, JsonNode after) {
        return text(before).equals(text(after));
    }

    /** {@code 1 → 2}, or the value alone where it has not changed. */
    static String of(JsonNode before, JsonNode after) {
        return same(before, after) ? text(after) : text(before) + " → " + text(after);
    }

    /** Prints a line that begins with a name. */
    static void print(Console console, String name, String said) {
        console.print(TextTable.cut(
                new AttributedStringBuilder()
                        .append(Styles.heading(TextTable.printable(name)))
                        .append("  ")
                        .append(TextTable.printable(said))
                        .toAttributedString(),
                console.width()));
    }
}
