package dev.interlock.cli.view;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** How it stands with a job and why, in sentences for somebody who was woken for it. */
final class Reasons {

    private final JsonNode job;
    private final JsonNode status;
    private final Instant now;
    private final ZoneId zone;
    private final List<String> sentences = new ArrayList<>();

    private Reasons(JsonNode job, JsonNode status, ZoneId zone) {
        this.job = job;
        this.status = status;
        this.now = Objects.requireNonNull(Fields.time(job, "now"));
        this.zone = zone;
    }

    static List<String> of(JsonNode job, JsonNode status, ZoneId zone) {
        Reasons reasons = new Reasons(job, status, zone);
        switch (job.path("status").asString("")) {
            case "waiting" -> reasons.waiting();
            case "delayed" -> reasons.delayed();
            case "running" -> reasons.running();
            default -> reasons.finished();
        }
        return reasons.sentences;
    }

    private void waiting() {
        sentences.add("In line since " + at("queued_at") + ", at place "
                + job.path("queue_position").asLong() + " (1 is next).");
        lastError();
        if (status.path("limits").path("paused").asBoolean(false)) {
            sentences.add("Everything is paused: nobody starts until that ends.");
        }
        if (job.path("runnable").asBoolean(false)) {
            sentences.add("It has its turn on all its models: the next claim of a worker that takes handler "
                    + handler() + " starts it.");
            worker();
        } else {
            for (JsonNode model : job.path("models")) {
                if (model.path("stands").asBoolean(false)
                        && !model.path("admitted").asBoolean(false)) {
                    sentences.add(reason(model));
                }
            }
            estimate();
        }
        deadline();
    }

    private void worker() {
        if (!Attention.anyWorker(status, now)) {
            sentences.add("But no worker has been heard of for a minute.");
        } else if (!Attention.isTaken(status, job.path("handler").asString(""))) {
            sentences.add("But no worker that is there takes that handler.");
        } else {
            sentences.add("A worker that is there takes it; it starts as soon as that one has room.");
        }
    }

    private String reason(JsonNode model) {
        String name = Fields.text(model, "model");
        String what = Fields.has(model, "model") ? name : "The limit of all jobs together";
        int capacity = model.path("capacity").asInt();
        int held = model.path("holders").size();
        long ahead = model.path("ahead_count").asLong();
        Instant next = Fields.time(model, "next_start_at");
        if (model.path("paused").asBoolean(false)) {
            return what + " is paused: nobody may start on it.";
        }
        if (capacity == 0) {
            return what + " has capacity 0: nobody may hold it.";
        }
        if (next != null && next.isAfter(now)) {
            return what + " lets at most "
                    + Words.count(model.path("starts_per_minute").asLong(), "job")
                    + " start a minute: the next may in " + Times.length(Duration.between(now, next)) + aheadHere(ahead)
                    + ".";
        }
        if (held >= capacity) {
            String first = Fields.text(model.path("holders").path(0), "job_id");
            String who = held == 1 ? "held by " + first : "full: " + held + " jobs hold it, " + first + " the longest";
            return what + " is " + (Fields.has(model, "model") ? who : "reached: " + Words.count(held, "job", "run"))
                    + aheadHere(ahead) + "." + over(model);
        }
        if (ahead > 0) {
            String first = Fields.texts(model.path("ahead")).get(0);
            return what + " has room, but that is kept for " + first + ", which is ahead in its line and "
                    + (mayStart(first) ? "only waits for a worker" : "waits for something else")
                    + (ahead > 1 ? aheadHere(ahead) : "") + ".";
        }
        return what + " is about to let it in.";
    }

    /** The jobs that the reasons name, each once: of each line in which it waits who holds the model longest, else who is the first ahead. */
    static Set<String> inTheWay(JsonNode job, Instant now) {
        Set<String> jobs = new LinkedHashSet<>();
        for (JsonNode model : job.path("models")) {
            if (!model.path("stands").asBoolean(false) || model.path("admitted").asBoolean(false)) {
                continue;
            }
            int capacity = model.path("capacity").asInt();
            JsonNode holders = model.path("holders");
            Instant next = Fields.time(model, "next_start_at");
            boolean rated = next != null && next.isAfter(now);
            if (capacity > 0 && !rated && holders.size() >= capacity) {
                jobs.add(Fields.text(holders.path(0), "job_id"));
            } else if (capacity > 0 && !model.path("ahead").isEmpty()) {
                jobs.add(Fields.texts(model.path("ahead")).get(0));
            }
        }
        return jobs;
    }

    private boolean mayStart(String id) {
        for (JsonNode model : status.path("models")) {
            for (JsonNode waiter : model.path("line")) {
                if (Fields.text(waiter, "job_id").equals(id)) {
                    return waiter.path("runnable").asBoolean(false);
                }
            }
        }
        return false;
    }

    private static String aheadHere(long ahead) {
        return ahead == 0
                ? ", and nobody is ahead of it there"
                : ", and " + Words.count(ahead, "job") + (ahead == 1 ? " is" : " are") + " ahead of it there";
    }

    private String over(JsonNode model) {
        for (JsonNode holder : model.path("holders")) {
            Instant until = Fields.time(holder, "lease_until");
            if (until != null && until.isBefore(now)) {
                return " The lease of " + Fields.text(holder, "job_id") + " ran out "
                        + Times.length(Duration.between(until, now)) + " ago: its worker ("
                        + Fields.text(holder, "worker_id")
                        + ") is silent, and the next claim of any worker takes the seat back.";
            }
        }
        return "";
    }

    private void estimate() {
        JsonNode estimate = job.path("estimate");
        if (Fields.has(estimate, "seconds")) {
            sentences.add("It may start in " + ExplainView.range(estimate)
                    + ". This is an estimate from how long the latest runs of its models took (at least "
                    + Words.count(estimate.path("samples").asLong(), "run") + " each) and from its place.");
        } else if (Fields.text(estimate, "reason").startsWith("Too few")) {
            // The other reasons are told already.
            sentences.add("When it may start cannot be told. " + Fields.text(estimate, "reason"));
        }
    }

    private void delayed() {
        Instant runAt = Fields.time(job, "run_at");
        JsonNode callback = job.path("callback");
        List<String> paused = paused();
        if (job.path("skipped").asBoolean(false)) {
            sentences.add("No worker has asked for handler " + handler()
                    + " with its models for a while, so it stands aside. It is back as soon as such a worker claims.");
        } else if (Fields.has(callback, "until") && !Fields.has(callback, "received_at") && runAt != null) {
            sentences.add("Its " + step() + " waits for a callback until " + ExplainView.at(runAt, now, zone) + ".");
        } else if (runAt != null) {
            sentences.add("It is not due before " + ExplainView.at(runAt, now, zone) + ".");
        } else if (!paused.isEmpty()) {
            sentences.add(Words.list(paused, 5, paused.size()) + (paused.size() == 1 ? " is" : " are")
                    + " paused: it waits for the end of that.");
        } else {
            sentences.add(Fields.text(job, "conflict_reason") + ".");
        }
        lastError();
        sentences.add("Meanwhile it stands in no line and holds nobody up. It entered at " + at("queued_at")
                + ", and comes back to the place which that gives it.");
        deadline();
    }

    private String step() {
        int step = job.path("current_step").asInt();
        String name = Fields.text(job.path("steps").path(step), "name");
        return "step " + step + (name.isEmpty() ? "" : " (" + name + ")");
    }

    private List<String> paused() {
        List<String> paused = new ArrayList<>();
        for (JsonNode model : job.path("models")) {
            if (model.path("paused").asBoolean(false)) {
                paused.add(Fields.text(model, "model"));
            }
        }
        return paused;
    }

    private void running() {
        sentences.add("Since " + at("started_at") + " on worker " + Fields.text(job, "worker_id") + ", attempt "
                + attempt() + ".");
        Instant until = Objects.requireNonNull(Fields.time(job, "lease_until"));
        Duration left = Duration.between(now, until);
        if (left.isNegative()) {
            sentences.add("Its lease ran out " + Times.length(left.negated())
                    + " ago: the worker is silent. The next claim of any worker takes it back, to its own place in line"
                    + (job.path("attempt").asInt() >= job.path("max_attempts").asInt()
                            ? " or rather, since this was its last attempt, as failed."
                            : "."));
        } else {
            sentences.add("Its lease ends in " + Times.length(left) + "; a worker that lives renews it before that.");
        }
        int progress = job.path("progress").asInt();
        String note = Fields.text(job, "note");
        if (progress > 0 || !note.isEmpty()) {
            sentences.add("Its worker says: " + progress + " % done" + (note.isEmpty() ? "" : ", " + note) + ".");
        }
        if (Fields.has(job, "cancel_requested_at")) {
            sentences.add("Its cancellation was asked for at " + at("cancel_requested_at")
                    + ": the worker is told with its next heartbeat, and can write nothing more when the lease ends.");
        }
    }

    private void finished() {
        String how = switch (job.path("status").asString("")) {
            case "completed" -> "It completed at ";
            case "failed" -> "It failed at ";
            case "cancelled" -> "It was cancelled at ";
            default -> "It is " + Fields.text(job, "status") + " since ";
        };
        Instant started = Fields.time(job, "started_at");
        Instant finished = Fields.time(job, "finished_at");
        sentences.add(how
                + at("finished_at")
                + (started == null || finished == null || started.isAfter(finished)
                        ? "; it never ran."
                        : ", in attempt " + attempt() + ", which took "
                                + Times.length(Duration.between(started, finished)) + "."));
        if (Fields.has(job, "error")) {
            sentences.add("Its error: " + Fields.text(job, "error"));
        }
    }

    private void lastError() {
        if (job.path("attempt").asInt() > 0 && Fields.has(job, "error")) {
            sentences.add("Attempt " + attempt() + " did not work: " + Fields.text(job, "error"));
        }
    }

    private void deadline() {
        Instant deadline = Fields.time(job, "deadline");
        if (deadline != null) {
            sentences.add("It fails as expired unless it runs by " + ExplainView.at(deadline, now, zone) + ".");
        }
    }

    private String attempt() {
        return job.path("attempt").asInt() + " of " + job.path("max_attempts").asInt();
    }

    private String handler() {
        return Fields.text(job, "handler");
    }

    private String at(String field) {
        @Nullable Instant time = Fields.time(job, field);
        return ExplainView.at(time, now, zone);
    }
}
