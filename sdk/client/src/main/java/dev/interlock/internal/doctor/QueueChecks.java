package dev.interlock.internal.doctor;

import static dev.interlock.internal.doctor.Diagnosis.SWEEP;
import static dev.interlock.internal.doctor.Diagnosis.count;
import static dev.interlock.internal.doctor.Diagnosis.error;
import static dev.interlock.internal.doctor.Diagnosis.some;
import static dev.interlock.internal.doctor.Diagnosis.texts;
import static dev.interlock.internal.doctor.Diagnosis.warning;

import dev.interlock.internal.migrate.Inspection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/** Whether the work gets done. */
final class QueueChecks {

    private static final Map<String, String> ROWS = Map.of(
            "job_queue_state",
            "insert into public.job_queue_state (id, active_models) values (1, '[]') on conflict (id) do nothing;",
            "job_queue_settings",
            "insert into public.job_queue_settings (id) values (1) on conflict (id) do nothing;",
            "job_queue_models",
            "insert into public.job_queue_models (model, capacity) values ('', 0) on conflict (model) do nothing;",
            "job_queue_marks",
            "insert into public.job_queue_marks (id, log_whole_from) select 1, coalesce(max(l.created_at), '-infinity')"
                    + " from public.job_queue_log as l on conflict (id) do nothing;");

    private final Inspection inspection;
    private final List<Diagnosis> found = new ArrayList<>();

    QueueChecks(Inspection inspection) {
        this.inspection = inspection;
    }

    List<Diagnosis> run() {
        new TreeMap<>(ROWS).forEach(this::row);
        tokens();
        workers();
        closed();
        return found;
    }

    private void row(String table, String insert) {
        if (inspection.fact("rows").path(table).asInt(1) == 0) {
            found.add(error(
                            "row-missing",
                            "The one row of " + table + " is missing.",
                            "Calls fail, or forget what was set.",
                            "Put it back, with the defaults"
                                    + (table.equals("job_queue_settings") ? "; then set your limits again." : "."))
                    .fixedBy(insert, "put back the row of " + table));
        }
    }

    private void tokens() {
        JsonNode sequence = inspection.fact("token_sequence");
        long at = sequence.path("at").asLong(0);
        long used = sequence.path("used").asLong(0);
        if (sequence.has("at") && used > at) {
            found.add(error(
                            "token-sequence-behind",
                            "The sequence of the tokens is at " + at + ", and " + used + " has been given out.",
                            "A token has to be new for every run, or a worker that was given up may write over its successor."
                                    + " A restore without its sequences does this.",
                            "Set it beyond.")
                    .fixedBy(
                            "select setval('public.job_queue_token_seq', greatest((select s.last_value from public.job_queue_token_seq as s), "
                                    + (used + 1_000_000) + "));",
                            "set the sequence of the tokens beyond " + used));
        }
    }

    private void workers() {
        JsonNode queue = inspection.fact("queue");
        List<String> dead = texts(queue.path("dead_leases"));
        List<String> overdue = texts(queue.path("overdue"));
        if (!dead.isEmpty() || !overdue.isEmpty()) {
            List<String> jobs = new ArrayList<>(dead);
            jobs.addAll(overdue);
            found.add(warning(
                            "nobody-polls",
                            (dead.isEmpty() ? "" : count(dead.size(), "lease", "leases") + " ran out")
                                    + (dead.isEmpty() || overdue.isEmpty() ? "" : " and ")
                                    + (overdue.isEmpty() ? "" : count(overdue.size(), "job", "jobs") + " fell due")
                                    + " more than a minute ago, and nobody has looked: " + some(jobs) + ".",
                            "Every worker that polls does that for all; so none does. The models of dead leases stay taken.",
                            "Start a worker. (The housekeeping takes the jobs back into line; a worker has to run them.)")
                    .fixedBy(SWEEP, "swept"));
        }
        List<String> unclaimed = texts(queue.path("unclaimed"));
        int skipped = queue.path("skipped").values().stream()
                .mapToInt(n -> n.asInt(0))
                .sum();
        boolean alive = queue.path("live_workers").asInt(0) > 0;
        String seen = queue.path("last_worker_seen").asString("");
        if (!alive && (!unclaimed.isEmpty() || skipped > 0)) {
            found.add(warning(
                    "no-worker",
                    count(unclaimed.size() + skipped, "job could start", "jobs could start")
                            + ", and no worker has been heard of "
                            + (seen.isEmpty() ? "for a day" : "since " + seen) + ".",
                    "Only a worker starts jobs.",
                    "Start a worker, or see why yours cannot reach the project."));
        } else if (skipped > 0) {
            found.add(warning(
                    "nobody-can-run",
                    count(skipped, "job stands", "jobs stand") + " aside because no live worker runs "
                            + some(List.copyOf(queue.path("skipped").propertyNames())) + ".",
                    "They wait, with their places kept, until a worker with that handler (and their models) polls.",
                    "Start one, or cancel the jobs."));
        }
    }

    private void closed() {
        JsonNode queue = inspection.fact("queue");
        if (queue.path("paused").asBoolean(false) && queue.path("waiting").asInt(0) > 0) {
            found.add(warning(
                    "queue-paused",
                    "Everything is paused, and jobs wait.",
                    "Nobody starts, whatever is free.",
                    "\"interlock limits --resume\", or select job_queue_set_limits('{\"paused\": false}');"));
        }
        List<String> models = inspection.fact("closed_models").values().stream()
                .map(m -> m.path("model").asString("")
                        + (m.path("paused").asBoolean(false) ? " (paused)" : " (capacity 0)"))
                .toList();
        if (!models.isEmpty()) {
            found.add(warning(
                    "models-closed",
                    "Jobs wait for models that let nobody in: " + some(models) + ".",
                    "They wait until that ends.",
                    "\"interlock models resume MODEL\", or give the model a capacity with \"interlock models set\"."));
        }
    }
}
