package dev.interlock.cli.view;

import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jline.utils.AttributedString;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What {@code job_queue_metrics} answers, for a person. */
public final class MetricsView {

    private static final double BUSY = 0.9;

    private MetricsView() {}

    /** The lines of the answer, none of them longer than the screen. */
    public static List<AttributedString> lines(JsonNode answer, int width, ZoneId zone) {
        List<AttributedString> lines = new ArrayList<>();
        JsonNode totals = answer.path("totals");
        JsonNode events = totals.path("events");
        Instant from = Fields.time(answer, "from");
        lines.add(Styles.heading("Since " + (from == null ? "" : Times.at(from, zone)) + ", "
                + Times.seconds(answer.path("seconds").asDouble(0))
                + (answer.path("complete").asBoolean(true) ? "" : " (what is older is not in the log)")));
        List<String> said = new ArrayList<>();
        said.add(Words.count(number(events, "started"), "start") + " (" + rate(totals, "starts_per_minute")
                + " a minute)");
        said.add(number(events, "completed") + " completed (" + rate(totals, "completions_per_minute") + " a minute)");
        some(said, events, "failed", "failed");
        some(said, events, "expired", "expired");
        some(said, events, "cancelled", "cancelled");
        some(said, events, "retries", "to be tried again");
        some(said, events, "released", "given back");
        some(said, events, "lease_losses", "leases lost");
        said.add(number(events, "conflicts") + " of "
                + Words.count(number(events, "entered"), "entry").replace("entrys", "entries")
                + " found somebody in the way");
        for (String line : Words.wrap(String.join(", ", said) + ".", width, "")) {
            lines.add(Styles.plain(line));
        }
        TextTable table =
                new TextTable("model", ">done", ">failed", ">wait", ">95 %", ">run", ">95 %", ">/min", ">used");
        for (JsonNode model : answer.path("models")) {
            JsonNode of = model.path("events");
            long failed = number(of, "failed") + number(of, "expired");
            table.row(
                    Styles.heading(Fields.text(model, "model")),
                    number(of, "completed"),
                    failed == 0 ? Styles.plain("0") : Styles.bad(Long.toString(failed)),
                    length(model.path("waits").path("p50")),
                    length(model.path("waits").path("p95")),
                    length(model.path("runs").path("p50")),
                    length(model.path("runs").path("p95")),
                    rate(model, "completions_per_minute"),
                    used(model.path("utilisation")));
        }
        if (!table.isEmpty()) {
            lines.add(Styles.plain(""));
            lines.addAll(table.lines(width));
        }
        return lines.stream().map(line -> TextTable.cut(line, width)).toList();
    }

    private static long number(JsonNode events, String name) {
        return events.path(name).asLong(0);
    }

    private static void some(List<String> said, JsonNode events, String name, String what) {
        if (number(events, name) > 0) {
            said.add(number(events, name) + " " + what);
        }
    }

    private static String rate(JsonNode node, String field) {
        return String.format(Locale.ROOT, "%.1f", node.path(field).asDouble(0));
    }

    private static @Nullable String length(JsonNode seconds) {
        return seconds.isNumber() ? Times.seconds(seconds.asDouble()) : null;
    }

    private static AttributedString used(JsonNode share) {
        if (!share.isNumber()) {
            return Styles.plain("");
        }
        String text = Math.round(share.asDouble() * 100) + " %";
        return share.asDouble() >= BUSY ? Styles.warning(text) : Styles.plain(text);
    }
}
