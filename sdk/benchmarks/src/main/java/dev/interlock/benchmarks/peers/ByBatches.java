package dev.interlock.benchmarks.peers;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Wire;
import dev.interlock.benchmarks.Wires;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;

/**
 * Batches of 100 on connections, as the peers have them: each call completes the jobs of the last one and claims the next. With the engine's
 * functions, or with those of the floor, which write the same rows.
 */
final class ByBatches implements Contestant {

    private static final int CONNECTIONS = 4;
    private static final int BATCH = 100;

    private final Bench bench;
    private final String name;
    private final String prefix;
    private final AtomicInteger next = new AtomicInteger();

    ByBatches(Bench bench, String name, String prefix) {
        this.bench = bench;
        this.name = name;
        this.prefix = prefix;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String unfinished() {
        return "select count(*) from " + (prefix.equals("bench_") ? "bench.jobs" : "public.job_queue_jobs")
                + " where status in ('waiting', 'running')";
    }

    @Override
    public void enqueue(List<String> jobs) throws Exception {
        try (Connection connection = bench.connect()) {
            Wire wire = Wire.direct(connection);
            for (int from = 0; from < jobs.size(); from += BATCH) {
                List<Map<String, Object>> batch = new ArrayList<>();
                for (String id : jobs.subList(from, Math.min(from + BATCH, jobs.size()))) {
                    batch.add(Map.of("job_id", id, "models", List.of(ByWorker.model(next))));
                }
                wire.call(prefix + "enqueue", Map.of("jobs", batch, "options", Wires.request()));
            }
        }
    }

    @Override
    public Running run(Consumer<String> begun) {
        ExecutorService threads = Executors.newFixedThreadPool(CONNECTIONS);
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
            running.add(threads.submit(() -> {
                run(begun, threads);
                return null;
            }));
        }
        return () -> {
            threads.shutdown();
            for (Future<?> one : running) {
                one.get();
            }
        };
    }

    private void run(Consumer<String> begun, ExecutorService until) throws Exception {
        try (Connection connection = bench.connect()) {
            Wire wire = Wire.direct(connection);
            List<Map<String, Object>> outcomes = new ArrayList<>();
            while (!until.isShutdown() || !outcomes.isEmpty()) {
                Map<String, Object> options = new HashMap<>(Wires.request());
                options.put("worker_id", "bench");
                if (!until.isShutdown()) {
                    options.put("claim", Map.of("max_jobs", BATCH));
                }
                JsonNode answer = wire.call(prefix + "complete", Map.of("outcomes", outcomes, "options", options));
                outcomes.clear();
                JsonNode leases = answer.path("leases");
                if (leases.isEmpty()) {
                    Thread.sleep(5);
                }
                for (JsonNode lease : leases) {
                    begun.accept(lease.get("job_id").stringValue());
                    outcomes.add(Wires.outcome(lease));
                }
            }
        }
    }
}
