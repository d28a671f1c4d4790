package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.cli.Console;
import dev.interlock.cli.Interlock;
import dev.interlock.it.cli.CliRunner.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jline.terminal.Attributes;
import org.jline.terminal.Size;
import org.jline.utils.ScreenTerminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WatchCommandTest extends CliTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void end() {
        threads.shutdownNow();
    }

    @Test
    void holdersAppearAndGoAndQEndsIt() throws Exception {
        try (Person person = new Person(80, 24, Map.of(), "watch", "--interval", "0.2")) {
            person.sees("0 running, 0 waiting, 0 delayed.");

            enqueue(job("first", "image", "flux"), job("second", "image", "flux"));
            person.sees("next: first (may start), second");
            long token = claim("w-1", "image");
            String screen = person.sees("next: second");
            assertThat(screen)
                    .containsPattern("flux +1/1 +1 ")
                    .containsPattern("\n  first +w-1 +for \\S+ +lease \\d+s")
                    .containsPattern("\nw-1 +1 +\\S+ ago +image +first");

            end("first", token, "complete", Map.of());
            person.sees("next: second (may start)");

            person.presses("q");
            assertThat(person.exitCode()).isZero();
            person.hasTheTerminalBack();
        }
    }

    @Test
    void leasesCountDownByTheServersClock() throws Exception {
        enqueue(job("a", "image", "flux"));
        claim("w-1", "image");
        // Whatever this machine's clock says.
        sql("update public.job_queue_jobs set lease_until = now() + interval '1 hour 30 minutes' where job_id = 'a'");
        try (Person person = new Person(80, 24, Map.of(), "watch", "--interval", "60")) {
            person.sees("lease 1h 29m");
        }
        sql("update public.job_queue_jobs set lease_until = now() + interval '3 seconds' where job_id = 'a'");
        try (Person person = new Person(80, 24, Map.of(), "watch", "--interval", "60")) {
            // One call was made; what follows is reckoned.
            person.sees("lease over ");
            person.sees("! The lease of a (worker w-1) ran out");
        }
    }

    @Test
    void noLineIsLongerThanTheScreenWhateverItsSize() throws Exception {
        set("a-model-with-a-name-that-is-longer-than-most-screens-are-wide-".repeat(2), Map.of("capacity", 2));
        enqueue(
                job(
                        "騎士".repeat(20),
                        "video",
                        "a-model-with-a-name-that-is-longer-than-most-screens-are-wide-".repeat(2)),
                job("b".repeat(150), "video", "flux"));
        claim("w-" + "x".repeat(100), "video");
        try (Person person = new Person(80, 24, Map.of(), "watch", "--interval", "0.2")) {
            person.sees("q quits");
            for (Size size : List.of(Size.of(40, 12), Size.of(200, 50), Size.of(20, 5))) {
                person.resizesTo(size);
                // The last line is the foot, and the first one ends with the time: nothing was wrapped.
                person.seesThat(lines -> lines.size() == size.getRows()
                        && lines.get(size.getRows() - 1).startsWith("q quits")
                        && lines.get(0).matches("Interlock.* \\d\\d:\\d\\d:\\d\\d *"));
            }
        }
    }

    @Test
    void idsAreWholeAt80Columns() throws Exception {
        String id = "0199c0de-5a52-7c1a-b0d4-0000000000";
        enqueue(job(id + "01", "video", "flux"), job(id + "02", "video", "kling"));
        claim("gpu-box-1-e5a3.internal", "video");
        claim("gpu-box-1-e5a3.internal", "video");
        try (Person person = new Person(80, 24, Map.of(), "watch")) {
            assertThat(person.sees(id + "01")).contains(id + "02");
        }
    }

    @Test
    void moreModelsThanRowsScroll() throws Exception {
        for (int i = 10; i < 40; i++) {
            enqueue(job("job-" + i, "image", "model-" + i));
        }
        try (Person person = new Person(80, 24, Map.of(), "watch", "--interval", "0.2")) {
            String first = person.sees("model-10");
            assertThat(first).contains("PgDn scroll", "1–").doesNotContain("model-39");
            person.presses("\u001b[B");
            person.seesThat(lines -> lines.stream().anyMatch(line -> line.contains(" 2–")));
            person.presses("G");
            person.sees("model-39");
            person.presses("\u001b[5~");
            person.seesThat(lines -> lines.stream().noneMatch(line -> line.contains("model-39")));
            person.presses("g");
            person.sees("model-10");
        }
    }

    @Test
    void onlyTheModelsAskedFor() throws Exception {
        enqueue(job("a", "image", "flux"), job("b", "image", "kling"));
        try (Person person = new Person(80, 24, Map.of(), "watch", "--model", "flux", "--model", "none")) {
            String screen = person.sees("No model none is known.");
            assertThat(screen).contains("next: a (may start)").doesNotContain("kling");
        }
    }

    @Test
    void withoutTheProjectItStaysAndShowsNothingAsFresh() throws Exception {
        enqueue(job("a", "image", "flux"));
        claim("w-1", "image");
        try (Person person = new Person(80, 24, Map.of(), "watch", "--interval", "0.2", "--timeout", "1")) {
            person.sees("lease 2");
            local.stopPostgrest();
            try {
                String then = person.sees("! No answer since ");
                assertThat(then).contains("still trying: ", "What you see is ");
                String lease = lease(then);
                // Older by two seconds, and the same: nothing counts down that may be long past.
                person.seesThat(lines -> lines.stream().anyMatch(line -> line.matches(".*What you see is [4-9].*")));
                assertThat(lease(person.screen())).isEqualTo(lease);
            } finally {
                local.startPostgrest();
            }
            person.seesThat(lines -> lines.stream().noneMatch(line -> line.contains("No answer since")));
        }
    }

    @Test
    void colourIsNeverTheOnlySignAndNoneIsSentWhereNoneIsWanted() throws Exception {
        set("off", Map.of("paused", true));
        enqueue(job("a", "image", "flux"));
        try (Person person = new Person(80, 24, Map.of("NO_COLOR", "1"), "watch")) {
            person.sees("paused");
            assertThat(person.styled()).isZero();
        }
        try (Person person = new Person(80, 24, Map.of(), "watch")) {
            person.sees("paused");
            assertThat(person.styled()).isPositive();
        }
    }

    @Test
    void withoutATerminalItSaysWhatElseThereIs() {
        Outcome outcome = cli.run("watch");

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.errors()).singleElement().asString().contains("interlock status --json", "watch --json");
        for (String interval : List.of("0.1", "61", "NaN", "-1")) {
            Outcome wrong = cli.run("watch", "--interval", interval);
            assertThat(wrong.exitCode()).isEqualTo(2);
            assertThat(wrong.errors()).singleElement().asString().contains("0.2 to 60 seconds");
        }
    }

    @Test
    void asJsonAnAnswerALineUntilNobodyReads() throws Exception {
        enqueue(job("a", "image", "flux"));
        Reader reader = new Reader(3);
        try (Console console = new Console(
                InputStream.nullInputStream(),
                new PrintStream(reader, true, StandardCharsets.UTF_8),
                new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8),
                Map.of("SUPABASE_URL", local.url(), "SUPABASE_SECRET_KEY", local.secretKey()),
                null)) {
            assertThat(Interlock.run(console, "watch", "--json", "--interval", "0.2"))
                    .isZero();
        }

        assertThat(reader.lines())
                .hasSize(3)
                .allSatisfy(line ->
                        assertThat(line).startsWith("{").endsWith("}").contains("\"now\":", "\"job_id\":\"a\""));
    }

    private static String lease(String screen) {
        return screen.replaceAll("(?s).* lease (\\S+).*", "$1");
    }

    /** Reads so many lines and goes, as head does. */
    private static final class Reader extends OutputStream {
        private final ByteArrayOutputStream read = new ByteArrayOutputStream();
        private int left;

        Reader(int lines) {
            this.left = lines;
        }

        @Override
        public synchronized void write(int b) throws IOException {
            if (left == 0) {
                throw new IOException("Broken pipe");
            }
            read.write(b);
            left -= b == '\n' ? 1 : 0;
        }

        synchronized List<String> lines() {
            return read.toString(StandardCharsets.UTF_8).lines().toList();
        }
    }

    /** Somebody before a terminal, on which this command runs until q is pressed. */
    private final class Person implements AutoCloseable {
        private final ScreenTerminal.VirtualTerminal virtual;
        private final Attributes before;
        private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
        private final CompletableFuture<Integer> exitCode;

        Person(int columns, int rows, Map<String, String> more, String... args) throws IOException {
            virtual = ScreenTerminal.withTerminal("test", "xterm-256color", columns, rows);
            virtual.terminal().writer().print("$ interlock watch\r\n");
            virtual.terminal().flush();
            before = virtual.terminal().getAttributes();
            Map<String, String> environment = new TreeMap<>(more);
            environment.put("SUPABASE_URL", local.url());
            environment.put("SUPABASE_SECRET_KEY", local.secretKey());
            exitCode = CompletableFuture.supplyAsync(
                    () -> {
                        // Not closed: the terminal is looked at afterwards.
                        Console console = new Console(
                                InputStream.nullInputStream(),
                                new PrintStream(virtual.terminal().output(), true, StandardCharsets.UTF_8),
                                new PrintStream(errors, true, StandardCharsets.UTF_8),
                                environment,
                                virtual.terminal());
                        return Interlock.run(console, args);
                    },
                    threads);
        }

        String sees(String text) throws InterruptedException {
            return seesThat(lines -> String.join("\n", lines).contains(text));
        }

        /** Looks on until that is so; returns the screen. */
        String seesThat(Predicate<List<String>> wanted) throws InterruptedException {
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (!wanted.test(lines())) {
                long left = (deadline - System.nanoTime()) / 1_000_000;
                if (left <= 0 || exitCode.isDone()) {
                    throw new AssertionError("never seen, last on the screen:\n" + screen() + "\nerrors: "
                            + errors.toString(StandardCharsets.UTF_8));
                }
                virtual.screen().waitDirty(Math.min(left, 1000));
            }
            return screen();
        }

        String screen() {
            return String.join("\n", lines());
        }

        private List<String> lines() {
            return virtual.screen()
                    .toString()
                    .lines()
                    .map(String::stripTrailing)
                    .toList();
        }

        void presses(String keys) throws IOException {
            virtual.terminal().processInputBytes(keys.getBytes(StandardCharsets.UTF_8));
        }

        void resizesTo(Size size) {
            virtual.screen().setSize(size);
            virtual.terminal().setSize(size);
        }

        /** How many characters on the screen are in a colour, bold or faint. */
        long styled() {
            long[] cells = new long[80 * 24];
            virtual.screen().dump(cells, new int[2]);
            return Arrays.stream(cells)
                    .filter(cell -> ScreenTerminal.cellCodePoint(cell) > ' ')
                    .filter(cell -> ScreenTerminal.cellHasForeground(cell)
                            || ScreenTerminal.cellBold(cell)
                            || ScreenTerminal.cellDim(cell))
                    .count();
        }

        int exitCode() {
            return exitCode.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
        }

        void hasTheTerminalBack() {
            assertThat(lines().get(0)).isEqualTo("$ interlock watch");
            assertThat(lines().subList(1, lines().size())).allMatch(String::isEmpty);
            assertThat(virtual.terminal().getAttributes().toString()).isEqualTo(before.toString());
        }

        @Override
        public void close() throws IOException {
            if (!exitCode.isDone()) {
                presses("q");
                assertThat(exitCode()).isZero();
                hasTheTerminalBack();
            }
            virtual.terminal().close();
        }
    }
}
