package dev.interlock.it.model;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The answers of the contract, as the {@link ReferenceModel} gives them. */
final class ModelAnswers {

    private static final Comparator<ModelJob> LONGEST_FIRST =
            Comparator.comparingLong((ModelJob job) -> job.startedAt).thenComparing(job -> job.id);

    private final ReferenceModel model;

    ModelAnswers(ReferenceModel model) {
        this.model = model;
    }

    Map<String, Object> lease(ModelJob job) {
        Map<String, Object> lease = new LinkedHashMap<>();
        lease.put("job_id", job.id);
        lease.put("job_type", job.type);
        lease.put("handler", job.handler);
        lease.put("models", job.models);
        lease.put("attempt", job.attempt);
        lease.put("max_attempts", job.maxAttempts);
        lease.put("token", job.token);
        lease.put("worker_id", job.worker);
        lease.put("lease_seconds", (job.leaseUntil - job.startedAt) / 1_000_000);
        lease.put("lease_until", new Expect.At(job.leaseUntil));
        lease.put("queued_at", new Expect.At(job.enteredAt));
        lease.put("started_at", new Expect.At(job.startedAt));
        lease.put("payload", new Expect.Whatever());
        if (!job.steps.isEmpty()) {
            lease.put("holding", job.holding);
            lease.put(
                    "steps",
                    job.steps.stream()
                            .map(step -> Map.of("name", step.name(), "models", step.models()))
                            .toList());
            lease.put("current_step", job.currentStep);
            lease.put("step_attempt", job.attempt - job.attemptsBefore);
            lease.put("checkpoints", job.checkpoints);
        }
        return lease;
    }

    Map<String, @Nullable Object> claimed(List<ModelJob> started) {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("leases", started.stream().map(this::lease).toList());
        // With a rate, it may also be when the rate allows the next start.
        answer.put("next_due_at", model.hasRate() ? new Expect.Whatever() : nextDue());
        return answer;
    }

    private @Nullable Object nextDue() {
        List<Long> times = new ArrayList<>();
        for (ModelJob job : model.jobs.values()) {
            if (job.running) {
                times.add(job.leaseUntil);
            } else if (job.due != null) {
                times.add(job.due);
            }
        }
        return times.stream().min(Comparator.naturalOrder()).map(Expect.At::new).orElse(null);
    }

    /** What {@code start} answers for a job that it did not start. */
    Map<String, @Nullable Object> asked(ModelJob job) {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        if (job.isOver()) {
            answer.put("result", "finished");
            answer.put("status", model.status(job));
        } else if (job.running) {
            answer.put("result", "running");
            answer.put("worker_id", job.worker);
            answer.put("attempt", job.attempt);
            answer.put("lease_until", new Expect.At(job.leaseUntil));
        } else {
            answer.put("result", "queued");
            answer.put("status", model.status(job));
            answer.putAll(place(job));
        }
        return answer;
    }

    Map<String, @Nullable Object> place(ModelJob job) {
        Map<String, @Nullable Object> place = new LinkedHashMap<>();
        boolean waits = model.waits(job);
        Integer position = !waits
                ? null
                : model.linesOf(job).stream()
                        .map(line -> model.ahead(job, line).size() + 1)
                        .max(Comparator.naturalOrder())
                        .orElse(null);
        place.put("queue_position", position);
        place.put("blocked_by_job_id", model.hasRate() ? new Expect.Whatever() : inTheWay(job));
        boolean held = waits ? !model.isRunnable(job) || model.limits.paused : !job.running && !job.isOver();
        place.put("conflict_reason", model.isRated(job) ? new Expect.Whatever() : held ? new Expect.Something() : null);
        return place;
    }

    /**
     * The jobs that keep a waiting job from starting. Open: which of them is named, and that none is where one of its lines lets nobody in at all.
     */
    private Expect.OneOf inTheWay(ModelJob job) {
        Set<String> ids = new HashSet<>();
        boolean closed = false;
        if (model.waits(job)) {
            for (String line : model.linesOf(job)) {
                if (!model.admitted(job, line)) {
                    List<ModelJob> others = Stream.concat(model.holders(line).stream(), model.ahead(job, line).stream())
                            .toList();
                    others.forEach(other -> ids.add(other.id));
                    closed |= others.isEmpty();
                }
            }
        }
        return new Expect.OneOf(ids, closed);
    }

    Map<String, @Nullable Object> line(ModelLine line) {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("model", line.name);
        answer.put("capacity", line.capacity);
        answer.put("paused", line.paused);
        answer.put("starts_per_minute", line.startsPerMinute);
        answer.put("holders", model.holders(line.name).size());
        answer.put("waiting", model.waiting(line.name).size());
        return answer;
    }

    Map<String, @Nullable Object> limits() {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("max_active_jobs", model.limits.maxActiveJobs);
        answer.put("priority_step_seconds", model.limits.priorityStepSeconds);
        answer.put("default_capacity", model.limits.defaultCapacity);
        answer.put("unknown_models", model.limits.refuseUnknown ? "refuse" : "create");
        answer.put("log_retention_days", null);
        answer.put("paused", model.limits.paused);
        answer.put("max_overtakes", model.limits.maxOvertakes);
        answer.put("skip_after_seconds", model.limits.skipAfter == null ? null : model.limits.skipAfter / 1_000_000);
        return answer;
    }

    Map<String, @Nullable Object> explain(ModelJob job) {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("job_id", job.id);
        answer.put("job_type", job.type);
        answer.put("handler", job.handler);
        answer.put("status", model.status(job));
        answer.put("runnable", model.isRated(job) ? new Expect.Whatever() : model.isRunnable(job));
        answer.put("priority", job.priority);
        answer.put("attempt", job.attempt);
        answer.put("max_attempts", job.maxAttempts);
        answer.put("queued_at", new Expect.At(job.enteredAt));
        answer.put("run_at", job.due == null ? null : new Expect.At(job.due));
        answer.put("deadline", job.deadline == null ? null : new Expect.At(job.deadline));
        answer.put("started_at", new Expect.Whatever());
        answer.put("finished_at", job.isOver() ? new Expect.Something() : null);
        answer.put("worker_id", job.running ? job.worker : null);
        answer.put("lease_until", job.running ? new Expect.At(job.leaseUntil) : null);
        answer.put("progress", job.progress);
        answer.put("error", new Expect.Whatever());
        answer.put("result", new Expect.Whatever());
        answer.putAll(place(job));
        // The lines of all its steps. Open: the limit is one more entry of a job that stands in its line; one that has
        // ended or stands aside does
        // not.
        List<String> lines = new ArrayList<>(job.models);
        if ((model.waits(job) || job.running) && model.limits.maxActiveJobs != null) {
            lines.add(ReferenceModel.EVERYTHING);
        }
        answer.put(
                "models",
                lines.stream().sorted().map(line -> standing(job, line)).toList());
        return answer;
    }

    private static boolean holdsIn(ModelJob job, String line) {
        return line.equals(ReferenceModel.EVERYTHING) || job.holds.contains(line);
    }

    private Map<String, @Nullable Object> standing(ModelJob job, String line) {
        boolean waits = model.waits(job) && model.linesOf(job).contains(line);
        List<String> ahead =
                waits ? model.ahead(job, line).stream().map(other -> other.id).toList() : List.of();
        boolean everything = line.equals(ReferenceModel.EVERYTHING);
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("model", everything ? null : line);
        entry.put("capacity", model.capacity(line));
        entry.put("paused", !everything && model.line(line).paused);
        entry.put("admitted", waits && model.isRated(job) ? new Expect.Whatever() : waits && model.admitted(job, line));
        entry.put(
                "holders",
                model.holders(line).stream()
                        .sorted(LONGEST_FIRST)
                        .map(holder -> Map.of(
                                "job_id",
                                holder.id,
                                "worker_id",
                                holder.worker,
                                "lease_until",
                                new Expect.At(holder.leaseUntil)))
                        .toList());
        entry.put(
                "stands",
                (model.waits(job) || (job.running && holdsIn(job, line)))
                        && model.linesOf(job).contains(line));
        entry.put("position", waits ? ahead.size() + 1 : null);
        entry.put("ahead", ahead.subList(0, Math.min(20, ahead.size())));
        entry.put("ahead_count", ahead.size());
        return entry;
    }

    /** The longest-running job and all models held: the row of job_queue_state. */
    String state() {
        List<ModelJob> running = model.jobs.values().stream()
                .filter(job -> job.running)
                .sorted(LONGEST_FIRST)
                .toList();
        List<String> held = running.stream()
                .flatMap(job -> job.holds.stream())
                .distinct()
                .sorted()
                .toList();
        return (running.isEmpty() ? "none" : running.get(0).id) + " " + held;
    }
}
