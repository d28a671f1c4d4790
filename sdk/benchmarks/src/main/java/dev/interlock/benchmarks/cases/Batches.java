package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Call;
import dev.interlock.benchmarks.Callers;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Contest;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Pictures;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import dev.interlock.benchmarks.Wire;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Jobs by the batch: a caller puts so many in line in one call, claims as many in the next and completes them in the third, on models that are
 * free, one for each job of the batch. Each call beside the floor's that writes the same rows.
 */
public final class Batches implements Case {

    private static final String INTERLOCK = "Interlock";
    private static final String FLOOR = "same rows";
    private static final int LIVES = 8000;

    @Override
    public String name() {
        return "batches";
    }

    @Override
    public String title() {
        return "enqueue, claim and complete in batches, and whole job lives";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        int[] sizes = bench.scale().full() ? new int[] {1, 10, 100, 1000} : new int[] {1, 100};
        for (String way : List.of("HTTP", "direct")) {
            Map<String, Pictures.Line> lines = new LinkedHashMap<>();
            for (int size : sizes) {
                measure(bench, report, way, size, lines);
            }
            report.pictures()
                    .depth(
                            "batches-" + (way.equals("HTTP") ? "http" : "direct"),
                            "Whole job lives by the batch, " + way + ", 1 caller",
                            "jobs in a call",
                            "jobs/s",
                            lines);
            together(bench, report, way);
        }
    }

    private void measure(Bench bench, Report report, String way, int size, Map<String, Pictures.Line> lines)
            throws Exception {
        BatchLife coordinated = new BatchLife(bench, "job_queue_", size);
        BatchLife floor = new BatchLife(bench, "bench_", size);
        bench.contest("batches of " + size + ", " + way)
                .enter(INTERLOCK, (warmUp, time) -> coordinated.run(way, warmUp, time), bench::drain)
                .enter(FLOOR, (warmUp, time) -> floor.run(way, warmUp, time), () -> {})
                .run();
        for (BatchLife.Stage stage : BatchLife.Stage.values()) {
            Figure figure = Figure.beside(
                    name(),
                    way + ", 1 caller, " + size + " a call: " + stage.words,
                    "jobs/s",
                    coordinated.perSecond(stage),
                    FLOOR,
                    floor.perSecond(stage));
            report.add(size == 100 ? figure.atLeast(0.7) : figure);
        }
        line(lines, INTERLOCK, size, coordinated.perSecond(BatchLife.Stage.LIFE));
        line(lines, FLOOR, size, floor.perSecond(BatchLife.Stage.LIFE));
    }

    /** What the machine can do: four callers at once, batches of 100. */
    private void together(Bench bench, Report report, String way) throws Exception {
        Contest.Results results = bench.contest("batches of 100, 4 callers, " + way)
                .enter(INTERLOCK, 4, (caller, opened) -> life(bench, way, "job_queue_", caller, opened), bench::drain)
                .enter(FLOOR, 4, (caller, opened) -> life(bench, way, "bench_", caller, opened))
                .run();
        Rounds value = jobs(results.perSecond(INTERLOCK));
        Rounds floor = jobs(results.perSecond(FLOOR));
        report.add(Figure.beside(name(), way + ", 4 callers, 100 a call: whole lives", "jobs/s", value, FLOOR, floor)
                .target(
                        floor.median() >= LIVES
                                ? "≥ 8,000 jobs/s"
                                : "≥ 8,000 jobs/s; the floor itself does not allow it",
                        value.median() >= LIVES));
    }

    private static Call life(Bench bench, String way, String prefix, int caller, Callers.Opened opened)
            throws Exception {
        Wire wire = BatchLife.wire(bench, way, opened);
        BatchLife life = new BatchLife(bench, prefix, 100);
        return n -> life.once(wire, "caller-" + caller);
    }

    private static Rounds jobs(Rounds calls) {
        List<Double> jobs = new ArrayList<>();
        calls.values().forEach(c -> jobs.add(c * 100));
        return new Rounds(jobs);
    }

    private static void line(Map<String, Pictures.Line> lines, String name, int size, Rounds value) {
        lines.computeIfAbsent(name, n -> new Pictures.Line()).add(size, value.median());
    }
}
