package dev.interlock.samples.quickstart;

import dev.interlock.QueueStatus;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a person sees: on a terminal a picture that is drawn over, elsewhere a line for each event. */
final class View {

    private static final int WIDTH = 78;

    private final PrintStream out;
    private final boolean terminal;
    private final Demo demo;
    private final Instant start = Instant.now();
    private int drawn;

    View(PrintStream out, Demo demo) {
        this.out = out;
        this.demo = demo;
        String term = System.getenv().getOrDefault("TERM", "dumb");
        // The script that starts us has looked: Java's own answer differs between its versions.
        this.terminal = Boolean.getBoolean("interlock.terminal") && !term.equals("dumb");
    }

    void say(String line) {
        drawn = 0;
        out.println(line);
    }

    void heading(String line) {
        say("");
        say(bold(line));
    }

    /** One event as a line, where nothing can be drawn over. */
    void event(String event, String job, String models, String more) {
        if (!terminal) {
            out.printf(
                    Locale.ROOT,
                    "%6.1f s  %-13s %-14s %-43s %s%n",
                    seconds(),
                    event,
                    demo.shown(job),
                    demo.shown(models),
                    demo.shown(more));
        }
    }

    /** The state now, in place of the one before. */
    void draw(QueueStatus status, String footer) {
        if (!terminal) {
            return;
        }
        List<String> lines = new ArrayList<>();
        lines.add(String.format("  %-25s %-29s %s", "model", "held by", "in line"));
        for (QueueStatus.Model model : status.models()) {
            if (model.model().endsWith(demo.run())) {
                lines.add(line(model, status.now()));
            }
        }
        lines.add("  " + footer);

        StringBuilder picture = new StringBuilder();
        if (drawn > 0) {
            picture.append("\033[").append(drawn).append('A');
        }
        for (String line : lines) {
            picture.append("\033[2K").append(cut(line)).append('\n');
        }
        // Models that are gone leave no line behind.
        picture.append("\033[J");
        out.print(picture);
        out.flush();
        drawn = lines.size();
    }

    private String line(QueueStatus.Model model, Instant now) {
        List<String> held = new ArrayList<>();
        for (QueueStatus.Holder holder : model.holders()) {
            Instant since = holder.startedAt() == null ? now : holder.startedAt();
            double age = Math.max(0, Duration.between(since, now).toMillis() / 1000.0);
            held.add(String.format(Locale.ROOT, "%s (%s %.1f s)", demo.shown(holder.jobId()), holder.workerId(), age));
        }
        List<String> waiting = new ArrayList<>();
        for (QueueStatus.Waiter waiter : model.line()) {
            waiting.add(demo.shown(waiter.jobId()));
        }
        String holders = held.isEmpty() ? "-" : String.join(", ", held);
        return String.format("  %-25s %-29s %s", demo.shown(model.model()), holders, String.join(" ", waiting));
    }

    double seconds() {
        return Duration.between(start, Instant.now()).toMillis() / 1000.0;
    }

    private String bold(String text) {
        return terminal ? "\033[1m" + text + "\033[0m" : text;
    }

    private static String cut(String line) {
        return line.length() <= WIDTH ? line : line.substring(0, WIDTH - 1) + "…";
    }
}
