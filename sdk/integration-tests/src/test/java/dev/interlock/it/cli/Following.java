package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.cli.Console;
import dev.interlock.cli.Interlock;
import dev.interlock.testing.LocalSupabase;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A command that goes on until it is closed, and the lines that it prints as they come. */
final class Following implements AutoCloseable {

    private final BlockingQueue<String> coming = new LinkedBlockingQueue<>();
    private final List<String> lines = new ArrayList<>();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
    private final FutureTask<Integer> run;
    private final Thread thread;
    private volatile boolean gone;

    Following(LocalSupabase local, String url, String... args) {
        Map<String, String> environment = Map.of("SUPABASE_URL", url, "SUPABASE_SECRET_KEY", local.secretKey());
        run = new FutureTask<>(() -> {
            try (Console console = new Console(
                    InputStream.nullInputStream(),
                    new PrintStream(new Lines(), true, StandardCharsets.UTF_8),
                    new PrintStream(errors, true, StandardCharsets.UTF_8),
                    environment,
                    null)) {
                return Interlock.run(console, args);
            }
        });
        thread = new Thread(run, "following");
        thread.start();
    }

    /** Splits what is printed into lines. */
    private final class Lines extends OutputStream {
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();

        @Override
        public void write(int b) throws java.io.IOException {
            if (gone) {
                throw new java.io.IOException("Nobody reads on.");
            }
            if (b == '\n') {
                coming.add(line.toString(StandardCharsets.UTF_8));
                line.reset();
            } else {
                line.write(b);
            }
        }
    }

    /** Waits for a line; the time only bounds how long a broken build takes. */
    String await(Predicate<String> wanted) throws InterruptedException {
        while (true) {
            String line = coming.poll(60, TimeUnit.SECONDS);
            assertThat(line)
                    .as("a line that was to come after %s; errors: %s", lines, errors())
                    .isNotNull();
            lines.add(line);
            if (wanted.test(line)) {
                return line;
            }
        }
    }

    /** All lines that were waited for, as JSON. */
    List<JsonNode> seen() {
        return lines.stream().map(line -> JsonMapper.shared().readTree(line)).toList();
    }

    String errors() {
        return errors.toString(StandardCharsets.UTF_8);
    }

    /** Whoever read the output goes; what comes of the command. */
    int leave() throws Exception {
        gone = true;
        return run.get(60, TimeUnit.SECONDS);
    }

    /** Ends it as Ctrl-C does, and sees to it that it ends. */
    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(60));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        assertThat(thread.isAlive()).isFalse();
    }
}
