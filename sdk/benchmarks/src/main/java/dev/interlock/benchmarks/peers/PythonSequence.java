package dev.interlock.benchmarks.peers;

import dev.interlock.SupabaseClient;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * The calls of the Python system's third coordinator, one after the other as it made them: a function for the slot, table calls for the rest.
 * Changes are answered with the rows, as its client asks by default. What it did between the calls takes no time here.
 */
final class PythonSequence {

    private static final Map<String, Object> NOT_QUEUED = notQueued();

    private final SupabaseClient supabase;

    PythonSequence(SupabaseClient supabase) {
        this.supabase = supabase;
    }

    /** Three calls when it may start, four when it has to wait. */
    boolean start(String job, List<String> models) {
        JsonNode answer = claim(job, models);
        if (answer.get("result").stringValue().equals("claimed")) {
            update(job, NOT_QUEUED);
            log(job, "started", models);
            return true;
        }
        String blocker = answer.get("active_jobs").get(0).get("job_id").stringValue();
        update(
                job,
                Map.of(
                        "blocked_by_job_id",
                        blocker,
                        "conflict_reason",
                        "Model conflict with active job " + blocker + ": " + models,
                        "required_models",
                        models,
                        "queued_at",
                        Instant.now().toString()));
        supabase.from("python_jobs")
                .update(Map.of("status", "pending"))
                .eq("job_id", job)
                .eq("status", "running")
                .returning(JsonNode.class);
        log(job, "blocked", models);
        return false;
    }

    /** What a promoted job's own thread asks at its start: the slot is known to be its own. */
    void startPromoted(String job) {
        update(job, NOT_QUEUED);
    }

    /** Three calls, and one for each waiter, and one more for each that is promoted; gives these. */
    List<String> complete(String job, List<String> models) {
        log(job, "completed", models);
        supabase.rpc("python_release", Map.of("p_job_id", job)).as(JsonNode.class);
        List<JsonNode> waiting = supabase.from("python_jobs")
                .select("*")
                .in("status", List.of("pending", "pending_retry"))
                .filter("blocked_by_job_id", "not.is.null")
                .order("queued_at")
                .limit(50)
                .listOf(JsonNode.class);
        List<String> promoted = new ArrayList<>();
        for (JsonNode row : waiting) {
            String waiter = row.get("job_id").stringValue();
            JsonNode answer = claim(waiter, names(row.get("required_models")));
            if (answer.get("result").stringValue().equals("claimed")) {
                update(waiter, NOT_QUEUED);
                promoted.add(waiter);
            }
        }
        return promoted;
    }

    /** One job from its submission to its end, alone: 21 calls. Its three requests between its own services are left out. */
    void wholeLife(String job, String user, List<String> models) {
        supabase.from("python_jobs")
                .select("job_id")
                .eq("user_id", user)
                .in("status", List.of("pending", "running", "pending_retry"))
                .limit(1)
                .listOf(JsonNode.class);
        supabase.from("python_jobs")
                .insert(Map.of("job_id", job, "user_id", user, "prompt", "a knight", "model", models.get(0)))
                .returning(JsonNode.class);
        read(job, "*");
        start(job, models);
        read(job, "status");
        read(job, "status,progress");
        update(
                job,
                Map.of(
                        "status",
                        "running",
                        "progress",
                        10,
                        "started_at",
                        Instant.now().toString()));
        read(job, "*");
        providerKeys(supabase);
        read(job, "status");
        read(job, "status,progress");
        update(
                job,
                Map.of(
                        "status",
                        "completed",
                        "progress",
                        100,
                        "image_url",
                        "https://example.com/knight.png",
                        "completed_at",
                        Instant.now().toString()));
        read(job, "metadata");
        read(job, "*");
        complete(job, models);
    }

    /** The three calls for a key of a provider, which stay whoever coordinates. */
    static void providerKeys(SupabaseClient supabase) {
        String provider = supabase.from("python_providers")
                .select("provider_id")
                .eq("name", "vision-nova")
                .single(JsonNode.class)
                .get("provider_id")
                .stringValue();
        for (String columns : List.of("key_number", "key_number,api_key")) {
            supabase.from("python_provider_keys")
                    .select(columns)
                    .eq("provider_id", provider)
                    .listOf(JsonNode.class);
        }
    }

    private JsonNode claim(String job, List<String> models) {
        return supabase.rpc("python_claim", Map.of("p_job_id", job, "p_job_type", "normal", "p_models", models))
                .as(JsonNode.class);
    }

    private void read(String job, String columns) {
        supabase.from("python_jobs").select(columns).eq("job_id", job).single(JsonNode.class);
    }

    private void update(String job, Map<String, Object> values) {
        supabase.from("python_jobs").update(values).eq("job_id", job).returning(JsonNode.class);
    }

    private void log(String job, String event, List<String> models) {
        Map<String, Object> row = new HashMap<>(Map.of(
                "job_id",
                job,
                "job_type",
                "normal",
                "event_type",
                event,
                "created_at",
                Instant.now().toString()));
        row.put("models", event.equals("completed") ? null : models);
        supabase.from("python_queue_log").insert(row).returning(JsonNode.class);
    }

    private static List<String> names(JsonNode array) {
        List<String> names = new ArrayList<>();
        array.forEach(name -> names.add(name.stringValue()));
        return names;
    }

    private static Map<String, Object> notQueued() {
        Map<String, Object> columns = new HashMap<>();
        columns.put("blocked_by_job_id", null);
        columns.put("conflict_reason", null);
        columns.put("queued_at", null);
        return columns;
    }
}
