package dev.interlock.internal.doctor;

import static dev.interlock.internal.doctor.Diagnosis.some;
import static dev.interlock.internal.doctor.Diagnosis.warning;

import dev.interlock.Difference;
import dev.interlock.internal.migrate.Inspection;
import dev.interlock.internal.migrate.MigrationFile;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** Indexes that are missing or of no use. One on a large table is for a person to build, for nobody can write to the table meanwhile but where it is built concurrently. */
final class IndexChecks {

    private static final int LARGE = 50_000;
    private static final String SLOW = "What should be a look-up reads the whole table, at every transition of a job.";
    private static final String CONCURRENTLY =
            "Build it while nobody has to wait: each statement by itself, in psql or the SQL editor.";

    /** What is said of what could be mended, were it not for an index of a large table. */
    static final String AFTER_THE_LARGE =
            " First build the indexes of the large tables, or this does it, and writers wait.";

    private final Inspection inspection;

    IndexChecks(Inspection inspection) {
        this.inspection = inspection;
    }

    List<Diagnosis> missing(List<Difference> indexes) {
        List<Difference> small =
                indexes.stream().filter(i -> !isLarge(table(i))).toList();
        List<Difference> large = indexes.stream().filter(i -> isLarge(table(i))).toList();
        List<Diagnosis> found = new ArrayList<>();
        if (!small.isEmpty()) {
            List<String> files = Files.of(small);
            Diagnosis missing = warning(
                    "index-missing",
                    what(small),
                    SLOW,
                    "Run again (folder migrations): " + some(files) + ". The tables are small."
                            + (large.isEmpty() ? "" : AFTER_THE_LARGE));
            // A file builds every index of its own that is missing.
            found.add(
                    large.isEmpty()
                            ? missing.fixedBySilent(Files.text(files), "ran again " + String.join(", ", files))
                            : missing);
        }
        if (!large.isEmpty()) {
            found.add(warning("index-missing", what(large), SLOW, CONCURRENTLY)
                    .sql(String.join(
                            "\n", large.stream().map(IndexChecks::definition).toList())));
        }
        return found;
    }

    List<Diagnosis> run() {
        List<Diagnosis> found = new ArrayList<>();
        for (JsonNode index : inspection.fact("invalid_indexes").values()) {
            String name = index.path("index").asString("");
            found.add(warning(
                            "index-invalid",
                            "The index " + name + " of " + index.path("table").asString("")
                                    + " is invalid: building it was interrupted.",
                            "It costs at every write and is used by no query.",
                            "Drop it and build it again, each statement by itself.")
                    .sql("drop index concurrently public." + name + ";\n"
                            + index.path("definition").asString("").replaceFirst("INDEX", "INDEX CONCURRENTLY") + ";"));
        }
        for (String table : List.of("jobs", "workflow_executions")) {
            JsonNode facts = inspection.fact("tables").path(table);
            if (facts.path("rows").asInt(0) > LARGE && !facts.path("by_job_id").asBoolean(true)) {
                found.add(warning(
                                "job-id-unindexed",
                                table + " has " + facts.path("rows").asLong(0) + " rows and no index by job_id.",
                                SLOW,
                                CONCURRENTLY)
                        .sql("create index concurrently idx_" + table + "_job_id on public." + table + " (job_id);"));
            }
        }
        return found;
    }

    private static String what(List<Difference> indexes) {
        return "Missing: " + some(indexes.stream().map(Difference::object).toList()) + ".";
    }

    boolean anyOnALargeTable(List<Difference> indexes) {
        return indexes.stream().anyMatch(index -> isLarge(table(index)));
    }

    private boolean isLarge(String table) {
        return inspection.fact("tables").path(table).path("rows").asInt(0) > LARGE;
    }

    private static String table(Difference index) {
        return index.name().replaceFirst("\\..*", "");
    }

    /** As its migration makes it. */
    private static String definition(Difference index) {
        String name = index.name().replaceFirst(".*\\.", "");
        Pattern made =
                Pattern.compile("create (unique )?index (?:if not exists )?" + Pattern.quote(name) + "\\s+(on [^;]*);");
        return MigrationFile.all(false).stream()
                .map(file -> made.matcher(file.sql()))
                .filter(Matcher::find)
                .map(m -> "create " + (m.group(1) == null ? "" : "unique ") + "index concurrently " + name + " "
                        + m.group(2).replaceAll("\\s+", " ") + ";")
                .findFirst()
                .orElse("-- " + index.object());
    }
}
