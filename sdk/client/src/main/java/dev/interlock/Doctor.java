package dev.interlock;

import dev.interlock.internal.doctor.Checks;
import dev.interlock.internal.doctor.Diagnosis;
import dev.interlock.internal.migrate.Inspection;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds out what is wrong with a project: with the key and the connection, the installed SQL, who may do what, what the predecessor left, rows of
 * {@code jobs} that nobody answers for, and whether the work gets done. Looking changes nothing and costs one call, a second at most with hundreds of
 * thousands of jobs. Thread-safe.
 *
 * <pre>{@code
 * for (Finding finding : Doctor.create(supabase).examine()) {
 *     System.out.println(finding.severity() + " " + finding.what() + " " + finding.todo());
 * }
 * }</pre>
 */
public final class Doctor {

    private static final String NOT_INSTALLED = "not-installed";
    private static final Duration SCHEMA_RELOAD = Duration.ofSeconds(30);
    private static final Duration SCHEMA_BEHIND = Duration.ofSeconds(5);

    private final SupabaseClient supabase;
    private final Inspector inspector;
    private final InstantSource clock;

    private Doctor(SupabaseClient supabase, InstantSource clock) {
        this.supabase = supabase;
        this.inspector = new Inspector(supabase);
        this.clock = clock;
    }

    /** A doctor for a project. */
    public static Doctor create(SupabaseClient supabase) {
        return create(supabase, InstantSource.system());
    }

    static Doctor create(SupabaseClient supabase, InstantSource clock) {
        return new Doctor(supabase, clock);
    }

    /** Everything that is wrong, or worth knowing, the worst first; empty when there is nothing. A project that cannot be reached is a finding too. */
    public List<Finding> examine() {
        return diagnose().stream().map(Diagnosis::finding).toList();
    }

    /**
     * Mends what is {@link Finding#fixable}: looks again, then does one after the other. Takes back rights to what is ours, turns row level security on,
     * puts back functions, columns, triggers, indexes of small tables and the rows of settings that are missing, sets a sequence forward, sweeps, has
     * PostgREST read the schema. Deletes nothing that the housekeeping would not, and changes nothing that somebody may have meant.
     *
     * @return what was done, in sentences
     * @throws ServiceException when the database refuses one; those before it are done
     */
    public List<String> fix() {
        List<String> done = new ArrayList<>();
        boolean installed = true;
        for (Diagnosis diagnosis : diagnose()) {
            installed &= !diagnosis.finding().id().equals(NOT_INSTALLED);
            String remedy = diagnosis.remedy();
            if (remedy == null) {
                continue;
            }
            if (remedy.equals(Diagnosis.SWEEP)) {
                supabase.rpc("job_queue_sweep").repeatable().execute();
            } else {
                inspector.execute(remedy);
            }
            done.add(diagnosis.finding().id() + ": " + diagnosis.did() + ".");
        }
        if (!done.isEmpty() && installed) {
            supabase.rpc(Inspection.FUNCTION)
                    .repeatable()
                    .waitForSchema(SCHEMA_RELOAD)
                    .timeout(SCHEMA_RELOAD)
                    .execute();
        }
        return List.copyOf(done);
    }

    private List<Diagnosis> diagnose() {
        if (supabase.keyKind() == KeyKind.PUBLISHABLE) {
            return List.of(Checks.failure(
                    "key-kind",
                    "This is the project's publishable (or anon) key.",
                    "The coordinator is closed to it, as it should be.",
                    "Use the secret key (Dashboard, Project Settings, API Keys): SUPABASE_SECRET_KEY, or --key-file."));
        }
        Instant before = clock.instant();
        Inspector.Look look;
        try {
            look = inspector.look();
        } catch (InterlockException e) {
            return List.of(failure(e));
        }
        Instant after = clock.instant();

        Inspection inspection = look.inspection();
        List<Diagnosis> found = new ArrayList<>(Checks.of(inspection));
        String access = "access to function public.job_queue_inspect(): service_role";
        if (!look.byFunction() && inspection.objects().containsKey(access) && !isReadingTheSchema()) {
            found.add(Checks.staleSchemaCache());
        }
        if (found.stream().anyMatch(d -> d.finding().id().equals(NOT_INSTALLED))) {
            refusal().map(Checks::refusedInstallation).ifPresent(found::add);
        }
        Diagnosis skew = Checks.skew(before, inspection.now(), after);
        if (skew != null) {
            found.add(skew);
        }
        if (!inspection.fact("server").path("exec_sql").asBoolean(false)) {
            found.replaceAll(Diagnosis::withoutExecSql);
        }
        return Checks.inOrder(found);
    }

    /** Right after a migration the API is behind for a moment, which is nothing to find. */
    private boolean isReadingTheSchema() {
        try {
            supabase.rpc(Inspection.FUNCTION)
                    .repeatable()
                    .waitForSchema(SCHEMA_BEHIND)
                    .timeout(SCHEMA_BEHIND)
                    .execute();
            return true;
        } catch (InterlockException e) {
            return false;
        }
    }

    private Optional<String> refusal() {
        try {
            return Migrator.create(supabase).refusal();
        } catch (InterlockException e) {
            // That it could not be asked now hinders nothing: the installation asks again.
            return Optional.empty();
        }
    }

    private Diagnosis failure(InterlockException e) {
        if (e instanceof ExecSqlMissingException) {
            return withoutExecSql();
        }
        if (e instanceof UnauthorizedException || e instanceof PermissionDeniedException) {
            return Checks.failure(
                    "key-refused",
                    "The project refuses the key: " + e.getMessage(),
                    "Nothing works with it.",
                    "See that URL and key are of the same project, and that the key was not replaced.");
        }
        return Checks.failure(
                "unreachable",
                "The project could not be asked: " + e.getMessage(),
                "No job starts while the database cannot be reached; what runs, loses its lease.",
                "Check the URL and the network; a project that was paused is restored in the Dashboard.");
    }

    private Diagnosis withoutExecSql() {
        String paste =
                "Paste what \"interlock sql\" prints into the SQL editor; or \"interlock sql exec-sql\" once, then \"interlock install --apply\".";
        try {
            String version = JobCoordinator.create(supabase).version().version();
            return Checks.failure(
                    "migrations-pending",
                    "The SQL of version " + version + " is installed, which has no job_queue_inspect yet.",
                    "It is older than this version, and there is no exec_sql to look by.",
                    paste);
        } catch (SchemaMismatchException e) {
            return Checks.failure(
                    NOT_INSTALLED,
                    "Interlock's SQL is not installed in this project, nor is exec_sql.",
                    "Nothing can be coordinated without it. (Right after a migration it may be that PostgREST has not read the schema:"
                            + " notify pgrst, 'reload schema';)",
                    paste);
        } catch (InterlockException e) {
            return failure(e);
        }
    }
}
