package dev.interlock.cli.view;

import java.util.ArrayList;
import java.util.List;

/** Text in lines that fit the screen. */
public final class Paragraph {

    private Paragraph() {}

    /**
     * The text in lines of at most this width, broken at blanks; a word that is longer has a line of its own. Control characters of the data, which could
     * move the cursor, are shown as blanks.
     *
     * @param first what the first line begins with; the others are indented by as much
     */
    public static List<String> lines(String first, String text, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder(first);
        int begin = line.length();
        for (String word : text.replaceAll("\\p{Cntrl}", " ").strip().split(" +", -1)) {
            if (line.length() > begin) {
                if (line.length() + 1 + word.length() > width) {
                    lines.add(line.toString());
                    line = new StringBuilder(" ".repeat(begin));
                } else {
                    line.append(' ');
                }
            }
            line.append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
