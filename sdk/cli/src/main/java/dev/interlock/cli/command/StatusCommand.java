package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.StatusView;
import java.time.ZoneId;
import java.util.Map;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** {@code interlock status}: one look at everything. */
@Command(
        name = "status",
        description = {"One look: what needs attention, the limits, the counts, every model and every worker."},
        footer = {
            "Examples:",
            "  interlock status",
            "  interlock status --json | jq '.models[] | select(.paused) | .model'"
        })
public final class StatusCommand extends ProjectCommand {

    @Override
    protected int run(Project project, Console console) {
        JsonNode status = project.call("job_queue_status", Map.of());
        if (json()) {
            console.printJson(status);
        } else {
            StatusView.lines(status, project.supabase().url(), console.width(), ZoneId.systemDefault())
                    .forEach(console::print);
        }
        return ExitCode.OK;
    }
}
