package dev.interlock.benchmarks.cases;

import dev.interlock.ClaimRequest;
import dev.interlock.Completion;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.Lease;
import dev.interlock.LeaseOutcome;
import dev.interlock.Outcome;
import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Call;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Contest;
import dev.interlock.benchmarks.Crew;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Wires;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;

/**
 * One model of capacity 1 that everybody wants, handed from job to job, beside a call that does nothing.
 *
 * <p>By one call: the worker that has the model completes its job and claims in the same call, and so has the next job; the time is that of the
 * call. The other workers poll meanwhile as idle workers do, every 100 ms. The floor is a call that does nothing, made by one caller over and
 * over while the others do nothing every 100 ms.
 *
 * <p>The same rows in one call: what the call writes with nothing coordinated, for nothing that writes can be as fast as what does nothing.
 *
 * <p>By two: the worker that has the model only completes, and everybody polls without a pause; the time is from when the completion is sent
 * to when whoever gets the next job has its lease. Two calls follow each other there at the least. The floor is a call that does nothing, by as
 * many callers without a pause.
 */
public final class HandOver implements Case {

    private static final String ONE = "complete and claim in one call";
    private static final String TWO = "completed by one, claimed by another";
    private static final String ROWS = "the same rows in one call";
    private static final String IDLE = "no-op";
    private static final String BUSY = "no-op ";
    private static final String MODEL = "hot";
    private static final Duration POLL = Duration.ofMillis(100);

    @Override
    public String name() {
        return "hand-over";
    }

    @Override
    public String title() {
        return "a hot model handed from job to job, with workers that wait for it";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        int[] sizes = bench.scale().full() ? new int[] {1, 10, 100} : new int[] {1, 10};
        for (int waiting : sizes) {
            measure(bench, report, waiting);
        }
    }

    private void measure(Bench bench, Report report, int waiting) throws Exception {
        String beside = waiting == 1 ? "1 waiting worker" : waiting + " waiting workers";
        Contest.Results results = bench.contest("hand-over, " + beside)
                .enter(ONE, (warmUp, time) -> Crew.run(oneCall(bench, waiting), warmUp, time), () -> refill(bench))
                .enter(
                        ROWS,
                        (warmUp, time) -> Crew.run(sameRows(bench, waiting), warmUp, time),
                        () -> refillRows(bench))
                .enter(IDLE, (warmUp, time) -> Crew.run(idle(bench, waiting), warmUp, time), () -> {})
                .enter(TWO, (warmUp, time) -> Crew.run(twoCalls(bench, waiting), warmUp, time), () -> refill(bench))
                .enter(BUSY, waiting + 1, (caller, opened) -> n -> noop(bench), () -> {})
                .run();
        for (double percentile : new double[] {50, 99}) {
            double bound = percentile == 50 ? 2 : 5;
            report.add(figure(results, ONE, IDLE, percentile, beside).atMost(bound));
            report.add(figure(results, ROWS, IDLE, percentile, beside));
            report.add(figure(results, TWO, BUSY, percentile, beside).atMost(bound));
        }
        Map<String, Histogram> curves = new LinkedHashMap<>();
        curves.put(ONE, results.all(ONE));
        curves.put(ROWS, results.all(ROWS));
        curves.put("a call that does nothing, others idle", results.all(IDLE));
        curves.put(TWO, results.all(TWO));
        curves.put("a call that does nothing, others busy", results.all(BUSY));
        report.pictures().latency("hand-over-" + waiting, "Hand-over of a hot model, " + beside, curves);
    }

    private Figure figure(Contest.Results results, String what, String floor, double percentile, String beside) {
        return Figure.beside(
                name(),
                "p" + (int) percentile + ", " + what + ", " + beside,
                "ms",
                results.millis(what, percentile),
                floor.strip(),
                results.millis(floor, percentile));
    }

    private static List<Crew.Member> oneCall(Bench bench, int waiting) {
        List<Crew.Member> members = new ArrayList<>();
        for (JobCoordinator worker : workers(bench, waiting + 1)) {
            List<Lease> held = new ArrayList<>();
            members.add(tally -> {
                if (held.isEmpty()) {
                    held.addAll(worker.claim(1).leases());
                    if (held.isEmpty()) {
                        Thread.sleep(POLL.toMillis());
                    }
                    return;
                }
                long sent = System.nanoTime();
                Completion answer = worker.completeAll(
                        List.of(new LeaseOutcome(held.remove(0), Outcome.complete())), ClaimRequest.of(1));
                if (answer.claim() != null && !answer.claim().leases().isEmpty()) {
                    tally.add(sent, System.nanoTime());
                    held.addAll(answer.claim().leases());
                }
            });
        }
        return members;
    }

    private static List<Crew.Member> twoCalls(Bench bench, int waiting) {
        AtomicLong sent = new AtomicLong();
        List<Crew.Member> members = new ArrayList<>();
        for (JobCoordinator worker : workers(bench, waiting + 1)) {
            members.add(tally -> {
                for (Lease lease : worker.claim(1).leases()) {
                    long had = System.nanoTime();
                    if (sent.get() != 0) {
                        tally.add(sent.get(), had);
                    }
                    sent.set(System.nanoTime());
                    worker.complete(lease);
                }
            });
        }
        return members;
    }

    private static List<Crew.Member> sameRows(Bench bench, int waiting) {
        Call next = Wires.nextRows(bench);
        List<Crew.Member> members = new ArrayList<>();
        members.add(tally -> {
            long sent = System.nanoTime();
            next.run(0);
            tally.add(sent, System.nanoTime());
        });
        members.addAll(polls(bench, waiting));
        return members;
    }

    private static List<Crew.Member> polls(Bench bench, int waiting) {
        List<Crew.Member> members = new ArrayList<>();
        for (int i = 0; i < waiting; i++) {
            members.add(tally -> {
                noop(bench);
                Thread.sleep(POLL.toMillis());
            });
        }
        return members;
    }

    private static List<Crew.Member> idle(Bench bench, int waiting) {
        List<Crew.Member> members = new ArrayList<>();
        members.add(tally -> {
            long sent = System.nanoTime();
            noop(bench);
            tally.add(sent, System.nanoTime());
        });
        members.addAll(polls(bench, waiting));
        return members;
    }

    private static void noop(Bench bench) {
        bench.supabase().rpc("bench_noop").execute();
    }

    private static List<JobCoordinator> workers(Bench bench, int count) {
        List<JobCoordinator> workers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            workers.add(JobCoordinator.builder(bench.supabase())
                    .workerId("worker-" + i)
                    .build());
        }
        return workers;
    }

    /** The line of the model is as long as one round can want, with nobody in front who is not there any more. */
    private static void refill(Bench bench) throws Exception {
        long running = Long.parseLong(bench.ask("select count(*) from public.job_queue_jobs where status = 'running'"));
        if (running > 0) {
            // Its worker stopped when the round was over.
            bench.execute("""
                    select public.job_queue_complete(jsonb_agg(jsonb_build_object(
                        'job_id', job_id, 'token', token, 'outcome', 'complete')))
                    from public.job_queue_jobs where status = 'running'
                    """);
        }
        int waiting =
                Integer.parseInt(bench.ask("select count(*) from public.job_queue_jobs where status = 'waiting'"));
        for (int enough = enough(bench); waiting < enough; waiting += 1000) {
            List<JobRequest> jobs = new ArrayList<>();
            while (jobs.size() < 1000) {
                jobs.add(JobRequest.normal(bench.newId()).models(MODEL).build());
            }
            bench.coordinator().enqueueAll(jobs);
        }
    }

    private static void refillRows(Bench bench) throws Exception {
        int waiting = Integer.parseInt(bench.ask("select count(*) from bench.jobs where status = 'waiting'"));
        for (int enough = enough(bench); waiting < enough; waiting += 1000) {
            List<Object> jobs = new ArrayList<>();
            while (jobs.size() < 1000) {
                jobs.add(Map.of("job_id", bench.newId(), "models", List.of(MODEL)));
            }
            bench.supabase()
                    .rpc("bench_enqueue", Map.of("jobs", jobs, "options", Wires.request()))
                    .execute();
        }
    }

    /** More than one round can hand over. */
    private static int enough(Bench bench) {
        long millis =
                bench.scale().time().toMillis() + 2 * bench.scale().warmUp().toMillis();
        return (int) (700 * millis / 1000) + 200;
    }
}
