package dev.interlock.cli.view;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What a person can do about a job: the exact commands. */
final class Remedies {

    /** A command, and what it does. */
    record Remedy(String command, String what) {}

    private static final int MOST_IN_THE_WAY = 3;

    private final JsonNode job;
    private final String id;
    private final List<Remedy> remedies = new ArrayList<>();

    private Remedies(JsonNode job) {
        this.job = job;
        this.id = Words.argument(Fields.text(job, "job_id"));
    }

    /** The most to the point first. */
    static List<Remedy> of(JsonNode job, JsonNode status, Instant now) {
        return new Remedies(job).all(status, now);
    }

    private List<Remedy> all(JsonNode status, Instant now) {
        String word = job.path("status").asString("");
        boolean waits = word.equals("waiting") || word.equals("delayed");
        if (waits) {
            obstacles(status, now);
        }
        leases(now);
        if (word.equals("waiting") && job.path("queue_position").asLong() > 1) {
            add(
                    "interlock jobs priority " + id + " "
                            + Math.min(job.path("priority").asInt() + 10, 100),
                    "moves it ahead in its lines");
        }
        if (waits || (word.equals("running") && !Fields.has(job, "cancel_requested_at"))) {
            add("interlock jobs cancel " + id, waits ? "ends it before it starts" : "asks its worker to stop it");
        }
        if (word.equals("failed") || word.equals("cancelled")) {
            add("interlock jobs retry " + id, "brings it back to the place that it had");
        }
        add("interlock log --job " + id, "everything that happened to it");
        return remedies;
    }

    private void obstacles(JsonNode status, Instant now) {
        if (status.path("limits").path("paused").asBoolean(false)) {
            add("interlock limits --resume", "lets jobs start again");
        }
        for (JsonNode model : job.path("models")) {
            if (!Fields.has(model, "model")) {
                continue;
            }
            String name = Words.argument(Fields.text(model, "model"));
            if (model.path("paused").asBoolean(false)) {
                add("interlock models resume " + name, "lets jobs start on it again");
            } else if (model.path("capacity").asInt() == 0) {
                add("interlock models set " + name + " --capacity 1", "lets one job hold it");
            }
        }
        if (job.path("status").asString("").equals("waiting")) {
            // Those that were named above; blocked_by_job_id may be another, who is just ahead.
            Reasons.inTheWay(job, now).stream()
                    .limit(MOST_IN_THE_WAY)
                    .forEach(id ->
                            add("interlock explain " + Words.argument(id), "the same of the job that is in the way"));
        }
    }

    private void leases(Instant now) {
        Instant own = Fields.time(job, "lease_until");
        boolean over = own != null && own.isBefore(now);
        for (JsonNode model : job.path("models")) {
            for (JsonNode holder : model.path("holders")) {
                Instant until = Fields.time(holder, "lease_until");
                over |= until != null && until.isBefore(now);
            }
        }
        if (over) {
            add("interlock sweep", "takes back the leases that ran out");
        }
    }

    private void add(String command, String what) {
        remedies.add(new Remedy(command, what));
    }
}
