package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.Project;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code interlock jobs retry}. */
@Command(
        name = "retry",
        description = {
            "Brings failed or cancelled jobs back, with the checkpoints of their steps, to the place in line that they had.",
            "The exit code is 1 when one of them waits, runs or was completed: that one is left as it is."
        },
        footer = {
            "Examples:",
            "  interlock jobs retry job-42 --attempts 3",
            "  interlock jobs list --status failed --json | jq -r '.[].job_id' | interlock jobs retry -"
        })
public final class JobsRetryCommand extends ManyJobsCommand {

    @Parameters(
            paramLabel = "JOB",
            arity = "1..*",
            description = "The jobs' ids; - reads them from the standard input, one a line.")
    private List<String> jobs = new ArrayList<>();

    @Option(
            names = "--attempts",
            paramLabel = "N",
            defaultValue = "1",
            description = "How many more attempts each may use, 1 to 100; default 1.")
    private int attempts;

    @Override
    protected int run(Project project, Console console) {
        if (attempts < 1 || attempts > 100) {
            throw wrong("--attempts is " + attempts + "; it has to be 1 to 100.");
        }
        return actOnAll(project, console, ids(jobs, console));
    }

    @Override
    JsonNode act(Project project, String jobId) {
        Map<String, Object> options =
                Map.of("attempts", attempts, "request_id", UUID.randomUUID().toString());
        return project.call("job_queue_retry", Map.of("job_id", jobId, "options", options));
    }

    @Override
    Meaning meaning(JsonNode answer) {
        String status = answer.path("status").asString("");
        return switch (answer.path("result").asString("")) {
            case "retried" -> new Meaning(true, status.equals("waiting") ? place(answer) : "it is " + status);
            case "unfinished" -> new Meaning(false, "it has not ended: it is " + status);
            case "completed" -> new Meaning(false, "it was completed");
            default -> new Meaning(false, status);
        };
    }

    /** Where it stands now. */
    static String place(JsonNode answer) {
        String blocker = answer.path("blocked_by_job_id").asString("");
        return (answer.path("queue_position").isNumber()
                        ? "place " + answer.path("queue_position").asInt() + " in line"
                        : "it waits")
                + (blocker.isEmpty() ? "" : ", held up by " + blocker);
    }
}
