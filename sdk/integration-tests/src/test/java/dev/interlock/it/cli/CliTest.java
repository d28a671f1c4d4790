package dev.interlock.it.cli;

import dev.interlock.SupabaseClient;
import dev.interlock.it.engine.EngineTest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import tools.jackson.databind.JsonNode;

/** Commands on an empty queue, which the tests fill as workers and callers do. */
abstract class CliTest extends EngineTest {

    protected CliRunner cli = CliRunner.bare();
    private SupabaseClient supabase = SupabaseClient.create("http://127.0.0.1:1", "sb_secret_replaced_below");

    @BeforeEach
    final void connect() {
        supabase.close();
        supabase = SupabaseClient.create(local.url(), local.secretKey());
        cli = CliRunner.of(local);
    }

    @AfterEach
    final void disconnect() {
        supabase.close();
    }

    protected final JsonNode call(String function, Map<String, ?> arguments) {
        return supabase.rpc(function, arguments).as(JsonNode.class);
    }

    protected final void enqueue(Object... jobs) {
        call("job_queue_enqueue", Map.of("jobs", List.of(jobs)));
    }

    /** A job of this handler. */
    protected static Map<String, Object> job(String id, String handler, String... models) {
        return Map.of("job_id", id, "handler", handler, "models", List.of(models));
    }

    /** Claims the next job as this worker, which takes this handler only; returns its token, 0 when there was none. */
    protected final long claim(String worker, String handler) {
        return call(
                        "job_queue_claim",
                        Map.of("worker_id", worker, "max_jobs", 1, "options", Map.of("handlers", List.of(handler))))
                .path("leases")
                .path(0)
                .path("token")
                .asLong();
    }

    protected final void end(String jobId, long token, String outcome, Map<String, ?> more) {
        Map<String, Object> all = new HashMap<>(more);
        all.putAll(Map.of("job_id", jobId, "token", token, "outcome", outcome));
        call("job_queue_complete", Map.of("outcomes", List.of(all)));
    }

    protected final void set(String model, Map<String, ?> settings) {
        call("job_queue_set_model", Map.of("model", model, "settings", settings));
    }
}
