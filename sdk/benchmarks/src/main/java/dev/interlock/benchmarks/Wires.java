package dev.interlock.benchmarks;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.StartResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/** What callers send: one job's start and completion, and the parts of such calls. */
public final class Wires {

    private Wires() {}

    /** A job starts at once and completes, by the SDK. */
    public static Call life(JobCoordinator coordinator, Supplier<String> ids, List<String> models) {
        return n -> {
            StartResult answer = coordinator.start(
                    JobRequest.normal(ids.get()).models(models).build());
            if (!(answer instanceof StartResult.Started started)) {
                throw new IllegalStateException("The job did not start at once: " + answer);
            }
            coordinator.complete(started.lease());
        };
    }

    /** The same by the functions whose names begin so ({@code job_queue_} or {@code bench_}); without models it is unrestricted. */
    public static Call life(Bench bench, Wire wire, String prefix, List<String> models) {
        return n -> {
            Map<String, Object> options = new LinkedHashMap<>(request());
            if (models.isEmpty()) {
                options.put("unrestricted", true);
            }
            JsonNode answer =
                    wire.call(prefix + "start", Map.of("job_id", bench.newId(), "models", models, "options", options));
            if (!answer.get("result").stringValue().equals("started")) {
                throw new IllegalStateException("The job did not start at once: " + answer);
            }
            wire.call(
                    prefix + "complete",
                    Map.of("outcomes", List.of(outcome(answer.get("lease"))), "options", request()));
        };
    }

    /** By the SDK's HTTP client, the floor of a worker: each call completes the job that the one before took, and takes the next. */
    public static Call nextRows(Bench bench) {
        Wire wire = Wire.http(bench);
        List<JsonNode> held = new ArrayList<>();
        return n -> {
            Map<String, Object> options = new LinkedHashMap<>(request());
            options.put("claim", Map.of("max_jobs", 1));
            List<Object> outcomes = new ArrayList<>();
            held.forEach(lease -> outcomes.add(outcome(lease)));
            held.clear();
            JsonNode answer = wire.call("bench_complete", Map.of("outcomes", outcomes, "options", options));
            answer.get("leases").forEach(held::add);
            if (held.isEmpty()) {
                throw new IllegalStateException("The floor's line ran empty.");
            }
        };
    }

    /** Options with a request id, as every call of the SDK has. */
    public static Map<String, Object> request() {
        return Map.of("request_id", UUID.randomUUID().toString());
    }

    /** That a run is complete, as the functions take it. */
    public static Map<String, Object> outcome(JsonNode lease) {
        return Map.of(
                "job_id",
                lease.get("job_id").stringValue(),
                "token",
                lease.get("token").longValue(),
                "outcome",
                "complete");
    }
}
