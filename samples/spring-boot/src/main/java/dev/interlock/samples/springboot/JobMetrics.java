package dev.interlock.samples.springboot;

import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkerListener;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Locale;
import org.springframework.stereotype.Component;

/** {@code /actuator/metrics/interlock.jobs}: ended runs by handler and outcome. */
@Component
class JobMetrics implements WorkerListener {

    private final MeterRegistry registry;

    JobMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    @Override
    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
        registry.counter(
                        "interlock.jobs",
                        "handler",
                        lease.handler(),
                        "outcome",
                        status.name().toLowerCase(Locale.ROOT))
                .increment();
    }
}
