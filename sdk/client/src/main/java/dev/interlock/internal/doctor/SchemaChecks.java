package dev.interlock.internal.doctor;

import static dev.interlock.internal.doctor.Diagnosis.error;
import static dev.interlock.internal.doctor.Diagnosis.note;
import static dev.interlock.internal.doctor.Diagnosis.some;
import static dev.interlock.internal.doctor.Diagnosis.warning;

import dev.interlock.Difference;
import dev.interlock.internal.migrate.Inspection;
import dev.interlock.internal.migrate.Manifest;
import dev.interlock.internal.migrate.MigrationFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;

/** Whether the SQL is there, all of it, as this version installs it. */
final class SchemaChecks {

    private static final String INSTALL =
            "Run \"interlock install --apply\" or Migrator.migrate(), or paste what \"interlock sql\" prints.";

    private final Inspection inspection;
    private final Manifest manifest;
    private final List<Difference> differences;
    private final List<Diagnosis> found = new ArrayList<>();

    SchemaChecks(Inspection inspection, Manifest manifest) {
        this.inspection = inspection;
        this.manifest = manifest;
        this.differences = manifest.differences(inspection);
    }

    boolean isInstalled() {
        return inspection.version() != null || !inspection.applied().isEmpty();
    }

    List<Diagnosis> run() {
        if (!isInstalled()) {
            return List.of(notInstalled());
        }
        files();
        // A trigger or a column that is missing is such a change, and has been told.
        if (!inspection.fact("adapted").asBoolean(true)
                && found.stream().noneMatch(d -> d.finding().id().matches("(trigger|column)-missing"))) {
            found.add(warning(
                            "tables-changed",
                            "jobs or workflow_executions have changed since the coordinator last looked at them.",
                            "What it writes into these tables is written for the columns, types and checks that they had.",
                            "The housekeeping adapts within a second of traffic; where this stays, run it as the owner of the tables.")
                    .fixedBy("select job_queue.adapt();", "wrote the mirroring anew for the tables as they are"));
        }
        return found;
    }

    private static Diagnosis notInstalled() {
        return error(
                "not-installed",
                "Interlock's SQL is not installed in this database.",
                "Nothing can be coordinated without it.",
                INSTALL);
    }

    private void files() {
        List<String> pending = new ArrayList<>();
        List<String> changed = new ArrayList<>();
        for (Difference difference : differences) {
            if (difference.kind().equals("migration")) {
                (difference.found() == null ? pending : changed).add(difference.name());
            }
        }
        List<String> unknown = inspection.applied().keySet().stream()
                .filter(name -> MigrationFile.all(inspection.isNew()).stream()
                        .noneMatch(file -> file.name().equals(name)))
                .filter(name -> !name.equals(MigrationFile.EXISTING_PROJECT) && !name.equals(MigrationFile.NEW_PROJECT))
                .toList();
        if (!changed.isEmpty()) {
            found.add(error(
                    "migration-changed",
                    "Applied with another text than this version's: " + some(changed) + ".",
                    "An applied file is never changed, so this is the SQL of another build, or an edited one.",
                    "Use the version of Interlock that was installed (" + inspection.version() + "; this is "
                            + manifest.version() + "), or a newer release."));
        } else if (!unknown.isEmpty()) {
            found.add(warning(
                    "version-newer",
                    "The database has SQL that this version does not know: " + some(unknown) + " (version "
                            + inspection.version() + "; this is " + manifest.version() + ").",
                    "A newer version was installed; what it added is not checked here.",
                    "Update the SDK and the command line."));
        } else if (!pending.isEmpty()) {
            found.add(error(
                    "migrations-pending",
                    "Not applied yet: " + some(pending) + " (installed: " + inspection.version() + ", this is "
                            + manifest.version() + ").",
                    "The installation is older than this version, or was interrupted.",
                    INSTALL));
        } else {
            objects();
        }
    }

    private void objects() {
        List<Difference> functions = missing("function");
        List<Difference> columns = of(d ->
                d.kind().equals("column") && d.found() == null && d.name().matches("(jobs|workflow_executions)\\..*"));
        List<Difference> triggers = missing("trigger");
        List<Difference> indexes = missing("index");
        List<Difference> disabled = of(d -> d.kind().equals("trigger") && isMarked(d, "disabled: "));
        List<Difference> changed = of(d -> d.found() != null
                && d.expected() != null
                && !List.of("access", "row level security", "version", "migration")
                        .contains(d.kind())
                && !disabled.contains(d)
                && !isMarked(d, "invalid: "));
        List<Difference> others = of(d -> d.found() == null
                && List.of("table", "sequence", "column", "constraint").contains(d.kind())
                && !columns.contains(d));
        List<Difference> extra = of(d ->
                d.expected() == null && (d.kind().equals("function") || d.kind().equals("constraint")));

        if (!others.isEmpty()) {
            found.add(error(
                    "object-missing",
                    lines(others),
                    "Calls fail, or what the database itself refuses is refused no more. What was in it is gone.",
                    "Restore it from a backup; or roll back and install anew (\"interlock rollback\", \"interlock install --apply\"),"
                            + " which forgets who waits."));
        }
        if (!changed.isEmpty()) {
            found.add(
                    error(
                            "object-changed",
                            lines(changed),
                            "Somebody edited it; the rules of the coordinator are kept only by the text that was tested.",
                            "If the change was not meant, run again: " + some(Files.of(changed))
                                    + " (folder migrations), then 090_job_queue_grants.sql. It is not done for you, for it may have been meant."));
        }
        if (!extra.isEmpty()) {
            found.add(note(
                    "unexpected-object",
                    lines(extra),
                    "Names that begin with job_queue_ are Interlock's; a rollback drops such functions.",
                    "Rename or drop what is yours."));
        }
        if (others.isEmpty()) {
            restorable(functions, columns, triggers, indexes, changed.isEmpty());
        }
        for (Difference trigger : disabled) {
            String[] name = trigger.name().split("\\.", 2);
            found.add(error(
                            "trigger-disabled",
                            trigger.line() + ".",
                            "Rows that come into jobs or go are not noticed.",
                            "Enable it.")
                    .fixedBy(
                            "alter table public." + name[0] + " enable trigger " + name[1] + ";",
                            "enabled the trigger " + name[1]));
        }
    }

    private void restorable(
            List<Difference> functions,
            List<Difference> columns,
            List<Difference> triggers,
            List<Difference> indexes,
            boolean nothingEdited) {
        if (!functions.isEmpty()) {
            List<String> files = Files.of(functions);
            Diagnosis missing = error(
                    "function-missing",
                    lines(functions),
                    "Calls that need it fail.",
                    "Run again (folder migrations): " + some(files) + ", then 090_job_queue_grants.sql.");
            // The files of edited functions would overwrite the edit.
            found.add(
                    nothingEdited
                            ? missing.fixedBySilent(Files.text(files), "ran again " + String.join(", ", files))
                            : missing);
        }
        if (!columns.isEmpty()) {
            boolean large = new IndexChecks(inspection).anyOnALargeTable(indexes);
            Diagnosis missing = error(
                    "column-missing",
                    lines(columns),
                    "The rows of jobs do not show what their jobs do.",
                    "Run again (folder migrations): " + MigrationFile.EXISTING_PROJECT + ", which adds what is missing."
                            + (large ? IndexChecks.AFTER_THE_LARGE : ""));
            found.add(
                    large
                            ? missing
                            : missing.fixedBySilent(
                                    MigrationFile.text(MigrationFile.EXISTING_PROJECT) + "\nselect job_queue.adapt();",
                                    "ran again " + MigrationFile.EXISTING_PROJECT));
        }
        if (!triggers.isEmpty()) {
            found.add(error(
                            "trigger-missing",
                            lines(triggers),
                            "Rows that come into jobs or go are not noticed.",
                            "Have the coordinator put it back.")
                    .fixedBySilent(
                            MigrationFile.text("036_job_queue_insert_trigger.sql") + "\nselect job_queue.adapt();",
                            "ran again 036_job_queue_insert_trigger.sql"));
        }
        if (!indexes.isEmpty()) {
            new IndexChecks(inspection).missing(indexes).forEach(found::add);
        }
    }

    private List<Difference> missing(String kind) {
        return of(d -> d.kind().equals(kind) && d.found() == null);
    }

    private List<Difference> of(Predicate<Difference> which) {
        return differences.stream().filter(which).toList();
    }

    private static boolean isMarked(Difference difference, String mark) {
        return Objects.requireNonNullElse(difference.found(), "").startsWith(mark);
    }

    private static String lines(List<Difference> differences) {
        String lines = some(differences.stream().map(Difference::line).toList());
        return Character.toUpperCase(lines.charAt(0)) + lines.substring(1) + ".";
    }
}
