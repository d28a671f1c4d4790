package dev.interlock.micrometer;

import dev.interlock.InterlockException;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkerListener;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Writes what workers do into a Micrometer registry. One instance serves all workers of a process. Thread-safe.
 *
 * <pre>{@code
 * JobWorker worker = JobWorker.builder(coordinator)
 *         .handle("image", Prompt.class, this::image)
 *         .listener(new WorkerMetrics(registry))
 *         .build();
 * }</pre>
 *
 * <p>The names and tags are in {@code docs/reference/metrics.md}. No tag has a job's id or an error's text.
 */
public final class WorkerMetrics implements WorkerListener {
    private final MeterRegistry registry;
    private final Tags tags;
    private final AtomicInteger running = new AtomicInteger();

    /** Meters in this registry. */
    public WorkerMetrics(MeterRegistry registry) {
        this(registry, List.of());
    }

    /**
     * Meters in this registry, with tags of yours on each.
     *
     * @param tags for example the name of a fleet
     */
    public WorkerMetrics(MeterRegistry registry, Iterable<Tag> tags) {
        this.registry = registry;
        this.tags = Tags.of(tags);
        registry.gauge("interlock.jobs.running", this.tags, running);
    }

    @Override
    public void jobStarted(Lease lease) {
        running.incrementAndGet();
        if (lease.attempt() == 1) {
            // Of a later attempt it would count the runs before it.
            Duration waited = Duration.between(lease.queuedAt(), lease.startedAt());
            registry.timer("interlock.job.wait", of(lease)).record(waited.isNegative() ? Duration.ZERO : waited);
        }
    }

    @Override
    public void handlerEnded(Lease lease, Duration ran, @Nullable Throwable thrown) {
        running.decrementAndGet();
        registry.timer("interlock.job.run", of(lease)).record(ran);
    }

    @Override
    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
        registry.counter(
                        "interlock.jobs", of(lease).and("outcome", status.name().toLowerCase(Locale.ROOT)))
                .increment();
    }

    @Override
    public void leaseLost(Lease lease, String reason) {
        registry.counter("interlock.lease.losses", of(lease)).increment();
    }

    @Override
    public void cancelRequested(Lease lease) {
        registry.counter("interlock.cancels", of(lease)).increment();
    }

    @Override
    public void claimed(int asked, int given) {
        registry.counter("interlock.claims", tags.and("found", given > 0 ? "true" : "false"))
                .increment();
    }

    @Override
    public void callFailed(InterlockException failure) {
        registry.counter(
                        "interlock.calls.failed",
                        tags.and("error", failure.getClass().getSimpleName()))
                .increment();
    }

    @Override
    public void recovered(Duration outage) {
        registry.timer("interlock.outages", tags).record(outage);
    }

    private Tags of(Lease lease) {
        return tags.and("handler", lease.handler());
    }
}
