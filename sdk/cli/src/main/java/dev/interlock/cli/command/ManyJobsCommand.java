package dev.interlock.cli.command;

import dev.interlock.ServiceException;
import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Styles;
import dev.interlock.cli.view.TextTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Something done to several jobs, one call each, with what came of each. */
abstract class ManyJobsCommand extends ProjectCommand {

    /** What an answer means: whether it is as asked for now, and in words. */
    record Meaning(boolean done, String words) {}

    /** Does it to a job; the answer of the function. */
    abstract JsonNode act(Project project, String jobId);

    abstract Meaning meaning(JsonNode answer);

    /** The jobs, each once: those given, and where one of them is {@code -} those of the standard input. */
    final List<String> ids(List<String> given, Console console) {
        Set<String> ids = new LinkedHashSet<>();
        for (String id : given) {
            if (id.equals("-")) {
                ids.addAll(console.readLines());
            } else if (id.isBlank()) {
                throw wrong("A job id is blank.");
            } else {
                ids.add(id);
            }
        }
        return List.copyOf(ids);
    }

    final int actOnAll(Project project, Console console, List<String> ids) {
        if (ids.isEmpty()) {
            console.tell("No job was named.");
        }
        List<Map<String, Object>> answers = new ArrayList<>();
        TextTable table = new TextTable("job", "result", "which means");
        boolean allDone = true;
        try {
            for (String id : ids) {
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("job_id", id);
                Meaning meaning;
                String result;
                try {
                    JsonNode answer = act(project, id);
                    answer.properties().forEach(field -> row.put(field.getKey(), field.getValue()));
                    result = answer.path("result").asString("");
                    meaning = meaning(answer);
                } catch (ServiceException e) {
                    // Of one job it is the command's error; of several the others are done all the same.
                    if (ids.size() == 1 || !String.valueOf(e.code()).startsWith("JQ")) {
                        throw e;
                    }
                    row.put("error", error(e));
                    result = "JQ006".equals(e.code()) ? "unknown_job" : "refused";
                    meaning = new Meaning(false, e.serverMessage());
                }
                allDone &= meaning.done();
                answers.add(row);
                table.row(
                        Styles.heading(TextTable.printable(id)),
                        meaning.done() ? Styles.good(result) : Styles.bad(result),
                        meaning.words());
            }
        } finally {
            // When the network goes in the middle, what was done is told all the same.
            if (json()) {
                if (!answers.isEmpty() || ids.isEmpty()) {
                    console.printJson(answers);
                }
            } else if (!table.isEmpty()) {
                table.lines(console.width()).forEach(line -> console.print(TextTable.cut(line, console.width())));
            }
        }
        return allDone ? ExitCode.OK : ExitCode.NO;
    }

    private static Map<String, @Nullable Object> error(ServiceException e) {
        Map<String, @Nullable Object> error = new LinkedHashMap<>();
        error.put("code", e.code());
        error.put("message", e.serverMessage());
        error.put("hint", e.hint());
        return error;
    }
}
