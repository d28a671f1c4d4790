package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.ExplainView;
import java.time.ZoneId;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code interlock explain JOB}: why a job waits, and what can be done. */
@Command(
        name = "explain",
        description = "Why a job waits, where it runs or how it ended, and what you can do.",
        footer = {"Examples:", "  interlock explain job-42", "  interlock explain job-42 --json"})
public final class ExplainCommand extends ProjectCommand {

    @Parameters(paramLabel = "JOB", description = "The job's id.")
    private String job = "";

    @Override
    protected int run(Project project, Console console) {
        JsonNode explanation = project.call("job_queue_explain", Map.of("job_id", job));
        if (json()) {
            console.printJson(explanation);
        } else {
            JsonNode status = project.call("job_queue_status", Map.of());
            ExplainView.lines(explanation, status, console.width(), ZoneId.systemDefault())
                    .forEach(console::print);
        }
        return ExitCode.OK;
    }
}
