package dev.interlock.it.model;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The rules of the design, told as simply as they can be: nothing is kept that can be worked out, everything is worked out from the jobs each time
 * it is asked for. {@link ModelFunctions} tells what each function of the contract does with them.
 *
 * <p>Where the design leaves something open, the model does what the engine does, and says so in a comment that begins with "Open:".
 */
final class ReferenceModel {

    static final String EVERYTHING = "";
    static final long MINUTE = 60_000_000;

    private record Start(String model, long at, boolean byCheckpoint) {}

    static final Comparator<ModelJob> IN_ORDER =
            Comparator.comparingLong((ModelJob job) -> job.key).thenComparingInt(job -> job.sequence);

    final Limits limits = new Limits();
    final Workers workers = new Workers(this);
    final Overtakes overtakes = new Overtakes(this);
    final Recovery recovery = new Recovery(this);
    final SortedMap<String, ModelLine> lines = new TreeMap<>();
    final SortedMap<String, String> aliases = new TreeMap<>();
    final SortedMap<String, ModelJob> jobs = new TreeMap<>();

    /** When which model was taken. */
    private final List<Start> starts = new ArrayList<>();

    /** The ids that have a row in the mirrored table {@code jobs}. */
    final SortedSet<String> rows = new TreeSet<>();

    /** The events that the log must have got from this step: job id and event type. */
    final List<String> events = new ArrayList<>();

    long now;

    /** What is wrong with a fact that only the server knows. */
    @Nullable
    String complaint;

    private long latestToken;
    private int sequence;
    private @Nullable Facts facts;

    void beginStep(long clock, Facts known) {
        now = clock;
        facts = known;
        events.clear();
    }

    // Rule 1 and 2: who may start.

    String status(ModelJob job) {
        if (job.ended != null) {
            return job.ended;
        } else if (job.running) {
            return "running";
        }
        return job.due != null || job.skipped || needsPaused(job) ? "delayed" : "waiting";
    }

    boolean waits(ModelJob job) {
        return status(job).equals("waiting");
    }

    /** Rule 3: what needs a paused model stands in no line. */
    boolean needsPaused(ModelJob job) {
        return job.needs().stream().anyMatch(name -> line(name).paused);
    }

    /** The global limit is one more line that every job stands in. */
    List<String> linesOf(ModelJob job) {
        return limits.maxActiveJobs == null
                ? job.needs()
                : Stream.concat(Stream.of(EVERYTHING), job.needs().stream()).toList();
    }

    int capacity(String line) {
        if (line.equals(EVERYTHING)) {
            return limits.maxActiveJobs == null ? Integer.MAX_VALUE : limits.maxActiveJobs;
        }
        return line(line).capacity;
    }

    List<ModelJob> holders(String line) {
        return jobs.values().stream()
                .filter(job -> job.running && (line.equals(EVERYTHING) || job.holds.contains(line)))
                .toList();
    }

    List<ModelJob> waiting(String line) {
        return jobs.values().stream()
                .filter(job -> waits(job) && linesOf(job).contains(line))
                .sorted(IN_ORDER)
                .toList();
    }

    List<ModelJob> ahead(ModelJob job, String line) {
        return waiting(line).stream()
                .filter(other -> IN_ORDER.compare(other, job) < 0)
                .toList();
    }

    int startsWithinAMinute(String line) {
        return (int) starts.stream()
                .filter(start -> start.model().equals(line) && start.at() > now - MINUTE)
                .count();
    }

    /** Open: a rate that is new looks back on the starts of the last minute, and not on what runs took between their steps. */
    void beginRate(String line) {
        starts.removeIf(start -> start.model().equals(line) && start.byCheckpoint());
    }

    /** Whether it needs a model with a rate: when the rate allows its start, nobody notices before the next claim. */
    boolean isRated(ModelJob job) {
        return job.needs().stream().anyMatch(name -> line(name).startsPerMinute != null);
    }

    boolean hasRate() {
        return lines.values().stream().anyMatch(line -> line.startsPerMinute != null);
    }

    boolean admitted(ModelJob job, String line) {
        int ahead = ahead(job, line).size();
        Integer rate = line.equals(EVERYTHING) ? null : line(line).startsPerMinute;
        return holders(line).size() + ahead < capacity(line)
                && (rate == null || startsWithinAMinute(line) + ahead < rate);
    }

    /** Within capacity in all its lines at once. */
    boolean isRunnable(ModelJob job) {
        return waits(job) && linesOf(job).stream().allMatch(line -> admitted(job, line));
    }

    /** Rule 9: past its deadline it does not start, even if nobody has failed it yet. */
    boolean mayStart(ModelJob job) {
        return isRunnable(job) && letsIn(job);
    }

    boolean letsIn(ModelJob job) {
        return !limits.paused && !job.isPast(job.deadline, now);
    }

    /** How long a job that waits could have run by now, which is no matter while it could not. */
    void endStep() {
        for (ModelJob job : jobs.values()) {
            if (!isRunnable(job)) {
                job.runnableSince = null;
            } else if (job.runnableSince == null) {
                job.runnableSince = now;
            }
        }
    }

    // The transitions.

    ModelLine line(String name) {
        ModelLine line = lines.get(name);
        if (line == null) {
            throw new IllegalStateException("The model has no line \"" + name + "\".");
        }
        return line;
    }

    /** Rule 10: an unknown model gets the default capacity, or is refused. */
    void know(List<String> models) {
        if (limits.refuseUnknown && !lines.keySet().containsAll(models)) {
            throw new Refused("JQ008");
        }
        models.forEach(name -> lines.computeIfAbsent(name, n -> new ModelLine(n, limits.defaultCapacity)));
    }

    List<String> resolved(List<String> names) {
        return names.stream()
                .map(name -> aliases.getOrDefault(name, name))
                .distinct()
                .toList();
    }

    /** The models of a job: those named, or those of all its steps, under their own names. */
    List<String> modelsOf(Arguments given) {
        List<String> names = given.names("models");
        return names != null
                ? resolved(names)
                : stepsOf(given).stream()
                        .flatMap(step -> step.models().stream())
                        .distinct()
                        .toList();
    }

    private List<ModelJob.Step> stepsOf(Arguments given) {
        return given.objects("steps").stream()
                .map(step -> new ModelJob.Step(step.text("name"), resolved(step.list("models"))))
                .toList();
    }

    /** Puts a job in line that is not known yet. */
    ModelJob enter(Arguments given) {
        String id = given.text("job_id");
        String type = given.text("job_type", given.has("steps") ? "workflow" : "normal");
        List<String> models = modelsOf(given);
        know(models);
        long enteredAt = facts().enteredAt(id);
        int priority = (int) given.number("priority", 0);
        Long runAt = given.time("run_at");
        ModelJob job = new ModelJob(
                id,
                type.equals("workflow") ? "workflow" : "normal",
                given.text("handler", type),
                models,
                priority,
                (int) given.number("max_attempts", 3),
                runAt != null && runAt > enteredAt ? runAt : null,
                given.time("deadline"),
                enteredAt,
                enteredAt - priority * limits.priorityStepSeconds * 1_000_000,
                sequence++);
        job.steps = stepsOf(given);
        job.holding = job.steps.isEmpty() ? "" : given.text("holding", "whole_run");
        jobs.put(id, job);
        return job;
    }

    void begin(ModelJob job, String worker, long leaseSeconds, Set<ModelJob> passed) {
        job.running = true;
        job.attempt++;
        job.token = facts().token(job.id);
        job.worker = worker;
        job.startedAt = facts().startedAt(job.id);
        job.leaseUntil = job.startedAt + leaseSeconds * 1_000_000;
        job.progress = 0;
        hold(job, job.startedAt, false);
        passed.forEach(other -> other.overtaken++);
        event(
                job,
                passed.isEmpty()
                        ? "started"
                        : "started past "
                                + passed.stream()
                                        .map(other -> other.id)
                                        .sorted()
                                        .toList());
    }

    /** Takes what it needs and does not hold yet. */
    void hold(ModelJob job, long at, boolean byCheckpoint) {
        job.needs().stream()
                .filter(name -> !job.holds.contains(name))
                .forEach(name -> starts.add(new Start(name, at, byCheckpoint)));
        job.holds.retainAll(job.needs());
        job.holds.addAll(job.needs());
    }

    /** Rule 5: the tokens of all that this call started are larger than any before. */
    void tokensGrow(List<ModelJob> started) {
        long before = latestToken;
        for (ModelJob job : started) {
            if (job.token <= before) {
                complaint = job + " got the token " + job.token + "; there was " + before + " before";
            }
            latestToken = Math.max(latestToken, job.token);
        }
    }

    void end(ModelJob job, String as, String event) {
        stop(job);
        job.due = null;
        job.skipped = false;
        job.ended = as;
        if (as.equals("completed")) {
            job.progress = 100;
        }
        event(job, event);
    }

    /** Its run is over and it is back at its place. */
    void stop(ModelJob job) {
        job.running = false;
        job.holds.clear();
    }

    /** The times at which something changes by itself. */
    List<Long> timesAhead() {
        List<Long> times = new ArrayList<>(workers.timesAhead().toList());
        starts.stream()
                .filter(start -> line(start.model()).startsPerMinute != null)
                .forEach(start -> times.add(start.at() + MINUTE));
        for (ModelJob job : jobs.values()) {
            if (job.running) {
                times.add(job.leaseUntil);
            } else if (!job.isOver()) {
                Stream.of(job.due, job.deadline).filter(Objects::nonNull).forEach(times::add);
            }
        }
        return times;
    }

    /**
     * Rules 1 to 3: the first that may start and that the worker can run, and so on until there is none or the worker has enough.
     *
     * <p>Open: who starts without passing anybody goes first; then each of the others is looked at once, in order.
     */
    List<ModelJob> claim(String worker, long atMost, Arguments filter) {
        List<ModelJob> able = jobs.values().stream()
                .filter(job -> Workers.runs(filter, job))
                .sorted(IN_ORDER)
                .toList();
        List<ModelJob> started = new ArrayList<>();
        for (ModelJob job : able) {
            // Who starts changes nothing for those behind: it takes what it kept.
            if (started.size() < atMost && mayStart(job)) {
                begin(job, worker, filter.number("lease_seconds", 30), Set.of());
                started.add(job);
            }
        }
        for (ModelJob job : able) {
            Set<ModelJob> passed = started.size() < atMost ? overtakes.passedBy(job) : null;
            if (passed != null) {
                begin(job, worker, filter.number("lease_seconds", 30), passed);
                started.add(job);
            }
        }
        tokensGrow(started);
        return started;
    }

    void event(ModelJob job, String type) {
        events.add(job.id + " " + type);
    }

    Facts facts() {
        if (facts == null) {
            throw new IllegalStateException("No step has begun.");
        }
        return facts;
    }
}
