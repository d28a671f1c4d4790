package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Call;
import dev.interlock.benchmarks.Callers;
import dev.interlock.benchmarks.Direct;
import dev.interlock.benchmarks.Turns;
import java.sql.SQLException;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Traffic on a stack with one deep line: jobs that start at once on a few models, and one job after another out of the line. */
final class Traffic implements AutoCloseable {

    static final String DEEP = "deep";
    static final int CALLERS = 4;
    static final List<String> STEPS = List.of("start + complete", "claim", "floor of start + complete");

    private final Bench bench;
    private final Direct direct;

    Traffic(Bench bench) throws Exception {
        this.bench = bench;
        this.direct = new Direct(bench);
    }

    /** The first caller takes from the deep line and adds to it; each of the others has a model of its own. */
    Call callers(int caller, Callers.Opened opened) throws Exception {
        Direct own = opened.add(new Direct(bench));
        if (caller == 0) {
            return n -> {
                own.enqueue(DEEP);
                own.complete(own.claimOne());
            };
        }
        // One of them as the floor writes the rows.
        String prefix = caller == CALLERS - 1 ? "bench_" : "job_queue_";
        return n -> startAndComplete(own, prefix, "model-" + caller);
    }

    /** The same, timed, on the same models. */
    void cycle(Turns.Watch watch) throws Exception {
        watch.time(STEPS.get(0), () -> startAndComplete(direct, "job_queue_", "model-1"));
        direct.enqueue(DEEP);
        JsonNode lease = watch.time(STEPS.get(1), direct::claimOne);
        direct.complete(lease);
        watch.time(STEPS.get(2), () -> startAndComplete(direct, "bench_", "model-3"));
    }

    private static String startAndComplete(Direct direct, String prefix, String model) throws Exception {
        JsonNode answer = direct.start(prefix, model);
        if (!answer.get("result").stringValue().equals("started")) {
            throw new IllegalStateException("The job did not start at once: " + answer);
        }
        direct.complete(prefix, answer.get("lease"));
        return "";
    }

    @Override
    public void close() throws SQLException {
        direct.close();
    }
}
