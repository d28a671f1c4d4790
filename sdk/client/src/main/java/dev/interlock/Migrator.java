package dev.interlock;

import dev.interlock.internal.migrate.Inspection;
import dev.interlock.internal.migrate.Manifest;
import dev.interlock.internal.migrate.MigrationFile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Installs Interlock's SQL in a project through the function {@code exec_sql}, with a secret key and HTTPS alone. Thread-safe; several may run at
 * once, in one process or many.
 *
 * <pre>{@code
 * MigrationReport report = Migrator.create(SupabaseClient.fromEnv()).migrate();
 * System.out.println(report.message());
 * }</pre>
 */
public final class Migrator {

    private static final Logger LOG = LoggerFactory.getLogger(Migrator.class);
    private static final Duration SCHEMA_RELOAD = Duration.ofSeconds(30);

    // What a raise exception of PL/pgSQL has for its code.
    private static final String RAISED = "P0001";

    private static final String SUCCESS = """
            ✅ Migration 027 completed successfully!
               - Added 5 columns to jobs table
               - Added 3 columns to workflow_executions table
               - Created job_queue_state table
               - Created job_queue_log table
               - Created %d new indexes""";

    private static final String LEFT_OUT = """

            Building an index of a large table holds up its writers, so these were left out: %s.
            The engine needs none of them. If your own queries do: "interlock doctor" prints the statement for each.""";

    private final SupabaseClient supabase;
    private final Inspector inspector;

    private Migrator(SupabaseClient supabase) {
        this.supabase = supabase;
        this.inspector = new Inspector(supabase);
    }

    /**
     * A migrator for a project.
     *
     * @throws ConfigurationException when the client's key is an anon or publishable one
     */
    public static Migrator create(SupabaseClient supabase) {
        if (supabase.keyKind() == KeyKind.PUBLISHABLE) {
            throw new ConfigurationException(
                    "Migrations need the project's secret (or service-role) key; this is a publishable (or anon) key.");
        }
        return new Migrator(supabase);
    }

    /**
     * Applies what is missing, in order, each file in a transaction of its own with its record; waits until the API knows it; verifies.
     *
     * @throws ExecSqlMissingException when the project has no exec_sql yet; the message says what to paste
     * @throws SchemaMismatchException when an applied file's text has changed since, or the verification fails
     */
    public MigrationReport migrate() {
        return migrate(file -> {});
    }

    /**
     * {@link #migrate()}, telling how far it is.
     *
     * @param applying is told the name of each file before it is applied
     */
    public MigrationReport migrate(Consumer<String> applying) {
        MigrationStatus status = status();
        if (!status.changed().isEmpty()) {
            throw new SchemaMismatchException("These migrations were applied with another text than they have now: "
                    + String.join(", ", status.changed())
                    + ". An applied file is never changed; a change is a new file."
                    + " Use the version of Interlock that was installed, or a newer release.");
        }
        List<String> applied = new ArrayList<>();
        for (MigrationFile file : MigrationFile.all(status.newProject())) {
            if (status.pending().contains(file.name())) {
                LOG.debug("applying {}", file.name());
                applying.accept(file.name());
                inspector.execute(file.applySql());
                applied.add(file.name());
            }
        }
        // The last file's function: where the API knows it, it knows all.
        supabase.rpc(Inspection.FUNCTION)
                .repeatable()
                .waitForSchema(SCHEMA_RELOAD)
                .timeout(SCHEMA_RELOAD)
                .execute();

        Verification verification = verify();
        if (!verification.isComplete()) {
            throw new SchemaMismatchException(
                    "The migrations ran and the verification fails: " + String.join("; ", verification.lines())
                            + ". If jobs was created after Interlock was installed, run rollback() and migrate() again.");
        }
        return new MigrationReport(
                status.newProject(), applied, verification, message(status.newProject(), applied, verification));
    }

    /**
     * What is installed and what is not; changes nothing.
     *
     * @throws ExecSqlMissingException when the SQL is not installed, or an older one is, and the project has no exec_sql
     */
    public MigrationStatus status() {
        return status(inspector.look().inspection());
    }

    /**
     * Why {@link #migrate()} would be refused: what 027 cannot use of what is there already, all reasons at once. It is asked by that file's own beginning;
     * changes nothing.
     *
     * @return empty where nothing is in the way, or that file has been applied
     * @throws ExecSqlMissingException when the project has no exec_sql
     */
    public Optional<String> refusal() {
        if (!status().pending().contains(MigrationFile.EXISTING_PROJECT)) {
            return Optional.empty();
        }
        try {
            inspector.execute(MigrationFile.lookSql());
        } catch (ServiceException e) {
            if (Inspection.CODE.equals(e.code())) {
                return Optional.empty();
            }
            if (RAISED.equals(e.code())) {
                return Optional.of(e.serverMessage() + (e.hint() == null ? "" : ". " + e.hint()));
            }
            throw e;
        }
        throw new DataException("exec_sql did not execute what it was given.");
    }

    /**
     * The results of the seed's verification queries, and a comparison of every object with this version's; changes nothing.
     *
     * @throws ExecSqlMissingException when the SQL is not installed, or an older one is, and the project has no exec_sql
     */
    public Verification verify() {
        Inspection found = inspector.look().inspection();
        return new Verification(
                found.hasTable("jobs"),
                found.hasTable("workflow_executions"),
                found.seedColumns("jobs"),
                found.seedColumns("workflow_executions"),
                (found.hasTable("job_queue_state") ? 1 : 0) + (found.hasTable("job_queue_log") ? 1 : 0),
                found.fact("state").size(),
                found.activeJobId(),
                found.version(),
                Manifest.current().differences(found));
    }

    /**
     * Removes everything of Interlock's but {@code exec_sql}: its tables with the log and all waiting jobs' places, its functions, the columns of
     * {@code jobs} and {@code workflow_executions}. The rows of these two stay, and so does whatever of it was there before Interlock, with the
     * grants that it had then. Where nothing of Interlock's is, nothing is done.
     */
    public void rollback() {
        inspector.execute(MigrationFile.text("rollback/027_rollback.sql"));
    }

    private static MigrationStatus status(Inspection found) {
        List<String> applied = new ArrayList<>();
        List<String> pending = new ArrayList<>();
        List<String> changed = new ArrayList<>();
        for (MigrationFile file : MigrationFile.all(found.isNew())) {
            String checksum = found.applied().get(file.name());
            (checksum == null ? pending : checksum.equals(file.checksum()) ? applied : changed).add(file.name());
        }
        return new MigrationStatus(found.isNew(), applied, pending, changed);
    }

    private static String message(boolean newProject, List<String> applied, Verification verification) {
        String first = applied.isEmpty()
                ? "Everything was there already."
                : (newProject ? "New project: applied " : "Existing project: applied ") + applied.size() + " files ("
                        + MigrationFile.all(newProject).get(0).name() + " and the engine's).";
        if (!verification.hasJobs()) {
            return first + "\nThe database has no table jobs: it coordinates jobs that live elsewhere.";
        }
        List<String> leftOut = verification.differences().stream()
                .filter(missing -> missing.kind().equals("index")
                        && (missing.name().startsWith("jobs.") || missing.name().startsWith("workflow_executions.")))
                .map(Difference::name)
                .toList();
        return first + "\n"
                + (verification.hasExecutions()
                        ? SUCCESS.formatted(8 - leftOut.size())
                        : "The database has no table workflow_executions.")
                + (leftOut.isEmpty() ? "" : LEFT_OUT.formatted(String.join(", ", leftOut)));
    }
}
