package dev.interlock.cli.view;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStringBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Rows in columns, as wide as what is in them, at most as wide as the screen: then the widest columns are cut, with an ellipsis, the narrow ones last.
 * Control characters of the data, which could move the cursor, are shown as blanks.
 */
public final class TextTable {

    private static final String GAP = "  ";
    private static final int NARROWEST = 6;

    private final List<List<AttributedString>> rows = new ArrayList<>();
    private final boolean[] right;
    private final boolean[] kept;

    /**
     * A table with these headings.
     *
     * @param headings one for each column; one that begins with {@code >} sets its column flush right, one that begins with {@code !} has its column
     *     cut last, since it is to be copied from
     */
    public TextTable(String... headings) {
        right = new boolean[headings.length];
        kept = new boolean[headings.length];
        List<AttributedString> row = new ArrayList<>();
        for (int i = 0; i < headings.length; i++) {
            right[i] = headings[i].startsWith(">");
            kept[i] = headings[i].startsWith("!");
            row.add(Styles.faint(right[i] || kept[i] ? headings[i].substring(1) : headings[i]));
        }
        rows.add(row);
    }

    /** Adds a row: for each column an {@link AttributedString}, or anything else, shown by its text; null is empty. */
    public TextTable row(@Nullable Object... cells) {
        if (cells.length != right.length) {
            throw new IllegalArgumentException(cells.length + " cells for " + right.length + " columns");
        }
        rows.add(Arrays.stream(cells).map(TextTable::cell).toList());
        return this;
    }

    /** Whether no row was added. */
    public boolean isEmpty() {
        return rows.size() == 1;
    }

    /** The lines of the table, the headings first. */
    public List<AttributedString> lines(int width) {
        int[] widths = widths(width);
        List<AttributedString> lines = new ArrayList<>();
        for (List<AttributedString> row : rows) {
            AttributedStringBuilder line = new AttributedStringBuilder();
            for (int i = 0; i < widths.length; i++) {
                AttributedString text = cut(row.get(i), widths[i]);
                String blanks = " ".repeat(widths[i] - text.columnLength());
                line.append(i == 0 ? "" : GAP)
                        .append(right[i] ? blanks : "")
                        .append(text)
                        .append(right[i] ? "" : blanks);
            }
            lines.add(trimmed(line.toAttributedString()));
        }
        return lines;
    }

    /** The text, at most so many columns of it, with an ellipsis where something is left out. */
    public static AttributedString cut(AttributedString text, int width) {
        if (text.columnLength() <= width) {
            return text;
        }
        return new AttributedStringBuilder()
                .append(text.columnSubSequence(0, Math.max(0, width - 1)))
                .append("…")
                .toAttributedString();
    }

    private static AttributedString trimmed(AttributedString line) {
        int end = line.length();
        while (end > 0 && line.charAt(end - 1) == ' ') {
            end--;
        }
        return line.subSequence(0, end);
    }

    private static AttributedString cell(@Nullable Object value) {
        if (value instanceof AttributedString text) {
            return text;
        }
        return Styles.plain(value == null ? "" : printable(value.toString()));
    }

    /** The text without what a terminal would obey instead of show. */
    public static String printable(String text) {
        return text.codePoints()
                .map(c -> Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? ' ' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private int[] widths(int screen) {
        int[] widths = new int[right.length];
        for (List<AttributedString> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).columnLength());
            }
        }
        int over = Arrays.stream(widths).sum() + GAP.length() * (widths.length - 1) - screen;
        for (boolean all : new boolean[] {false, true}) {
            for (int widest = widest(widths, all); over > 0 && widest >= 0; widest = widest(widths, all)) {
                widths[widest]--;
                over--;
            }
        }
        return widths;
    }

    /** The widest column that can still be cut, those that are kept only if all may be; -1 for none. */
    private int widest(int[] widths, boolean all) {
        int widest = -1;
        for (int i = 0; i < widths.length; i++) {
            if ((all || !kept[i]) && widths[i] > NARROWEST && (widest < 0 || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        return widest;
    }
}
