package dev.interlock.it.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Rule 4: a workflow goes from step to step, and holds its models in one of three ways. */
final class StepFunctions {

    private final ReferenceModel model;
    private final ModelAnswers answers;

    StepFunctions(ReferenceModel model, ModelAnswers answers) {
        this.model = model;
        this.answers = answers;
    }

    Object checkpoint(Arguments given) {
        ModelJob job = model.jobs.get(given.text("job_id"));
        if (job == null) {
            return Map.of("result", "unknown_job");
        }
        String result = checkpoint(job, given);
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("result", result);
        answer.put("status", model.status(job));
        answer.put("current_step", job.currentStep);
        answer.put("models", List.copyOf(job.holds));
        if (result.equals("waiting")) {
            answer.putAll(answers.place(job));
        }
        return answer;
    }

    private String checkpoint(ModelJob job, Arguments given) {
        int step = (int) given.number("step", 0);
        if (job.token != given.number("token", 0)) {
            // Open: a job that waits or has ended is told to be stale too, where a completion would say not_running.
            return "stale";
        } else if (!job.running) {
            // Its own checkpoint, sent again after it went back into line with it.
            return !job.isOver() && job.currentStep > step ? "waiting" : "not_running";
        } else if (job.steps.isEmpty() || step > job.currentStep) {
            throw new Refused("JQ007");
        } else if (step < job.currentStep) {
            return "saved";
        }
        int next = (int) given.object("options").number("next_step", step + 1);
        if (next > job.steps.size()) {
            throw new Refused("JQ007");
        }
        job.checkpoints.put(String.valueOf(step), given.value("output"));
        job.currentStep = next;
        job.attemptsBefore = job.attempt - 1;
        return job.holding.equals("per_step") ? goOn(job) : giveBack(job);
    }

    private String giveBack(ModelJob job) {
        job.holds.retainAll(job.needs());
        model.event(job, "checkpoint");
        return "saved";
    }

    /** What it lacks for the next step it waits for at its own place; if that is its turn at once, the run goes on. */
    private String goOn(ModelJob job) {
        if (job.holds.containsAll(job.needs())) {
            return giveBack(job);
        } else if (job.cancelRequested) {
            // A good place to stop: before it takes other models.
            model.end(job, "cancelled", "cancelled");
            return "cancelled";
        }
        job.running = false;
        // Open: while everything is paused, a run goes on into its next step; nobody starts.
        if (model.isRunnable(job)) {
            job.running = true;
            model.hold(job, model.now, true);
            model.event(job, "checkpoint");
            return "saved";
        }
        model.stop(job);
        job.attempt--;
        model.event(job, "released");
        return "waiting";
    }
}
