package dev.interlock.cli.view;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jline.utils.AttributedString;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Jobs, a row each. */
public final class JobsView {

    private static final int WIDE = 100;

    private JobsView() {}

    /** The table, no line of it longer than the screen. */
    public static List<AttributedString> lines(List<JsonNode> jobs, int width, Instant now) {
        boolean wide = width >= WIDE;
        TextTable table = wide
                ? new TextTable("job", "status", ">for", "handler", "models", ">attempt", ">priority", "worker, error")
                : new TextTable("job", "status", ">for", "models", ">attempt", "worker, error");
        for (JsonNode job : jobs) {
            String status = Fields.text(job, "status");
            List<@Nullable Object> cells = new ArrayList<>();
            cells.add(Styles.heading(Fields.text(job, "job_id")));
            cells.add(status(status, job));
            cells.add(since(job, status, now));
            if (wide) {
                cells.add(Fields.text(job, "handler"));
            }
            cells.add(String.join(", ", Fields.texts(job.path("models"))));
            cells.add(Fields.text(job, "attempt") + "/" + Fields.text(job, "max_attempts"));
            if (wide) {
                cells.add(Fields.text(job, "priority"));
            }
            cells.add(said(job, status));
            table.row(cells.toArray());
        }
        return table.lines(width).stream()
                .map(line -> TextTable.cut(line, width))
                .toList();
    }

    private static AttributedString status(String status, JsonNode job) {
        return switch (status) {
            case "running" -> Fields.has(job, "cancel_requested_at") ? Styles.warning("to stop") : Styles.good(status);
            case "failed" -> Styles.bad(status);
            case "delayed", "cancelled" -> Styles.warning(status);
            default -> Styles.plain(status);
        };
    }

    /** How long it has been so; of one that is delayed until a time, how long it will be. */
    private static @Nullable String since(JsonNode job, String status, Instant now) {
        if (status.equals("delayed")) {
            Instant due = Fields.text(job, "run_at").equals("infinity") ? null : Fields.time(job, "run_at");
            return due == null ? null : "in " + Times.length(atLeastNothing(Duration.between(now, due)));
        }
        Instant since = Fields.time(
                job, status.equals("running") ? "started_at" : status.equals("waiting") ? "queued_at" : "finished_at");
        return since == null ? null : Times.length(atLeastNothing(Duration.between(since, now)));
    }

    /** The clocks of this machine and of the database may differ a little. */
    private static Duration atLeastNothing(Duration time) {
        return time.isNegative() ? Duration.ZERO : time;
    }

    private static String said(JsonNode job, String status) {
        return switch (status) {
            case "running" ->
                Fields.text(job, "worker_id") + (Fields.has(job, "note") ? ": " + Fields.text(job, "note") : "");
            case "waiting" -> job.path("runnable").asBoolean(false) ? "has its turn" : Fields.text(job, "error");
            case "delayed" ->
                Fields.text(job, "run_at").equals("infinity")
                        ? "a model is paused, or no worker can run it"
                        : Fields.text(job, "error");
            default -> Fields.text(job, "error");
        };
    }
}
