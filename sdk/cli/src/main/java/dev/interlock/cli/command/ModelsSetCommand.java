package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code interlock models set}. */
@Command(
        name = "set",
        description = {
            "Creates a model or changes it while jobs run, and shows what was and what is.",
            "With a lower capacity those that hold the model run on, and nobody starts until it fits."
        },
        footer = {
            "Examples:",
            "  interlock models set motion-2.0-fast --capacity 2",
            "  interlock models set flux --starts-per-minute 30",
            "  interlock models set flux --starts-per-minute none"
        })
public final class ModelsSetCommand extends ProjectCommand {

    @Parameters(paramLabel = "NAME", description = "The model.")
    private String name = "";

    @Option(names = "--capacity", paramLabel = "N", description = "How many jobs may hold it at once, 0 to 10,000.")
    private @Nullable Integer capacity;

    @Option(
            names = "--starts-per-minute",
            paramLabel = "N|none",
            converter = Limit.class,
            description = "At most so many starts within any 60 seconds, 1 to 100,000; none for any number.")
    private @Nullable Limit rate;

    @Override
    protected int run(Project project, Console console) {
        Map<String, @Nullable Object> settings = new LinkedHashMap<>();
        if (capacity != null) {
            settings.put("capacity", capacity);
        }
        if (rate != null) {
            settings.put("starts_per_minute", rate.number());
        }
        if (settings.isEmpty()) {
            throw wrong("Nothing to set: give --capacity or --starts-per-minute.");
        }
        String model = name.strip();
        ModelChange change = ModelChange.make(
                project, model, Models.known(project, List.of(model)).get(model), settings);
        if (json()) {
            console.printJson(change.after());
        } else {
            change.print(console);
        }
        return ExitCode.OK;
    }
}
