package dev.interlock.cli.view;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jline.utils.AttributedString;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** An answer of job_queue_explain, for a person: how it stands with the job and why, its models, its steps, and what can be done. */
public final class ExplainView {

    private static final String INDENT = "  ";
    private static final int MOST_HOLDERS = 10;
    private static final int MOST_AHEAD = 6;

    private final JsonNode job;
    private final Instant now;
    private final int width;
    private final ZoneId zone;
    private final List<AttributedString> lines = new ArrayList<>();

    private ExplainView(JsonNode job, int width, ZoneId zone) {
        this.job = job;
        this.now = Objects.requireNonNull(Fields.time(job, "now"));
        this.width = width;
        this.zone = zone;
    }

    /**
     * Its lines.
     *
     * @param job the answer of job_queue_explain
     * @param status that of job_queue_status, which knows of the workers
     */
    public static List<AttributedString> lines(JsonNode job, JsonNode status, int width, ZoneId zone) {
        ExplainView view = new ExplainView(job, width, zone);
        view.head();
        for (String sentence : Reasons.of(job, status, zone)) {
            Words.wrap(sentence, width, "").forEach(line -> view.lines.add(Styles.plain(line)));
        }
        String word = job.path("status").asString("");
        if (List.of("waiting", "delayed", "running").contains(word)) {
            view.models();
        }
        view.steps();
        view.remedies(status);
        return view.lines;
    }

    private void head() {
        String word = job.path("status").asString("");
        AttributedString state = switch (word) {
            case "running" -> Styles.good("runs");
            case "completed" -> Styles.good(word);
            case "failed" -> Styles.bad(word);
            case "waiting" -> Styles.warning("waits");
            default -> Styles.warning(word);
        };
        int priority = job.path("priority").asInt();
        String kind = Fields.text(job, "handler")
                + (job.path("job_type").asString("").equals("workflow") ? " (workflow)" : "")
                + (priority == 0 ? "" : ", priority " + priority);
        lines.add(TextTable.cut(
                AttributedString.join(
                        Styles.plain("  "), Styles.heading(Fields.text(job, "job_id")), state, Styles.faint(kind)),
                width));
        lines.add(Styles.plain(""));
    }

    private void models() {
        if (job.path("models").isEmpty()) {
            lines.add(Styles.plain("It needs no model."));
            return;
        }
        lines.add(Styles.plain(""));
        boolean waits = job.path("status").asString("").equals("waiting");
        boolean rated = false;
        for (JsonNode model : job.path("models")) {
            rated |= Fields.has(model, "starts_per_minute");
        }
        TextTable models = new TextTable("model", ">held", waits ? ">place" : "", rated ? "rate" : "", "");
        TextTable holders = new TextTable("", "!job", "worker", "", "");
        for (JsonNode model : job.path("models")) {
            models.row(
                    Styles.heading(Fields.has(model, "model") ? Fields.text(model, "model") : "all jobs together"),
                    StatusView.held(model),
                    Fields.has(model, "position") ? model.path("position").asLong() : "",
                    StatusView.rate(model, now),
                    state(model, waits));
            for (JsonNode holder : first(model.path("holders"))) {
                holders.row(holder(holder));
            }
        }
        List<AttributedString> modelLines = models.lines(width);
        List<AttributedString> holderLines = holders.lines(width - INDENT.length());
        lines.add(modelLines.get(0));
        int holder = 1;
        for (int i = 0; i < job.path("models").size(); i++) {
            JsonNode model = job.path("models").path(i);
            lines.add(modelLines.get(i + 1));
            for (int n = first(model.path("holders")).size(); n > 0; n--) {
                lines.add(AttributedString.join(Styles.plain(""), Styles.plain(INDENT), holderLines.get(holder)));
                holder++;
            }
            if (model.path("holders").size() > MOST_HOLDERS) {
                lines.add(Styles.faint("  and " + (model.path("holders").size() - MOST_HOLDERS) + " more hold it"));
            }
            ahead(model);
        }
    }

    private void ahead(JsonNode model) {
        long count = model.path("ahead_count").asLong();
        if (count > 0) {
            List<String> ahead = Fields.texts(model.path("ahead"));
            String text = "ahead: " + Words.list(ahead, MOST_AHEAD, count);
            Words.wrap(text, width - INDENT.length(), "       ")
                    .forEach(line -> lines.add(Styles.plain(INDENT + line)));
        }
    }

    private static List<JsonNode> first(JsonNode holders) {
        List<JsonNode> first = new ArrayList<>();
        holders.forEach(first::add);
        return first.subList(0, Math.min(first.size(), MOST_HOLDERS));
    }

    private Object[] holder(JsonNode holder) {
        String id = Fields.text(holder, "job_id");
        Instant started = Fields.time(holder, "started_at");
        Instant until = Fields.time(holder, "lease_until");
        Duration left = until == null ? Duration.ZERO : Duration.between(now, until);
        return new Object[] {
            "held by",
            id.equals(Fields.text(job, "job_id")) ? Styles.heading("this job") : Styles.plain(id),
            Fields.text(holder, "worker_id"),
            started == null ? "" : "for " + Times.length(Duration.between(started, now)),
            left.isNegative()
                    ? Styles.bad("lease over " + Times.length(left.negated()))
                    : Styles.plain("lease " + Times.length(left))
        };
    }

    private static AttributedString state(JsonNode model, boolean waits) {
        if (model.path("paused").asBoolean(false)) {
            return Styles.warning("paused");
        }
        if (waits && model.path("admitted").asBoolean(false)) {
            return Styles.good("has its turn");
        }
        if (waits && !model.path("stands").asBoolean(false)) {
            return Styles.faint("not needed now");
        }
        return model.path("capacity").asInt() == 0 ? Styles.warning("no capacity") : Styles.plain("");
    }

    private void steps() {
        JsonNode steps = job.path("steps");
        if (!steps.isArray() || steps.isEmpty()) {
            return;
        }
        String holding = switch (job.path("holding").asString("")) {
            case "per_step" -> "; it holds the models of its current step only";
            case "release_as_used" -> "; it gives each model back after the last step that needs it";
            default -> "; it holds all its models from start to end";
        };
        int current = job.path("current_step").asInt();
        lines.add(Styles.plain(""));
        lines.add(Styles.plain(
                "Steps: " + Math.min(current, steps.size()) + " of " + steps.size() + " done" + holding + "."));
        TextTable table = new TextTable("", ">step", "name", "models", "");
        for (int i = 0; i < steps.size(); i++) {
            JsonNode step = steps.path(i);
            table.row(
                    i < current ? Styles.good("✓") : i == current && isLive() ? Styles.heading("▸") : "",
                    i,
                    Fields.text(step, "name"),
                    String.join(", ", Fields.texts(step.path("models"))),
                    stepState(i, current, step));
        }
        lines.addAll(table.lines(width));
    }

    private boolean isLive() {
        return !Fields.has(job, "finished_at");
    }

    private AttributedString stepState(int i, int current, JsonNode step) {
        Instant saved = Fields.time(step, "saved_at");
        if (saved != null) {
            return Styles.plain("saved " + Times.at(saved, zone));
        }
        if (i < current) {
            return Styles.faint("passed over");
        }
        if (i > current || !isLive()) {
            return Styles.plain("");
        }
        JsonNode callback = job.path("callback");
        Instant until = Fields.time(callback, "until");
        if (until == null) {
            int attempt = job.path("step_attempt").asInt();
            return Styles.plain(attempt > 0 ? "attempt " + attempt : "next");
        }
        if (Fields.has(callback, "received_at")) {
            return Styles.good("its callback has come");
        }
        return callback.path("timed_out").asBoolean(false)
                ? Styles.bad("its callback did not come by " + Times.at(until, zone))
                : Styles.warning("waits for its callback until " + Times.at(until, zone));
    }

    private void remedies(JsonNode status) {
        List<Remedies.Remedy> remedies = Remedies.of(job, status, now);
        lines.add(Styles.plain(""));
        lines.add(Styles.plain("What you can do:"));
        TextTable table = new TextTable("", "");
        remedies.forEach(remedy -> table.row(Styles.heading(remedy.command()), remedy.what()));
        // A command is copied from here: it is never cut. Where both do not fit, what it does goes below it.
        int commands = remedies.stream()
                .mapToInt(remedy -> remedy.command().length())
                .max()
                .orElse(0);
        int texts = remedies.stream()
                .mapToInt(remedy -> remedy.what().length())
                .max()
                .orElse(0);
        if (commands + texts + 4 <= width) {
            table.lines(width - INDENT.length()).stream()
                    .skip(1)
                    .forEach(line -> lines.add(AttributedString.join(Styles.plain(""), Styles.plain(INDENT), line)));
        } else {
            for (Remedies.Remedy remedy : remedies) {
                lines.add(AttributedString.join(
                        Styles.plain(""), Styles.plain(INDENT), Styles.heading(remedy.command())));
                Words.wrap(INDENT + INDENT + remedy.what(), width, "")
                        .forEach(line -> lines.add(Styles.plain("      " + line)));
            }
        }
    }

    /** {@code 42s (between 20s and 1m 17s)}. */
    static String range(JsonNode estimate) {
        String low = seconds(estimate, "low");
        String high = seconds(estimate, "high");
        return "about " + seconds(estimate, "seconds")
                + (low.equals(high) ? "" : " (between " + low + " and " + high + ")");
    }

    private static String seconds(JsonNode estimate, String field) {
        return Times.length(Duration.ofMillis(Math.round(estimate.path(field).asDouble() * 1000)));
    }

    /** A time of day with how far off it is: {@code 2026-11-24 18:50:12 (in 5s)}. */
    static String at(@Nullable Instant time, Instant now, ZoneId zone) {
        if (time == null) {
            return "an unknown time";
        }
        Duration off = Duration.between(now, time);
        return String.format(
                Locale.ROOT,
                off.isNegative() ? "%s (%s ago)" : "%s (in %s)",
                Times.at(time, zone),
                Times.length(off.abs()));
    }
}
