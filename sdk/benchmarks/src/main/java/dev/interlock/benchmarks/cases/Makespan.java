package dev.interlock.benchmarks.cases;

import dev.interlock.Holding;
import dev.interlock.JobRequest;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.LimitSettings;
import dev.interlock.ModelSettings;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkerListener;
import dev.interlock.WorkflowDefinition;
import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The studio sample's jobs from the start of the first to the end of the last, under each holding rule and one at a time, beside what no schedule can
 * be shorter than. The steps sleep for as long as the sample's do, so the machine's own work is what is added.
 */
public final class Makespan implements Case {

    /** As many as the sample's three workers have together; the models have nine seats. */
    private static final int SLOTS = 18;

    @Override
    public String name() {
        return "makespan";
    }

    @Override
    public String title() {
        return "the studio sample's jobs under each holding rule, beside the lower bound";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        Studio.CAPACITY.forEach(
                (model, capacity) -> bench.coordinator().setModel(model, ModelSettings.capacity(capacity)));
        List<Studio.Job> jobs = Studio.jobs(bench.scale().either(100, 15));
        run(bench, Studio.jobs(10), Holding.PER_STEP, ".warm-up");
        Rounds bound = Rounds.of(Studio.lowerBound(jobs) / 1000);
        for (Holding rule : List.of(Holding.WHOLE_RUN, Holding.RELEASE_AS_USED, Holding.PER_STEP)) {
            List<Double> seconds = new ArrayList<>();
            for (int round = 0; round < bench.scale().either(2, 1); round++) {
                bench.progress("makespan", rule.name(), round);
                seconds.add(run(bench, jobs, rule, "." + rule + round));
            }
            report.add(figure(jobs, rule.name().toLowerCase(Locale.ROOT), new Rounds(seconds), bound));
        }
        bench.progress("makespan", "one at a time", 0);
        bench.coordinator().setLimits(LimitSettings.builder().maxActiveJobs(1).build());
        Rounds single = Rounds.of(run(bench, jobs, Holding.WHOLE_RUN, ".one"));
        report.add(figure(jobs, "one at a time", single, bound));
        report.add(Figure.beside(
                "makespan",
                jobs.size() + " jobs, one at a time",
                "s",
                single,
                "all steps after each other",
                Rounds.of(Studio.allAfterEachOther(jobs) / 1000)));
    }

    private static Figure figure(List<Studio.Job> jobs, String rule, Rounds seconds, Rounds bound) {
        return Figure.beside("makespan", jobs.size() + " jobs, " + rule, "s", seconds, "lower bound", bound);
    }

    /** In seconds. */
    private static double run(Bench bench, List<Studio.Job> jobs, Holding rule, String suffix) throws Exception {
        bench.coordinator()
                .enqueueAll(jobs.stream().map(j -> request(j, rule, suffix)).toList());
        CountDownLatch left = new CountDownLatch(jobs.size());
        try (JobWorker worker = worker(bench, left)) {
            long begin = System.nanoTime();
            worker.start();
            if (!left.await(5, TimeUnit.MINUTES)) {
                throw new IllegalStateException(left.getCount() + " jobs are not done.");
            }
            return (System.nanoTime() - begin) / 1e9;
        }
    }

    private static JobRequest request(Studio.Job job, Holding rule, String suffix) {
        String id = job.name() + suffix;
        JobRequest.Builder request;
        if (job.flow().equals(Studio.SINGLE)) {
            request = JobRequest.normal(id).handler(Studio.SINGLE).models(job.models());
        } else {
            request = JobRequest.workflow(id, job.flow()).holding(rule);
            for (String model : job.models()) {
                request.step(model, model);
            }
        }
        return request.priority(job.priority()).payload(new Task(job.millis())).build();
    }

    private static JobWorker worker(Bench bench, CountDownLatch left) {
        JobWorker.Builder builder = JobWorker.builder(bench.coordinator())
                .workerId("studio")
                .handle(Studio.SINGLE, Task.class, (task, job) -> {
                    Thread.sleep(task.millis().get(0));
                    return Outcome.complete();
                })
                .concurrency(SLOTS)
                .pollInterval(Duration.ofMillis(10), Duration.ofMillis(100))
                .listener(new WorkerListener() {
                    @Override
                    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                        if (status == OutcomeStatus.COMPLETED) {
                            left.countDown();
                        }
                    }
                });
        Studio.FLOWS.forEach((id, models) -> {
            WorkflowDefinition.Builder flow = WorkflowDefinition.builder(id);
            for (String model : models) {
                flow.step(model, model, step -> {
                    Thread.sleep(step.job().payload(Task.class).millis().get(step.index()));
                    return model;
                });
            }
            builder.workflow(flow.build());
        });
        return builder.build();
    }

    /** What a job tells its handler: how long each step takes. */
    public record Task(List<Integer> millis) {
        public Task {
            millis = List.copyOf(millis);
        }
    }
}
