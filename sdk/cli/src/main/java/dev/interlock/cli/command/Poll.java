package dev.interlock.cli.command;

import dev.interlock.InterlockException;
import dev.interlock.cli.view.WatchView.Outage;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Asks again and again, on a thread of its own, so that a slow project does not hold up the screen. Thread-safe. */
final class Poll implements AutoCloseable {

    /**
     * What is known.
     *
     * @param status the latest answer
     * @param at when it came, by {@link System#nanoTime}
     * @param outage why there is none newer; null when the latest call was answered
     * @param mistake what this program does wrong; null for nothing
     */
    private record State(
            JsonNode status,
            long at,
            @Nullable Outage outage,
            @Nullable RuntimeException mistake) {}

    /** As {@link State}, for whoever looks. */
    record Seen(JsonNode status, Duration age, @Nullable Outage outage) {}

    private final Supplier<JsonNode> question;
    private final Duration every;
    private final Thread thread = new Thread(this::run, "ask");
    private volatile State state;

    Poll(Supplier<JsonNode> question, Duration every, JsonNode first) {
        this.question = question;
        this.every = every;
        this.state = new State(first, System.nanoTime(), null, null);
        thread.setDaemon(true);
        thread.start();
    }

    /** The latest answer and its age. */
    Seen seen() {
        State now = state;
        if (now.mistake() != null) {
            throw now.mistake();
        }
        return new Seen(now.status(), Duration.ofNanos(System.nanoTime() - now.at()), now.outage());
    }

    private void run() {
        try {
            while (true) {
                Thread.sleep(every.toMillis());
                ask();
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    private void ask() {
        State before = state;
        Instant asked = Instant.now();
        try {
            state = new State(question.get(), System.nanoTime(), null, null);
        } catch (InterlockException e) {
            Instant since = before.outage() == null ? asked : before.outage().since();
            state = new State(before.status(), before.at(), new Outage(since, String.valueOf(e.getMessage())), null);
        } catch (RuntimeException e) {
            state = new State(before.status(), before.at(), null, e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
