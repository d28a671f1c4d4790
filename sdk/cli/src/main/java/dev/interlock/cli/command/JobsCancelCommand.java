package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code interlock jobs cancel}. */
@Command(
        name = "cancel",
        description = {
            "Cancels jobs: one that waits at once; the worker of one that runs is asked to stop, at its next heartbeat.",
            "\"interlock jobs retry\" brings a cancelled job back to its place. The exit code is 1 when one of them had ended otherwise."
        },
        footer = {
            "Examples:",
            "  interlock jobs cancel job-42 --reason \"the user went away\"",
            "  interlock jobs list --handler video --json | jq -r '.[].job_id' | interlock jobs cancel --yes -"
        })
public final class JobsCancelCommand extends ManyJobsCommand {

    private static final int MANY = 10;

    @Parameters(
            paramLabel = "JOB",
            arity = "1..*",
            description = "The jobs' ids; - reads them from the standard input, one a line.")
    private List<String> jobs = new ArrayList<>();

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for a person.")
    private @Nullable String reason;

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask, however many they are; else it asks above " + MANY + ".")
    private boolean yes;

    @Override
    protected int run(Project project, Console console) {
        List<String> ids = ids(jobs, console);
        if (ids.size() > MANY && !yes) {
            if (jobs.contains("-")) {
                throw wrong("These are " + ids.size()
                        + " jobs, and the standard input cannot be asked; --yes cancels them.");
            }
            if (!console.ask("Cancel " + ids.size() + " jobs?")) {
                console.tell("Nothing was cancelled.");
                return ExitCode.NO;
            }
        }
        return actOnAll(project, console, ids);
    }

    @Override
    JsonNode act(Project project, String jobId) {
        return project.call(
                "job_queue_cancel",
                Map.of("job_id", jobId, "options", reason == null ? Map.of() : Map.of("reason", reason)));
    }

    @Override
    Meaning meaning(JsonNode answer) {
        String status = answer.path("status").asString("");
        return switch (answer.path("result").asString("")) {
            case "cancelled" -> new Meaning(true, "it waited, and will not run");
            case "cancel_requested" -> new Meaning(true, "its worker is told");
            // Also the second time that the call is sent, when the first answer was lost.
            case "finished" ->
                new Meaning(
                        status.equals("cancelled"),
                        status.equals("cancelled") ? "it is cancelled already" : "it has ended: it is " + status);
            default -> new Meaning(false, status);
        };
    }
}
