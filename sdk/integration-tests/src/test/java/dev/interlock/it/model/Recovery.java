package dev.interlock.it.model;

import java.util.List;
import java.util.function.Predicate;

/** What time alone brings about, seen to by whoever comes by: dead leases, deadlines, due jobs; and jobs that stand aside and come back. */
final class Recovery {

    private final ReferenceModel model;

    Recovery(ReferenceModel model) {
        this.model = model;
    }

    /**
     * Dead leases are taken back, deadlines seen to, due jobs let in.
     *
     * <p>Open: who does this. The design says "whoever claims next, and the sweep"; in the engine whoever enters a job (enqueue, start, an inserted
     * row) does it as well, and a job that a completion names is left to the next call. A job taken back past its deadline is failed by the next.
     */
    List<ModelJob> recover() {
        return recover(found(job -> false));
    }

    /** What is to be seen to now, and those that are called for besides. */
    List<ModelJob> found(Predicate<ModelJob> calledFor) {
        return model.jobs.values().stream()
                .filter(job -> isRecoverable(job) || calledFor.test(job))
                .toList();
    }

    List<ModelJob> recover(List<ModelJob> found) {
        for (ModelJob job : found) {
            if (job.running) {
                takeBack(job);
            } else if (job.isPast(job.deadline, model.now)) {
                model.end(job, "failed", "expired");
            } else if (model.waits(job)) {
                job.skipped = true;
                model.event(job, "skipped");
            } else {
                job.due = null;
                job.skipped = false;
                model.event(job, "queued");
            }
        }
        return found;
    }

    private boolean isRecoverable(ModelJob job) {
        if (job.isOver()) {
            return false;
        }
        return job.running
                ? job.isPast(job.leaseUntil, model.now)
                : job.isPast(job.deadline, model.now) || job.isPast(job.due, model.now);
    }

    private void takeBack(ModelJob job) {
        if (job.cancelRequested) {
            model.end(job, "cancelled", "cancelled");
        } else if (job.attempt >= job.maxAttempts) {
            model.end(job, "failed", "failed");
        } else {
            model.stop(job);
            model.event(job, "lease_expired");
        }
    }
}
