package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.JobsView;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code interlock jobs list}. */
@Command(
        name = "list",
        description = {
            "Lists jobs: those that run, those that wait in the order of their lines, and those that are delayed; or, with --status, the ones asked"
                    + " for, of those that have ended the newest first."
        },
        footer = {
            "Examples:",
            "  interlock jobs list --model motion-2.0-fast",
            "  interlock jobs list --status failed --json | jq -r '.[].job_id' | interlock jobs retry -"
        })
public final class JobsListCommand extends ProjectCommand {

    private static final int MOST = 500;

    @Option(
            names = "--status",
            paramLabel = "STATUS",
            split = ",",
            description = "Only these: ${COMPLETION-CANDIDATES}; may be given several times.")
    private List<JobRows.Status> statuses = new ArrayList<>();

    @Option(names = "--model", paramLabel = "NAME", description = "Only those that need this model.")
    private @Nullable String model;

    @Option(names = "--handler", paramLabel = "NAME", description = "Only those of this handler.")
    private @Nullable String handler;

    @Option(names = "--worker", paramLabel = "NAME", description = "Only those that this worker runs, or ran last.")
    private @Nullable String worker;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "50",
            description = "At most so many, up to 500; default 50.")
    private int limit;

    @Override
    protected int run(Project project, Console console) {
        if (limit < 1 || limit > MOST) {
            throw wrong("--limit is " + limit + "; it has to be 1 to 500.");
        }
        List<JobRows.Status> asked = statuses.isEmpty()
                ? List.of(JobRows.Status.RUNNING, JobRows.Status.WAITING, JobRows.Status.DELAYED)
                : statuses.stream().distinct().sorted().toList();
        JobRows rows = new JobRows(project.supabase(), new JobRows.Filter(model, handler, worker));
        List<JsonNode> jobs = new ArrayList<>();
        for (JobRows.Status status : asked) {
            // One more than is shown tells whether there are more.
            jobs.addAll(rows.with(status, limit + 1 - jobs.size()));
        }
        if (jobs.isEmpty() && model != null) {
            Models.require(project, List.of(model));
        }
        List<JsonNode> shown = jobs.subList(0, Math.min(limit, jobs.size()));
        if (json()) {
            console.printJson(shown);
        } else if (shown.isEmpty()) {
            console.tell("No such job.");
        } else {
            JobsView.lines(shown, console.width(), project.now()).forEach(console::print);
        }
        if (jobs.size() > limit) {
            console.tell("These are the first " + limit + "; --limit shows more.");
        }
        return ExitCode.OK;
    }
}
