package dev.interlock.it.faults;

import dev.interlock.JobRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

/**
 * A seeded mix of jobs over four models: single calls, jobs that need two or three models, workflows, failures that are retried, failures for
 * good, jobs whose attempts run out, some of them with a row in {@code jobs}. Every job has one right end, whatever happens on the way.
 */
final class Load {

    static final String CALL = "call";
    static final String TWO_STEPS = "two-steps";
    static final String THREE_STEPS = "three-steps";
    static final List<String> MODELS = List.of("m0", "m1", "m2", "m3");
    /** This one has two seats. */
    static final String WIDE = "m3";

    static final List<String> TWO_STEPS_MODELS = List.of("m0", "m1");
    static final List<String> THREE_STEPS_MODELS = List.of("m1", "m2", "m3");

    /** Of faults that cost attempts no job may run out of them, except those that are to. */
    private static final int ENOUGH = 100;

    /**
     * What a handler is to do.
     *
     * @param millis how long each call takes
     * @param laterMillis how long in attempts after the first
     * @param failures how many attempts fail before one does not
     * @param fatal whether that one then says that the job failed for good
     */
    record Task(int millis, int laterMillis, int failures, boolean fatal) {

        int millis(int attempt) {
            return attempt == 1 ? millis : laterMillis;
        }
    }

    /**
     * A job and the end it must come to.
     *
     * @param request the job
     * @param end the status it ends with
     * @param steps its calls: those of the attempt that completes it, or of all attempts of a workflow, which goes on from its checkpoints
     */
    record Planned(JobRequest request, String end, List<String> steps) {}

    private final String run;
    private final Random random;
    private final Map<String, Planned> jobs = new LinkedHashMap<>();

    /** Names begin with {@code run}, so that this load is alone with its models. */
    Load(String run, long seed, int size) {
        this.run = run;
        this.random = new Random(seed);
        for (int i = 0; i < size; i++) {
            add(planned(i));
        }
    }

    /** Calls that last longer than a lease, one on each model; the one on the first model starts first. */
    void addLongCalls(int millis) {
        for (String model : MODELS) {
            add(new Planned(
                    JobRequest.normal(run + "long-" + model)
                            .models(run + model)
                            .handler(run + CALL)
                            .maxAttempts(ENOUGH)
                            .priority(model.equals(MODELS.get(0)) ? 10 : 0)
                            .payload(new Task(millis, millis, 0, false))
                            .build(),
                    "completed",
                    List.of(CALL)));
        }
    }

    /** A job whose second attempt is long; it starts first. */
    void addLongSecondAttempt(String id, int millis, int laterMillis) {
        add(new Planned(
                JobRequest.normal(id)
                        .models(run + MODELS.get(0))
                        .handler(run + CALL)
                        .maxAttempts(ENOUGH)
                        .priority(10)
                        .payload(new Task(millis, laterMillis, 0, false))
                        .build(),
                "completed",
                List.of(CALL)));
    }

    Map<String, Planned> jobs() {
        return jobs;
    }

    /** The end that each job must come to. */
    Map<String, String> ends() {
        Map<String, String> ends = new LinkedHashMap<>();
        jobs.forEach((id, job) -> ends.put(id, job.end()));
        return ends;
    }

    List<JobRequest> requests() {
        List<JobRequest> requests = new ArrayList<>();
        jobs.values().forEach(job -> requests.add(job.request()));
        return requests;
    }

    private void add(Planned job) {
        jobs.put(job.request().jobId(), job);
    }

    private Planned planned(int number) {
        int dice = random.nextInt(100);
        boolean row = random.nextInt(8) == 0;
        String id = row ? new UUID(random.nextLong(), random.nextLong()).toString() : run + "job-" + number;
        int failures = random.nextInt(8) == 0 ? 1 + random.nextInt(2) : 0;
        int attempts = ENOUGH;
        int millis = 2 + random.nextInt(12);
        String end = "completed";
        boolean fatal = false;
        int kind = random.nextInt(30);
        if (kind == 0) {
            fatal = true;
            end = "failed";
        } else if (kind == 1) {
            failures = ENOUGH;
            attempts = 2;
            end = "failed";
        }
        JobRequest.Builder request;
        List<String> steps;
        if (dice < 7) {
            request = workflow(id, TWO_STEPS, TWO_STEPS_MODELS);
            steps = List.of("step0", "step1");
        } else if (dice < 12) {
            request = workflow(id, THREE_STEPS, THREE_STEPS_MODELS);
            steps = List.of("step0", "step1", "step2");
        } else {
            request = JobRequest.normal(id)
                    .models(named(some(dice < 65 ? 1 : dice < 95 ? 2 : 3)))
                    .handler(run + CALL);
            steps = List.of(CALL);
        }
        if (fatal && steps.size() > 1) {
            // A step cannot say that; its workflow completes.
            fatal = false;
            end = "completed";
        }
        if (row) {
            request.row(Map.of("prompt", "a knight"));
        }
        return new Planned(
                request.priority(random.nextInt(3) - 1)
                        .maxAttempts(attempts)
                        .payload(new Task(millis, millis, failures, fatal))
                        .build(),
                end,
                steps);
    }

    private JobRequest.Builder workflow(String id, String name, List<String> models) {
        JobRequest.Builder request = JobRequest.workflow(id, run + name);
        for (int i = 0; i < models.size(); i++) {
            request.step("step" + i, run + models.get(i));
        }
        return request;
    }

    private List<String> some(int count) {
        List<String> left = new ArrayList<>(MODELS);
        List<String> some = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            some.add(left.remove(random.nextInt(left.size())));
        }
        return some;
    }

    private List<String> named(List<String> models) {
        return models.stream().map(model -> run + model).toList();
    }
}
