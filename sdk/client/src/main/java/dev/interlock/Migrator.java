package dev.interlock;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.migrate.Facts;
import dev.interlock.internal.migrate.MigrationFile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
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
    private static final Duration STEP_TIMEOUT = Duration.ofMinutes(3);
    private static final Duration SCHEMA_RELOAD = Duration.ofSeconds(30);
    private static final Duration BRIEF = Duration.ofSeconds(3);

    private static final String SUCCESS = """
            ✅ Migration 027 completed successfully!
               - Added 5 columns to jobs table
               - Added 3 columns to workflow_executions table
               - Created job_queue_state table
               - Created job_queue_log table
               - Created 8 new indexes""";

    private final SupabaseClient supabase;

    private Migrator(SupabaseClient supabase) {
        this.supabase = supabase;
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
        Facts facts = facts();
        MigrationStatus status = status(facts);
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
                apply(file);
                applied.add(file.name());
            }
        }
        supabase.rpc("job_queue_version")
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

    /** What is installed and what is not; changes nothing. */
    public MigrationStatus status() {
        return status(facts());
    }

    /** The results of the seed's verification queries; changes nothing. */
    public Verification verify() {
        Facts facts = facts();
        List<StateRow> rows = facts.hasState() ? stateRows() : List.of();
        return new Verification(
                facts.hasJobs(),
                facts.hasExecutions(),
                facts.jobsColumns(),
                facts.executionsColumns(),
                facts.tables(),
                rows.size(),
                rows.isEmpty() ? null : rows.get(0).activeJobId());
    }

    /**
     * Removes everything of Interlock's but {@code exec_sql}: its tables with the log and all waiting jobs' places, its functions, the columns of
     * {@code jobs} and {@code workflow_executions}. The rows of these two stay.
     */
    public void rollback() {
        execute(MigrationFile.text("rollback/027_rollback.sql"));
    }

    private void apply(MigrationFile file) {
        execute(file.applySql());
    }

    private MigrationStatus status(Facts facts) {
        List<String> applied = new ArrayList<>();
        List<String> pending = new ArrayList<>();
        List<String> changed = new ArrayList<>();
        for (MigrationFile file : MigrationFile.all(facts.isNew())) {
            String checksum = facts.applied().get(file.name());
            (checksum == null ? pending : checksum.equals(file.checksum()) ? applied : changed).add(file.name());
        }
        return new MigrationStatus(facts.isNew(), applied, pending, changed);
    }

    private Facts facts() {
        try {
            execute(Facts.SQL);
        } catch (ServiceException e) {
            if (Facts.CODE.equals(e.code())) {
                return JsonCodec.read(e.serverMessage(), Facts.class);
            }
            throw e;
        }
        throw new DataException("exec_sql did not execute what it was given.");
    }

    private void execute(String sql) {
        try {
            // All of it may run twice: the files are written so, and each runs whole or not at all.
            supabase.rpc("exec_sql", Map.of("query", sql))
                    .repeatable()
                    .waitForSchema(BRIEF)
                    .timeout(STEP_TIMEOUT)
                    .execute();
        } catch (SchemaMismatchException e) {
            if (String.valueOf(e.getMessage()).contains("exec_sql")) {
                throw new ExecSqlMissingException(MigrationFile.text("exec_sql.sql"), e);
            }
            throw e;
        }
    }

    private List<StateRow> stateRows() {
        return supabase.from("job_queue_state").select("id,active_job_id").listOf(StateRow.class);
    }

    private record StateRow(
            int id, @JsonProperty("active_job_id") @Nullable String activeJobId) {}

    private static String message(boolean newProject, List<String> applied, Verification verification) {
        String first = applied.isEmpty()
                ? "Everything was there already."
                : (newProject ? "New project: applied " : "Existing project: applied ") + applied.size() + " files ("
                        + MigrationFile.all(newProject).get(1).name() + " and the engine's).";
        if (!verification.hasJobs()) {
            return first + "\nThe database has no table jobs: it coordinates jobs that live elsewhere.";
        }
        return first + "\n"
                + (verification.hasExecutions() ? SUCCESS : "The database has no table workflow_executions.");
    }
}
