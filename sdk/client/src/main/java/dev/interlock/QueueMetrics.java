package dev.interlock;

import dev.interlock.internal.coordination.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What happened since a time, as the log has it ({@link JobCoordinator#metrics(Duration)}): waits, runs, throughput, outcomes and utilisation.
 * All times are the database's.
 *
 * <pre>{@code
 * for (QueueMetrics.Model model : coordinator.metrics(Duration.ofHours(1)).models()) {
 *     System.out.printf("%s waits %s at the median%n", model.model(), model.waits().p50());
 * }
 * }</pre>
 *
 * @param now when it was taken
 * @param since the time that was asked for
 * @param from where the answer begins: later than {@code since} where the log begins later, or has more than 500,000 events since then
 * @param seconds from {@code from} until {@code now}
 * @param complete whether nothing since {@code since} is missing
 * @param logFrom the first event that the log has; null when it has none
 * @param totals of all jobs
 * @param models by model, the most waited for first; at most 1,000. A job with several models counts for each
 * @param jobTypes normal jobs and workflows
 */
public record QueueMetrics(
        Instant now,
        Instant since,
        Instant from,
        double seconds,
        boolean complete,
        @Nullable Instant logFrom,
        Totals totals,
        List<Model> models,
        List<Type> jobTypes) {
    /** Copies the lists. */
    public QueueMetrics {
        models = Json.copy(models);
        jobTypes = Json.copy(jobTypes);
    }

    /**
     * How often what happened.
     *
     * @param entered jobs that came into line, newly or again
     * @param conflicts of those, how many found somebody in the way
     * @param started attempts that began
     * @param completed jobs that were completed
     * @param failed jobs that failed for good
     * @param cancelled jobs that were cancelled
     * @param expired jobs whose deadline passed before they ran
     * @param retries attempts that did not work and were to be repeated
     * @param released runs that were given back, the attempt not counted
     * @param leaseLosses leases that ran out
     */
    public record Events(
            long entered,
            long conflicts,
            long started,
            long completed,
            long failed,
            long cancelled,
            long expired,
            long retries,
            long released,
            long leaseLosses) {}

    /**
     * How long something took. Count, mean and longest are exact, the percentiles right to two hundredths; all but the count are null when there
     * was none.
     *
     * @param count how many there were
     * @param mean on average
     * @param p50 half took no longer
     * @param p95 95 of a hundred took no longer
     * @param p99 99 of a hundred took no longer
     * @param max the longest
     */
    public record Lengths(
            long count,
            @Nullable Duration mean,
            @Nullable Duration p50,
            @Nullable Duration p95,
            @Nullable Duration p99,
            @Nullable Duration max) {
        static final Lengths NONE = new Lengths(0, null, null, null, null, null);
    }

    /**
     * All jobs together.
     *
     * @param events how often what happened
     * @param startsPerMinute attempts that began, on average
     * @param completionsPerMinute jobs that were completed, on average
     */
    public record Totals(Events events, double startsPerMinute, double completionsPerMinute) {}

    /**
     * A model.
     *
     * @param model its name
     * @param capacity how many jobs may hold it at once, now
     * @param events how often what happened to jobs that need it
     * @param waits from entering, falling due or being taken back until the start, one for each start
     * @param runs from the start until the run's end, whatever came of it
     * @param secondsWaited how long its jobs waited, all together, those too that ended while they waited
     * @param startsPerMinute attempts that began, on average
     * @param completionsPerMinute jobs that were completed, on average
     * @param busySeconds seats held times time, up to now
     * @param utilisation of what its capacity could have given, 0 to 1, over 1 while a lowered capacity drains; null when it had none
     */
    public record Model(
            String model,
            int capacity,
            Events events,
            Lengths waits,
            Lengths runs,
            double secondsWaited,
            double startsPerMinute,
            double completionsPerMinute,
            double busySeconds,
            @Nullable Double utilisation) {
        /** Fills in what is left out of a model that was held all the while and to which nothing happened. */
        public Model {
            events = events == null ? new Events(0, 0, 0, 0, 0, 0, 0, 0, 0, 0) : events;
            waits = waits == null ? Lengths.NONE : waits;
            runs = runs == null ? Lengths.NONE : runs;
        }
    }

    /**
     * The jobs of a type.
     *
     * @param jobType normal or workflow
     * @param events how often what happened
     * @param waits as of a model
     * @param runs as of a model
     * @param secondsWaited how long they waited, all together
     * @param startsPerMinute attempts that began, on average
     * @param completionsPerMinute jobs that were completed, on average
     */
    public record Type(
            JobType jobType,
            Events events,
            Lengths waits,
            Lengths runs,
            double secondsWaited,
            double startsPerMinute,
            double completionsPerMinute) {}
}
