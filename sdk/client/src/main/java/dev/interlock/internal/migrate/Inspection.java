package dev.interlock.internal.migrate;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What {@code job_queue_inspect()} says of a database; {@code docs/reference/rpc.md}. A fact that could not be asked for, because what it is about is
 * not there, is missing.
 */
public final class Inspection {

    /** The function, once it is installed. */
    public static final String FUNCTION = "job_queue_inspect";

    /** Its file. */
    public static final String FILE = "092_job_queue_inspect.sql";

    /** The SQLSTATE of the error that carries what it says where it is not installed. */
    public static final String CODE = "JQP00";

    private final JsonNode facts;
    private final Map<String, String> objects;

    /** What the function answered. */
    public Inspection(JsonNode facts) {
        this.facts = facts;
        this.objects = texts(facts.path("objects"));
    }

    /** What {@code exec_sql} is given instead of a call: makes the functions for this transaction alone, and raises what they say. */
    public static String sql() {
        return """
                do $interlock$
                begin
                    execute $interlock_file$
                %s
                $interlock_file$;
                    raise exception using errcode = '%s', message = pg_temp.job_queue_inspect()::text;
                end;
                $interlock$;
                """.formatted(
                        MigrationFile.text(FILE)
                                .replace("public.job_queue_inspect(", "pg_temp.job_queue_inspect(")
                                .replace("job_queue.inspect_objects(", "pg_temp.inspect_objects("),
                        CODE);
    }

    /** One of the facts; a missing node when it is not known. */
    public JsonNode fact(String name) {
        return facts.path(name);
    }

    /** Every object of ours, described. */
    public Map<String, String> objects() {
        return objects;
    }

    /** The names of the facts that could not be had, each with the reason. */
    public Map<String, String> unknown() {
        return texts(facts.path("unknown"));
    }

    /** The files that were applied, with the checksums of their texts. */
    public Map<String, String> applied() {
        return texts(facts.path("migrations").path("applied"));
    }

    /** The version of the SQL; null when there is none. */
    public @Nullable String version() {
        String version = facts.path("version").asString("");
        return version.isEmpty() ? null : version;
    }

    /** The database's clock when it was asked. */
    public Instant now() {
        return OffsetDateTime.parse(facts.path("now").asString("")).toInstant();
    }

    /** Whether there is this table, one of ours or of those that we mirror. */
    public boolean hasTable(String name) {
        return facts.path("tables").has(name);
    }

    /** Whether this is a project that has neither jobs nor a queue, so that 000 is right. */
    public boolean isNew() {
        return applied().containsKey(MigrationFile.NEW_PROJECT)
                || !(hasTable("jobs")
                        || hasTable("workflow_executions")
                        || hasTable("job_queue_state")
                        || hasTable("job_queue_log"));
    }

    /** How many columns of the seed's this table has; for {@code jobs} and {@code workflow_executions}. */
    public int seedColumns(String table) {
        return (int) objects.keySet().stream()
                .filter(object -> object.startsWith("column " + table + "."))
                .count();
    }

    /** The job that {@code job_queue_state} names; null when none runs. */
    public @Nullable String activeJobId() {
        String id = facts.path("state").path(0).path("active_job_id").asString("");
        return id.isEmpty() ? null : id;
    }

    private static Map<String, String> texts(JsonNode object) {
        Map<String, String> texts = new TreeMap<>();
        object.properties()
                .forEach(entry -> texts.put(entry.getKey(), entry.getValue().asString("")));
        return texts;
    }
}
