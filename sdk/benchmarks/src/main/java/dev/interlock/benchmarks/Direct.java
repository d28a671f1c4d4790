package dev.interlock.benchmarks;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** The coordinator's functions, called on one connection of the role that PostgREST's have: what they cost without HTTP. Not thread-safe. */
public final class Direct implements AutoCloseable {

    private final Bench bench;
    private final Connection connection;
    private final Wire wire;

    /** Opens it. */
    public Direct(Bench bench) throws SQLException {
        this.bench = bench;
        this.connection = bench.connect();
        this.wire = Wire.direct(connection);
    }

    /** A job for {@link #enqueue}. */
    public static Map<String, Object> job(String id, String model) {
        return Map.of("job_id", id, "models", List.of(model));
    }

    /** Puts jobs in line. */
    public JsonNode enqueue(List<Map<String, Object>> jobs) throws Exception {
        return call("job_queue_enqueue", Map.of("jobs", jobs, "options", Wires.request()));
    }

    /** Puts one new job in line; returns its id. */
    public String enqueue(String model) throws Exception {
        String id = bench.newId();
        enqueue(List.of(job(id, model)));
        return id;
    }

    /** Asks whether a new job can start. */
    public JsonNode start(String model) throws Exception {
        return start("job_queue_", model);
    }

    /** The same of the functions whose names begin so. */
    public JsonNode start(String prefix, String model) throws Exception {
        return call(
                prefix + "start",
                Map.of("job_id", bench.newId(), "models", List.of(model), "options", Wires.request()));
    }

    /** Leases of up to so many jobs. */
    public List<JsonNode> claim(int atMost) throws Exception {
        return list(
                call("job_queue_claim", Map.of("worker_id", "direct", "max_jobs", atMost, "options", Wires.request()))
                        .get("leases"));
    }

    /** The lease of the next job; there must be one. */
    public JsonNode claimOne() throws Exception {
        List<JsonNode> leases = claim(1);
        if (leases.size() != 1) {
            throw new IllegalStateException("There was no job to claim.");
        }
        return leases.get(0);
    }

    /** Completes a run. */
    public void complete(JsonNode lease) throws Exception {
        complete("job_queue_", lease);
    }

    /** The same with the function whose name begins so. */
    public void complete(String prefix, JsonNode lease) throws Exception {
        call(prefix + "complete", Map.of("outcomes", List.of(Wires.outcome(lease)), "options", Wires.request()));
    }

    /** Ends runs in one way or another. */
    public void complete(List<Map<String, Object>> outcomes) throws Exception {
        call("job_queue_complete", Map.of("outcomes", outcomes, "options", Wires.request()));
    }

    /** Calls a function with named arguments; its answer. */
    public JsonNode call(String function, Map<String, Object> arguments) throws Exception {
        return wire.call(function, arguments);
    }

    private static List<JsonNode> list(JsonNode array) {
        List<JsonNode> all = new ArrayList<>();
        array.forEach(all::add);
        return all;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
