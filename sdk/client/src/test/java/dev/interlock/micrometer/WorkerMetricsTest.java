package dev.interlock.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.DataException;
import dev.interlock.JobType;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WorkerMetricsTest {
    private static final Instant QUEUED = Instant.parse("2026-11-24T12:00:00Z");

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final WorkerMetrics metrics = new WorkerMetrics(registry, Tags.of("fleet", "studio"));

    @Test
    void everyEvent_hasItsMeter() {
        metrics.jobStarted(lease("image", 1));
        metrics.jobStarted(lease("image", 2));
        metrics.jobStarted(lease("video", 1));
        assertThat(registry.get("interlock.jobs.running")
                        .tag("fleet", "studio")
                        .gauge()
                        .value())
                .isEqualTo(3);
        metrics.handlerEnded(lease("image", 1), Duration.ofMillis(1500), null);
        metrics.handlerEnded(lease("image", 2), Duration.ofMillis(500), new IllegalStateException());
        metrics.jobFinished(lease("image", 1), Outcome.complete(), OutcomeStatus.COMPLETED);
        metrics.jobFinished(lease("image", 2), Outcome.retry("busy"), OutcomeStatus.RETRY_SCHEDULED);
        metrics.leaseLost(lease("video", 1), "it could not be renewed in time");
        metrics.cancelRequested(lease("video", 1));
        metrics.claimed(4, 2);
        metrics.claimed(2, 0);
        metrics.callFailed(new DataException("nonsense"));
        metrics.recovered(Duration.ofSeconds(3));

        assertThat(registry.get("interlock.jobs.running").gauge().value()).isOne();
        assertThat(registry.get("interlock.job.wait").tag("handler", "image").timer())
                .satisfies(timer -> {
                    assertThat(timer.count()).isOne();
                    assertThat(timer.totalTime(TimeUnit.SECONDS)).isEqualTo(90);
                });
        assertThat(registry.get("interlock.job.run")
                        .tag("handler", "image")
                        .timer()
                        .totalTime(TimeUnit.SECONDS))
                .isEqualTo(2);
        assertThat(count("interlock.jobs", "handler", "image", "outcome", "completed"))
                .isOne();
        assertThat(count("interlock.jobs", "handler", "image", "outcome", "retry_scheduled"))
                .isOne();
        assertThat(count("interlock.lease.losses", "handler", "video")).isOne();
        assertThat(count("interlock.cancels", "handler", "video")).isOne();
        assertThat(count("interlock.claims", "found", "true")).isOne();
        assertThat(count("interlock.claims", "found", "false")).isOne();
        assertThat(count("interlock.calls.failed", "error", "DataException")).isOne();
        assertThat(registry.get("interlock.outages").timer().totalTime(TimeUnit.SECONDS))
                .isEqualTo(3);
    }

    @Test
    void everyMeter_isInTheReference() throws Exception {
        everyEvent_hasItsMeter();
        String reference = Files.readString(Path.of("../../docs/reference/metrics.md"));

        for (Meter meter : registry.getMeters()) {
            assertThat(reference).contains("| `" + meter.getId().getName() + "` |");
        }
    }

    private double count(String name, String... tags) {
        return registry.get(name).tags(tags).counter().count();
    }

    private static Lease lease(String handler, int attempt) {
        return new Lease(
                "job",
                JobType.NORMAL,
                handler,
                List.of("m"),
                attempt,
                3,
                attempt,
                "worker",
                Duration.ofSeconds(30),
                QUEUED.plusSeconds(120),
                QUEUED,
                QUEUED.plusSeconds(90),
                null,
                null);
    }
}
