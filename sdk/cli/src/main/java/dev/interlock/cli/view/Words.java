package dev.interlock.cli.view;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jline.utils.AttributedString;

/** Sentences: numbers with their nouns, lists, lines broken between words, and arguments as a shell takes them. */
final class Words {

    private static final Pattern BLANKS = Pattern.compile(" +");
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./:@%+,=][A-Za-z0-9_./:@%+,=-]*");

    private Words() {}

    /** {@code 1 job}, {@code 2 jobs}. */
    static String count(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    /** {@code 1 job waits}, {@code 2 jobs wait}. */
    static String count(long number, String noun, String verb) {
        return count(number, noun) + " " + verb + (number == 1 ? "s" : "");
    }

    /** The first few of them, and how many more there are in all. */
    static String list(List<String> items, int shown, long all) {
        int first = Math.min(shown, items.size());
        String text = String.join(", ", items.subList(0, first));
        return all > first ? text + (first == 0 ? "" : " and ") + (all - first) + " more" : text;
    }

    /** As one argument of a command. */
    static String argument(String text) {
        return PLAIN.matcher(text).matches() ? text : "'" + text.replace("'", "'\\''") + "'";
    }

    /** In lines of at most so many columns, broken between words; those after the first begin with the indent. */
    static List<String> wrap(String text, int width, String indent) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        int columns = 0;
        for (String word : BLANKS.split(text.strip(), -1)) {
            int length = new AttributedString(word).columnLength();
            if (columns > indent.length() && columns + 1 + length > width) {
                lines.add(line.toString());
                line.setLength(0);
                line.append(indent);
                columns = indent.length();
            } else if (line.length() > (lines.isEmpty() ? 0 : indent.length())) {
                line.append(' ');
                columns++;
            }
            line.append(word);
            columns += length;
        }
        lines.add(line.toString());
        return lines;
    }
}
