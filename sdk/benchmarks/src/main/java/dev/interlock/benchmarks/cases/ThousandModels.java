package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Call;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Contest;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Wire;
import dev.interlock.benchmarks.Wires;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * 16 callers start jobs on any of 1,000 models: each as likely as another, or by Zipf (the n-th with weight 1/n), where the first is wanted for
 * every seventh job. A job whose model is busy queues. One operation is one job completed by a caller: it starts jobs until one starts at once,
 * and completes it and claims the next in the same call; when there is one to be had (of those that queued), that is its next operation.
 *
 * <p>So whoever leaves a model takes along who waits for it, and no line is abandoned. That it grows no longer either, a model for which 8
 * wait is not drawn: the load is the same at the end as at the beginning.
 *
 * <p>The floor makes the same calls and writes the same rows: as large a part of its jobs as queued with the coordinator is put in line and
 * claimed by whoever completes next.
 */
public final class ThousandModels implements Case {

    private static final String INTERLOCK = "Interlock";
    private static final String FLOOR = "same rows";
    private static final int MODELS = 1000;
    private static final int CALLERS = 16;
    private static final int LONGEST = 8;

    @Override
    public String name() {
        return "models";
    }

    @Override
    public String title() {
        return "start-or-queue and complete on 1,000 models, evenly and by Zipf";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        measure(bench, report, "evenly", 0);
        measure(bench, report, "by Zipf", 1);
    }

    private void measure(Bench bench, Report report, String how, double exponent) throws Exception {
        double[] upTo = new double[MODELS];
        double sum = 0;
        for (int i = 0; i < MODELS; i++) {
            sum += Math.pow(i + 1, -exponent);
            upTo[i] = sum;
        }
        Market market = new Market(upTo);
        Contest.Results results = bench.contest("1,000 models " + how)
                .enter(INTERLOCK, CALLERS, (caller, opened) -> coordinated(bench, market), () -> {
                    bench.drain();
                    market.clear();
                })
                .enter(FLOOR, CALLERS, (caller, opened) -> floor(bench, market))
                .run();
        report.add(Figure.beside(
                name(),
                "HTTP, 16 callers, 1,000 models " + how + ", " + Math.round(100 * market.share()) + " % queued",
                "jobs/s",
                results.perSecond(INTERLOCK),
                FLOOR,
                results.perSecond(FLOOR)));
    }

    private static Call coordinated(Bench bench, Market market) {
        Wire wire = Wire.http(bench);
        Held held = new Held();
        return n -> {
            while (held.lease == null) {
                int model = market.draw();
                JsonNode answer = wire.call(
                        "job_queue_start",
                        Map.of("job_id", bench.newId(), "models", List.of("m" + model), "options", Wires.request()));
                boolean queued = answer.get("result").stringValue().equals("queued");
                market.started(model, queued);
                held.lease = queued ? null : answer.get("lease");
            }
            held.next(wire.call("job_queue_complete", completion(held.lease)));
            if (held.lease != null) {
                market.left(Integer.parseInt(
                        held.lease.get("models").get(0).stringValue().substring(1)));
            }
        };
    }

    private static Call floor(Bench bench, Market market) {
        Wire wire = Wire.http(bench);
        Held held = new Held();
        return n -> {
            while (held.lease == null) {
                Map<String, Object> job = Map.of("job_id", bench.newId(), "models", List.of("m" + market.drawAny()));
                if (ThreadLocalRandom.current().nextDouble() < market.share()) {
                    wire.call("bench_enqueue", Map.of("jobs", List.of(job), "options", Wires.request()));
                } else {
                    Map<String, Object> start = new HashMap<>(job);
                    start.put("options", Wires.request());
                    held.lease = wire.call("bench_start", start).get("lease");
                }
            }
            held.next(wire.call("bench_complete", completion(held.lease)));
        };
    }

    private static Map<String, Object> completion(JsonNode lease) {
        Map<String, Object> options = new HashMap<>(Wires.request());
        options.put("claim", Map.of("max_jobs", 1));
        return Map.of("outcomes", List.of(Wires.outcome(lease)), "options", options);
    }

    /** What a caller has. */
    private static final class Held {
        private @Nullable JsonNode lease;

        void next(JsonNode answer) {
            lease = answer.get("leases").isEmpty() ? null : answer.get("leases").get(0);
        }
    }

    /** Which models are wanted, how many wait for each, and how many of those that were started queued. */
    private static final class Market {
        private final double[] upTo;
        private final AtomicIntegerArray waiting = new AtomicIntegerArray(MODELS);
        private final AtomicLong asked = new AtomicLong();
        private final AtomicLong queued = new AtomicLong();

        Market(double[] upTo) {
            this.upTo = upTo;
        }

        int draw() {
            int model;
            do {
                model = drawAny();
            } while (waiting.get(model) >= LONGEST);
            return model;
        }

        int drawAny() {
            double point = ThreadLocalRandom.current().nextDouble() * upTo[MODELS - 1];
            int found = Arrays.binarySearch(upTo, point);
            return Math.min(MODELS - 1, found < 0 ? -found - 1 : found + 1);
        }

        void started(int model, boolean waits) {
            asked.incrementAndGet();
            if (waits) {
                queued.incrementAndGet();
                waiting.incrementAndGet(model);
            }
        }

        void left(int model) {
            waiting.decrementAndGet(model);
        }

        void clear() {
            for (int i = 0; i < MODELS; i++) {
                waiting.set(i, 0);
            }
        }

        double share() {
            return asked.get() == 0 ? 0 : (double) queued.get() / asked.get();
        }
    }
}
