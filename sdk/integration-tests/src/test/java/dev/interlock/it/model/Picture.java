package dev.interlock.it.model;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The whole state of a queue, a line of text for each thing in it, and the times in it: drawn of the model here and of the tables by
 * {@link EngineState}, so that the two can be laid on each other.
 */
record Picture(SortedMap<String, String> things, SortedMap<String, Long> times) {

    static Picture of(ReferenceModel model) {
        Picture picture = new Picture(new TreeMap<>(), new TreeMap<>());
        for (ModelJob job : model.jobs.values()) {
            picture.things.put(
                    "job " + job.id,
                    job(
                            model.status(job),
                            job.attempt,
                            job.priority,
                            job.progress,
                            model.isRunnable(job) && !model.isRated(job),
                            job.overtaken,
                            job.running ? job.worker : "",
                            job.running ? job.holds.toString() : "",
                            job.running && job.cancelRequested,
                            job.token,
                            job.currentStep));
            picture.times.put(job.id + " entered", job.enteredAt);
            if (!job.isOver()) {
                picture.times.put(job.id + " key", job.key);
            }
            if (job.due != null) {
                picture.times.put(job.id + " due", job.due);
            }
            if (job.runnableSince != null && !model.isRated(job)) {
                picture.times.put(job.id + " runnable", job.runnableSince);
            }
            if (job.running) {
                picture.times.put(job.id + " lease", job.leaseUntil);
            }
            if (model.rows.contains(job.id)) {
                picture.things.put("row " + job.id, row(model, job));
            }
        }
        for (ModelLine line : model.lines.values()) {
            picture.things.put(
                    "line " + line.name,
                    line(line.capacity, line.paused, model.waiting(line.name).toString()));
        }
        Limits limits = model.limits;
        if (limits.maxActiveJobs != null) {
            picture.things.put(
                    "line ", line(limits.maxActiveJobs, false, model.waiting("").toString()));
            if (limits.maxActiveJobs == 1) {
                picture.things.put("state", new ModelAnswers(model).state());
            }
        }
        return picture;
    }

    static String job(
            String status,
            int attempt,
            int priority,
            int progress,
            boolean runnable,
            int overtaken,
            String worker,
            String holds,
            boolean cancelRequested,
            long token,
            int step) {
        return status + " attempt " + attempt + " priority " + priority + " progress " + progress
                + (runnable ? " runnable" : "")
                + (overtaken > 0 ? " passed " + overtaken + " times" : "")
                + (worker.isEmpty() ? "" : " at " + worker + " holding " + holds)
                + (cancelRequested ? " cancel requested" : "")
                + (token > 0 ? " token " + token : "")
                + (step > 0 ? " step " + step : "");
    }

    static String line(int capacity, boolean paused, String waiting) {
        return "capacity " + capacity + (paused ? " paused" : "") + " waiting " + waiting;
    }

    private static String row(ReferenceModel model, ModelJob job) {
        String status = model.status(job);
        if (status.equals("waiting") || status.equals("delayed")) {
            status = job.attempt > 0 ? "pending_retry" : "pending";
        }
        return status;
    }
}
