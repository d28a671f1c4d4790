package dev.interlock.it.cli;

import dev.interlock.cli.Console;
import dev.interlock.cli.Interlock;
import dev.interlock.testing.LocalSupabase;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.DumbTerminal;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs the command line in this process as a script would: arguments, variables and input in; exit code, output and errors out. Immutable. */
public final class CliRunner {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Map<String, String> environment;
    private final String input;
    private final int columns;

    private CliRunner(Map<String, String> environment, String input, int columns) {
        this.environment = environment;
        this.input = input;
        this.columns = columns;
    }

    /** With no variables at all. */
    public static CliRunner bare() {
        return new CliRunner(Map.of(), "", 0);
    }

    /** With the variables of this stack, as {@code interlock local} prints them. */
    public static CliRunner of(LocalSupabase local) {
        return bare().with("SUPABASE_URL", local.url()).with("SUPABASE_SECRET_KEY", local.secretKey());
    }

    public CliRunner with(String variable, String value) {
        Map<String, String> more = new TreeMap<>(environment);
        more.put(variable, value);
        return new CliRunner(more, input, columns);
    }

    /** What its standard input holds. */
    public CliRunner input(String text) {
        return new CliRunner(environment, text, columns);
    }

    /** On a terminal of so many columns, without colours. */
    public CliRunner columns(int number) {
        return new CliRunner(environment, input, number).with("NO_COLOR", "1");
    }

    /** Runs it to its end. */
    public Outcome run(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode;
        try (Console console = console(out, err)) {
            exitCode = Interlock.run(console, args);
        }
        return new Outcome(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Reads the arguments and runs nothing; throws as picocli does where there is no such command or option. */
    public void parse(String... args) {
        try (Console console = console(new ByteArrayOutputStream(), new ByteArrayOutputStream())) {
            Interlock.commandLine(console).parseArgs(args);
        }
    }

    private Console console(ByteArrayOutputStream out, ByteArrayOutputStream err) {
        return new Console(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                environment,
                columns == 0 ? null : terminal(columns));
    }

    private static Terminal terminal(int columns) {
        try {
            Terminal terminal = new DumbTerminal(
                    "test", Terminal.TYPE_DUMB, InputStream.nullInputStream(), OutputStream.nullOutputStream(), null);
            terminal.setSize(Size.of(columns, 40));
            return terminal;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What came of it. */
    public record Outcome(int exitCode, String out, String err) {

        public List<String> lines() {
            return out.lines().toList();
        }

        public List<String> errors() {
            return err.lines().toList();
        }

        /** The output as JSON. */
        public JsonNode json() {
            return JSON.readTree(out);
        }

        /** The error as JSON. */
        public JsonNode error() {
            return JSON.readTree(err).path("error");
        }
    }
}
