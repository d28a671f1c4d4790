package dev.interlock.cli;

import dev.interlock.JobCoordinator;
import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The project that a command works on. Commands print what the SQL functions answer, so they read the answers as JSON: {@code --json} then shows
 * exactly the documented answer (docs/reference/rpc.md).
 */
public record Project(SupabaseClient supabase) implements AutoCloseable {

    /** Calls a function that changes nothing when it is called twice. */
    public JsonNode call(String function, Map<String, ? extends @Nullable Object> arguments) {
        return supabase.rpc(function, arguments).repeatable().as(JsonNode.class);
    }

    /** What the database's clock says; that of this machine may be another. */
    public Instant now() {
        return OffsetDateTime.parse(
                        call("job_queue_status", Map.of()).path("now").asString())
                .toInstant();
    }

    /** The coordinator, for what it decides itself. */
    public JobCoordinator coordinator() {
        return JobCoordinator.create(supabase);
    }

    /** The migrator. */
    public Migrator migrator() {
        return Migrator.create(supabase);
    }

    @Override
    public void close() {
        supabase.close();
    }
}
