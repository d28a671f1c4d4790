package dev.interlock.cli.command;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Gives each event once, as it comes. A transaction that commits later may hold earlier events: so each look begins a while before the last one, and
 * what is known is passed over. A call over HTTP is over within 8 seconds, which the short look back covers; the long one, now and then, is for
 * transactions that somebody keeps open by hand. All by the database's clock.
 */
final class LogFollower {

    private static final Duration SHORT = Duration.ofSeconds(10);
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final int LONG_EVERY = 5;

    private final LogReader log;
    private final Map<String, Instant> known = new HashMap<>();
    private final Instant begun;
    private final long begunNanos = System.nanoTime();
    private Instant looked;
    private int looks;

    /**
     * Begins with what is there: it is known, and is given by {@link #begin} alone.
     *
     * @param now by the database's clock
     */
    LogFollower(LogReader log, Instant now) {
        this.log = log;
        begun = now;
        looked = now;
        log.from(now.minus(LONG)).forEach(this::isNew);
    }

    /** The newest so many of those that are there. */
    List<JsonNode> begin(int limit) {
        List<JsonNode> rows = log.newest(limit);
        rows.forEach(this::isNew);
        return rows;
    }

    /** What has come since the last look, in order. */
    List<JsonNode> next() {
        looks++;
        Duration back = looks % LONG_EVERY == 0 ? LONG : SHORT;
        // The time before it reads: what comes while it does is within the next look back.
        Instant now = begun.plusNanos(System.nanoTime() - begunNanos);
        List<JsonNode> rows = new ArrayList<>(log.from(looked.minus(back)));
        rows.removeIf(row -> !isNew(row));
        looked = now;
        Instant forgotten = now.minus(LONG).minus(LONG);
        known.values().removeIf(time -> time.isBefore(forgotten));
        return rows;
    }

    private boolean isNew(JsonNode row) {
        return known.put(row.path("id").asString(), LogReader.time(row)) == null;
    }
}
