package dev.interlock.it.docs;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A command as a page shows it: its words, without what the shell itself does with it. */
record ShellLine(List<String> words) {

    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");
    private static final Pattern COMMENT = Pattern.compile("(^|\\s)#.*$");

    private static final Pattern NEXT = Pattern.compile("\\s(\\||&&)\\s");

    /** The commands of a block: one a line, those of a pipe one after the other, no comments and no redirections. */
    static List<ShellLine> of(String block) {
        List<ShellLine> lines = new ArrayList<>();
        for (String line : block.replace("\\\n", " ").lines().toList()) {
            String command = COMMENT.matcher(line).replaceAll("").strip();
            command = command.replaceAll("^source <\\((.*)\\)$", "$1").replaceAll("\\s[12]?>>?\\s*\\S+", "");
            for (String part : NEXT.splitAsStream(command).toList()) {
                List<String> words = words(part);
                if (!words.isEmpty()) {
                    lines.add(new ShellLine(words));
                }
            }
        }
        return lines;
    }

    private static List<String> words(String command) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(command);
        while (matcher.find()) {
            for (int group = 1; group <= 3; group++) {
                if (matcher.group(group) != null) {
                    words.add(matcher.group(group));
                }
            }
        }
        return words;
    }

    String program() {
        return words.get(0);
    }

    /** Its arguments, where it is the command line; null where it is another program. */
    boolean isInterlock() {
        return program().equals("interlock") || program().endsWith("sdk/cli/interlock");
    }

    String[] arguments() {
        return words.subList(1, words.size()).toArray(new String[0]);
    }

    @Override
    public String toString() {
        return String.join(" ", words);
    }
}
