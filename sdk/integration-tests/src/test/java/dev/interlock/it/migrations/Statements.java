package dev.interlock.it.migrations;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Cuts a script into its statements where psql does: at semicolons outside of quotes, dollar quotes and comments. */
final class Statements {

    private static final Pattern SKIPPED =
            Pattern.compile("--[^\\n]*|/\\*.*?\\*/|'(?:[^']|'')*'|\"[^\"]*\"|(\\$\\w*\\$).*?\\1", Pattern.DOTALL);

    private Statements() {}

    static List<String> of(String script) {
        List<String> statements = new ArrayList<>();
        Matcher skipped = SKIPPED.matcher(script);
        int start = 0;
        int position = 0;
        while (position < script.length()) {
            int semicolon = script.indexOf(';', position);
            if (semicolon < 0) {
                break;
            }
            if (skipped.find(position) && skipped.start() < semicolon) {
                position = skipped.end();
                continue;
            }
            statements.add(script.substring(start, semicolon + 1));
            start = semicolon + 1;
            position = start;
        }
        return statements;
    }
}
