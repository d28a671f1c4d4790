package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Styles;
import dev.interlock.cli.view.TextTable;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code interlock limits}: the settings that hold for all jobs. */
@Command(
        name = "limits",
        description =
                "Shows the settings that hold for all jobs, or changes them while jobs run and shows what was and what is.",
        footer = {
            "Examples:",
            "  interlock limits                          as they are",
            "  interlock limits --max-active 1           one job at a time",
            "  interlock limits --pause                  nobody starts until --resume; those that run go on",
            "  interlock limits --log-retention 30d --skip-after none"
        })
public final class LimitsCommand extends ProjectCommand {

    /** A length of time, or none. */
    record Time(@Nullable Duration length) implements ITypeConverter<Time> {

        /** For picocli, to convert with. */
        Time() {
            this(null);
        }

        @Override
        public Time convert(String text) {
            return new Time(text.equals("none") ? null : new Lengths().convert(text));
        }

        @Nullable
        Object in(Duration unit) {
            return length == null ? null : (double) length.toSeconds() / unit.toSeconds();
        }
    }

    /** At most one of them. */
    static final class Pausing {
        @Option(
                names = "--pause",
                description =
                        "Nobody starts, whatever is free; those that run go on, those that wait keep their places.")
        private boolean pause;

        @Option(names = "--resume", description = "Jobs start again.")
        private boolean resume;
    }

    /** Whether unknown models are made. */
    enum Unknown {
        CREATE,
        REFUSE;

        @Override
        public String toString() {
            return this == CREATE ? "create" : "refuse";
        }
    }

    @Option(
            names = "--max-active",
            paramLabel = "N|none",
            converter = Limit.class,
            description = "At most so many jobs run at once, all models together, 1 to 10,000.")
    private @Nullable Limit maxActive;

    @Option(
            names = "--priority-step",
            paramLabel = "TIME",
            converter = Lengths.class,
            description = "How far one level of priority goes ahead, up to 24h; for jobs that enter from now on.")
    private @Nullable Duration priorityStep;

    @ArgGroup
    private Pausing pausing = new Pausing();

    @Option(
            names = "--max-overtakes",
            paramLabel = "N",
            description =
                    "How many later jobs may start on what a job keeps while it waits for another model, 0 to 1,000.")
    private @Nullable Integer maxOvertakes;

    @Option(
            names = "--skip-after",
            paramLabel = "TIME|none",
            converter = Time.class,
            description = "After how long a job that no live worker can run stands aside, 1s to 24h; none for never.")
    private @Nullable Time skipAfter;

    @Option(
            names = "--log-retention",
            paramLabel = "DAYS|none",
            converter = Time.class,
            description = "How long events, and finished jobs with them, are kept, 1d to 3650d; none for ever.")
    private @Nullable Time logRetention;

    @Option(names = "--default-capacity", paramLabel = "N", description = "What an unknown model gets, 0 to 10,000.")
    private @Nullable Integer defaultCapacity;

    @Option(
            names = "--unknown-models",
            paramLabel = "create|refuse",
            description = "What happens to a job that names an unknown model.")
    private @Nullable Unknown unknownModels;

    @Override
    protected int run(Project project, Console console) {
        Map<String, @Nullable Object> settings = settings();
        JsonNode before = project.call("job_queue_status", Map.of()).path("limits");
        JsonNode after =
                settings.isEmpty() ? before : project.call("job_queue_set_limits", Map.of("settings", settings));
        if (json()) {
            console.printJson(after);
        } else {
            print(console, before, after);
        }
        return ExitCode.OK;
    }

    private Map<String, @Nullable Object> settings() {
        Map<String, @Nullable Object> settings = new LinkedHashMap<>();
        if (maxActive != null) {
            settings.put("max_active_jobs", maxActive.number());
        }
        if (priorityStep != null) {
            settings.put("priority_step_seconds", priorityStep.toSeconds());
        }
        if (pausing.pause || pausing.resume) {
            settings.put("paused", pausing.pause);
        }
        if (maxOvertakes != null) {
            settings.put("max_overtakes", maxOvertakes);
        }
        if (skipAfter != null) {
            settings.put("skip_after_seconds", skipAfter.in(Duration.ofSeconds(1)));
        }
        if (logRetention != null) {
            settings.put("log_retention_days", logRetention.in(Duration.ofDays(1)));
        }
        if (defaultCapacity != null) {
            settings.put("default_capacity", defaultCapacity);
        }
        if (unknownModels != null) {
            settings.put("unknown_models", unknownModels.toString());
        }
        return settings;
    }

    private static void print(Console console, JsonNode before, JsonNode after) {
        TextTable table = new TextTable("setting", "is", "option");
        option(table, before, after, "max_active_jobs", "--max-active");
        option(table, before, after, "priority_step_seconds", "--priority-step");
        option(table, before, after, "paused", "--pause, --resume");
        option(table, before, after, "max_overtakes", "--max-overtakes");
        option(table, before, after, "skip_after_seconds", "--skip-after");
        option(table, before, after, "log_retention_days", "--log-retention");
        option(table, before, after, "default_capacity", "--default-capacity");
        option(table, before, after, "unknown_models", "--unknown-models");
        table.lines(console.width()).forEach(console::print);
    }

    private static void option(TextTable table, JsonNode before, JsonNode after, String setting, String option) {
        String change = Change.of(before.path(setting), after.path(setting));
        boolean same = Change.same(before.path(setting), after.path(setting));
        table.row(setting, same ? Styles.plain(change) : Styles.heading(change), Styles.faint(option));
    }
}
