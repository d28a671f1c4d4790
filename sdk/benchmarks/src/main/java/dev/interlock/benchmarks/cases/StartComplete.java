package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Callers;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Contest;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Pictures;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Wire;
import dev.interlock.benchmarks.Wires;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;

/** One job starts on free models and completes: two calls. Every caller has models of its own. */
public final class StartComplete implements Case {

    private static final String INTERLOCK = "Interlock";
    private static final String FLOOR = "same rows";

    @Override
    public String name() {
        return "start";
    }

    @Override
    public String title() {
        return "start + complete on free models, over HTTP and on connections";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        Map<String, Pictures.Line> lines = new LinkedHashMap<>();
        for (boolean direct : new boolean[] {false, true}) {
            byCallers(bench, report, direct, lines);
            if (bench.scale().full()) {
                byModels(bench, report, direct);
            }
        }
        report.pictures().throughput("start-complete", "Start + complete on free models", "callers", "jobs/s", lines);
    }

    /** All in one contest, so that what 16 callers gain over one is of the same rounds for both. */
    private void byCallers(Bench bench, Report report, boolean direct, Map<String, Pictures.Line> lines)
            throws Exception {
        String way = direct ? "direct" : "HTTP";
        int[] sizes = bench.scale().full() ? new int[] {1, 16, 64} : new int[] {1, 16};
        Contest contest = bench.contest(way);
        for (int callers : sizes) {
            contest.enter(named(INTERLOCK, callers), callers, coordinated(bench, direct, 1))
                    .enter(named(FLOOR, callers), callers, floor(bench, direct, 1));
        }
        Contest.Results results = contest.run();
        for (int callers : sizes) {
            Figure figure = Figure.beside(
                    name(),
                    way + ", " + callers + (callers == 1 ? " caller" : " callers") + ", 1 model",
                    "jobs/s",
                    results.perSecond(named(INTERLOCK, callers)),
                    FLOOR,
                    results.perSecond(named(FLOOR, callers)));
            report.add(callers == 16 ? figure.atLeast(direct ? 0.6 : 0.8) : figure);
            for (String side : List.of(INTERLOCK, FLOOR)) {
                lines.computeIfAbsent(side + ", " + way, s -> new Pictures.Line())
                        .add(callers, results.perSecond(named(side, callers)).median());
            }
        }
        report.add(Figure.beside(
                        name(),
                        way + ", what 16 callers do over what 1 does, unrelated models",
                        "×",
                        results.perSecond(named(INTERLOCK, 16)).over(results.perSecond(named(INTERLOCK, 1))),
                        FLOOR,
                        results.perSecond(named(FLOOR, 16)).over(results.perSecond(named(FLOOR, 1))))
                .atLeast(0.9));
        Map<String, Histogram> curves = new LinkedHashMap<>();
        for (String side : List.of(INTERLOCK, FLOOR)) {
            curves.put(side, results.all(named(side, 16)));
        }
        report.pictures()
                .latency(
                        "start-complete-" + (direct ? "direct" : "http") + "-latency",
                        "Start + complete, both calls, 16 callers, " + way,
                        curves);
    }

    private void byModels(Bench bench, Report report, boolean direct) throws Exception {
        String way = direct ? "direct" : "HTTP";
        for (int models : new int[] {2, 4}) {
            String what = way + ", 16 callers, " + models + " models";
            Contest.Results results = bench.contest(what)
                    .enter(INTERLOCK, 16, coordinated(bench, direct, models))
                    .enter(FLOOR, 16, floor(bench, direct, models))
                    .run();
            report.add(Figure.beside(
                    name(), what, "jobs/s", results.perSecond(INTERLOCK), FLOOR, results.perSecond(FLOOR)));
        }
    }

    private static String named(String side, int callers) {
        return side + ", " + callers;
    }

    private static Callers coordinated(Bench bench, boolean direct, int models) {
        return (caller, opened) -> direct
                ? Wires.life(bench, Wire.direct(bench, opened), "job_queue_", own(caller, models))
                : Wires.life(bench.coordinator(), bench::newId, own(caller, models));
    }

    private static Callers floor(Bench bench, boolean direct, int models) {
        return (caller, opened) -> Wires.life(
                bench, direct ? Wire.direct(bench, opened) : Wire.http(bench), "bench_", own(caller, models));
    }

    private static List<String> own(int caller, int models) {
        return IntStream.range(0, models)
                .mapToObj(i -> "model-" + caller + "-" + i)
                .toList();
    }
}
