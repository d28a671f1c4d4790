package dev.interlock.benchmarks.peers;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import dev.interlock.benchmarks.Sample;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * A library that people would pick instead, beside Interlock doing the same work, and the floor. None of the peers has limits over several models, and
 * each needs a connection to the database.
 */
public final class Peer implements Case {

    /** Opens it on the case's own stack. */
    @FunctionalInterface
    private interface Opening {
        Contestant open(Bench bench) throws Exception;
    }

    private final String name;
    private final String title;
    private final Opening opening;

    private Peer(String name, String title, Opening opening) {
        this.name = name;
        this.title = title;
        this.opening = opening;
    }

    /** db-scheduler. */
    public static Case dbScheduler() {
        return new Peer("db-scheduler", "db-scheduler: draining, and from enqueue to start", DbScheduler::new);
    }

    /** JobRunr. */
    public static Case jobRunr() {
        return new Peer("jobrunr", "JobRunr: draining, and from enqueue to start", JobRunr::new);
    }

    /** DBOS Transact. */
    public static Case dbos() {
        return new Peer("dbos", "DBOS Transact: draining, and from enqueue to start", Dbos::new);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String title() {
        return title;
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        try (Contestant peer = opening.open(bench)) {
            Contestant worker = new ByWorker(bench);
            Contestant batches = new ByBatches(bench, "Interlock, batches on 4 connections", "job_queue_");
            Contestant floor = new ByBatches(bench, "the same rows in batches", "bench_");
            drains(bench, report, peer, List.of(worker, batches, floor));
            delays(bench, report, peer, worker);
        }
    }

    private void drains(Bench bench, Report report, Contestant peer, List<Contestant> others) throws Exception {
        List<Contestant> order = new ArrayList<>(others);
        order.add(0, peer);
        int jobs = bench.scale().either(5000, 500);
        Map<String, List<Double>> perSecond = new LinkedHashMap<>();
        for (Contestant one : order) {
            Drain.perSecond(bench, one, jobs / 4);
        }
        for (int round = 0; round < bench.scale().either(3, 1); round++) {
            for (Contestant one : order) {
                bench.progress("draining " + jobs, one.name(), round);
                perSecond.computeIfAbsent(one.name(), n -> new ArrayList<>()).add(Drain.perSecond(bench, one, jobs));
            }
            Collections.reverse(order);
        }
        Rounds theirs = new Rounds(perSecond.getOrDefault(peer.name(), List.of()));
        for (Contestant other : others) {
            Rounds ours = new Rounds(perSecond.getOrDefault(other.name(), List.of()));
            report.add(Figure.beside(
                    name, "draining " + jobs + " jobs: " + other.name(), "jobs/s", ours, peer.name(), theirs));
        }
    }

    private void delays(Bench bench, Report report, Contestant peer, Contestant worker) throws Exception {
        int rate = 50;
        int jobs = bench.scale().either(300, 40);
        Map<String, Histogram> nanos = new LinkedHashMap<>();
        for (Contestant one : List.of(peer, worker)) {
            bench.progress("from enqueue to start", one.name(), 0);
            nanos.put(one.name(), Drain.delays(bench, one, rate, jobs));
        }
        for (double percentile : new double[] {50, 99}) {
            report.add(Figure.beside(
                    name,
                    String.format("from enqueue to start at %d jobs/s, p%.0f: %s", rate, percentile, worker.name()),
                    "ms",
                    millis(nanos, worker, percentile),
                    peer.name(),
                    millis(nanos, peer, percentile)));
        }
    }

    private static Rounds millis(Map<String, Histogram> nanos, Contestant one, double percentile) {
        Histogram found = nanos.getOrDefault(one.name(), Sample.histogram());
        return Rounds.of(found.getValueAtPercentile(percentile) / 1e6);
    }
}
