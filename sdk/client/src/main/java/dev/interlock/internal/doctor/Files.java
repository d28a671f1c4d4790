package dev.interlock.internal.doctor;

import dev.interlock.Difference;
import dev.interlock.internal.migrate.MigrationFile;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Which migration makes an object. Every one may be run again. */
final class Files {

    private static final String GRANTS = "090_job_queue_grants.sql";

    private static final Pattern FUNCTION = Pattern.compile("(?:create or replace|alter) function ([\\w.]+)\\(");

    private Files() {}

    /**
     * The files, in order, that make these objects (of a column or a constraint, the table's), and those after them that write a function of theirs anew
     * or set something for it, which running the older one again would undo.
     */
    static List<String> of(List<Difference> objects) {
        return of(objects, MigrationFile.all(false));
    }

    static List<String> of(List<Difference> objects, List<MigrationFile> files) {
        List<String> names = new ArrayList<>();
        Set<String> written = new HashSet<>();
        for (MigrationFile file : files) {
            Set<String> functions = FUNCTION.matcher(file.sql())
                    .results()
                    .map(found -> found.group(1))
                    .collect(Collectors.toSet());
            if (objects.stream().anyMatch(object -> makes(file, object)) || !Collections.disjoint(functions, written)) {
                names.add(file.name());
                written.addAll(functions);
            }
        }
        return List.copyOf(names);
    }

    private static boolean makes(MigrationFile file, Difference object) {
        String name = object.name();
        String pattern = switch (object.kind()) {
            case "function" -> "create or replace function " + Pattern.quote(name.replaceFirst("\\(.*", "")) + "\\(";
            case "index" -> "index if not exists " + Pattern.quote(name.substring(name.indexOf('.') + 1)) + "\\s";
            case "trigger" -> "\\b" + Pattern.quote(name.substring(name.indexOf('.') + 1)) + "\\b";
            default -> "create table if not exists public\\." + Pattern.quote(name.replaceFirst("\\..*", "")) + " ";
        };
        return Pattern.compile(pattern).matcher(file.sql()).find();
    }

    /** The text of these, and of what has to follow them. */
    static String text(List<String> names) {
        StringBuilder text = new StringBuilder();
        names.forEach(name -> text.append(MigrationFile.text(name)).append('\n'));
        if (names.stream().anyMatch(name -> name.startsWith("035"))) {
            // It writes some of its functions itself, for the tables as they are.
            text.append("select job_queue.adapt();\n");
        }
        return text.append(MigrationFile.text(GRANTS)).toString();
    }
}
