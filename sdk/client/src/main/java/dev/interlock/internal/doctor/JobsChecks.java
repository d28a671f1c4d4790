package dev.interlock.internal.doctor;

import static dev.interlock.internal.doctor.Diagnosis.count;
import static dev.interlock.internal.doctor.Diagnosis.error;
import static dev.interlock.internal.doctor.Diagnosis.note;
import static dev.interlock.internal.doctor.Diagnosis.some;
import static dev.interlock.internal.doctor.Diagnosis.texts;
import static dev.interlock.internal.doctor.Diagnosis.warning;

import dev.interlock.internal.migrate.Inspection;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Rows that the coordinator does not answer for, and signs of the Python system. */
final class JobsChecks {

    private static final String ADOPT =
            "\"interlock adopt\" shows what it would do with them, and asks before it does it.";

    private final Inspection inspection;
    private final List<Diagnosis> found = new ArrayList<>();

    JobsChecks(Inspection inspection) {
        this.inspection = inspection;
    }

    List<Diagnosis> run() {
        rows();
        oldSystem();
        JsonNode failures = inspection.fact("mirror_failures");
        int refused = failures.path("count").asInt(0);
        if (refused > 0) {
            JsonNode latest = failures.path("latest");
            found.add(warning(
                    "mirror-refused",
                    "Within a day " + count(refused, "row", "rows")
                            + " refused what the coordinator wrote; the latest, in "
                            + latest.path("relation").asString("") + " of job "
                            + latest.path("job_id").asString("") + ": "
                            + latest.path("message").asString(""),
                    "The job goes on all the same, and its row shows an old state.",
                    "Change the trigger, CHECK or constraint of yours that refuses it (docs/reference/tables.md)."));
        }
        return found;
    }

    private void rows() {
        JsonNode running = inspection.fact("running_unleased");
        int unleased = running.path("count").asInt(0);
        if (unleased > 0) {
            found.add(
                    warning(
                            "running-unleased",
                            count(unleased, "row of jobs is", "rows of jobs are") + " marked running with no lease: "
                                    + some(running.path("jobs"), unleased) + ".",
                            "Nobody runs them: they stay so for ever, and hold nothing. (Or something else than Interlock runs them.)",
                            "If no worker of another system runs them: \"interlock adopt --running\" shows what it would do, asks, and puts them back in line."));
        }
        JsonNode blocked = inspection.fact("blocked_unknown");
        int gone = blocked.path("blocker_gone").asInt(0);
        int standing = blocked.path("count").asInt(0) - gone;
        List<String> ids = texts(blocked.path("jobs"));
        if (gone > 0) {
            found.add(warning(
                    "blocker-gone",
                    count(gone, "row of jobs waits", "rows of jobs wait")
                            + " for a job that is gone or has ended, and the coordinator does not know "
                            + (gone == 1 ? "it: " : "them: ")
                            + some(ids.subList(0, Math.min(gone, ids.size())), gone) + ".",
                    "Nothing will ever start them.",
                    ADOPT));
        }
        JsonNode waiting = inspection.fact("waiting_unknown");
        int unknown = waiting.path("count").asInt(0) + standing;
        if (unknown > 0) {
            List<String> names = new ArrayList<>(texts(waiting.path("jobs")));
            names.addAll(ids.subList(Math.min(gone, ids.size()), ids.size()));
            found.add(warning(
                    "not-adopted",
                    count(unknown, "row of jobs waits", "rows of jobs wait") + " in no line: " + some(names, unknown)
                            + ".",
                    "They came before Interlock, or while its triggers were off; the coordinator starts only what it knows.",
                    ADOPT));
        }
        JsonNode without = inspection.fact("waiting_without_models");
        int bare = without.path("count").asInt(0);
        if (bare > 0) {
            found.add(
                    note(
                            "waiting-without-models",
                            count(bare, "row of jobs waits", "rows of jobs wait") + " without required_models: "
                                    + some(without.path("jobs"), bare) + ".",
                            "Rows without models are none of the coordinator's: they enter no line.",
                            "If they are meant for it, set required_models (a trigger then puts them in line), or have \"interlock adopt\" work it out."));
        }
    }

    private void oldSystem() {
        JsonNode events = inspection.fact("old_events");
        int written = events.path("count").asInt(0);
        if (written > 0) {
            found.add(error(
                    "python-alive",
                    "Somebody else wrote " + count(written, "event", "events")
                            + " into job_queue_log within the last hour, the latest at "
                            + events.path("latest").asString("") + ".",
                    "A Python coordinator is alive. One that starts resets every running job and every slot; two systems start the same jobs.",
                    "Stop it for good (docs/guides/from-python.md). This goes away an hour after its last event."));
        }
        JsonNode slots = inspection.fact("old_slots");
        if (!slots.isEmpty()) {
            found.add(warning(
                            "old-slots",
                            "The old coordinator's slots are taken: " + some(slots, slots.size()) + ".",
                            "A Python coordinator works, or left them when it died. Interlock does not look at them.",
                            "When no Python worker runs any more, empty them.")
                    .sql("update public.job_queue_state set active_jobs = '[]' where id = 1;"));
        }
    }
}
