package dev.interlock.cli.view;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStringBuilder;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The frames of {@code interlock watch}: a head that stays, a part that scrolls, a foot. For one thread. */
public final class WatchView {

    /**
     * Why there is nothing newer than what is shown.
     *
     * @param since since when, by this machine's clock
     * @param reason what went wrong, in a line
     */
    public record Outage(Instant since, String reason) {}

    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT);
    // From here on the line of a model fits beside it.
    private static final int WIDE = 120;
    // From here on there is room for more than the counts.
    private static final int LOW = 12;
    private static final int MOST_NOTES = 3;

    private final String project;
    private final List<String> only;
    private final ZoneId zone;
    private int scroll;
    private int page = 1;

    /**
     * Of a project.
     *
     * @param project what to call it
     * @param only the models to show; all when empty
     */
    public WatchView(String project, List<String> only, ZoneId zone) {
        this.project = project;
        this.only = List.copyOf(only);
        this.zone = zone;
    }

    /** Scrolls by so many lines, down or (negative) up. The next frame stops at the ends. */
    public void scroll(long lines) {
        scroll = (int) Math.max(0, Math.min(scroll + lines, Integer.MAX_VALUE / 2));
    }

    /** How many lines the part that scrolls had in the latest frame. */
    public int page() {
        return page;
    }

    /**
     * What to show.
     *
     * @param status the latest answer of job_queue_status
     * @param age how old it is
     * @param outage why there is none newer; null when it is as new as can be. With it, what is shown is marked as of then, and nothing counts down
     */
    public List<AttributedString> frame(JsonNode status, Duration age, @Nullable Outage outage, int columns, int rows) {
        Instant then = Objects.requireNonNull(Fields.time(status, "now"));
        Instant now = outage == null ? then.plus(age) : then;
        List<AttributedString> head = new ArrayList<>();
        head.add(ends(
                Styles.heading(TextTable.printable(project)), Styles.plain(CLOCK.format(now.atZone(zone))), columns));
        head.addAll(outage == null ? state(status, now, columns, rows) : outage(outage, status, age, columns));
        head.add(Styles.plain(""));

        List<AttributedString> body = body(status, now, columns);
        page = Math.max(1, rows - head.size() - 1);
        scroll = Math.max(0, Math.min(scroll, body.size() - page));
        List<AttributedString> shown = body.subList(scroll, Math.min(body.size(), scroll + page));

        List<AttributedString> frame = new ArrayList<>();
        for (AttributedString line : head) {
            frame.add(TextTable.cut(line, columns));
        }
        for (AttributedString line : shown) {
            AttributedString cut = TextTable.cut(line, columns);
            frame.add(outage == null ? cut : Styles.faint(cut.toString()));
        }
        while (frame.size() < rows - 1) {
            frame.add(Styles.plain(""));
        }
        String part = body.size() > page ? (scroll + 1) + "–" + (scroll + shown.size()) + " of " + body.size() : "";
        frame.add(TextTable.cut(
                ends(
                        Styles.faint("q quits" + (part.isEmpty() ? "" : "   ↑ ↓ PgUp PgDn scroll")),
                        Styles.faint(part),
                        columns),
                columns));
        return frame.size() > rows ? frame.subList(0, rows) : frame;
    }

    private static List<AttributedString> state(JsonNode status, Instant now, int columns, int rows) {
        List<AttributedString> lines = new ArrayList<>();
        String counts = StatusView.counts(status);
        String lastMinute = StatusView.lastMinute(status);
        if (counts.length() + 1 + lastMinute.length() <= columns) {
            lines.add(Styles.plain(counts + " " + lastMinute));
        } else {
            lines.add(Styles.plain(counts));
            if (rows >= LOW) {
                lines.add(Styles.plain(lastMinute));
            }
        }
        List<Attention.Note> notes = Attention.of(status, now);
        int most = rows >= LOW ? MOST_NOTES : 0;
        for (int i = 0; i < Math.min(notes.size(), most); i++) {
            boolean more = i == most - 1 && notes.size() > most;
            lines.add(
                    more
                            ? Styles.warning("! " + (notes.size() - i) + " more to look at: \"interlock status\".")
                            : Styles.of(
                                    notes.get(i).wrong(), "! " + notes.get(i).sentence()));
        }
        return lines;
    }

    private List<AttributedString> outage(Outage outage, JsonNode status, Duration age, int columns) {
        List<AttributedString> lines = new ArrayList<>();
        String told = "! No answer since " + CLOCK.format(outage.since().atZone(zone)) + ", still trying: "
                + TextTable.printable(outage.reason());
        Words.wrap(told, columns, "  ").forEach(line -> lines.add(Styles.bad(line)));
        lines.add(Styles.bad("  What you see is " + Times.length(age) + " old."));
        lines.add(Styles.faint(StatusView.counts(status)));
        return lines;
    }

    private List<AttributedString> body(JsonNode status, Instant now, int columns) {
        boolean wide = columns >= WIDE;
        TextTable models = wide
                ? new TextTable("model", ">held", ">waiting", ">longest wait", "rate", "", "next in line")
                : new TextTable("model", ">held", ">waiting", ">longest wait", "rate", "");
        TextTable holders = wide
                ? new TextTable("!job", "handler", "worker", "", "", "")
                : new TextTable("!job", "worker", "", "", "");
        List<JsonNode> shown = new ArrayList<>();
        List<String> idle = new ArrayList<>();
        for (JsonNode model : status.path("models")) {
            String name = Fields.text(model, "model");
            if (only.isEmpty() ? StatusView.isIdle(model) : !only.contains(name)) {
                idle.add(name);
                continue;
            }
            shown.add(model);
            List<Object> cells = new ArrayList<>(List.of(
                    Styles.heading(name),
                    StatusView.held(model),
                    model.path("waiting").asLong(),
                    StatusView.longestWait(model),
                    StatusView.rate(model, now),
                    StatusView.state(model)));
            if (wide) {
                cells.add(line(model, columns / 2));
            }
            models.row(cells.toArray());
            for (JsonNode holder : model.path("holders")) {
                holders.row(holder(holder, now, wide));
            }
        }
        return together(status, now, columns, shown, idle, models.lines(columns), holders.lines(columns - 2));
    }

    private List<AttributedString> together(
            JsonNode status,
            Instant now,
            int columns,
            List<JsonNode> shown,
            List<String> idle,
            List<AttributedString> models,
            List<AttributedString> holders) {
        List<AttributedString> body = new ArrayList<>();
        if (!shown.isEmpty()) {
            body.add(models.get(0));
        }
        int holder = 1;
        for (int i = 0; i < shown.size(); i++) {
            JsonNode model = shown.get(i);
            body.add(models.get(i + 1));
            for (int n = model.path("holders").size(); n > 0; n--) {
                body.add(AttributedString.join(Styles.plain(""), Styles.plain("  "), holders.get(holder)));
                holder++;
            }
            if (columns < WIDE && !model.path("line").isEmpty()) {
                body.add(AttributedString.join(Styles.plain(""), Styles.faint("  next: "), line(model, columns - 8)));
            }
        }
        for (String name : only) {
            if (shown.stream().noneMatch(model -> Fields.text(model, "model").equals(name))) {
                body.add(Styles.warning("No model " + TextTable.printable(name) + " is known."));
            }
        }
        if (only.isEmpty()) {
            if (!idle.isEmpty()) {
                body.add(Styles.faint(Words.count(idle.size(), "model") + " that nobody holds or waits for: "
                        + String.join(", ", idle)));
            }
            body.add(Styles.plain(""));
            body.addAll(StatusView.workers(status, now, columns));
        }
        return body;
    }

    private static Object[] holder(JsonNode holder, Instant now, boolean wide) {
        Instant started = Fields.time(holder, "started_at");
        Instant until = Fields.time(holder, "lease_until");
        Duration left = until == null ? Duration.ZERO : Duration.between(now, until);
        String note = Fields.text(holder, "note");
        int progress = holder.path("progress").asInt();
        List<Object> cells = new ArrayList<>();
        cells.add(Fields.text(holder, "job_id"));
        if (wide) {
            cells.add(Fields.text(holder, "handler"));
        }
        cells.add(Fields.text(holder, "worker_id"));
        cells.add(started == null ? "" : "for " + Times.length(Duration.between(started, now)));
        cells.add(
                left.isNegative()
                        ? Styles.bad("lease over " + Times.length(left.negated()))
                        : Styles.plain("lease " + Times.length(left)));
        cells.add((progress > 0 ? progress + "%" : "") + (progress > 0 && !note.isEmpty() ? " " : "") + note);
        return cells.toArray();
    }

    /** The first of a line, as many as fit, and how many more there are. */
    private static AttributedString line(JsonNode model, int width) {
        AttributedStringBuilder line = new AttributedStringBuilder();
        long waiting = model.path("waiting").asLong();
        int shown = 0;
        for (JsonNode job : model.path("line")) {
            AttributedString id = Styles.plain(Fields.text(job, "job_id"));
            if (job.path("runnable").asBoolean(false)) {
                id = AttributedString.join(Styles.plain(" "), id, Styles.good("(may start)"));
            }
            String rest = waiting > shown + 1 ? " and " + (waiting - shown - 1) + " more" : "";
            if (shown > 0 && line.columnLength() + 2 + id.columnLength() + rest.length() > width) {
                break;
            }
            line.append(shown == 0 ? "" : ", ").append(id);
            shown++;
        }
        if (shown > 0 && waiting > shown) {
            line.append(" and " + (waiting - shown) + " more");
        }
        return line.toAttributedString();
    }

    /** One at the left end and one at the right end of a line. */
    private static AttributedString ends(AttributedString left, AttributedString right, int columns) {
        int space = columns - right.columnLength() - 1;
        AttributedString fits = TextTable.cut(left, Math.max(space, 1));
        return AttributedString.join(
                Styles.plain(""),
                fits,
                Styles.plain(" ".repeat(Math.max(columns - fits.columnLength() - right.columnLength(), 1))),
                right);
    }
}
