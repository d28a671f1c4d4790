package dev.interlock.cli.command;

import dev.interlock.Count;
import dev.interlock.SchemaMismatchException;
import dev.interlock.Select;
import dev.interlock.SupabaseClient;
import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Styles;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code interlock rollback}: everything of ours goes, what was there before comes back. */
@Command(
        name = "rollback",
        description = {
            "Removes Interlock from the project. What was there before comes back as it was: columns, tables, indexes, grants.",
            "It shows what it would drop and how many rows are in it, and asks."
        },
        footer = {
            "Examples:",
            "  interlock rollback                                what would go; then it asks",
            "  interlock rollback --export before.jsonl          with a copy of our tables first",
            "  interlock rollback --export before.jsonl --yes    for scripts"
        })
public final class RollbackCommand extends ProjectCommand {

    // Rows can have a megabyte each.
    private static final int PAGE = 200;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private static final String LOG = "job_queue_log";

    // What tells of jobs, with the columns that order it; the rest follows from these, or is the engine's own.
    private static final Map<String, List<String>> TABLES = tables();

    @Option(
            names = "--export",
            paramLabel = "FILE",
            description = "First write the rows of our tables into this new file, one JSON object a line.")
    private @Nullable Path export;

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask.")
    private boolean yes;

    @Override
    protected int run(Project project, Console console) {
        OptionalLong oldLog = oldLog(project.supabase());
        Map<String, Long> rows = count(project.supabase(), oldLog);
        // A log alone is the predecessor's.
        if (rows.keySet().equals(Set.of(LOG)) || rows.isEmpty()) {
            rows.clear();
            if (json()) {
                console.printJson(Map.of("rolled_back", false, "rows", rows));
            } else {
                console.print("Nothing of Interlock is installed in "
                        + project.supabase().url() + ".");
            }
            return ExitCode.OK;
        }
        if (!json()) {
            describe(project, rows, oldLog.isPresent(), console);
        }
        if (!yes && !console.ask("Roll back?")) {
            console.tell("Nothing was changed.");
            return ExitCode.NO;
        }
        if (export != null) {
            export(project.supabase(), rows, oldLog, export, console);
        }
        project.migrator().rollback();
        if (json()) {
            console.printJson(Map.of("rolled_back", true, "rows", rows));
        } else {
            console.print(
                    "Rolled back. exec_sql is still there; \"drop function public.exec_sql(text);\" in the SQL editor removes it.");
        }
        return ExitCode.OK;
    }

    private static Map<String, List<String>> tables() {
        Map<String, List<String>> tables = new LinkedHashMap<>();
        tables.put(LOG, List.of("seq"));
        tables.put("job_queue_jobs", List.of("job_id"));
        tables.put("job_queue_checkpoints", List.of("job_id", "step"));
        tables.put("job_queue_callbacks", List.of("job_id", "step"));
        tables.put("job_queue_models", List.of("model"));
        tables.put("job_queue_aliases", List.of("alias"));
        tables.put("job_queue_settings", List.of("id"));
        tables.put("job_queue_migrations", List.of("name"));
        return tables;
    }

    /** Where there was a log before Interlock, which stays: the {@code seq} of its last event. */
    private static OptionalLong oldLog(SupabaseClient supabase) {
        try {
            if (supabase.from("job_queue_before").select().eq("relation", LOG).count(Count.EXACT) == 0) {
                return OptionalLong.empty();
            }
            return supabase.from("job_queue_marks").select("log_begins_after").listOf(JsonNode.class).stream()
                    .mapToLong(row -> row.path("log_begins_after").asLong(Long.MAX_VALUE))
                    .findFirst();
        } catch (SchemaMismatchException e) {
            return OptionalLong.empty();
        }
    }

    /** Those of its rows that go. */
    private static Select going(SupabaseClient supabase, String table, OptionalLong oldLog) {
        Select rows = supabase.from(table).select();
        return table.equals(LOG) && oldLog.isPresent() ? rows.gt("seq", oldLog.getAsLong()) : rows;
    }

    /** The rows that go of each table that is there: an installation in part can be rolled back too. */
    private static Map<String, Long> count(SupabaseClient supabase, OptionalLong oldLog) {
        Map<String, Long> rows = new LinkedHashMap<>();
        for (String table : TABLES.keySet()) {
            count(going(supabase, table, oldLog)).ifPresent(number -> rows.put(table, number));
        }
        return rows;
    }

    private static OptionalLong count(Select rows) {
        try {
            return OptionalLong.of(rows.count(Count.EXACT));
        } catch (SchemaMismatchException e) {
            return OptionalLong.empty();
        }
    }

    private static void describe(Project project, Map<String, Long> rows, boolean oldLog, Console console) {
        console.print(Styles.heading(project.supabase().url()));
        console.print("This would go, with all that is in it:");
        rows.forEach((table, count) -> console.print("  " + table + ": " + count + (count == 1 ? " row" : " rows")
                + (oldLog && table.equals(LOG) ? ", those of Interlock's; what was in it before stays" : "")));
        console.print(
                "  the other tables job_queue_*, all functions job_queue_*, the schema job_queue, its triggers on jobs and"
                        + " workflow_executions, and the columns that it added to them");
        long unfinished = count(project.supabase()
                        .from("job_queue_jobs")
                        .select()
                        .in("status", List.of("waiting", "delayed", "running")))
                .orElse(0);
        if (unfinished > 0) {
            console.print(
                    Styles.warning(
                            unfinished
                                    + " jobs wait or run: they would lose their places and leases. Their workers could save nothing more."));
        }
        console.print(
                "The rows of jobs and workflow_executions stay. What was there before Interlock comes back as it was.");
    }

    private static void export(
            SupabaseClient supabase, Map<String, Long> rows, OptionalLong oldLog, Path file, Console console) {
        try (BufferedWriter out =
                Files.newBufferedWriter(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (String table : rows.keySet()) {
                long written = copy(supabase, table, oldLog, out);
                console.tell("exported " + table + ": " + written);
            }
        } catch (FileAlreadyExistsException e) {
            throw new UncheckedIOException("The file " + file + " is there already; nothing was changed.", e);
        } catch (IOException e) {
            String reason = e instanceof NoSuchFileException ? "there is no such folder" : e.getMessage();
            throw new UncheckedIOException(
                    "The file " + file + " cannot be written (" + reason + "); nothing was changed.", e);
        }
    }

    private static long copy(SupabaseClient supabase, String table, OptionalLong oldLog, BufferedWriter out)
            throws IOException {
        List<String> keys = TABLES.getOrDefault(table, List.of());
        long written = 0;
        Optional<JsonNode> last = Optional.empty();
        while (true) {
            Select page = going(supabase, table, oldLog);
            for (String key : keys) {
                page = page.order(key);
            }
            if (keys.size() > 1) {
                page = page.range(written, written + PAGE - 1);
            } else {
                page = page.limit(PAGE);
                if (last.isPresent()) {
                    page = page.gt(keys.get(0), last.get().path(keys.get(0)).asString());
                }
            }
            List<JsonNode> rows = page.listOf(JsonNode.class);
            for (JsonNode row : rows) {
                ObjectNode line = JSON.createObjectNode().put("table", table);
                line.set("row", row);
                out.write(line.toString());
                out.newLine();
            }
            written += rows.size();
            if (rows.size() < PAGE) {
                return written;
            }
            last = Optional.of(rows.get(rows.size() - 1));
        }
    }
}
