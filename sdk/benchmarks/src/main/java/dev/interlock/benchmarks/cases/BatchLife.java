package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Callers;
import dev.interlock.benchmarks.Rounds;
import dev.interlock.benchmarks.Sample;
import dev.interlock.benchmarks.Wire;
import dev.interlock.benchmarks.Wires;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Batches of jobs that are put in line, claimed and completed, with the time of each call. One caller's; not thread-safe. */
final class BatchLife {

    private final Bench bench;
    private final String prefix;
    private final int size;
    private final Map<Stage, List<Double>> perSecond = new EnumMap<>(Stage.class);

    BatchLife(Bench bench, String prefix, int size) {
        this.bench = bench;
        this.prefix = prefix;
        this.size = size;
    }

    /** One round by one caller; for each call keeps how many jobs a second it did while it was under way. */
    Sample run(String way, Duration warmUp, Duration time) throws Exception {
        List<AutoCloseable> resources = new ArrayList<>();
        try {
            Wire wire = wire(bench, way, new Callers.Opened() {
                @Override
                public <T extends AutoCloseable> T add(T resource) {
                    resources.add(resource);
                    return resource;
                }
            });
            long counted = System.nanoTime() + warmUp.toNanos();
            do {
                once(wire, "caller-0");
            } while (System.nanoTime() < counted);
            long end = System.nanoTime() + time.toNanos();
            long jobs = 0;
            Map<Stage, Long> nanos = new EnumMap<>(Stage.class);
            do {
                once(wire, "caller-0").forEach((stage, took) -> nanos.merge(stage, took, Long::sum));
                jobs += size;
            } while (System.nanoTime() < end);
            for (Map.Entry<Stage, Long> stage : nanos.entrySet()) {
                perSecond
                        .computeIfAbsent(stage.getKey(), s -> new ArrayList<>())
                        .add(jobs / (stage.getValue() / 1e9));
            }
            return new Sample(jobs / (nanos.getOrDefault(Stage.LIFE, 1L) / 1e9), Sample.histogram());
        } finally {
            for (AutoCloseable resource : resources) {
                resource.close();
            }
        }
    }

    /** One batch of this caller, from its entry to its end; the nanoseconds of each stage. */
    Map<Stage, Long> once(Wire wire, String caller) throws Exception {
        List<Object> jobs = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            jobs.add(Map.of("job_id", bench.newId(), "handler", caller, "models", List.of(caller + "-" + i)));
        }
        long began = System.nanoTime();
        wire.call(prefix + "enqueue", Map.of("jobs", jobs, "options", Wires.request()));
        long entered = System.nanoTime();
        JsonNode claim = wire.call(prefix + "claim", claim(caller));
        long claimed = System.nanoTime();
        List<Object> outcomes = new ArrayList<>();
        claim.get("leases").forEach(lease -> outcomes.add(Wires.outcome(lease)));
        if (outcomes.size() < size && !prefix.equals("bench_")) {
            throw new IllegalStateException("Of " + size + " jobs on free models " + outcomes.size() + " started.");
        }
        long sent = System.nanoTime();
        wire.call(prefix + "complete", Map.of("outcomes", outcomes, "options", Wires.request()));
        long ended = System.nanoTime();
        return Map.of(
                Stage.ENQUEUE, entered - began,
                Stage.CLAIM, claimed - entered,
                Stage.COMPLETE, ended - sent,
                Stage.LIFE, ended - began);
    }

    /** The engine's claim names its worker and what it has code for; the floor's takes any. */
    private Map<String, Object> claim(String caller) {
        Map<String, Object> options = new HashMap<>(Wires.request());
        if (prefix.equals("bench_")) {
            return Map.of("max_jobs", size, "options", options);
        }
        options.put("handlers", List.of(caller));
        return Map.of("worker_id", caller, "max_jobs", size, "options", options);
    }

    /** Jobs a second of this stage, in each round. */
    Rounds perSecond(Stage stage) {
        return new Rounds(perSecond.getOrDefault(stage, List.of()));
    }

    static Wire wire(Bench bench, String way, Callers.Opened opened) throws Exception {
        return way.equals("HTTP") ? Wire.http(bench) : Wire.direct(bench, opened);
    }

    /** What is timed. */
    enum Stage {
        ENQUEUE("enqueue"),
        CLAIM("claim"),
        COMPLETE("complete"),
        LIFE("whole lives");

        final String words;

        Stage(String words) {
            this.words = words;
        }
    }
}
