package dev.interlock.it.engine;

import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/** The functions of the contract as any client calls them: named arguments over HTTP, JSON back. */
public final class Queue {

    private final SupabaseClient supabase;

    public Queue(SupabaseClient supabase) {
        this.supabase = supabase;
    }

    public static Queue of(LocalSupabase local) {
        return new Queue(SupabaseClient.create(local.url(), local.serviceRoleKey()));
    }

    public JsonNode call(String function, Map<String, ?> arguments) {
        return supabase.rpc(function, arguments).as(JsonNode.class);
    }

    /** {@code start} with a request id of its own. */
    JsonNode start(String jobId, String... models) {
        return startAs(UUID.randomUUID().toString(), jobId, models);
    }

    JsonNode startAs(String requestId, String jobId, String... models) {
        return call(
                "job_queue_start",
                Map.of("job_id", jobId, "models", models, "options", Map.of("request_id", requestId)));
    }

    /** Starts a job and expects it to run; returns its token. */
    long startNow(String jobId, String... models) {
        JsonNode answer = start(jobId, models);
        if (!answer.path("result").asString().equals("started")) {
            throw new AssertionError(jobId + " did not start: " + answer);
        }
        return answer.path("lease").path("token").asLong();
    }

    JsonNode startWith(Map<String, ?> options, String jobId, String... models) {
        return call("job_queue_start", Map.of("job_id", jobId, "models", models, "options", options));
    }

    @SafeVarargs
    final JsonNode enqueue(Map<String, ?>... jobs) {
        return call("job_queue_enqueue", Map.of("jobs", jobs));
    }

    void enqueueAll(List<Map<String, Object>> jobs) {
        call("job_queue_enqueue", Map.of("jobs", jobs));
    }

    static Map<String, Object> job(String jobId, String... models) {
        Map<String, Object> job = new HashMap<>();
        job.put("job_id", jobId);
        job.put("models", models);
        return job;
    }

    static Map<String, Object> job(String jobId, Map<String, ?> more, String... models) {
        Map<String, Object> job = job(jobId, models);
        job.putAll(more);
        return job;
    }

    /** Claims for a worker that can run anything; the ids of the jobs it got, in order. */
    List<String> claim(String worker, int atMost) {
        return ids(claimWith(worker, atMost, Map.of()));
    }

    /** Claims one job and expects to get one; its token. */
    long claimToken(String worker) {
        JsonNode answer = claimWith(worker, 1, Map.of());
        if (answer.path("leases").isEmpty()) {
            throw new AssertionError("nothing to claim: " + answer);
        }
        return answer.path("leases").path(0).path("token").asLong();
    }

    JsonNode claimWith(String worker, int atMost, Map<String, ?> options) {
        return call("job_queue_claim", Map.of("worker_id", worker, "max_jobs", atMost, "options", options));
    }

    static List<String> ids(JsonNode answer) {
        List<String> ids = new ArrayList<>();
        answer.path("leases").forEach(lease -> ids.add(lease.path("job_id").asString()));
        return ids;
    }

    /** Ends a run; returns the result word. */
    String end(String jobId, long token, String outcome) {
        return end(jobId, token, outcome, Map.of())
                .path("outcomes")
                .path(0)
                .path("result")
                .asString();
    }

    JsonNode end(String jobId, long token, String outcome, Map<String, ?> options) {
        return call(
                "job_queue_complete",
                Map.of(
                        "outcomes",
                        List.of(Map.of("job_id", jobId, "token", token, "outcome", outcome)),
                        "options",
                        options));
    }

    String complete(String jobId, long token) {
        return end(jobId, token, "complete");
    }

    JsonNode explain(String jobId) {
        return call("job_queue_explain", Map.of("job_id", jobId));
    }

    String status(String jobId) {
        return explain(jobId).path("status").asString();
    }

    int position(String jobId) {
        return explain(jobId).path("queue_position").asInt(-1);
    }

    JsonNode setModel(String model, Map<String, ?> settings) {
        return call("job_queue_set_model", Map.of("model", model, "settings", settings));
    }

    void setLimits(Map<String, ?> settings) {
        call("job_queue_set_limits", Map.of("settings", settings));
    }

    JsonNode sweep() {
        return call("job_queue_sweep", Map.of());
    }
}
