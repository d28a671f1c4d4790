package dev.interlock.cli.command;

import dev.interlock.Difference;
import dev.interlock.MigrationStatus;
import dev.interlock.SchemaMismatchException;
import dev.interlock.Verification;
import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Paragraph;
import dev.interlock.cli.view.Styles;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStringBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** {@code interlock verify}: the seed's checks, and every object against this version's. */
@Command(
        name = "verify",
        description = {
            "Verifies an installation: the seed document's four checks, then every table, column, constraint, index, trigger, function, right"
                    + " and row level security against what this version installs. Changes nothing."
        },
        footer = {
            "Exit code 1 when something is not ok, 4 when nothing is installed; \"interlock doctor\" says what to do about it.",
            "",
            "Examples:",
            "  interlock verify",
            "  interlock verify --json | jq -r '.differences[].difference'"
        })
public final class VerifyCommand extends ProjectCommand {

    /** The kinds of objects, in the order in which they are shown, with what they are called. */
    private static final List<Map.Entry<String, String>> KINDS = List.of(
            Map.entry("version", "version"),
            Map.entry("migration", "files, by checksum"),
            Map.entry("table", "tables"),
            Map.entry("column", "columns, their types and defaults"),
            Map.entry("constraint", "constraints"),
            Map.entry("index", "indexes"),
            Map.entry("sequence", "sequences"),
            Map.entry("trigger", "triggers"),
            Map.entry("function", "functions, by checksum"),
            Map.entry("row level security", "row level security"),
            Map.entry("policy", "policies (there are none)"),
            Map.entry("access", "rights of anon, authenticated and service_role"));

    @Override
    protected int run(Project project, Console console) {
        Verification found = project.migrator().verify();
        if (found.version() == null && isNothingApplied(project.migrator().status())) {
            throw new SchemaMismatchException(
                    "Interlock's SQL is not installed in this project: run \"interlock install\".");
        }
        if (json()) {
            console.printJson(values(found));
        } else {
            print(project, console, found);
        }
        return found.isExact() ? ExitCode.OK : ExitCode.NO;
    }

    private static boolean isNothingApplied(MigrationStatus status) {
        return status.applied().isEmpty() && status.changed().isEmpty();
    }

    private static void print(Project project, Console console, Verification found) {
        int width = Math.min(console.width(), 110);
        console.print(Styles.heading(project.supabase().url()));
        console.print("The seed document's checks");
        List<String> lines = found.lines();
        seed(console, lines.get(0), !found.hasJobs() || found.jobsColumns() == 5, !found.hasJobs(), "jobs");
        seed(
                console,
                lines.get(1),
                !found.hasExecutions() || found.executionsColumns() == 3,
                !found.hasExecutions(),
                "workflow_executions");
        seed(console, lines.get(2), found.tables() == 2, false, "");
        seed(console, lines.get(3), found.stateRows() == 1, false, "");

        console.print(
                "Further checks (installed version " + (found.version() == null ? "none" : found.version()) + ")");
        for (Map.Entry<String, String> kind : KINDS) {
            List<Difference> differences = found.differences().stream()
                    .filter(d -> d.kind().equals(kind.getKey()))
                    .toList();
            print(console, differences.isEmpty(), kind.getValue());
            differences.forEach(
                    d -> Paragraph.lines("            ", d.line(), width).forEach(console::print));
        }
        if (!found.isExact()) {
            console.print("\"interlock doctor\" says what to do.");
        }
    }

    private static void seed(Console console, String line, boolean ok, boolean without, String table) {
        print(console, ok, line + (without ? " (there is no table " + table + ")" : ""));
    }

    private static void print(Console console, boolean ok, String what) {
        AttributedString word = ok ? Styles.good("ok      ") : Styles.bad("NOT OK  ");
        console.print(new AttributedStringBuilder()
                .append("  ")
                .append(word)
                .append(what)
                .toAttributedString());
    }

    private static Map<String, @Nullable Object> values(Verification found) {
        Map<String, @Nullable Object> seed = new LinkedHashMap<>();
        seed.put("jobs_columns", found.hasJobs() ? found.jobsColumns() : null);
        seed.put("workflow_executions_columns", found.hasExecutions() ? found.executionsColumns() : null);
        seed.put("new_tables", found.tables());
        seed.put("job_queue_state_rows", found.stateRows());
        seed.put("active_job_id", found.activeJobId());
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("ok", found.isExact());
        values.put("seed_ok", found.isComplete());
        values.put("seed", seed);
        values.put("version", found.version());
        values.put(
                "differences",
                found.differences().stream().map(VerifyCommand::values).toList());
        return values;
    }

    private static Map<String, @Nullable Object> values(Difference difference) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("kind", difference.kind());
        values.put("object", difference.object());
        values.put("expected", difference.expected());
        values.put("found", difference.found());
        values.put("difference", difference.line());
        return values;
    }
}
