package dev.interlock.cli.command;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Gives each event once, as it comes. A transaction that commits later may hold earlier events: so each look begins a while before the newest event of
 * the look before, and what is known is passed over. A call over HTTP is over within 8 seconds, which the short look back covers; the long one, now
 * and then, is for transactions that somebody keeps open by hand. All by the database's clock.
 */
final class LogFollower {

    private static final Duration SHORT = Duration.ofSeconds(10);
    private static final Duration LONG = Duration.ofMinutes(2);
    private static final int LONG_EVERY = 15;

    private final LogReader log;
    private final Map<String, Instant> known = new HashMap<>();
    private final Instant first;
    private Instant head;
    private int looks;

    /** Begins with what is there: it is known, and is given by {@link #begin} alone. */
    LogFollower(LogReader log) {
        this.log = log;
        head = log.head();
        first = LogReader.before(head, SHORT);
        log.from(first).forEach(this::isNew);
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
        Instant from = LogReader.before(head, back);
        // Read before the events: one that comes in between is within the next look back.
        Instant newest = log.head();
        List<JsonNode> rows = new ArrayList<>(log.from(from.isBefore(first) ? first : from));
        rows.removeIf(row -> !isNew(row));
        if (newest.isAfter(head)) {
            head = newest;
        }
        Instant forgotten = LogReader.before(head, LONG.plus(SHORT));
        known.values().removeIf(time -> time.isBefore(forgotten));
        return rows;
    }

    private boolean isNew(JsonNode row) {
        return known.put(row.path("id").asString(), LogReader.time(row)) == null;
    }
}
