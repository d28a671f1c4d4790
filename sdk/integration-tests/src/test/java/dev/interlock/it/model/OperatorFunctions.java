package dev.interlock.it.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What an operator or a user does to jobs, models and limits. */
final class OperatorFunctions {

    private final ReferenceModel model;
    private final ModelAnswers answers;

    OperatorFunctions(ReferenceModel model, ModelAnswers answers) {
        this.model = model;
        this.answers = answers;
    }

    Object cancel(ModelJob job) {
        if (job.isOver()) {
            return Map.of("result", "finished", "status", model.status(job));
        } else if (job.running) {
            if (!job.cancelRequested) {
                job.cancelRequested = true;
                model.event(job, "cancel_requested");
            }
            return Map.of("result", "cancel_requested", "status", "running");
        }
        model.end(job, "cancelled", "cancelled");
        return Map.of("result", "cancelled", "status", "cancelled");
    }

    Object setModel(String name, Arguments settings) {
        if (settings.has("alias_of")) {
            return setAlias(name, settings.value("alias_of") instanceof String target ? target : null);
        } else if (model.aliases.containsKey(name)) {
            throw new Refused("JQ007");
        }
        ModelLine line = model.lines.computeIfAbsent(name, n -> new ModelLine(n, model.limits.defaultCapacity));
        line.capacity = (int) settings.number("capacity", line.capacity);
        if (settings.has("starts_per_minute")) {
            if (line.startsPerMinute == null) {
                model.beginRate(name);
            }
            line.startsPerMinute =
                    settings.value("starts_per_minute") instanceof Number number ? (Integer) number.intValue() : null;
        }
        pause(line, settings.has("paused") ? settings.is("paused") : line.paused);
        return answers.line(line);
    }

    private void pause(ModelLine line, boolean paused) {
        List<ModelJob> waited =
                model.jobs.values().stream().filter(model::waits).toList();
        line.paused = paused;
        waited.stream().filter(job -> !model.waits(job)).forEach(job -> model.event(job, "blocked"));
        model.jobs.values().stream()
                .filter(job -> model.waits(job) && !waited.contains(job))
                .forEach(job -> model.event(job, "queued"));
    }

    private Object setAlias(String name, @Nullable String target) {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("model", name);
        String meant = target == null ? null : model.aliases.getOrDefault(target, target);
        if (meant == null) {
            model.aliases.remove(name);
        } else {
            // Jobs that stand in its line would stay there, beside those of the model.
            boolean used = model.jobs.values().stream().anyMatch(job -> !job.isOver() && job.models.contains(name));
            if (meant.equals(name) || model.aliases.containsValue(name) || used) {
                throw new Refused("JQ007");
            }
            model.aliases.put(name, meant);
        }
        answer.put("alias_of", meant);
        return answer;
    }

    Object setLimits(Arguments settings) {
        Limits limits = model.limits;
        if (settings.has("max_active_jobs")) {
            limits.maxActiveJobs =
                    settings.value("max_active_jobs") instanceof Number number ? (Integer) number.intValue() : null;
        }
        boolean paused = settings.has("paused") ? settings.is("paused") : limits.paused;
        if (limits.paused && !paused) {
            limits.resumedAt = model.facts().resumedAt();
        }
        limits.paused = paused;
        limits.maxOvertakes = (int) settings.number("max_overtakes", limits.maxOvertakes);
        if (settings.has("skip_after_seconds")) {
            limits.skipAfter = settings.value("skip_after_seconds") instanceof Number seconds
                    ? (Long) (seconds.longValue() * 1_000_000)
                    : null;
        }
        limits.priorityStepSeconds = settings.number("priority_step_seconds", limits.priorityStepSeconds);
        limits.defaultCapacity = (int) settings.number("default_capacity", limits.defaultCapacity);
        limits.refuseUnknown = settings.text("unknown_models", limits.refuseUnknown ? "refuse" : "create")
                .equals("refuse");
        return answers.limits();
    }

    /** Back to the place it had, with what its steps saved. */
    Object retry(ModelJob job, Arguments options) {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        if (!job.isOver()) {
            answer.put("result", "unfinished");
        } else if ("completed".equals(job.ended)) {
            answer.put("result", "completed");
        } else {
            Long runAt = options.time("run_at");
            Long deadline = options.time("deadline");
            job.ended = null;
            job.cancelRequested = false;
            job.progress = 0;
            job.maxAttempts = job.attempt + (int) options.number("attempts", 1);
            job.due = runAt != null && runAt > model.now ? runAt : null;
            job.deadline = deadline != null ? deadline : job.isPast(job.deadline, model.now) ? null : job.deadline;
            model.event(job, "retried");
            answer.put("result", "retried");
            answer.putAll(answers.place(job));
        }
        answer.put("status", model.status(job));
        return answer;
    }

    Object reprioritize(ModelJob job, int priority) {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        if (!job.isOver()) {
            if (job.priority != priority) {
                job.priority = priority;
                job.key = job.enteredAt - priority * model.limits.priorityStepSeconds * 1_000_000;
                model.event(job, "reprioritized");
            }
            answer.put("priority", priority);
            answer.putAll(answers.place(job));
        }
        answer.put("result", job.isOver() ? "finished" : "reprioritized");
        answer.put("status", model.status(job));
        return answer;
    }
}
