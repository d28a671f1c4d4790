package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.MetricsView;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code interlock metrics}: what job_queue_metrics answers. */
@Command(
        name = "metrics",
        description = {
            "Shows waits, runs, throughput, outcomes and the use of each model, the most waited for first; without --since of the last hour.",
            "wait and run are the median, 95 % beside them what 95 of a hundred did not exceed; used is seats held, of what the capacity gave."
        },
        footer = {
            "Examples:",
            "  interlock metrics --since 24h",
            "  interlock metrics --json | jq '.models[] | {model, utilisation}'"
        })
public final class MetricsCommand extends ProjectCommand {

    @Option(
            names = "--since",
            paramLabel = "TIME",
            converter = Lengths.Moments.class,
            description = "From then on: how long ago (90s, 2h, 7d), or a time (2026-11-24T18:00); default 1h.")
    private @Nullable Instant since;

    @Override
    protected int run(Project project, Console console) {
        JsonNode answer =
                project.call("job_queue_metrics", since == null ? Map.of() : Map.of("since", since.toString()));
        if (json()) {
            console.printJson(answer);
        } else {
            MetricsView.lines(answer, console.width(), ZoneId.systemDefault()).forEach(console::print);
        }
        return ExitCode.OK;
    }
}
