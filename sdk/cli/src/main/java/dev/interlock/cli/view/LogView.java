package dev.interlock.cli.view;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStringBuilder;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Events, a line each, in columns as wide as what was in them so far, so that there is room for what is said of the event. On a narrow screen the
 * date stands on a line of its own when it changes.
 * Not thread-safe.
 */
public final class LogView {

    private static final int WIDE = 120;
    private static final int EVENT = 16;
    private static final Set<String> GOOD = Set.of("completed");
    private static final Set<String> BAD = Set.of("failed", "expired", "lease_expired", "mirror_failed");
    private static final Set<String> WORTH_A_LOOK = Set.of(
            "retry_scheduled",
            "cancel_requested",
            "cancelled",
            "skipped",
            "model_changed",
            "limits_changed",
            "retried",
            "reprioritized");

    private final ZoneId zone;
    private @Nullable LocalDate date;
    private int jobs;
    private int models;

    /** For somebody in this zone. */
    public LogView(ZoneId zone) {
        this.zone = zone;
    }

    /** Makes the columns wide enough for these. */
    public void fit(List<JsonNode> rows) {
        for (JsonNode row : rows) {
            jobs = Math.max(jobs, Styles.plain(Fields.text(row, "job_id")).columnLength());
            models = Math.max(models, models(row).columnLength());
        }
    }

    private static AttributedString models(JsonNode row) {
        return Styles.plain(String.join(", ", Fields.texts(row.path("models"))));
    }

    /** The lines of an event, none of them longer than the screen. */
    public List<AttributedString> lines(JsonNode row, int width) {
        List<AttributedString> lines = new ArrayList<>();
        boolean wide = width >= WIDE;
        Instant time = Fields.time(row, "created_at");
        String clock = time == null ? "" : Times.at(time, zone);
        if (!wide && time != null) {
            LocalDate day = time.atZone(zone).toLocalDate();
            if (!day.equals(date)) {
                lines.add(Styles.faint(day.toString()));
                date = day;
            }
            clock = clock.substring(clock.indexOf(' ') + 1);
        }
        AttributedStringBuilder line = new AttributedStringBuilder();
        column(line, Styles.faint(clock), wide ? 19 : 8);
        column(line, event(Fields.text(row, "event_type")), EVENT);
        // What follows is shared: the job, its models, and what is left for the details.
        fit(List.of(row));
        int most = (width - line.columnLength()) * 3 / 10;
        String job = Fields.text(row, "job_id");
        // What operators did is of no job.
        if (wide || !job.isEmpty()) {
            column(line, Styles.heading(job), Math.min(jobs, wide ? Math.max(most, 36) : most));
        }
        column(line, models(row), Math.min(models, most));
        line.append(details(row, wide));
        lines.add(TextTable.cut(trimmed(line.toAttributedString()), width));
        return lines;
    }

    private static void column(AttributedStringBuilder line, AttributedString text, int width) {
        AttributedString shown = TextTable.cut(text, width);
        line.append(shown).append(" ".repeat(width - shown.columnLength() + 2));
    }

    private static AttributedString trimmed(AttributedString line) {
        int end = line.length();
        while (end > 0 && line.charAt(end - 1) == ' ') {
            end--;
        }
        return line.subSequence(0, end);
    }

    private static AttributedString event(String name) {
        if (BAD.contains(name)) {
            return Styles.bad(name);
        }
        return GOOD.contains(name)
                ? Styles.good(name)
                : WORTH_A_LOOK.contains(name) ? Styles.warning(name) : Styles.plain(name);
    }

    /** What is said of the event, the most telling first: on a narrow screen the end is cut. */
    private String details(JsonNode row, boolean wide) {
        JsonNode more = row.path("metadata");
        List<String> parts = new ArrayList<>();
        // The reason names the job too, in a sentence.
        boolean blocked = Fields.has(row, "blocked_by_job_id");
        add(parts, "", blocked && !wide ? "" : Fields.text(row, "conflict_reason"));
        if (parts.isEmpty()) {
            add(parts, "behind ", Fields.text(row, "blocked_by_job_id"));
        }
        boolean told = !parts.isEmpty();
        add(parts, "", Fields.text(more, "message"));
        add(parts, "", Fields.text(more, "reason"));
        String type = Fields.text(row, "event_type");
        String error = Fields.text(more, "error");
        if (!type.equals("started") && !error.equals(type)) {
            add(parts, "", error);
        }
        if (!told) {
            due(parts, more);
        }
        changes(parts, more);
        if (Fields.has(more, "worker_id")
                && !Set.of("queued", "blocked", "retried", "reprioritized", "skipped")
                        .contains(type)) {
            add(parts, "", Fields.text(more, "worker_id"));
            add(parts, "attempt ", Fields.text(more, "attempt"));
        }
        add(parts, "adopted, was ", Fields.text(more, "adopted"));
        add(parts, "step ", Fields.text(more, "step"));
        length(parts, "waited ", more.path("waited"));
        length(parts, "ran ", more.path("ran"));
        for (String flag : List.of("paused", "resumed", "due", "callback")) {
            if (more.path(flag).asBoolean(false)) {
                parts.add(flag);
            }
        }
        add(parts, "by ", Fields.text(more, "by"));
        return String.join(", ", parts);
    }

    private void due(List<String> parts, JsonNode more) {
        String due = Fields.text(more, "due_at");
        if (due.equals("infinity")) {
            parts.add("until a model goes on or a worker comes");
        } else if (!due.isEmpty()) {
            Instant time = Fields.time(more, "due_at");
            parts.add("due " + (time == null ? due : Times.at(time, zone)));
        }
    }

    /** What operators changed: {@code capacity 1 → 2}. */
    private static void changes(List<String> parts, JsonNode more) {
        for (Map.Entry<String, JsonNode> after : more.path("after").properties()) {
            parts.add(after.getKey() + " " + value(more.path("before").path(after.getKey())) + " → "
                    + value(after.getValue()));
        }
        if (Fields.has(more, "priority_before")) {
            parts.add("priority " + Fields.text(more, "priority_before") + " → " + Fields.text(more, "priority"));
        }
    }

    private static String value(JsonNode value) {
        return value.isNull() || value.isMissingNode() ? "none" : TextTable.printable(value.asString(value.toString()));
    }

    private static void add(List<String> parts, String before, String text) {
        if (!text.isBlank()) {
            parts.add(before + text);
        }
    }

    private static void length(List<String> parts, String before, JsonNode seconds) {
        if (seconds.isNumber()) {
            parts.add(before + Times.seconds(seconds.asDouble()));
        }
    }
}
