package dev.interlock.cli.view;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jline.utils.AttributedString;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What somebody has to look at first, out of an answer of job_queue_status, what is wrong before what is only worth knowing. */
final class Attention {

    /** A sentence; {@code wrong} when something is, else worth knowing. */
    record Note(String sentence, boolean wrong) {
        /** Its lines, none wider than that. */
        List<AttributedString> lines(int width) {
            return Words.wrap("! " + sentence, width, "  ").stream()
                    .map(line -> Styles.of(wrong, line))
                    .toList();
        }
    }

    private final JsonNode status;
    private final Instant now;
    private final List<Note> notes = new ArrayList<>();

    private Attention(JsonNode status, Instant now) {
        this.status = status;
        this.now = now;
    }

    /** None when all is well. */
    static List<Note> of(JsonNode status, Instant now) {
        Attention attention = new Attention(status, now);
        attention.leases();
        attention.workers();
        attention.everythingPaused();
        attention.models();
        attention.lastMinute();
        return attention.notes;
    }

    /** The worker of a job whose lease has run out, where nothing says that it lives. */
    private static Set<String> silent(JsonNode status, Instant now) {
        Set<String> silent = new HashSet<>();
        for (JsonNode model : status.path("models")) {
            for (JsonNode holder : model.path("holders")) {
                if (isOver(holder, now)) {
                    silent.add(Fields.text(holder, "worker_id"));
                }
            }
        }
        return silent;
    }

    /** Whether some worker was heard of within the last minute, or holds a job under a lease that goes on. */
    static boolean anyWorker(JsonNode status, Instant now) {
        Set<String> silent = silent(status, now);
        for (JsonNode worker : status.path("workers")) {
            if (Fields.has(worker, "seen_at") || !silent.contains(Fields.text(worker, "worker_id"))) {
                return true;
            }
        }
        return false;
    }

    /** Whether a worker that is there may take jobs of this handler; true of one that has not said what it takes. */
    static boolean isTaken(JsonNode status, String handler) {
        for (JsonNode worker : status.path("workers")) {
            if (!Fields.has(worker, "handlers")
                    || Fields.texts(worker.path("handlers")).contains(handler)) {
                return true;
            }
        }
        return false;
    }

    private void everythingPaused() {
        if (status.path("limits").path("paused").asBoolean(false)) {
            notes.add(new Note("Everything is paused: nobody starts, those that run go on.", false));
        }
    }

    private void leases() {
        Set<String> jobs = new TreeSet<>();
        Instant first = now;
        for (JsonNode model : status.path("models")) {
            for (JsonNode holder : model.path("holders")) {
                Instant until = Fields.time(holder, "lease_until");
                if (until != null && isOver(holder, now)) {
                    jobs.add(Fields.text(holder, "job_id") + " (worker " + Fields.text(holder, "worker_id") + ")");
                    first = until.isBefore(first) ? until : first;
                }
            }
        }
        if (!jobs.isEmpty()) {
            notes.add(new Note(
                    "The lease of " + Words.list(List.copyOf(jobs), 3, jobs.size()) + " ran out "
                            + Times.length(Duration.between(first, now))
                            + " ago; the next claim of any worker, or \"interlock sweep\", takes it back.",
                    true));
        }
    }

    private void workers() {
        JsonNode jobs = status.path("jobs");
        long waiting = jobs.path("waiting").asLong();
        if (!anyWorker(status, now)) {
            if (waiting > 0) {
                notes.add(new Note(
                        Words.count(waiting, "job", "wait") + ", and no worker has been heard of for a minute.", true));
            }
            return;
        }
        Set<String> untaken = new TreeSet<>();
        Set<String> handlers = new TreeSet<>();
        for (JsonNode model : status.path("models")) {
            for (JsonNode job : model.path("line")) {
                String handler = Fields.text(job, "handler");
                if (job.path("runnable").asBoolean(false) && !isTaken(status, handler)) {
                    untaken.add(Fields.text(job, "job_id"));
                    handlers.add(handler);
                }
            }
        }
        if (!untaken.isEmpty()) {
            notes.add(new Note(
                    Words.count(untaken.size(), "job") + " could start, but no worker that is there takes "
                            + (handlers.size() == 1 ? "handler " : "handlers ")
                            + Words.list(List.copyOf(handlers), 3, handlers.size()) + ".",
                    true));
        }
    }

    private void models() {
        List<String> paused = new ArrayList<>();
        for (JsonNode model : status.path("models")) {
            String name = Fields.text(model, "model");
            long waiting = model.path("waiting").asLong();
            if (model.path("paused").asBoolean(false)) {
                paused.add(name);
            } else if (model.path("capacity").asInt() == 0 && waiting > 0) {
                notes.add(new Note(
                        name + " has capacity 0: nobody may hold it, and " + Words.count(waiting, "job", "wait") + ".",
                        false));
            }
        }
        if (!paused.isEmpty()) {
            // Jobs that need one stand in no line, so how many there are is not told by model.
            long delayed = status.path("jobs").path("delayed").asLong();
            boolean one = paused.size() == 1;
            notes.add(new Note(
                    Words.list(paused, 3, paused.size()) + (one ? " is" : " are") + " paused: jobs that need "
                            + (one ? "it" : "them") + " are put off (" + delayed + " delayed in all).",
                    false));
        }
    }

    private void lastMinute() {
        JsonNode last = status.path("last_minute");
        List<String> parts = new ArrayList<>();
        add(parts, last, "failed", "failed");
        add(parts, last, "expired", "passed their deadline");
        add(parts, last, "lease_expired", "lost their lease");
        add(parts, last, "skipped", "stood aside for want of a worker");
        if (!parts.isEmpty()) {
            notes.add(new Note(
                    "In the last minute " + String.join(", ", parts) + ": \"interlock log\" says which.", false));
        }
    }

    private static void add(List<String> parts, JsonNode counts, String event, String words) {
        long number = counts.path(event).asLong();
        if (number > 0) {
            parts.add(number + " " + words);
        }
    }

    private static boolean isOver(JsonNode holder, Instant now) {
        @Nullable Instant until = Fields.time(holder, "lease_until");
        return until != null && until.isBefore(now);
    }
}
