package dev.interlock.samples.studio;

import dev.interlock.QueueStatus;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a person sees while it goes on: on a terminal a picture that is drawn over, elsewhere a line now and then. */
final class View {

    private static final int WIDTH = 100;
    private static final int BAR = 40;
    private static final Duration LINE_EVERY = Duration.ofSeconds(2);

    private final PrintStream out;
    private final boolean terminal;
    private final Plan plan;
    private Instant lastLine = Instant.EPOCH;
    private int drawn;

    View(PrintStream out, Plan plan) {
        this.out = out;
        this.plan = plan;
        // The script that starts us has looked: Java's own answer differs between its versions.
        this.terminal = Boolean.getBoolean("interlock.terminal")
                && !System.getenv().getOrDefault("TERM", "dumb").equals("dumb");
    }

    void say(String line) {
        drawn = 0;
        out.println(line);
    }

    void heading(String line) {
        say("");
        say(terminal ? "\033[1m" + line + "\033[0m" : line);
    }

    /** How far a round is. */
    void show(QueueStatus status, String suffix, int done, int of, Duration since, int rejected) {
        String bar = "█".repeat(done * BAR / of) + "░".repeat(BAR - done * BAR / of);
        String progress = String.format(
                Locale.ROOT,
                "%s %3d of %d jobs   %5.1f s   turned away by providers: %d",
                bar,
                done,
                of,
                since.toMillis() / 1000.0,
                rejected);
        if (!terminal) {
            if (Duration.between(lastLine, Instant.now()).compareTo(LINE_EVERY) >= 0) {
                lastLine = Instant.now();
                say("  " + progress);
            }
            return;
        }
        List<String> lines = new ArrayList<>();
        lines.add("  " + progress);
        for (Plan.Model model : Plan.MODELS) {
            status.models().stream()
                    .filter(m -> m.model().equals(plan.named(model.name())))
                    .forEach(m -> lines.add(line(model, m, suffix)));
        }
        StringBuilder picture = new StringBuilder();
        if (drawn > 0) {
            picture.append("\033[").append(drawn).append('A');
        }
        for (String line : lines) {
            picture.append("\033[2K").append(cut(line)).append('\n');
        }
        // What was there before and is not now leaves no line behind.
        picture.append("\033[J");
        out.print(picture);
        out.flush();
        drawn = lines.size();
    }

    /** The end of a round: its last picture, and what is said of it. */
    void done(String line) {
        if (terminal && drawn > 0) {
            out.print("\033[" + drawn + "A\033[J");
        }
        say("  " + line);
    }

    private String line(Plan.Model model, QueueStatus.Model now, String suffix) {
        List<String> holders = now.holders().stream()
                .map(holder -> holder.jobId().replace(suffix, ""))
                .toList();
        String seats = "■".repeat(Math.min(holders.size(), model.capacity()))
                + "□".repeat(Math.max(0, model.capacity() - holders.size()));
        return String.format(
                "    %-17s %-3s %-46s %3d in line", model.name(), seats, String.join(", ", holders), now.waiting());
    }

    private static String cut(String line) {
        return line.length() <= WIDTH ? line : line.substring(0, WIDTH - 1) + "…";
    }
}
