package dev.interlock.cli;

import dev.interlock.ConfigurationException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Where commands read and write: a person's terminal, or a script's pipes, where there are no colours and no questions. For one thread. */
public final class Console implements AutoCloseable {

    // Wide enough for a script's grep, and for a table in a log.
    private static final int PIPE_WIDTH = 200;
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final JsonMapper JSON_LINES = JsonMapper.builder().build();

    private final BufferedReader in;
    private final PrintWriter out;
    private final PrintWriter err;
    private final Map<String, String> environment;
    private final @Nullable Terminal terminal;
    private final boolean colours;

    /** One that reads and writes here; {@code terminal} is null where a person does not look on. */
    public Console(
            InputStream in,
            PrintStream out,
            PrintStream err,
            Map<String, String> environment,
            @Nullable Terminal terminal) {
        this.in = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        this.out = new PrintWriter(out, true, StandardCharsets.UTF_8);
        this.err = new PrintWriter(err, true, StandardCharsets.UTF_8);
        this.environment = environment;
        this.terminal = terminal;
        this.colours =
                terminal != null && environment.getOrDefault("NO_COLOR", "").isEmpty();
    }

    /** That of this process. */
    static Console system() {
        Terminal terminal = null;
        try {
            Terminal found = TerminalBuilder.builder()
                    .system(true)
                    // A terminal is where the output goes; a pipe with a terminal for its errors is none.
                    .systemOutput(TerminalBuilder.SystemOutput.SysOut)
                    .dumb(true)
                    // A person's Ctrl-C ends the command; nothing is to be restored but what watch sets itself.
                    .nativeSignals(false)
                    .signalHandler(Terminal.SignalHandler.SIG_DFL)
                    .build();
            if (found.getType().toLowerCase(Locale.ROOT).startsWith(Terminal.TYPE_DUMB)) {
                found.close();
            } else {
                terminal = found;
            }
        } catch (IOException | IllegalStateException e) {
            // No terminal that this system can name: written plainly.
            terminal = null;
        }
        return new Console(System.in, System.out, System.err, System.getenv(), terminal);
    }

    /** The environment variables. */
    public Map<String, String> environment() {
        return environment;
    }

    /** The person's terminal; null where the output goes elsewhere. */
    public @Nullable Terminal terminal() {
        return terminal;
    }

    /** How many columns a line may have. */
    public int width() {
        if (terminal == null) {
            return PIPE_WIDTH;
        }
        int columns = terminal.getSize().getColumns();
        return columns > 0 ? columns : 80;
    }

    /** Prints a line, in colour where that can be seen. */
    public void print(AttributedString line) {
        out.println(colours && terminal != null ? line.toAnsi(terminal) : line.toString());
    }

    /** Prints a line. */
    public void print(String line) {
        out.println(line);
    }

    /** Prints a JSON document, indented. */
    public void printJson(Object value) {
        out.println(JSON.writeValueAsString(value));
    }

    /** Prints a JSON document on a line of its own, for commands that go on. */
    public void printJsonLine(Object value) {
        out.println(JSON_LINES.writeValueAsString(value));
    }

    /** As {@link #tell}, for a script. */
    void tellJson(Object value) {
        err.println(JSON_LINES.writeValueAsString(value));
    }

    /** Tells the person something that is not the result: progress, a warning, an error. */
    public void tell(String line) {
        err.println(line);
    }

    /**
     * Asks a question that only "y" or "yes" agrees to. Without a terminal nobody is there to answer: then the answer is what the input holds, and at
     * its end no. Every command that asks has {@code --yes}.
     */
    public boolean ask(String question) {
        err.print(question + " [y/N] ");
        err.flush();
        try {
            String answer = in.readLine();
            if (answer == null) {
                err.println();
                tell("Nobody is there to answer; with --yes it does not ask.");
                return false;
            }
            return answer.strip().equalsIgnoreCase("y") || answer.strip().equalsIgnoreCase("yes");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first line of the input, for a key that is given there. */
    String readLine() throws IOException {
        String line = in.readLine();
        return line == null ? "" : line;
    }

    /** The lines that the input has left, without blank ones. */
    public List<String> readLines() {
        try {
            return in.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
        } catch (UncheckedIOException e) {
            throw new ConfigurationException("The standard input cannot be read: " + e.getMessage() + ".", e);
        }
    }

    /** Whether whoever read the output has gone, as {@code head} does when it has enough. */
    public boolean isClosed() {
        return out.checkError();
    }

    /** Shows on a terminal how far it has come, each time in place of the last; null takes it away. */
    public void progress(@Nullable String text) {
        if (terminal != null) {
            err.print("\r\u001b[K" + (text == null ? "" : text));
            err.flush();
        }
    }

    PrintWriter out() {
        return out;
    }

    PrintWriter err() {
        return err;
    }

    boolean colours() {
        return colours;
    }

    @Override
    public void close() {
        out.flush();
        err.flush();
        if (terminal != null) {
            try {
                terminal.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
