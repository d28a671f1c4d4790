package dev.interlock.it.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the UPDATEs and DELETEs in SQL, functions and format strings included, whose own level of parentheses has no WHERE. */
final class Writes {

    private static final Pattern WRITE =
            Pattern.compile("\\b(update\\s+(only\\s+)?[\\w.%$]+(\\s+as)?(\\s+\\w+)?\\s+set|delete\\s+from)\\b");
    private static final Pattern TOKEN = Pattern.compile("[();]|\\bwhere\\b");

    private Writes() {}

    static int count(String sql) {
        return (int) WRITE.matcher(text(sql))
                .results()
                .filter(w -> !w.group().startsWith("update set"))
                .count();
    }

    static List<String> withoutWhere(String sql) {
        String text = text(sql);
        List<String> found = new ArrayList<>();
        Matcher write = WRITE.matcher(text);
        while (write.find()) {
            // "on conflict do update set": its rows are those of the insert.
            if (!write.group().startsWith("update set") && !hasWhere(text, write.end())) {
                found.add(text.substring(write.start(), Math.min(write.start() + 120, text.length())));
            }
        }
        return found;
    }

    private static boolean hasWhere(String text, int from) {
        int depth = 0;
        Matcher token = TOKEN.matcher(text);
        for (boolean more = token.find(from); more; more = token.find()) {
            switch (token.group()) {
                case "(" -> depth++;
                case ")" -> depth--;
                case ";" -> {
                    return false;
                }
                default -> {
                    if (depth == 0) {
                        return true;
                    }
                }
            }
            if (depth < 0) {
                return false;
            }
        }
        return false;
    }

    private static String text(String sql) {
        return sql.replaceAll("--.*", "").toLowerCase(Locale.ROOT);
    }
}
