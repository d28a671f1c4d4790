package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.it.cli.CliRunner.Outcome;
import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Whatever a command is given wrongly: one clear line on the standard error, nothing on the output, an exit code that says which kind. */
@ExtendWith(LocalSupabaseExtension.class)
class BadUseTest {

    // Nobody listens on port 1.
    private static final String NOWHERE = "http://127.0.0.1:1";

    private static LocalSupabase bare;

    @TempDir
    Path folder;

    @BeforeAll
    static void start(LocalSupabase local) {
        bare = LocalSupabase.start();
        local.installExecSql();
        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.serviceRoleKey())) {
            Migrator.create(supabase).migrate();
        }
    }

    @AfterAll
    static void end() {
        bare.close();
    }

    /** What is wrong, how it is called, the exit code, and what the line has to say. */
    record Mistake(
            String what, Function<LocalSupabase, CliRunner> cli, List<String> args, int exitCode, List<String> says) {
        @Override
        public String toString() {
            return what;
        }
    }

    static List<Mistake> mistakes() {
        Function<LocalSupabase, CliRunner> good = CliRunner::of;
        Function<LocalSupabase, CliRunner> none = local -> CliRunner.bare();
        return List.of(
                new Mistake(
                        "no URL",
                        none,
                        List.of("status"),
                        2,
                        List.of("URL", "--url", "SUPABASE_URL", "https://abcdefghijkl.supabase.co")),
                new Mistake(
                        "no key",
                        none,
                        List.of("status", "--url", NOWHERE),
                        2,
                        List.of("secret key", "--key-file", "SUPABASE_SECRET_KEY")),
                new Mistake("a URL that is none", good, List.of("status", "--url", "abcdefghijkl"), 2, List.of("URL")),
                new Mistake(
                        "a key that the project refuses",
                        local -> CliRunner.of(local).with("SUPABASE_SECRET_KEY", "sb_secret_wrong_wrong_wrong"),
                        List.of("status"),
                        3,
                        List.of("key")),
                new Mistake(
                        "a key for browsers",
                        local -> CliRunner.of(local).with("SUPABASE_SECRET_KEY", local.publishableKey()),
                        List.of("status"),
                        2,
                        List.of("publishable", "secret")),
                new Mistake(
                        "an anon key",
                        local -> CliRunner.of(local).with("SUPABASE_SECRET_KEY", local.anonKey()),
                        List.of("status"),
                        2,
                        List.of("anon")),
                new Mistake(
                        "no such key file",
                        good,
                        List.of("status", "--key-file", "/nowhere/key"),
                        2,
                        List.of("/nowhere/key", "no such file")),
                new Mistake(
                        "a key for its file",
                        good,
                        List.of("status", "--key-file", "sb_secret_for_its_file"),
                        2,
                        List.of("as an argument")),
                new Mistake(
                        "an empty key on the input", good, List.of("status", "--key-file", "-"), 2, List.of("empty")),
                new Mistake(
                        "no network",
                        good,
                        List.of("status", "--url", NOWHERE, "--timeout", "1"),
                        3,
                        List.of("127.0.0.1")),
                new Mistake("a timeout of nothing", good, List.of("status", "--timeout", "0"), 2, List.of("--timeout")),
                new Mistake(
                        "a timeout in words",
                        good,
                        List.of("status", "--timeout", "long"),
                        2,
                        List.of("--timeout", "long", "status --help")),
                new Mistake(
                        "no pair",
                        good,
                        List.of("adopt", "--workflow", "knight"),
                        2,
                        List.of("Value for option '--workflow'")),
                new Mistake(
                        "two of which one excludes the other",
                        good,
                        List.of("install", "--apply", "--print"),
                        2,
                        List.of("mutually exclusive")),
                new Mistake("an unknown command", good, List.of("stauts"), 2, List.of("stauts", "status")),
                new Mistake("an unknown flag", good, List.of("status", "--jsn"), 2, List.of("--jsn", "status --help")),
                new Mistake("too many words", good, List.of("explain", "a", "b"), 2, List.of("b")),
                new Mistake("no job", good, List.of("explain"), 2, List.of("JOB")),
                new Mistake("a blank job", good, List.of("explain", " "), 2, List.of("JQ001")),
                new Mistake("an unknown job", good, List.of("explain", "no-such-job"), 1, List.of("unknown", "JQ006")),
                new Mistake(
                        "the SQL is not installed",
                        local -> CliRunner.of(bare),
                        List.of("status"),
                        4,
                        List.of("SQL is not installed", "run \"interlock install\"", "PGRST202")),
                new Mistake(
                        "the SQL is not installed, for a job",
                        local -> CliRunner.of(bare),
                        List.of("explain", "job-42"),
                        4,
                        List.of("SQL is not installed", "run \"interlock install\"", "PGRST202")));
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void oneLineForAPerson(Mistake mistake, LocalSupabase local) {
        CliRunner cli = mistake.cli().apply(local);

        Outcome outcome = cli.run(mistake.args().toArray(String[]::new));

        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.errors()).hasSize(1);
        assertThat(outcome.err())
                .startsWith("interlock: ")
                .contains(mistake.says())
                .doesNotContain("Exception", "Error: ");
        assertThat(outcome.exitCode()).isEqualTo(mistake.exitCode());
        noKeyIn(outcome, local);
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void oneObjectForAScript(Mistake mistake, LocalSupabase local) {
        List<String> args = new ArrayList<>(mistake.args());
        args.add("--json");

        Outcome outcome = mistake.cli().apply(local).run(args.toArray(String[]::new));

        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.errors()).hasSize(1);
        JsonNode error = outcome.error();
        assertThat(error.path("message").asString() + error.path("hint") + error.path("code"))
                .contains(mistake.says())
                .doesNotContain("Migrator")
                .doesNotContain("Exception");
        assertThat(error.path("exit_code").asInt()).isEqualTo(mistake.exitCode());
        assertThat(outcome.exitCode()).isEqualTo(mistake.exitCode());
        noKeyIn(outcome, local);
    }

    @Test
    void aKeyAsAnArgumentIsRefusedAndNotRepeated(LocalSupabase local) {
        for (String key : List.of(local.secretKey(), local.serviceRoleKey(), local.publishableKey(), local.anonKey())) {
            for (List<String> args : List.of(
                    List.of("status", "--key", key),
                    List.of("status", "--key=" + key),
                    List.of("explain", "job-42", key),
                    List.of("status", "--json", key),
                    List.of(key))) {
                Outcome outcome = CliRunner.of(local).run(args.toArray(String[]::new));

                assertThat(outcome.out()).isEmpty();
                assertThat(outcome.errors()).hasSize(1);
                assertThat(outcome.err()).contains("--key-file").doesNotContain(key);
                assertThat(outcome.exitCode()).isEqualTo(2);
            }
        }
    }

    @Test
    void aKeyFromAFileOrTheInputIsAsGoodAsAVariable(LocalSupabase local) throws IOException {
        Path file = Files.writeString(folder.resolve("key"), local.secretKey() + System.lineSeparator());

        Outcome byFile = CliRunner.bare().run("status", "--json", "--url", local.url(), "--key-file", file.toString());
        Outcome byInput = CliRunner.bare()
                .input(local.secretKey())
                .run("status", "--json", "--url", local.url(), "--key-file", "-");

        assertThat(byFile.exitCode()).isZero();
        assertThat(byFile.json().path("jobs").path("running").isInt()).isTrue();
        assertThat(byInput.exitCode()).isZero();
        assertThat(byInput.err()).isEmpty();
    }

    private static void noKeyIn(Outcome outcome, LocalSupabase local) {
        assertThat(outcome.err())
                .doesNotContain(local.secretKey(), local.serviceRoleKey(), local.publishableKey(), local.anonKey())
                .doesNotContain("sb_secret_wrong_wrong_wrong");
    }
}
