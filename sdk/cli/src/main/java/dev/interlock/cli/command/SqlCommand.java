package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Interlock;
import dev.interlock.internal.migrate.MigrationFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code interlock sql}: the SQL itself, for the editor, for psql or for a project of the Supabase command line. */
@Command(
        name = "sql",
        description = {
            "Prints SQL to paste into the SQL editor or to give to psql, or writes it into a Supabase CLI project.",
            "It connects to nothing."
        },
        footer = {
            "Examples:",
            "  interlock sql existing > interlock.sql      for a project that has jobs already",
            "  interlock sql new | psql \"$DATABASE_URL\"    for a new one",
            "  interlock sql exec-sql                      the function that \"interlock install\" needs",
            "  interlock sql existing --supabase .         migrations for \"supabase db push\""
        })
public final class SqlCommand implements Callable<Integer> {

    private static final Pattern MIGRATION = Pattern.compile("(\\d+)_(.*)\\.sql");
    private static final DateTimeFormatter VERSION = DateTimeFormatter.ofPattern("yyyyMMddHHmmss", Locale.ROOT);

    /** Which SQL. */
    enum What {
        NEW,
        EXISTING,
        EXEC_SQL,
        ROLLBACK,
        BACK_TO_PYTHON;

        String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** The words for it. */
    static final class Words extends ArrayList<String> implements ITypeConverter<What> {
        private static final long serialVersionUID = 1L;

        Words() {
            super(Stream.of(What.values()).map(What::word).toList());
        }

        @Override
        public What convert(String value) {
            return Stream.of(What.values())
                    .filter(what -> what.word().equals(value))
                    .findFirst()
                    .orElseThrow(() ->
                            new TypeConversionException("\"" + value + "\" is none of " + String.join(", ", this)));
        }
    }

    @Parameters(
            paramLabel = "WHAT",
            converter = Words.class,
            completionCandidates = Words.class,
            description = {
                "new: everything for a project without jobs",
                "existing: everything for a project that has jobs",
                "exec-sql: the function that migrates by HTTPS",
                "rollback: what undoes all of it",
                "back-to-python: before the rollback, what leaves waiting jobs as the Python system expects them"
            })
    private What what = What.EXISTING;

    @Option(
            names = "--supabase",
            paramLabel = "DIR",
            description =
                    "Write migrations with fresh timestamps into this Supabase CLI project, only those that it does not have.")
    private @Nullable Path supabase;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Console console = Interlock.console(spec);
        if (supabase != null) {
            return write(console, supabase);
        }
        console.print(
                switch (what) {
                    case NEW -> MigrationFile.pasteReady(true);
                    case EXISTING -> MigrationFile.pasteReady(false);
                    case EXEC_SQL -> MigrationFile.text("exec_sql.sql");
                    case ROLLBACK -> MigrationFile.text("rollback/027_rollback.sql");
                    case BACK_TO_PYTHON -> MigrationFile.text("rollback/back_to_python.sql");
                });
        return ExitCode.OK;
    }

    private int write(Console console, Path project) throws IOException {
        if (what != What.NEW && what != What.EXISTING) {
            throw new ParameterException(
                    spec.commandLine(), "--supabase goes with new or existing, not with " + what.word() + ".");
        }
        Path folder = project.endsWith("supabase") ? project : project.resolve("supabase");
        if (!Files.isDirectory(folder)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "There is no folder " + folder + ": give the folder in which you ran \"supabase init\".");
        }
        Path migrations = Files.createDirectories(folder.resolve("migrations"));
        List<String> there;
        try (var files = Files.list(migrations)) {
            there = files.map(file -> String.valueOf(file.getFileName())).toList();
        }
        LocalDateTime version = first(there);
        int written = 0;
        for (MigrationFile file : MigrationFile.all(what == What.NEW)) {
            String name = "interlock_" + file.name();
            if (there.stream()
                    .map(MIGRATION::matcher)
                    .anyMatch(m -> m.matches() && (m.group(2) + ".sql").equals(name))) {
                continue;
            }
            Path target = migrations.resolve(VERSION.format(version) + "_" + name);
            Files.writeString(target, text(file), StandardCharsets.UTF_8);
            console.print(target.toString());
            version = version.plusSeconds(1);
            written++;
        }
        console.tell(
                written == 0
                        ? "All of them are there already."
                        : written
                                + " written. \"supabase db push\" applies them; what is recorded as applied it leaves alone.");
        return ExitCode.OK;
    }

    /** Now, or after the newest that is there: the Supabase command line refuses what is older than what it has applied. */
    private static LocalDateTime first(List<String> there) {
        LocalDateTime now =
                LocalDateTime.now(Clock.systemUTC().withZone(ZoneOffset.UTC)).withNano(0);
        String newest = there.stream()
                .map(MIGRATION::matcher)
                .filter(Matcher::matches)
                .map(m -> m.group(1))
                .filter(version -> version.length() == 14)
                .max(String::compareTo)
                .orElse("");
        return newest.compareTo(VERSION.format(now)) < 0
                ? now
                : LocalDateTime.parse(newest, VERSION).plusSeconds(1);
    }

    private static String text(MigrationFile file) {
        return "-- Interlock: " + file.name()
                + ". Applied once, however it comes: what job_queue_migrations has is left alone.\n\n"
                + file.applySql();
    }
}
