package dev.interlock.it.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

/** The parts of which a {@link Generator} makes operations, drawn by chance. */
class Draws {

    static final List<String> MODELS = List.of("m1", "m2", "m3", "m4", "m5");
    static final List<String> HANDLERS = List.of("image", "video", "normal", "workflow", "own");
    private static final List<String> WORKERS = List.of("w0", "w1", "w2", "w3");
    static final long SECOND = 1_000_000;

    record Run(String jobId, long token) {}

    final Random random;
    final ReferenceModel model;
    int count;
    private final Map<String, Map<String, Object>> kinds = new HashMap<>();

    /** Those that are there at present. */
    private List<String> crew = WORKERS;

    private final List<Run> runs = new ArrayList<>();

    Draws(Random random, ReferenceModel model) {
        this.random = random;
        this.model = model;
    }

    /** Every run that ever began, so that dead workers come back with old tokens. */
    void began(Run run) {
        runs.add(run);
    }

    void describe(Map<String, Object> job) {
        job.put("models", models());
        if (random.nextInt(12) == 0) {
            job.put("models", List.of());
            job.put("unrestricted", true);
        } else if (random.nextInt(4) == 0) {
            job.remove("models");
            job.put("steps", steps());
            if (random.nextInt(5) > 0) {
                job.put(
                        "holding",
                        pick(List.of("whole_run", "release_as_used", "release_as_used", "per_step", "per_step")));
            }
        }
        if (random.nextInt(3) == 0) {
            job.put("priority", random.nextInt(4) - 1);
        }
        if (random.nextInt(2) == 0) {
            job.put("job_type", pick(List.of("image", "video", "workflow", "normal")));
        }
        if (random.nextInt(6) == 0) {
            job.put("handler", pick(HANDLERS));
        }
        if (random.nextInt(8) == 0) {
            job.put("run_at", in(random.nextInt(100) - 20));
        }
        if (random.nextInt(8) == 0) {
            job.put("deadline", in(random.nextInt(200) - 10));
        }
        if (random.nextInt(4) == 0) {
            job.put("max_attempts", 1 + random.nextInt(3));
        }
    }

    List<Map<String, Object>> steps() {
        List<Map<String, Object>> steps = new ArrayList<>();
        int size = 1 + random.nextInt(3);
        for (int i = 0; i < size; i++) {
            List<String> models = i > 0 && random.nextInt(4) == 0 ? List.of() : models();
            steps.add(Map.of("name", "step " + i, "models", models));
        }
        return steps;
    }

    List<String> models() {
        List<String> names = new ArrayList<>();
        int size = 1 + random.nextInt(3);
        for (int i = 0; i < size; i++) {
            int kind = random.nextInt(40);
            names.add(kind == 0 ? "new" + random.nextInt(50) : kind == 1 ? pick(List.of("a1", "a2")) : pick(MODELS));
        }
        return names;
    }

    /** What a worker can run, which changes seldom: it is another program then. */
    Map<String, Object> filter(String worker) {
        if (random.nextInt(15) == 0) {
            kinds.remove(worker);
        }
        Map<String, Object> filter = new LinkedHashMap<>(kinds.computeIfAbsent(worker, w -> kind()));
        filter.put("lease_seconds", leaseSeconds());
        return filter;
    }

    private Map<String, Object> kind() {
        Map<String, Object> kind = new LinkedHashMap<>();
        if (random.nextInt(3) == 0) {
            kind.put("handlers", some(HANDLERS));
        }
        if (random.nextInt(5) == 0) {
            kind.put("models", some(MODELS));
        }
        return kind;
    }

    Run someRun() {
        // The worker of an older attempt comes back while a newer one runs.
        List<Run> stale = runs.stream().filter(this::isOutdated).toList();
        if (!stale.isEmpty() && random.nextInt(6) == 0) {
            return pick(stale);
        }
        List<ModelJob> running =
                model.jobs.values().stream().filter(job -> job.running).toList();
        if (!running.isEmpty() && random.nextInt(5) > 0) {
            ModelJob job = pick(running);
            return new Run(job.id, job.token);
        }
        return runs.isEmpty() || random.nextInt(20) == 0 ? new Run(someJob(), 1) : pick(runs);
    }

    boolean isOutdated(Run run) {
        ModelJob job = model.jobs.get(run.jobId());
        return job != null && job.running && job.token != run.token();
    }

    String someJob() {
        List<ModelJob> aside =
                model.jobs.values().stream().filter(job -> job.skipped).toList();
        if (!aside.isEmpty() && random.nextInt(5) == 0) {
            return pick(aside).id;
        }
        List<ModelJob> unfinished = unfinished();
        if (!unfinished.isEmpty() && random.nextInt(4) > 0) {
            return pick(unfinished).id;
        }
        return model.jobs.isEmpty() || random.nextInt(20) == 0 ? "nobody" : pick(List.copyOf(model.jobs.keySet()));
    }

    List<ModelJob> unfinished() {
        return model.jobs.values().stream().filter(job -> !job.isOver()).toList();
    }

    Map<String, Object> requestId() {
        Map<String, Object> options = new LinkedHashMap<>();
        if (random.nextInt(3) > 0) {
            options.put("request_id", "r" + count++);
        }
        return options;
    }

    String uuid() {
        return new UUID(random.nextLong(), random.nextLong()).toString();
    }

    String worker() {
        if (random.nextInt(40) == 0) {
            crew = some(WORKERS);
        }
        return pick(crew);
    }

    int leaseSeconds() {
        return 20 + random.nextInt(60);
    }

    /** So many seconds and five from now, back or on: the time that the call takes must not decide anything. */
    Arguments.Time in(long seconds) {
        return new Arguments.Time(model.now + (seconds < 0 ? seconds - 5 : seconds + 5) * SECOND);
    }

    <T> List<T> some(List<T> all) {
        List<T> some =
                new ArrayList<>(all.stream().filter(x -> random.nextBoolean()).toList());
        if (some.isEmpty()) {
            some.add(pick(all));
        }
        return some;
    }

    <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
