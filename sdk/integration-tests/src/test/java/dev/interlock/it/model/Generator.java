package dev.interlock.it.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** What several clients might do next, drawn from a seed: it looks at the model, never at the engine, so that a seed tells the same story again. */
final class Generator extends OperatorDraws {

    /** More unfinished jobs than this, and new ones are rare: lines stay short enough that every order in them is tried. */
    private static final int CROWD = 24;

    private record Sent(Operation operation, long at) {}

    private final List<Sent> sent = new ArrayList<>();

    Generator(Random random, ReferenceModel model) {
        super(random, model);
    }

    Operation next() {
        Operation repeated = random.nextInt(12) == 0 ? again() : null;
        if (repeated != null) {
            return repeated;
        }
        Operation operation = draw();
        if (operation.arguments().get("options") instanceof Map<?, ?> options && options.containsKey("request_id")) {
            sent.add(new Sent(operation, model.now));
        }
        return operation;
    }

    /** How long nothing happens before the next operation, in microseconds. */
    long pause() {
        int kind = random.nextInt(100);
        if (kind < 60) {
            return 0;
        } else if (kind < 90) {
            return SECOND + random.nextInt(3_000_000);
        } else if (kind < 99) {
            return 5 * SECOND + random.nextInt(35_000_000);
        }
        return 60 * SECOND + random.nextInt(900) * SECOND;
    }

    private Operation draw() {
        boolean crowded = unfinished().size() > CROWD;
        int kind = random.nextInt(100);
        if (kind < 22) {
            return crowded ? complete() : kind < 12 ? enqueue() : kind < 20 ? start() : insert();
        } else if (kind < 42) {
            return claim();
        } else if (kind < 64) {
            return complete();
        } else if (kind < 68) {
            return heartbeat();
        } else if (kind < 71) {
            return releaseModels();
        } else if (kind < 77) {
            return checkpoint();
        } else if (kind < 81) {
            return new Operation("job_queue_cancel", Map.of("job_id", someJob()));
        } else if (kind < 89) {
            return setModel();
        } else if (kind < 92) {
            return setLimits();
        } else if (kind < 94) {
            return new Operation("job_queue_sweep", Map.of());
        } else if (kind < 96) {
            return retry();
        } else if (kind < 98) {
            return new Operation(
                    "job_queue_reprioritize", Map.of("job_id", someJob(), "priority", random.nextInt(5) - 2));
        } else if (kind < 99 || model.rows.isEmpty()) {
            return new Operation("job_queue_explain", Map.of("job_id", someJob()));
        }
        return new Operation(Operation.DELETE, Map.of("job_id", pick(List.copyOf(model.rows))));
    }

    /** The answer was lost, or the request came twice. */
    private @Nullable Operation again() {
        List<Sent> recent = sent.stream()
                .filter(s -> s.at() > model.now - ModelFunctions.REQUEST_MEMORY / 2)
                .toList();
        // Mostly at once, as a client repeats.
        return recent.isEmpty()
                ? null
                : (random.nextBoolean() ? recent.get(recent.size() - 1) : pick(recent)).operation();
    }

    private Operation enqueue() {
        List<Map<String, Object>> jobs = new ArrayList<>();
        int size = random.nextInt(6) == 0 ? 2 + random.nextInt(8) : 1 + random.nextInt(2);
        for (int i = 0; i < size; i++) {
            Map<String, Object> job = newJob();
            if (jobs.stream().noneMatch(other -> Objects.equals(other.get("job_id"), job.get("job_id")))) {
                jobs.add(job);
            }
        }
        return new Operation("job_queue_enqueue", Map.of("jobs", jobs, "options", requestId()));
    }

    private Map<String, Object> newJob() {
        Map<String, Object> job = new LinkedHashMap<>();
        boolean known = random.nextInt(8) == 0;
        String id = known ? someJob() : random.nextBoolean() ? "j" + count++ : uuid();
        job.put("job_id", id);
        describe(job);
        ModelJob same = model.jobs.get(id);
        if (same != null && same.isOver()) {
            // With other models the engine sets those up as well, in case the job is removed at this instant and so is
            // new.
            job.remove("steps");
            job.remove("holding");
            job.put("models", same.models);
            job.put("unrestricted", same.models.isEmpty());
        }
        if (id.length() == 36 && random.nextBoolean()) {
            job.put("row", Map.of("prompt", "p"));
        }
        return job;
    }

    private Operation start() {
        Map<String, Object> options = requestId();
        ModelJob known = random.nextInt(3) == 0 ? model.jobs.get(someJob()) : null;
        Map<String, Object> arguments = new LinkedHashMap<>();
        if (known == null || (!known.isOver() && random.nextInt(8) == 0)) {
            describe(options);
            arguments.put("models", options.remove("models"));
            arguments.put("job_id", known == null ? random.nextBoolean() ? "j" + count++ : uuid() : known.id);
        } else {
            // What it runs in steps was said when it entered.
            arguments.put("models", known.models);
            options.put("unrestricted", known.models.isEmpty());
            arguments.put("job_id", known.id);
        }
        options.put("worker_id", worker());
        options.put("lease_seconds", leaseSeconds());
        arguments.put("options", options);
        return new Operation("job_queue_start", arguments);
    }

    private Operation claim() {
        Map<String, Object> options = requestId();
        String worker = worker();
        options.putAll(filter(worker));
        return new Operation(
                "job_queue_claim", Map.of("worker_id", worker, "max_jobs", 1 + random.nextInt(4), "options", options));
    }

    private Operation complete() {
        List<Map<String, Object>> outcomes = new ArrayList<>();
        int size = random.nextInt(8) == 0 ? random.nextInt(4) : 1;
        for (int i = 0; i < size; i++) {
            Run run = someRun();
            if (outcomes.stream().noneMatch(other -> run.jobId().equals(other.get("job_id")))) {
                Map<String, Object> outcome = new LinkedHashMap<>();
                outcome.put("job_id", run.jobId());
                outcome.put("token", run.token());
                outcome.put(
                        "outcome",
                        pick(List.of(
                                "complete", "complete", "complete", "complete", "fail", "retry", "retry", "release")));
                if (outcome.get("outcome").equals("retry") && random.nextBoolean()) {
                    outcome.put("retry_in_seconds", 20 + random.nextInt(60));
                } else if (outcome.get("outcome").equals("retry") && random.nextBoolean()) {
                    outcome.put("retry_at", in(random.nextInt(60) - 10));
                }
                outcomes.add(outcome);
            }
        }
        Map<String, Object> options = requestId();
        String worker = worker();
        options.put("worker_id", worker);
        if (random.nextInt(3) > 0) {
            Map<String, Object> claim = filter(worker);
            claim.put("max_jobs", 1 + random.nextInt(3));
            options.put("claim", claim);
        }
        return new Operation("job_queue_complete", Map.of("outcomes", outcomes, "options", options));
    }

    private Operation heartbeat() {
        Map<String, Map<String, Object>> beats = new LinkedHashMap<>();
        int size = 1 + random.nextInt(3);
        for (int i = 0; i < size; i++) {
            Run run = someRun();
            Map<String, Object> beat = new LinkedHashMap<>(Map.of("job_id", run.jobId(), "token", run.token()));
            if (random.nextBoolean()) {
                beat.put("progress", random.nextInt(101));
            }
            beats.put(run.jobId(), beat);
        }
        return new Operation(
                "job_queue_heartbeat",
                Map.of(
                        "worker_id",
                        worker(),
                        "leases",
                        List.copyOf(beats.values()),
                        "options",
                        Map.of("lease_seconds", leaseSeconds())));
    }

    private Operation releaseModels() {
        Run run = someRun();
        ModelJob job = model.jobs.get(run.jobId());
        List<String> models =
                job == null || job.models.isEmpty() || random.nextInt(5) == 0 ? models() : some(job.models);
        return new Operation(
                "job_queue_release_models", Map.of("job_id", run.jobId(), "token", run.token(), "models", models));
    }

    private Operation checkpoint() {
        List<ModelJob> going = model.jobs.values().stream()
                .filter(job -> job.running && !job.steps.isEmpty())
                .toList();
        Run run = someRun();
        if (!going.isEmpty() && random.nextInt(6) > 0) {
            ModelJob job = pick(going);
            run = new Run(job.id, job.token);
        }
        ModelJob job = model.jobs.get(run.jobId());
        int current = job == null ? 0 : job.currentStep;
        Map<String, Object> options = requestId();
        int step = random.nextInt(6) == 0 ? random.nextInt(4) : current;
        if (random.nextInt(6) == 0) {
            options.put("next_step", step + 1 + random.nextInt(3));
        }
        return new Operation(
                "job_queue_checkpoint",
                Map.of(
                        "job_id",
                        run.jobId(),
                        "token",
                        run.token(),
                        "step",
                        step,
                        "output",
                        "output " + count++,
                        "options",
                        options));
    }

    private Operation retry() {
        List<ModelJob> ended =
                model.jobs.values().stream().filter(job -> job.isOver()).toList();
        Map<String, Object> options = requestId();
        if (random.nextBoolean()) {
            options.put("attempts", 1 + random.nextInt(3));
        }
        if (random.nextInt(4) == 0) {
            options.put("run_at", in(random.nextInt(60) - 10));
        }
        if (random.nextInt(4) == 0) {
            options.put("deadline", in(20 + random.nextInt(100)));
        }
        String id = ended.isEmpty() || random.nextInt(8) == 0 ? someJob() : pick(ended).id;
        return new Operation("job_queue_retry", Map.of("job_id", id, "options", options));
    }

    private Operation insert() {
        List<Map<String, Object>> rows = new ArrayList<>();
        int size = 1 + random.nextInt(3);
        for (int i = 0; i < size; i++) {
            String late = someJob();
            ModelJob known = model.jobs.get(late);
            boolean again = random.nextInt(4) == 0
                    && late.length() == 36
                    && rows.isEmpty()
                    && !model.rows.contains(late)
                    && known != null
                    && !(known.isOver() && known.models.isEmpty());
            rows.add(Map.of(
                    "job_id",
                    again ? late : uuid(),
                    "prompt",
                    "p",
                    "model",
                    "own",
                    "job_type",
                    pick(List.of("image", "video", "workflow")),
                    "metadata",
                    Map.of("priority", 1 + random.nextInt(3)),
                    "required_models",
                    again && known != null && known.isOver() ? known.models : models()));
        }
        return new Operation(Operation.INSERT, Map.of("rows", rows));
    }
}
