package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.Project;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code interlock jobs priority}. */
@Command(
        name = "priority",
        description = {
            "Gives jobs another priority, and with it the place in line that they would have had from their first entry on.",
            "A job that runs keeps its models: the priority counts when it waits again."
        },
        footer = {
            "Examples:",
            "  interlock jobs priority job-42 10",
            "  interlock jobs priority job-42 job-43 --priority -5      a negative one by its option"
        })
public final class JobsPriorityCommand extends ManyJobsCommand {

    @Parameters(
            paramLabel = "JOB… [PRIORITY]",
            arity = "1..*",
            description = {
                "The jobs' ids, - reads them from the standard input, one a line; then, without --priority,",
                "the priority: -100 to 100, higher first."
            })
    private List<String> words = new ArrayList<>();

    @Option(names = "--priority", paramLabel = "N", description = "The priority, when it is not the last word.")
    private @Nullable Integer option;

    private int priority;

    @Override
    protected int run(Project project, Console console) {
        List<String> jobs = words;
        if (option == null) {
            priority = number(words.get(words.size() - 1));
            jobs = words.subList(0, words.size() - 1);
        } else {
            priority = option;
        }
        if (jobs.isEmpty()) {
            throw wrong("No job was named; give the ids of the jobs, then the priority.");
        }
        if (priority < -100 || priority > 100) {
            throw wrong("The priority is " + priority + "; it has to be -100 to 100.");
        }
        return actOnAll(project, console, ids(jobs, console));
    }

    private int number(String word) {
        try {
            return Integer.parseInt(word);
        } catch (NumberFormatException e) {
            throw wrong(
                    "The last word has to be the priority, a whole number from -100 to 100, and is \"" + word + "\".");
        }
    }

    @Override
    JsonNode act(Project project, String jobId) {
        return project.call("job_queue_reprioritize", Map.of("job_id", jobId, "priority", priority));
    }

    @Override
    Meaning meaning(JsonNode answer) {
        String status = answer.path("status").asString("");
        if (!answer.path("result").asString("").equals("reprioritized")) {
            return new Meaning(false, "it has ended: it is " + status);
        }
        return new Meaning(
                true,
                switch (status) {
                    case "waiting" -> JobsRetryCommand.place(answer);
                    case "running" -> "it runs, and keeps its models";
                    default -> "it is " + status;
                });
    }
}
