package dev.interlock.benchmarks.cases;

import dev.interlock.JobRequest;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Contest;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import dev.interlock.benchmarks.Sample;
import dev.interlock.benchmarks.Wire;
import dev.interlock.benchmarks.Wires;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * A worker that always has work: a {@link JobWorker} of concurrency 8 whose handlers do nothing, over jobs of 1,000 models. Beside it, as the
 * floor, 8 callers that each complete a job and take the next in one call, over as many waiting rows.
 */
public final class Steady implements Case {

    private static final String WORKER = "JobWorker";
    private static final String FLOOR = "same rows";
    private static final int CONCURRENCY = 8;
    private static final int MODELS = 1000;

    @Override
    public String name() {
        return "steady";
    }

    @Override
    public String title() {
        return "a worker's steady state: jobs a second and round trips a job";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        int[] sizes = bench.scale().full() ? new int[] {1, 4} : new int[] {1};
        for (int workers : sizes) {
            measure(bench, report, workers);
        }
    }

    private void measure(Bench bench, Report report, int workers) throws Exception {
        List<Double> trips = new ArrayList<>();
        String what = workers == 1 ? "1 worker of 8" : workers + " workers of 8 in one process";
        Contest.Results results = bench.contest("steady state, " + what)
                .enter(WORKER, (warmUp, time) -> work(bench, workers, warmUp, time, trips), () -> refill(bench, true))
                .enter(
                        FLOOR,
                        workers * CONCURRENCY,
                        (caller, opened) -> Wires.nextRows(bench),
                        () -> refill(bench, false))
                .run();
        report.add(Figure.beside(name(), what, "jobs/s", results.perSecond(WORKER), FLOOR, results.perSecond(FLOOR))
                .atLeast(0.9));
        Rounds perJob = new Rounds(trips);
        report.add(Figure.alone(name(), what + ", round trips a job", "calls/job", perJob)
                .target("≤ 1.0", perJob.median() <= 1.005));
    }

    private static Sample work(Bench bench, int workers, Duration warmUp, Duration time, List<Double> trips)
            throws InterruptedException {
        LongAdder done = new LongAdder();
        List<JobWorker> running = new ArrayList<>();
        try {
            for (int i = 0; i < workers; i++) {
                JobWorker worker = JobWorker.builder(bench.coordinator())
                        .workerId("worker-" + i)
                        .handle("normal", job -> {
                            done.increment();
                            return Outcome.complete();
                        })
                        .concurrency(CONCURRENCY)
                        .build();
                worker.start();
                running.add(worker);
            }
            Thread.sleep(warmUp.toMillis());
            long jobs = -done.sum();
            long calls = -bench.local().requests();
            long began = System.nanoTime();
            Thread.sleep(time.toMillis());
            for (int more = 0; more < 300 && jobs + done.sum() == 0; more++) {
                Thread.sleep(100);
            }
            double seconds = (System.nanoTime() - began) / 1e9;
            jobs += done.sum();
            calls += bench.local().requests();
            if (jobs == 0) {
                throw new IllegalStateException("The workers did no job in " + seconds + " seconds.");
            }
            trips.add((double) calls / jobs);
            return new Sample(jobs / seconds, Sample.histogram());
        } finally {
            running.forEach(JobWorker::close);
        }
    }

    /** So many wait that none runs out of work in a round. */
    private static void refill(Bench bench, boolean coordinated) throws Exception {
        String waits = "select count(*) from " + (coordinated ? "public.job_queue_jobs" : "bench.jobs")
                + " where status = 'waiting'";
        long waiting = Long.parseLong(bench.ask(waits));
        long enough = 2000
                        * (bench.scale().time().toMillis()
                                + 2 * bench.scale().warmUp().toMillis())
                        / 1000
                + 500;
        while (waiting < enough) {
            List<JobRequest> jobs = new ArrayList<>();
            List<Map<String, Object>> rows = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                String id = bench.newId();
                String model = "model-" + i % MODELS;
                jobs.add(JobRequest.normal(id).models(model).build());
                rows.add(Map.of("job_id", id, "models", List.of(model)));
            }
            waiting += jobs.size();
            if (coordinated) {
                bench.coordinator().enqueueAll(jobs);
            } else {
                Wire.http(bench).call("bench_enqueue", Map.of("jobs", rows, "options", Wires.request()));
            }
        }
    }
}
