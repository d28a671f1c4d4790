package dev.interlock;

import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.migrate.Inspection;
import dev.interlock.internal.migrate.MigrationFile;
import java.time.Duration;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Looks at a project: by the function that is there for it, or, where that is not installed, through {@code exec_sql}, which changes nothing either. */
record Inspector(SupabaseClient supabase) {

    private static final Duration STEP_TIMEOUT = Duration.ofMinutes(3);
    private static final Duration BRIEF = Duration.ofSeconds(3);

    /** What it saw, and whether PostgREST knew the function. */
    record Look(Inspection inspection, boolean byFunction) {}

    /** @throws ExecSqlMissingException when the project has neither function */
    Look look() {
        try {
            return new Look(
                    new Inspection(
                            supabase.rpc(Inspection.FUNCTION).repeatable().as(JsonNode.class)),
                    true);
        } catch (SchemaMismatchException | PermissionDeniedException e) {
            return new Look(throughExecSql(), false);
        }
    }

    private Inspection throughExecSql() {
        try {
            execute(Inspection.sql());
        } catch (ServiceException e) {
            if (Inspection.CODE.equals(e.code())) {
                return new Inspection(JsonCodec.read(e.serverMessage(), JsonNode.class));
            }
            throw e;
        }
        throw new DataException("exec_sql did not execute what it was given.");
    }

    /** Executes SQL as the owner, all or nothing. It has to be such that it may run twice. */
    void execute(String sql) {
        try {
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
}
