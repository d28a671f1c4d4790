package dev.interlock.it.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.Lease;
import dev.interlock.Migrator;
import dev.interlock.ModelSettings;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import dev.interlock.it.cli.CliRunner;
import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Every block of Java in the documentation compiles, every block of SQL runs, every command is one that there is. */
@ExtendWith(LocalSupabaseExtension.class)
class DocsTest {

    // They go on until somebody ends them, so only their options are checked.
    private static final Set<String> ENDLESS = Set.of("local", "watch");

    // Programs that are not ours and whose arguments name nothing of ours.
    private static final Set<String> OTHERS = Set.of("jq", "export", "java", "supabase", "git");

    private static LocalSupabase local;

    @TempDir
    private Path folder;

    @BeforeAll
    static void start(LocalSupabase started) {
        local = started;
        local.installExecSql();
        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            Migrator.create(supabase).migrate();
            // What the pages talk of: job-42 waits for job-41, and job-40 has failed.
            JobCoordinator coordinator = JobCoordinator.create(supabase);
            coordinator.setModel("motion-2.0-fast", ModelSettings.capacity(1));
            coordinator.fail(started(coordinator, "job-40"), "the provider said no");
            Lease running = started(coordinator, "job-41");
            assertThat(running.models()).containsExactly("motion-2.0-fast");
            coordinator.enqueue(
                    JobRequest.normal("job-42").models("motion-2.0-fast").build());
        }
    }

    private static Lease started(JobCoordinator coordinator, String id) {
        StartResult result = coordinator.start(
                JobRequest.normal(id).models("motion-2.0-fast").build());
        return ((StartResult.Started) result).lease();
    }

    @Test
    void everyJavaBlockCompiles() throws IOException {
        List<String> wrong = new ArrayList<>();
        int blocks = 0;
        for (Document document : Document.all()) {
            JavaBlocks page = new JavaBlocks(folder);
            for (Document.Block block : document.blocks("java")) {
                blocks++;
                Optional<String> errors = page.compile(block.code());
                errors.ifPresent(text -> wrong.add(document + ":" + block.line() + "\n" + text));
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(blocks).isGreaterThan(10);
    }

    @Test
    void everySqlBlockRuns() throws Exception {
        List<String> wrong = new ArrayList<>();
        for (Document document : Document.all()) {
            for (Document.Block block : document.blocks("sql")) {
                try (Connection connection = local.openConnection();
                        Statement statement = connection.createStatement()) {
                    connection.setAutoCommit(false);
                    statement.execute(block.code());
                    connection.rollback();
                } catch (SQLException e) {
                    wrong.add(document + ":" + block.line() + " " + e.getMessage());
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void everyCommandOfABlockRuns() throws IOException {
        List<String> wrong = new ArrayList<>();
        for (Document document : Document.all()) {
            for (Document.Block block : document.blocks("bash")) {
                for (ShellLine line : ShellLine.of(block.code())) {
                    check(line, true)
                            .ifPresent(text -> wrong.add(document + ":" + block.line() + " " + line + ": " + text));
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void everyCommandWithinALineIsOneThatThereIs() throws IOException {
        List<String> wrong = new ArrayList<>();
        for (Document document : Document.all()) {
            for (String code : document.inline()) {
                if (code.startsWith("interlock ") || code.startsWith("./sdk/cli/interlock ")) {
                    for (ShellLine line : ShellLine.of(code)) {
                        check(line, false).ifPresent(text -> wrong.add(document + " `" + code + "`: " + text));
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    /** What is wrong with a command, where something is. */
    private Optional<String> check(ShellLine line, boolean run) throws IOException {
        if (line.isInterlock()) {
            return interlock(line, run);
        }
        return switch (line.program()) {
            case "mvn" -> maven(line);
            case "psql" -> file(line, "-f");
            case "./samples/run" ->
                wrong(
                        line.words().size() == 1
                                || Document.read("samples/run")
                                        .contains("\n    " + line.words().get(1) + ") "),
                        "there is no such sample");
            default -> wrong(isOurs(line) || OTHERS.contains(line.program()), "there is no such program here");
        };
    }

    private static boolean isOurs(ShellLine line) {
        return line.program().startsWith("./") && Document.exists(line.program().substring(2));
    }

    private Optional<String> interlock(ShellLine line, boolean run) {
        List<String> arguments = List.of(line.arguments());
        CliRunner cli = CliRunner.of(local).input("job-42\n");
        if (!run || arguments.stream().anyMatch(a -> ENDLESS.contains(a) || a.equals("--follow"))) {
            try {
                cli.parse(line.arguments());
            } catch (CommandLine.MissingParameterException e) {
                // Mentioned, not shown.
                return Optional.empty();
            } catch (CommandLine.ParameterException e) {
                return Optional.of(String.valueOf(e.getMessage()));
            }
            return Optional.empty();
        }
        CliRunner.Outcome outcome =
                cli.run(arguments.stream().map(this::inFolder).toArray(String[]::new));
        // 1 is an answer: there is something wrong, or it was not agreed to.
        return wrong(outcome.exitCode() <= 1, "exit code " + outcome.exitCode() + ", " + outcome.err());
    }

    /** What a page writes goes into a folder of the test's own. */
    private String inFolder(String argument) {
        return argument.matches("[\\w-]+\\.(jsonl?|sql|txt)")
                ? folder.resolve(argument).toString()
                : argument;
    }

    private static Optional<String> maven(ShellLine line) throws IOException {
        for (String word : line.words()) {
            Matcher test = Pattern.compile("-Dtest=(\\w+)(#.*)?").matcher(word);
            if (test.matches() && !test.group(1).equals("NAME") && !testExists(test.group(1))) {
                return Optional.of("there is no " + test.group(1));
            }
            if (word.matches("[a-z-]+(/[a-z-]+)+") && !Document.exists(word)) {
                return Optional.of("there is no module " + word);
            }
        }
        return Optional.empty();
    }

    private static boolean testExists(String name) throws IOException {
        try (var files = java.nio.file.Files.walk(Path.of("src/test/java"))) {
            return files.anyMatch(file -> file.endsWith(name + ".java"));
        }
    }

    private static Optional<String> file(ShellLine line, String option) {
        int at = line.words().indexOf(option);
        return wrong(at < 0 || Document.exists(line.words().get(at + 1)), "there is no such file");
    }

    private static Optional<String> wrong(boolean right, String what) {
        return right ? Optional.empty() : Optional.of(what);
    }
}
