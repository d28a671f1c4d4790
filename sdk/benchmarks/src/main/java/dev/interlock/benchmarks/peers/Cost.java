package dev.interlock.benchmarks.peers;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import java.util.ArrayList;
import java.util.List;

/**
 * What some work took over HTTP.
 *
 * @param calls requests that reached the gateway
 * @param millis time that passed
 */
record Cost(double calls, double millis) {

    /** Work that is measured. */
    @FunctionalInterface
    interface Work {
        void run() throws Exception;
    }

    static Cost of(Bench bench, Work work) throws Exception {
        long requests = bench.local().requests();
        long begin = System.nanoTime();
        work.run();
        long nanos = System.nanoTime() - begin;
        return new Cost(bench.local().requests() - requests, nanos / 1e6);
    }

    /** Of one of several that are alike: the calls and the time of the median. */
    static Cost median(List<Cost> costs) {
        return new Cost(
                new Rounds(costs.stream().map(Cost::calls).toList()).median(),
                new Rounds(costs.stream().map(Cost::millis).toList()).median());
    }

    /** Costs of the two ways, round by round. */
    record Compared(List<Cost> python, List<Cost> interlock) {

        Compared() {
            this(new ArrayList<>(), new ArrayList<>());
        }

        /** Reports how many times as many calls, and how many times the time, the Python sequence takes. */
        void report(Report report, String what, double timesCalls, double timesTime) {
            Figure calls = figure(what, "calls", calls(python), calls(interlock));
            Figure millis = figure(what, "ms", millis(python), millis(interlock));
            report.add(timesCalls > 0 ? calls.atLeast(timesCalls) : calls);
            report.add(timesTime > 0 ? millis.atLeast(timesTime) : millis);
        }

        private static Figure figure(String what, String unit, Rounds python, Rounds interlock) {
            return Figure.beside("python", what + ": the Python sequence", unit, python, "Interlock", interlock);
        }

        private static Rounds calls(List<Cost> costs) {
            return new Rounds(costs.stream().map(Cost::calls).toList());
        }

        private static Rounds millis(List<Cost> costs) {
            return new Rounds(costs.stream().map(Cost::millis).toList());
        }
    }
}
