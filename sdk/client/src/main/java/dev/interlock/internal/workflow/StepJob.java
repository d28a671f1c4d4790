package dev.interlock.internal.workflow;

import dev.interlock.JobContext;
import dev.interlock.Lease;
import java.util.List;

/** A job as a failure policy sees it when a step failed: its attempt is the step's, so that the step's delays begin anew. */
record StepJob(JobContext job, int attempt) implements JobContext {
    @Override
    public Lease lease() {
        return job.lease();
    }

    @Override
    public <T> T payload(Class<T> type) {
        return job.payload(type);
    }

    @Override
    public void progress(int percent) {
        job.progress(percent);
    }

    @Override
    public void progress(int percent, String note) {
        job.progress(percent, note);
    }

    @Override
    public boolean isLeaseLost() {
        return job.isLeaseLost();
    }

    @Override
    public void onStop(Runnable action) {
        job.onStop(action);
    }

    @Override
    public boolean isCancelled() {
        return job.isCancelled();
    }

    @Override
    public boolean shouldStop() {
        return job.shouldStop();
    }

    @Override
    public List<String> releaseModels(String... models) {
        return job.releaseModels(models);
    }
}
