package dev.interlock.cli.command;

import dev.interlock.MigrationReport;
import dev.interlock.MigrationStatus;
import dev.interlock.SchemaMismatchException;
import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Styles;
import dev.interlock.internal.migrate.MigrationFile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code interlock install}: the SQL, through exec_sql. */
@Command(
        name = "install",
        description = {
            "Installs or upgrades the SQL in the project, over HTTPS, through the function exec_sql.",
            "Without --apply it changes nothing and says what it would do, and why it would be refused; then it ends with 1."
        },
        footer = {
            "Examples:",
            "  interlock install               what would be done",
            "  interlock install --print       the SQL of it, to read or to paste",
            "  interlock install --apply       do it"
        })
public final class InstallCommand extends ProjectCommand {

    /** At most one of them. */
    static final class Mode {
        @Option(names = "--dry-run", description = "Say what would be done; the default.")
        @SuppressWarnings("UnusedVariable") // the default, for those who would rather say it
        private boolean dryRun;

        @Option(names = "--print", description = "Print the SQL that would be run.")
        private boolean print;

        @Option(names = "--apply", description = "Do it.")
        private boolean apply;
    }

    @ArgGroup
    private Mode mode = new Mode();

    @Override
    protected int run(Project project, Console console) {
        if (mode.apply) {
            return apply(project, console);
        }
        MigrationStatus status = project.migrator().status();
        if (!status.changed().isEmpty()) {
            throw new SchemaMismatchException("These files were applied with another text than they have now: "
                    + String.join(", ", status.changed())
                    + ". Use the version of Interlock that was installed, or a newer release.");
        }
        if (mode.print) {
            pending(status).forEach(file -> console.print(file.applySql()));
            return ExitCode.OK;
        }
        String refusal = project.migrator().refusal().orElse(null);
        if (json()) {
            console.printJson(values(status, refusal));
        } else {
            describe(project, status, refusal, console);
        }
        return refusal == null ? ExitCode.OK : ExitCode.NO;
    }

    private int apply(Project project, Console console) {
        MigrationReport report = project.migrator().migrate(file -> console.tell("applying " + file));
        if (json()) {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("new_project", report.newProject());
            answer.put("applied", report.applied());
            answer.put("verified", report.verification().isComplete());
            answer.put("message", report.message());
            console.printJson(answer);
        } else {
            console.print(report.message());
        }
        return ExitCode.OK;
    }

    private static void describe(Project project, MigrationStatus status, @Nullable String refusal, Console console) {
        console.print(Styles.heading(project.supabase().url()));
        console.print(
                status.newProject()
                        ? "A new project: it gets the seed's tables and the engine."
                        : "An existing project: its jobs and workflow_executions, where it has them, get the seed's columns, and the engine comes beside them.");
        if (status.isUpToDate()) {
            console.print("Everything is there already (" + status.applied().size() + " files). Nothing to do.");
            return;
        }
        console.print(status.applied().size() + " files are there already. Would apply "
                + status.pending().size() + ":");
        status.pending().forEach(name -> console.print("  " + name));
        if (refusal != null) {
            console.print(Styles.bad("\"interlock install --apply\" would be refused: " + refusal));
        }
        console.print("Nothing was changed." + (refusal == null ? " \"interlock install --apply\" does it." : ""));
    }

    private static List<MigrationFile> pending(MigrationStatus status) {
        return MigrationFile.all(status.newProject()).stream()
                .filter(file -> status.pending().contains(file.name()))
                .toList();
    }

    private static Map<String, @Nullable Object> values(MigrationStatus status, @Nullable String refusal) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("new_project", status.newProject());
        values.put("applied", status.applied());
        values.put("pending", status.pending());
        values.put("up_to_date", status.isUpToDate());
        values.put("refusal", refusal);
        return values;
    }
}
