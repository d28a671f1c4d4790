package dev.interlock.cli.view;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jline.utils.AttributedString;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** An answer of job_queue_status, for a person: what needs attention, the counts, the models, the workers. */
public final class StatusView {

    private final JsonNode status;
    private final Instant now;
    private final int width;
    private final List<AttributedString> lines = new ArrayList<>();

    private StatusView(JsonNode status, int width) {
        this.status = status;
        this.now = Objects.requireNonNull(Fields.time(status, "now"));
        this.width = width;
    }

    /** Its lines, none wider than that but for names that cannot be cut. */
    public static List<AttributedString> lines(JsonNode status, String project, int width, ZoneId zone) {
        StatusView view = new StatusView(status, width);
        view.lines.add(AttributedString.join(
                Styles.plain("  "),
                Styles.heading(project),
                Styles.faint(Times.at(view.now, zone) + "  Interlock " + Fields.text(status, "version"))));
        view.attention();
        view.say(counts(status));
        view.say(lastMinute(status));
        view.say(limits(status));
        view.models();
        view.workers();
        return view.lines;
    }

    /** How many wait, run and are put off. */
    static String counts(JsonNode status) {
        JsonNode jobs = status.path("jobs");
        long runnable = jobs.path("runnable").asLong();
        return jobs.path("running").asLong() + " running, "
                + jobs.path("waiting").asLong() + " waiting"
                + (runnable > 0 ? " (" + runnable + " may start now)" : "") + ", "
                + jobs.path("delayed").asLong() + " delayed.";
    }

    static String lastMinute(JsonNode status) {
        JsonNode last = status.path("last_minute");
        return "Last minute: " + last.path("started").asLong() + " started, "
                + last.path("completed").asLong() + " completed, "
                + last.path("failed").asLong() + " failed, "
                + last.path("retry_scheduled").asLong() + " to retry, "
                + last.path("cancelled").asLong() + " cancelled.";
    }

    private static String limits(JsonNode status) {
        JsonNode limits = status.path("limits");
        List<String> parts = new ArrayList<>();
        long most = limits.path("max_active_jobs").asLong();
        parts.add(most == 0 ? "no limit of jobs at once" : "at most " + Words.count(most, "job") + " at once");
        long overtakes = limits.path("max_overtakes").asLong();
        if (overtakes > 0) {
            parts.add("a job may be passed " + Words.count(overtakes, "time"));
        }
        if (limits.path("unknown_models").asString("").equals("refuse")) {
            parts.add("unknown models are refused");
        } else {
            parts.add("a new model gets capacity "
                    + limits.path("default_capacity").asLong());
        }
        return "Limits: " + String.join(", ", parts) + ".";
    }

    /** {@code 1/2}: held, of how many. */
    static String held(JsonNode model) {
        return model.path("holders").size() + "/" + model.path("capacity").asInt();
    }

    /** How many may start a minute, and when the next may where that is what keeps a job waiting. */
    static String rate(JsonNode model, Instant now) {
        if (!Fields.has(model, "starts_per_minute")) {
            return "";
        }
        @Nullable Instant next = Fields.time(model, "next_start_at");
        return model.path("starts_per_minute").asInt() + "/min"
                + (next == null || next.isBefore(now) ? "" : ", next in " + Times.length(Duration.between(now, next)));
    }

    /** What is unusual about a model. */
    static AttributedString state(JsonNode model) {
        int capacity = model.path("capacity").asInt();
        if (model.path("paused").asBoolean(false)) {
            return Styles.warning("paused");
        }
        if (capacity == 0 && model.path("waiting").asLong() > 0) {
            return Styles.warning("no capacity");
        }
        int held = model.path("holders").size();
        JsonNode first = model.path("line").path(0);
        if (held < capacity
                && !first.isMissingNode()
                && !first.path("runnable").asBoolean(false)
                && !Fields.has(model, "next_start_at")) {
            // It has a seat here and waits for another model: free, and yet nobody's to take.
            return Styles.plain("kept for " + Fields.text(first, "job_id"));
        }
        return Styles.plain(held > capacity ? "draining" : "");
    }

    /** Whether there is nothing to say of a model. */
    static boolean isIdle(JsonNode model) {
        return model.path("holders").isEmpty()
                && model.path("waiting").asLong() == 0
                && !model.path("paused").asBoolean(false);
    }

    /** How long the first of its line has waited. */
    static String longestWait(JsonNode model) {
        return model.path("waiting").asLong() > 0 && Fields.has(model, "longest_wait_seconds")
                ? Times.length(Duration.ofMillis(
                        Math.round(model.path("longest_wait_seconds").asDouble() * 1000)))
                : "";
    }

    private void attention() {
        List<Attention.Note> notes = Attention.of(status, now);
        notes.forEach(note -> lines.addAll(note.lines(width)));
        if (notes.isEmpty()) {
            lines.add(Styles.good("Nothing needs attention."));
        }
    }

    private void say(String sentence) {
        Words.wrap(sentence, width, "  ").forEach(line -> lines.add(Styles.plain(line)));
    }

    private void models() {
        lines.add(Styles.plain(""));
        if (status.path("models").isEmpty()) {
            lines.add(Styles.plain("No model is known yet: the first job that needs one makes it known."));
            return;
        }
        TextTable table = new TextTable("model", ">held", ">waiting", ">longest wait", "rate", "");
        List<String> idle = new ArrayList<>();
        for (JsonNode model : status.path("models")) {
            if (isIdle(model)) {
                idle.add(Fields.text(model, "model"));
                continue;
            }
            table.row(
                    Fields.text(model, "model"),
                    held(model),
                    model.path("waiting").asLong(),
                    longestWait(model),
                    rate(model, now),
                    state(model));
        }
        if (!table.isEmpty()) {
            lines.addAll(table.lines(width));
        }
        if (!idle.isEmpty()) {
            String others = Words.count(idle.size(), "model") + " that nobody holds or waits for: "
                    + Words.list(idle, 20, idle.size()) + ".";
            Words.wrap(others, width, "  ").forEach(line -> lines.add(Styles.faint(line)));
        }
    }

    private void workers() {
        lines.add(Styles.plain(""));
        lines.addAll(workers(status, now, width));
    }

    /** The table of the workers. */
    static List<AttributedString> workers(JsonNode status, Instant now, int width) {
        if (status.path("workers").isEmpty()) {
            return List.of(Styles.plain("No worker has been heard of within the last minute."));
        }
        TextTable table = new TextTable("worker", ">running", ">last claim", "takes", "runs");
        Map<String, Set<String>> jobs = jobsByWorker(status);
        for (JsonNode worker : status.path("workers")) {
            String id = Fields.text(worker, "worker_id");
            List<String> runs = List.copyOf(jobs.getOrDefault(id, Set.of()));
            table.row(
                    id,
                    worker.path("running").asLong(),
                    lastClaim(worker, now),
                    takes(worker),
                    Words.list(
                            runs,
                            3,
                            Math.max(runs.size(), worker.path("running").asLong())));
        }
        return table.lines(width);
    }

    private static String lastClaim(JsonNode worker, Instant now) {
        @Nullable Instant seen = Fields.time(worker, "seen_at");
        return seen == null ? "over 1m ago" : Times.length(Duration.between(seen, now)) + " ago";
    }

    private static String takes(JsonNode worker) {
        String handlers = Fields.has(worker, "handlers")
                ? String.join(", ", Fields.texts(worker.path("handlers")))
                : Fields.has(worker, "seen_at") ? "any" : "";
        return Fields.has(worker, "models")
                ? handlers + " on " + String.join(", ", Fields.texts(worker.path("models")))
                : handlers;
    }

    /** The jobs that each worker runs. */
    private static Map<String, Set<String>> jobsByWorker(JsonNode status) {
        Map<String, Set<String>> jobs = new HashMap<>();
        for (JsonNode model : status.path("models")) {
            for (JsonNode holder : model.path("holders")) {
                jobs.computeIfAbsent(Fields.text(holder, "worker_id"), worker -> new LinkedHashSet<>())
                        .add(Fields.text(holder, "job_id"));
            }
        }
        return jobs;
    }
}
