package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Callers;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Contest;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Wire;
import dev.interlock.benchmarks.Wires;
import java.util.List;

/**
 * What limits cost: start + complete of jobs that each hold a model, beside the same calls for jobs that hold none.
 *
 * <p>Off is a job without models that says so ({@code unrestricted}), with no global limit set. It is the same engine by the same two calls:
 * the request is checked, the job's row, its token and lease, its two events and the answers kept for a repeat are written as ever. What is
 * left out is exactly what limits anything: the locks on models, the places in their lines and the seats. A mode in which the engine wrote less
 * than that would make the limits look dearer than they are; a floor would hide what the engine costs anyway.
 *
 * <p>Besides: models that all may hold at once (capacity 10,000), one for each caller, and one that all callers share, where each transaction
 * waits for the other's lock on the model, though nobody waits for the model.
 */
public final class Limits implements Case {

    private static final String OFF = "limits off";
    private static final String ON = "a model each, capacity 1";
    private static final String WIDE = "a model each, capacity 10,000";
    private static final String SHARED = "one model for all, capacity 10,000";
    private static final int CALLERS = 16;

    @Override
    public String name() {
        return "limits";
    }

    @Override
    public String title() {
        return "limits on against limits off";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        bench.execute("select public.job_queue_set_model('shared', '{\"capacity\": 10000}')");
        for (int caller = 0; caller < CALLERS; caller++) {
            bench.execute("select public.job_queue_set_model('wide-" + caller + "', '{\"capacity\": 10000}')");
        }
        measure(bench, report, "HTTP", opened -> Wire.http(bench));
        measure(bench, report, "direct", opened -> Wire.direct(bench, opened));
    }

    private void measure(Bench bench, Report report, String way, Opener opener) throws Exception {
        Contest.Results results = bench.contest("limits, " + way)
                .enter(
                        OFF,
                        CALLERS,
                        (caller, opened) -> Wires.life(bench, opener.open(opened), "job_queue_", List.of()))
                .enter(
                        ON,
                        CALLERS,
                        (caller, opened) ->
                                Wires.life(bench, opener.open(opened), "job_queue_", List.of("own-" + caller)))
                .enter(
                        WIDE,
                        CALLERS,
                        (caller, opened) ->
                                Wires.life(bench, opener.open(opened), "job_queue_", List.of("wide-" + caller)))
                .enter(
                        SHARED,
                        CALLERS,
                        (caller, opened) -> Wires.life(bench, opener.open(opened), "job_queue_", List.of("shared")))
                .run();
        for (String on : List.of(ON, WIDE, SHARED)) {
            Figure figure = Figure.beside(
                    name(), way + ", 16 callers, " + on, "jobs/s", results.perSecond(on), OFF, results.perSecond(OFF));
            report.add(on.equals(ON) ? figure.atLeast(0.9) : figure);
        }
    }

    /** Opens the wire of one caller. */
    @FunctionalInterface
    private interface Opener {
        Wire open(Callers.Opened opened) throws Exception;
    }
}
