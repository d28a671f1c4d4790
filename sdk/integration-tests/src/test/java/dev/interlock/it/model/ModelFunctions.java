package dev.interlock.it.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What each function of the contract does with the {@link ReferenceModel}, and what it answers. */
final class ModelFunctions {

    static final long REQUEST_MEMORY = 15 * 60 * 1_000_000L;

    final ReferenceModel model;
    private final ModelAnswers answers;
    private final OperatorFunctions operator;
    private final StepFunctions steps;
    private final Map<String, Long> requests = new HashMap<>();

    ModelFunctions(ReferenceModel model) {
        this.model = model;
        this.answers = new ModelAnswers(model);
        this.operator = new OperatorFunctions(model, answers);
        this.steps = new StepFunctions(model, answers);
    }

    /** The answer, or {@link Refused}. */
    Object call(String function, Arguments given) {
        return switch (function) {
            case "job_queue_enqueue" -> once(given.object("options"), () -> enqueue(given.objects("jobs")));
            case "job_queue_start" -> once(given.object("options"), () -> start(given));
            case "job_queue_claim" ->
                claimOnce(given.object("options"), given.text("worker_id"), given.number("max_jobs", 1));
            case "job_queue_heartbeat" -> heartbeat(given);
            case "job_queue_complete" ->
                once(given.object("options"), () -> complete(given.objects("outcomes"), given.object("options")));
            case "job_queue_release_models" -> releaseModels(given);
            case "job_queue_checkpoint" -> once(given.object("options"), () -> steps.checkpoint(given));
            case "job_queue_cancel" -> operator.cancel(known(given.text("job_id")));
            case "job_queue_retry" -> retry(given);
            case "job_queue_reprioritize" ->
                operator.reprioritize(known(given.text("job_id")), (int) given.number("priority", 0));
            case "job_queue_set_model" -> operator.setModel(given.text("model"), given.object("settings"));
            case "job_queue_set_limits" -> operator.setLimits(given.object("settings"));
            case "job_queue_explain" -> answers.explain(known(given.text("job_id")));
            case "job_queue_sweep" ->
                Map.of(
                        "recovered",
                        model.recovery.recover().size(),
                        "requests_removed",
                        new Expect.Whatever(),
                        "log_rows_removed",
                        0);
            case "insert" -> insert(given.objects("rows"));
            case "delete" -> delete(given.text("job_id"));
            default -> throw new IllegalArgumentException(function);
        };
    }

    /** I7: the second of two equal requests changes nothing and gets the first one's answer. */
    private Object once(Arguments options, Supplier<Object> call) {
        String requestId = options.text("request_id", "");
        if (requests.containsKey(requestId)) {
            return new Expect.FirstAnswer(requestId);
        }
        Object answer = call.get();
        if (!requestId.isEmpty()) {
            requests.put(requestId, model.now);
        }
        return answer;
    }

    private Object claimOnce(Arguments options, String worker, long atMost) {
        return once(options, () -> {
            model.recovery.recover(foundByClaim(worker, options));
            return answers.claimed(model.claim(worker, atMost, options));
        });
    }

    /** Dead leases, due jobs; those that waited for such a worker; and, where it is news that it is there, those that nobody can run. */
    private List<ModelJob> foundByClaim(String worker, Arguments filter) {
        boolean look = model.workers.claims(worker, filter);
        return model.recovery.found(
                job -> job.skipped ? Workers.runs(filter, job) : look && model.workers.areMissing(job));
    }

    private Object enqueue(List<Arguments> jobs) {
        refuseUnknownModels(jobs);
        for (Arguments job : jobs) {
            if (job.has("row")) {
                model.rows.add(job.text("job_id"));
            }
        }
        model.recovery.recover();
        Set<String> fresh = enterNew(jobs, "queued");
        return Map.of(
                "jobs",
                jobs.stream()
                        .map(job -> {
                            Map<String, @Nullable Object> entry = new LinkedHashMap<>();
                            entry.put("job_id", job.text("job_id"));
                            entry.put("result", fresh.contains(job.text("job_id")) ? "entered" : "exists");
                            entry.put("status", model.status(known(job.text("job_id"))));
                            entry.putAll(answers.place(known(job.text("job_id"))));
                            return entry;
                        })
                        .toList());
    }

    private Object start(Arguments given) {
        Map<String, Object> job = new HashMap<>(given.object("options").values());
        job.putAll(given.values());
        refuseUnknownModels(List.of(new Arguments(job)));
        ModelJob known = model.jobs.get(given.text("job_id"));
        if (known != null && !Set.copyOf(known.models).equals(Set.copyOf(model.modelsOf(new Arguments(job))))) {
            throw new Refused("JQ009");
        }
        // Who asks for a job runs it: it comes back, and is not set aside. Open: who asks again looks for others that
        // nobody can run.
        model.recovery.recover(model.recovery.found(
                other -> known != null && (other == known ? other.skipped : model.workers.areMissing(other))));
        Set<String> fresh = enterNew(List.of(new Arguments(job)), "");
        ModelJob asked = known(given.text("job_id"));
        Set<ModelJob> passed = model.mayStart(asked) ? Set.of() : model.overtakes.passedBy(asked);
        if (passed != null) {
            Arguments options = given.object("options");
            model.begin(asked, options.text("worker_id", "direct"), options.number("lease_seconds", 30), passed);
            model.tokensGrow(List.of(asked));
            return Map.of("result", "started", "lease", answers.lease(asked));
        }
        fresh.forEach(id -> model.event(known(id), "blocked"));
        return answers.asked(asked);
    }

    private Object heartbeat(Arguments given) {
        long leaseSeconds = given.object("options").number("lease_seconds", 30);
        model.workers.beats(given.text("worker_id"));
        List<Object> results = new ArrayList<>();
        for (Arguments beat : given.objects("leases")) {
            ModelJob job = model.jobs.get(beat.text("job_id"));
            Map<String, @Nullable Object> result = new LinkedHashMap<>();
            result.put("job_id", beat.text("job_id"));
            result.put("token", beat.number("token", 0));
            if (job != null && job.running && job.token == beat.number("token", 0)) {
                // Open: a lease that ran out and that nobody took back yet is renewed, not lost: nobody else has run
                // the job.
                job.leaseUntil = Math.max(job.leaseUntil, model.now + leaseSeconds * 1_000_000);
                job.progress = (int) beat.number("progress", job.progress);
                result.put("result", job.cancelRequested ? "cancel_requested" : "held");
                result.put("lease_until", new Expect.At(job.leaseUntil));
            } else {
                result.put("result", "lost");
                result.put("lease_until", null);
            }
            results.add(result);
        }
        return Map.of("leases", results);
    }

    private Object complete(List<Arguments> outcomes, Arguments options) {
        Set<String> named = new HashSet<>();
        outcomes.forEach(outcome -> named.add(outcome.text("job_id")));
        String worker = options.text("worker_id", "direct");
        // What this call takes back is what was dead when it came.
        List<ModelJob> found = options.has("claim")
                ? foundByClaim(worker, options.object("claim")).stream()
                        .filter(job -> !named.contains(job.id))
                        .toList()
                : List.of();
        List<Object> results = new ArrayList<>();
        for (Arguments outcome : outcomes) {
            results.add(Map.of(
                    "job_id",
                    outcome.text("job_id"),
                    "token",
                    outcome.number("token", 0),
                    "result",
                    verdict(model.jobs.get(outcome.text("job_id")), outcome)));
        }
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("outcomes", results);
        if (options.has("claim")) {
            Arguments claim = options.object("claim");
            model.recovery.recover(found);
            answer.putAll(answers.claimed(model.claim(worker, claim.number("max_jobs", 1), claim)));
        }
        return answer;
    }

    /** Rule 6 and 7: the token decides whether an outcome changes anything. */
    private String verdict(@Nullable ModelJob job, Arguments outcome) {
        String what = outcome.text("outcome");
        if (job == null) {
            return "unknown_job";
        }
        boolean own = job.token == outcome.number("token", 0);
        if (own && "completed".equals(job.ended) && what.equals("complete")) {
            return "completed";
        } else if (own && "failed".equals(job.ended) && what.equals("fail")) {
            return "failed";
        } else if (!job.running) {
            return "not_running";
        } else if (!own) {
            return "stale";
        } else if (what.equals("complete")) {
            model.end(job, "completed", "completed");
            return "completed";
        } else if (job.cancelRequested) {
            model.end(job, "cancelled", "cancelled");
            return "cancelled";
        } else if (what.equals("fail") || (what.equals("retry") && job.attempt >= job.maxAttempts)) {
            model.end(job, "failed", "failed");
            return "failed";
        }
        model.stop(job);
        if (what.equals("release")) {
            job.attempt--;
            model.event(job, "released");
            return "released";
        }
        Long retryAt = outcome.time("retry_at");
        long due = retryAt == null ? model.now + outcome.number("retry_in_seconds", 0) * 1_000_000 : retryAt;
        job.due = due > model.now ? due : null;
        model.event(job, "retry_scheduled");
        return "retry_scheduled";
    }

    private Object releaseModels(Arguments given) {
        ModelJob job = model.jobs.get(given.text("job_id"));
        String result = "released";
        if (job == null) {
            result = "unknown_job";
        } else if (!job.running) {
            result = "not_running";
        } else if (job.token != given.number("token", 0)) {
            result = "stale";
        } else {
            if (job.holds.removeAll(model.resolved(given.list("models")))) {
                model.event(job, "released");
            }
        }
        return Map.of("result", result, "models", job == null ? List.of() : List.copyOf(job.holds));
    }

    private Object retry(Arguments given) {
        ModelJob job = known(given.text("job_id"));
        return once(given.object("options"), () -> operator.retry(job, given.object("options")));
    }

    private Object insert(List<Arguments> rows) {
        List<Arguments> jobs = new ArrayList<>();
        for (Arguments row : rows) {
            Map<String, Object> job = new HashMap<>();
            job.put("job_id", row.text("job_id"));
            job.put("job_type", row.text("job_type"));
            // Open: which code runs a row's job: its type; for a workflow, what its column model says.
            if (row.text("job_type").equals("workflow")) {
                job.put("handler", row.text("model"));
            }
            job.put("models", row.value("required_models"));
            job.put("priority", 1 - row.object("metadata").number("priority", 1));
            jobs.add(new Arguments(job));
        }
        refuseUnknownModels(jobs);
        rows.forEach(row -> model.rows.add(row.text("job_id")));
        model.recovery.recover();
        enterNew(jobs, "queued");
        return Map.of();
    }

    /** A job whose row goes is not wanted any more. */
    private Object delete(String id) {
        model.rows.remove(id);
        if (model.jobs.containsKey(id) && !known(id).isOver()) {
            operator.cancel(known(id));
            model.recovery.recover();
        }
        return Map.of();
    }

    private Set<String> enterNew(List<Arguments> jobs, String event) {
        Set<String> fresh = new HashSet<>();
        for (Arguments job : jobs) {
            if (!model.jobs.containsKey(job.text("job_id"))) {
                ModelJob entered = model.enter(job);
                fresh.add(entered.id);
                if (!event.isEmpty()) {
                    model.event(entered, event);
                }
            }
        }
        return fresh;
    }

    private void refuseUnknownModels(List<Arguments> jobs) {
        for (Arguments job : jobs) {
            if (model.limits.refuseUnknown
                    && !model.jobs.containsKey(job.text("job_id"))
                    && !model.lines.keySet().containsAll(model.modelsOf(job))) {
                throw new Refused("JQ008");
            }
        }
    }

    private ModelJob known(String id) {
        ModelJob job = model.jobs.get(id);
        if (job == null) {
            throw new Refused("JQ006");
        }
        return job;
    }
}
