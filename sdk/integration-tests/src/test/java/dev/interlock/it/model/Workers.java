package dev.interlock.it.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Who is there to run jobs: a job that could run, and that nobody there can run, holds nobody up (rule 3). */
final class Workers {

    private static final long OFTEN = 5_000_000;

    private record Worker(
            @Nullable List<String> handlers, @Nullable List<String> models, long heardAt) {

        static Worker of(Arguments filter, long heardAt) {
            return new Worker(filter.names("handlers"), filter.names("models"), heardAt);
        }

        boolean runs(ModelJob job) {
            return (handlers == null || handlers.contains(job.handler))
                    && (models == null || models.containsAll(job.models));
        }
    }

    private final ReferenceModel model;
    private final Map<String, Worker> workers = new HashMap<>();

    Workers(ReferenceModel model) {
        this.model = model;
    }

    /** A worker claims, and says what it can run. Returns whether that was news: then jobs that nobody can run are looked for. */
    boolean claims(String name, Arguments filter) {
        Worker known = workers.get(name);
        Worker worker = Worker.of(filter, known == null ? 0 : known.heardAt);
        return heard(name, worker, worker.equals(known));
    }

    static boolean runs(Arguments filter, ModelJob job) {
        return Worker.of(filter, 0).runs(job);
    }

    /** Open: who has never claimed can run nothing, as far as anybody knows. */
    void beats(String name) {
        Worker known = workers.get(name);
        if (known != null) {
            heard(name, known, true);
        }
    }

    /** Open: what was heard of a worker is not written down each time, but often enough: five seconds, or a quarter of the set time. */
    private boolean heard(String name, Worker worker, boolean mayBeKnown) {
        long often = model.limits.skipAfter == null ? OFTEN : Math.min(OFTEN, model.limits.skipAfter / 4);
        Long written = model.facts().heardOf(name);
        if (written == null || (written < model.now && !mayBeKnown) || written < model.now - often) {
            model.complaint = name + " was heard of at " + model.now + ", and what is known of it is of " + written;
        }
        long heardAt = written == null ? model.now : written;
        workers.put(name, new Worker(worker.handlers, worker.models, heardAt));
        return heardAt >= model.now;
    }

    /** Whether it has been runnable for the set time, and nobody who can run it has been heard of for as long. */
    boolean areMissing(ModelJob job) {
        Long skipAfter = model.limits.skipAfter;
        return skipAfter != null
                && couldRunSince(job) < model.now - skipAfter
                && heardOfWhoRuns(job).noneMatch(heardAt -> heardAt > model.now - skipAfter);
    }

    /** While everything is paused, nothing could run. */
    private long couldRunSince(ModelJob job) {
        return job.runnableSince == null || model.limits.paused
                ? Long.MAX_VALUE
                : Math.max(job.runnableSince, model.limits.resumedAt);
    }

    private Stream<Long> heardOfWhoRuns(ModelJob job) {
        return workers.values().stream().filter(worker -> worker.runs(job)).map(Worker::heardAt);
    }

    /** When a job that could run becomes one that nobody can run, as far as that is known now. */
    Stream<Long> timesAhead() {
        Long skipAfter = model.limits.skipAfter;
        return skipAfter == null
                ? Stream.of()
                : model.jobs.values().stream()
                        .filter(job -> couldRunSince(job) < Long.MAX_VALUE)
                        .flatMap(job -> Stream.concat(Stream.of(couldRunSince(job)), heardOfWhoRuns(job)))
                        .map(time -> time + skipAfter);
    }
}
