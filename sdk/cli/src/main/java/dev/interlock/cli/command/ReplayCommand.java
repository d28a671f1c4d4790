package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Styles;
import dev.interlock.cli.view.TextTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** {@code interlock replay}: the log against the tables, all pages of job_queue_replay. */
@Command(
        name = "replay",
        description = {
            "Rebuilds each job from its events alone and compares it with the tables: status, attempt, token, worker and the models it holds.",
            "It changes and locks nothing. The exit code is 1 when something differs."
        },
        footer = {"Examples:", "  interlock replay", "  interlock replay --json | jq .differences"})
public final class ReplayCommand extends ProjectCommand {

    private static final int SHOWN = 100;

    @Override
    protected int run(Project project, Console console) {
        long checked = 0;
        long notCovered = 0;
        List<JsonNode> differences = new ArrayList<>();
        String next = "";
        do {
            Map<String, Object> options = next.isEmpty() ? Map.of() : Map.of("after", next);
            JsonNode page = project.call("job_queue_replay", Map.of("options", options));
            checked += page.path("checked").asLong(0);
            notCovered += page.path("not_covered").asLong(0);
            page.path("differences").forEach(differences::add);
            next = page.path("next").asString("");
            console.progress(checked + " jobs compared, " + differences.size() + " differences");
        } while (!next.isEmpty());
        console.progress(null);

        boolean consistent = differences.isEmpty();
        if (json()) {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("checked", checked);
            answer.put("not_covered", notCovered);
            answer.put("consistent", consistent);
            answer.put("differences", differences);
            console.printJson(answer);
        } else {
            print(console, checked, notCovered, differences);
        }
        return consistent ? ExitCode.OK : ExitCode.NO;
    }

    private static void print(Console console, long checked, long notCovered, List<JsonNode> differences) {
        if (differences.isEmpty()) {
            console.print(Styles.good("The log and the tables agree."));
        } else {
            console.print(Styles.bad("The log and the tables differ:"));
            TextTable table = new TextTable("job", "what", "the log says", "the tables say");
            differences.stream()
                    .limit(SHOWN)
                    .forEach(d -> table.row(
                            d.path("job_id").asString(""),
                            d.path("what").asString(""),
                            d.path("log").asString("nothing"),
                            d.path("table").asString("nothing")));
            table.lines(console.width()).forEach(console::print);
            if (differences.size() > SHOWN) {
                console.print("… and " + (differences.size() - SHOWN) + " more; --json shows all.");
            }
        }
        console.print(checked + " jobs compared"
                + (notCovered == 0
                        ? "."
                        : ", " + notCovered + " not: they began before the oldest event that is kept."));
    }
}
