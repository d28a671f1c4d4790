package dev.interlock.internal.doctor;

import static dev.interlock.internal.doctor.Diagnosis.error;
import static dev.interlock.internal.doctor.Diagnosis.warning;

import dev.interlock.Finding.Severity;
import dev.interlock.internal.migrate.Inspection;
import dev.interlock.internal.migrate.Manifest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All checks. */
public final class Checks {

    private static final Duration SKEW = Duration.ofSeconds(2);

    private Checks() {}

    /** What an inspection shows, the worst first. */
    public static List<Diagnosis> of(Inspection inspection) {
        Manifest manifest = Manifest.current();
        SchemaChecks schema = new SchemaChecks(inspection, manifest);
        List<Diagnosis> found = new ArrayList<>(schema.run());
        AccessChecks access = new AccessChecks(inspection, manifest.differences(inspection));
        if (!schema.isInstalled()) {
            // What has our names is the predecessor's still, which works with it.
            found.addAll(access.beforeTheInstallation());
        } else {
            found.addAll(access.run());
            found.addAll(new IndexChecks(inspection).run());
            found.addAll(new JobsChecks(inspection).run());
            found.addAll(new QueueChecks(inspection).run());
        }
        // Where something is missing, it is clear why that cannot be looked at.
        found.addAll(new DatabaseChecks(
                        inspection, found.stream().noneMatch(d -> d.finding().severity() == Severity.ERROR))
                .run());
        return inOrder(found);
    }

    /** The worst first, else as they were found. */
    public static List<Diagnosis> inOrder(List<Diagnosis> found) {
        return found.stream()
                .sorted(Comparator.comparing(d -> d.finding().severity()))
                .toList();
    }

    /** That the installation would be refused. */
    public static Diagnosis refusedInstallation(String refusal) {
        return error(
                "install-refused",
                "The installation would be refused: " + refusal,
                "027 cannot use what is there already, and changes nothing.",
                "Put that right first: docs/guides/install.md, What is refused.");
    }

    /** That PostgREST has not read the schema since the function was made. */
    public static Diagnosis staleSchemaCache() {
        return error(
                        "schema-cache-stale",
                        "The database has the functions, and the API does not know them (PGRST202).",
                        "Every call fails until PostgREST reads the schema again.",
                        "Ask it to; where that does not help, restart the project in the Dashboard.")
                .fixedBy("notify pgrst, 'reload schema';", "asked PostgREST to read the schema again");
    }

    /** That the two clocks differ, when they do. The database's was read at some time between the other two. */
    public static @Nullable Diagnosis skew(Instant before, Instant database, Instant after) {
        Duration ahead = Duration.between(after, database);
        Duration behind = Duration.between(database, before);
        Duration skew = ahead.compareTo(behind) > 0 ? ahead : behind;
        if (skew.compareTo(SKEW) <= 0) {
            return null;
        }
        return warning(
                "clock-skew",
                "This machine's clock is " + skew.toMillis() / 1000.0 + " s "
                        + (skew.equals(ahead) ? "behind" : "ahead of") + " the database's.",
                "Leases, order and expiry go by the database's clock alone. But a time that your program works out (a deadline, run at, retry at)"
                        + " comes that much early or late.",
                "Have this machine's clock set by NTP.");
    }

    /** What is told where no inspection could be made. */
    public static Diagnosis failure(String id, String what, String why, String todo) {
        return error(id, what, why, todo);
    }
}
