package dev.interlock.cli.command;

import dev.interlock.InterlockException;
import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.Screen;
import dev.interlock.cli.view.WatchView;
import dev.interlock.cli.view.WatchView.Outage;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import org.jline.terminal.Size;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code interlock watch}: the queue as it goes. */
@Command(
        name = "watch",
        description = {
            "The queue as it goes, on a terminal: models, who holds them and until when, who is next, the workers.",
            "One call an interval. Keys: q quits; arrows, PgUp, PgDn, Home and End scroll."
        },
        footer = {
            "Examples:",
            "  interlock watch",
            "  interlock watch --interval 5 --model motion-2.0-fast --model flux-pro",
            "  interlock watch --json --interval 10 >> queue.jsonl    an answer a line, until Ctrl-C"
        })
public final class WatchCommand extends ProjectCommand {

    private static final double SHORTEST = 0.2;
    private static final double LONGEST = 60;
    // How often the times on the screen, and its size, are looked at again.
    private static final Duration TICK = Duration.ofMillis(250);
    private static final Duration LATE = Duration.ofSeconds(3);

    @Option(
            names = "--interval",
            paramLabel = "SECONDS",
            defaultValue = "1",
            description = "How often it asks, 0.2 to 60; default 1.")
    private double interval;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            arity = "1..*",
            description = "Only these models; may be given again.")
    private List<String> models = List.of();

    @Override
    protected int run(Project project, Console console) {
        if (!(interval >= SHORTEST && interval <= LONGEST)) {
            throw wrong("--interval is " + interval + "; it has to be 0.2 to 60 seconds.");
        }
        Duration every = Duration.ofMillis(Math.round(interval * 1000));
        if (json()) {
            return print(project, console, every);
        }
        if (console.terminal() == null) {
            throw wrong(
                    "This needs a terminal. For a script there are \"interlock status --json\" and \"interlock watch --json\".");
        }
        // What is wrong from the start is told as by any other command.
        JsonNode first = ask(project);
        try (Poll poll = new Poll(() -> ask(project), every, first);
                Screen screen = Screen.open(console)) {
            show(poll, screen, new WatchView(host(project), models, ZoneId.systemDefault()), every);
        }
        return ExitCode.OK;
    }

    private static void show(Poll poll, Screen screen, WatchView view, Duration every) {
        Duration late = every.multipliedBy(3).compareTo(LATE) > 0 ? every.multipliedBy(3) : LATE;
        while (true) {
            Poll.Seen seen = poll.seen();
            Duration age = seen.age();
            Outage outage = seen.outage();
            if (outage == null && age.compareTo(late) > 0) {
                outage = new Outage(Instant.now().minus(age), "the project has not answered yet.");
            }
            Size size = screen.size();
            screen.draw(view.frame(seen.status(), age, outage, size.getColumns(), size.getRows()));
            switch (screen.key(TICK)) {
                case QUIT -> {
                    return;
                }
                case UP -> view.scroll(-1);
                case DOWN -> view.scroll(1);
                case PAGE_UP -> view.scroll(-view.page());
                case PAGE_DOWN -> view.scroll(view.page());
                case HOME -> view.scroll(Integer.MIN_VALUE);
                case END -> view.scroll(Integer.MAX_VALUE);
                case NONE, OTHER -> {
                    // Drawn anew.
                }
            }
        }
    }

    /** An answer a line; where there is none, what went wrong. */
    private static int print(Project project, Console console, Duration every) {
        try {
            while (true) {
                long began = System.nanoTime();
                console.printJsonLine(answer(project));
                if (console.isClosed()) {
                    return ExitCode.OK;
                }
                Thread.sleep(Math.max(0, every.toMillis() - (System.nanoTime() - began) / 1_000_000));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ExitCode.OK;
        }
    }

    private static Object answer(Project project) {
        try {
            return ask(project);
        } catch (InterlockException e) {
            return Map.of("error", Map.of("at", Instant.now().toString(), "message", String.valueOf(e.getMessage())));
        }
    }

    private static JsonNode ask(Project project) {
        return project.call("job_queue_status", Map.of());
    }

    private static String host(Project project) {
        @Nullable String host = URI.create(project.supabase().url()).getAuthority();
        return "Interlock  " + (host == null ? project.supabase().url() : host);
    }
}
