package dev.interlock.benchmarks.peers;

import dev.interlock.JobRequest;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.benchmarks.Bench;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Interlock by HTTP: a worker with as many slots as the peers have threads. Each job needs one of 1,000 models, each of which takes one job at a time. */
final class ByWorker implements Contestant {

    private static final int MODELS = 1000;

    private final Bench bench;
    private final AtomicInteger next = new AtomicInteger();

    ByWorker(Bench bench) {
        this.bench = bench;
    }

    @Override
    public String name() {
        return "Interlock, a worker by HTTP";
    }

    @Override
    public String unfinished() {
        return "select count(*) from public.job_queue_jobs where status in ('waiting', 'running')";
    }

    @Override
    public void enqueue(List<String> jobs) {
        enqueue(bench, jobs, next);
    }

    static void enqueue(Bench bench, List<String> jobs, AtomicInteger next) {
        List<JobRequest> requests = new ArrayList<>();
        for (String id : jobs) {
            requests.add(JobRequest.normal(id).models(model(next)).build());
        }
        for (int from = 0; from < requests.size(); from += 500) {
            bench.coordinator().enqueueAll(requests.subList(from, Math.min(from + 500, requests.size())));
        }
    }

    static String model(AtomicInteger next) {
        return "model-" + next.getAndIncrement() % MODELS;
    }

    @Override
    public Running run(Consumer<String> begun) {
        JobWorker worker = JobWorker.builder(bench.coordinator())
                .workerId("bench")
                .handle("normal", job -> {
                    begun.accept(job.jobId());
                    return Outcome.complete();
                })
                .concurrency(Pool.THREADS)
                .pollInterval(Duration.ofMillis(10), Duration.ofMillis(100))
                .build();
        worker.start();
        return worker::close;
    }
}
