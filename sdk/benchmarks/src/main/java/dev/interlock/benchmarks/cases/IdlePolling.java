package dev.interlock.benchmarks.cases;

import dev.interlock.JobCoordinator;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Callers;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Cpu;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Load;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import dev.interlock.benchmarks.Sample;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** A hundred workers that find nothing: polls as fast as they go, beside the no-op, and what workers send by themselves. */
public final class IdlePolling implements Case {

    private static final int WORKERS = 100;
    private static final String NOOP = "no-op";

    @Override
    public String name() {
        return "idle";
    }

    @Override
    public String title() {
        return "100 workers that find nothing to do";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        Polls claims = new Polls(bench, "claim", (worker, opened) -> {
            JobCoordinator coordinator = coordinator(bench, worker);
            return n -> coordinator.claim(1);
        });
        Polls noops = new Polls(
                bench,
                NOOP,
                (worker, opened) -> n -> bench.supabase().rpc("bench_noop").as(JsonNode.class));
        claims.warmUp();
        noops.warmUp();
        for (int round = 0; round < bench.scale().rounds(); round++) {
            claims.round(round);
            noops.round(round);
        }
        report.add(Figure.beside(
                "idle",
                "100 callers claim and find nothing, HTTP",
                "calls/s",
                new Rounds(claims.perSecond),
                NOOP,
                new Rounds(noops.perSecond)));
        report.add(Figure.beside(
                "idle",
                "CPU of the database for each such claim",
                "ms",
                new Rounds(claims.cpuMillis),
                NOOP,
                new Rounds(noops.cpuMillis)));
        workers(bench, report);
    }

    private static JobCoordinator coordinator(Bench bench, int worker) {
        return JobCoordinator.builder(bench.supabase())
                .workerId("idle-" + worker)
                .build();
    }

    private static void workers(Bench bench, Report report) throws Exception {
        List<JobWorker> workers = new ArrayList<>();
        try {
            for (int n = 0; n < WORKERS; n++) {
                JobWorker worker = JobWorker.builder(coordinator(bench, n))
                        .handle("normal", context -> Outcome.complete())
                        .closeGrace(Duration.ofSeconds(1))
                        .build();
                worker.start();
                workers.add(worker);
            }
            int seconds = bench.scale().either(30, 3);
            // Their interval grows from the shortest to the longest first.
            Thread.sleep(3000);
            long before = bench.local().requests();
            double cpu = Cpu.seconds(bench);
            System.err.println("  100 idle workers, " + seconds + " seconds");
            Thread.sleep(seconds * 1000L);
            double calls = bench.local().requests() - before;
            double share = (Cpu.seconds(bench) - cpu) / seconds;
            report.add(Figure.alone(
                    "idle",
                    "calls of an idle worker in a minute, with its defaults",
                    "calls",
                    Rounds.of(calls * 60 / seconds / WORKERS)));
            report.add(Figure.alone(
                    "idle", "CPU of the database for 100 such workers", "% of a core", Rounds.of(share * 100)));
        } finally {
            // Each drains for itself: one after the other would take minutes.
            workers.parallelStream().forEach(JobWorker::close);
        }
    }

    /** The rounds of one kind of poll. */
    private static final class Polls {

        private final Bench bench;
        private final String name;
        private final Callers callers;
        private final List<Double> perSecond = new ArrayList<>();
        private final List<Double> cpuMillis = new ArrayList<>();

        Polls(Bench bench, String name, Callers callers) {
            this.bench = bench;
            this.name = name;
            this.callers = callers;
        }

        void warmUp() throws Exception {
            Load.run(WORKERS, callers, Duration.ZERO, bench.scale().warmUp());
        }

        void round(int round) throws Exception {
            bench.progress("100 polling callers", name, round);
            double before = Cpu.seconds(bench);
            long requests = bench.local().requests();
            Sample sample =
                    Load.run(WORKERS, callers, Duration.ZERO, bench.scale().time());
            double used = Cpu.seconds(bench) - before;
            perSecond.add(sample.perSecond());
            // Those too that end after the time.
            cpuMillis.add(1000 * used / (bench.local().requests() - requests));
        }
    }
}
