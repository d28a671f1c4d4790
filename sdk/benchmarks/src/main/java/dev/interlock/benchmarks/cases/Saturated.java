package dev.interlock.benchmarks.cases;

import dev.interlock.Claim;
import dev.interlock.JobRequest;
import dev.interlock.StartResult;
import dev.interlock.benchmarks.Backlog;
import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Turns;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;
import tools.jackson.databind.JsonNode;

/** Thirty models are all held and many jobs wait for them: a claim that finds nothing, and one that finds the only job of another model. */
public final class Saturated implements Case {

    private static final String NOOP = "no-op";
    private static final String CLAIM = "claim";

    @Override
    public String name() {
        return "saturated";
    }

    @Override
    public String title() {
        return "claims with 30 saturated models and 100,000 waiting";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        List<String> models =
                IntStream.range(0, 30).mapToObj(i -> "saturated-" + i).toList();
        for (String model : models) {
            JobRequest holder = JobRequest.normal(bench.newId()).models(model).build();
            if (!(bench.coordinator().start(holder, Duration.ofHours(1)) instanceof StartResult.Started)) {
                throw new IllegalStateException(model + " is not free.");
            }
        }
        int waiting = bench.scale().either(100_000, 5_000);
        Backlog.fill(bench, waiting, "waits-", models);
        Turns.Results results = bench.turns("30 saturated models")
                .enter("finds nothing", watch -> nothing(bench, watch))
                .enter("finds one", watch -> one(bench, watch))
                .run();
        Map<String, Histogram> curves = new LinkedHashMap<>();
        curves.put(NOOP, results.all("finds nothing", NOOP));
        for (String kind : List.of("finds nothing", "finds one")) {
            for (double percentile : new double[] {50, 99}) {
                Figure figure = Figure.beside(
                        "saturated",
                        String.format(
                                Locale.ROOT,
                                "a claim that %s, %,d waiting for 30 held models, HTTP, p%.0f",
                                kind,
                                waiting,
                                percentile),
                        "ms",
                        results.millis(kind, CLAIM, percentile),
                        NOOP,
                        results.millis(kind, NOOP, percentile));
                report.add(percentile == 99 ? figure.atMost(5) : figure);
            }
            curves.put("claim that " + kind, results.all(kind, CLAIM));
        }
        report.pictures().latency("saturated", "30 saturated models, " + waiting + " jobs waiting", curves);
    }

    private static void nothing(Bench bench, Turns.Watch watch) throws Exception {
        noop(bench, watch);
        Claim claim = watch.time(CLAIM, () -> bench.coordinator().claim(1));
        if (!claim.leases().isEmpty()) {
            throw new IllegalStateException("A model was free: " + claim);
        }
    }

    private static void one(Bench bench, Turns.Watch watch) throws Exception {
        noop(bench, watch);
        bench.coordinator()
                .enqueue(JobRequest.normal(bench.newId()).models("free").build());
        Claim claim = watch.time(CLAIM, () -> bench.coordinator().claim(1));
        bench.coordinator().complete(claim.leases().get(0));
    }

    private static void noop(Bench bench, Turns.Watch watch) throws Exception {
        watch.time(NOOP, () -> bench.supabase().rpc("bench_noop").as(JsonNode.class));
    }
}
