package dev.interlock.internal.doctor;

import static dev.interlock.internal.doctor.Diagnosis.SWEEP;
import static dev.interlock.internal.doctor.Diagnosis.error;
import static dev.interlock.internal.doctor.Diagnosis.note;
import static dev.interlock.internal.doctor.Diagnosis.warning;

import dev.interlock.internal.migrate.Inspection;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** What makes the database slow, or refuse to write. */
final class DatabaseChecks {

    private static final int LONG_SECONDS = 600;

    private final Inspection inspection;
    private final boolean tellUnknown;
    private final List<Diagnosis> found = new ArrayList<>();

    DatabaseChecks(Inspection inspection, boolean tellUnknown) {
        this.inspection = inspection;
        this.tellUnknown = tellUnknown;
    }

    List<Diagnosis> run() {
        if (inspection.fact("server").path("read_only").asBoolean(false)) {
            found.add(error(
                    "read-only",
                    "The database is read-only.",
                    "Nothing can be started or ended. Supabase does this when the disk is full.",
                    "See the project's disk usage in the Dashboard."));
        }
        JsonNode log = inspection.fact("log");
        if (log.path("overdue_days").asDouble(0) > 1) {
            found.add(warning(
                            "log-behind",
                            String.format(
                                    Locale.ROOT,
                                    "job_queue_log (%d MB) is kept %.0f days, and its oldest event is %.0f days older than that.",
                                    log.path("bytes").asLong(0) / 1_000_000,
                                    log.path("retention_days").asDouble(0),
                                    log.path("overdue_days").asDouble(0)),
                            "Traffic trims it, up to 5,000 events a second; with none, or with more, it grows and gets slow.",
                            "Sweep, several times where much is behind (pg_cron can do it every minute); or keep the log shorter or longer.")
                    .fixedBy(SWEEP, "swept"));
        }
        JsonNode oldest = inspection.fact("transactions").path(0);
        if (oldest.path("seconds").asLong(0) > LONG_SECONDS) {
            found.add(warning(
                            "long-transaction",
                            "A transaction of " + oldest.path("user").asString("") + " ("
                                    + oldest.path("application").asString("no name") + ", pid "
                                    + oldest.path("pid").asLong(0) + ", "
                                    + oldest.path("state").asString("")
                                    + ") is open for " + oldest.path("seconds").asLong(0) / 60 + " minutes.",
                            "Until it ends, no dead row of any table is cleared away, and a queue makes many: calls get slower and slower.",
                            "End it where it comes from, or here.")
                    .sql("select pg_terminate_backend(" + oldest.path("pid").asLong(0) + ");"));
        }
        Map<String, String> unknown = inspection.unknown();
        if (tellUnknown && !unknown.isEmpty()) {
            found.add(note(
                    "not-examined",
                    "Could not look at "
                            + unknown.entrySet().stream()
                                    .map(fact -> fact.getKey().replace('_', ' ') + " (" + fact.getValue() + ")")
                                    .collect(Collectors.joining(", "))
                            + ".",
                    "What would be found there is not in this list.",
                    "See the reasons."));
        }
        return found;
    }
}
