package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Direct;
import dev.interlock.benchmarks.Turns;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** A stack with many jobs in line, and the calls on it: as many jobs come as go, so that the line stays as deep as it is. */
final class DeepLine implements Turns.Cycle, AutoCloseable {

    private final Bench bench;
    private final Direct direct;
    private final List<String> models;
    private int next;
    private String latest = "";

    DeepLine(Bench bench, List<String> models) throws SQLException {
        this.bench = bench;
        this.direct = new Direct(bench);
        this.models = models;
    }

    @Override
    public void run(Turns.Watch watch) throws Exception {
        String model = models.get(next++ % models.size());
        latest = bench.newId();
        List<Map<String, Object>> job = List.of(Direct.job(latest, model));
        // Both answer with the place in line; start asks, is not let in and waits too.
        watch.time("enqueue", () -> direct.enqueue(job));
        JsonNode answer = watch.time("start", () -> direct.start(model));
        if (!answer.get("result").stringValue().equals("queued")) {
            throw new IllegalStateException("A job started past the others: " + answer);
        }
        for (int n = 0; n < 2; n++) {
            JsonNode lease = watch.time("claim", direct::claimOne);
            watch.time("complete", () -> {
                direct.complete(lease);
                return "";
            });
        }
    }

    /** What only reads, and may take so long that the others would hardly get a turn. The job asked about is at the end of its line. */
    void questions(Turns.Watch watch) throws Exception {
        watch.time("explain", () -> direct.call("job_queue_explain", Map.of("job_id", latest)));
        watch.time("status", () -> direct.call("job_queue_status", Map.of()));
    }

    @Override
    public void close() throws SQLException {
        direct.close();
    }
}
