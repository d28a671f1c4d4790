package dev.interlock.samples.springboot;

import dev.interlock.JobWorker;
import dev.interlock.WorkerState;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** {@code /actuator/health}: whether the worker runs and the coordinator answers. Asking costs no call. */
@Component
class WorkerHealthIndicator implements HealthIndicator {

    private final JobWorker worker;

    WorkerHealthIndicator(JobWorker worker) {
        this.worker = worker;
    }

    @Override
    public Health health() {
        WorkerState state = worker.state();
        Health.Builder health = state.isHealthy() ? Health.up() : Health.down();
        health.withDetail("phase", state.phase())
                .withDetail("running", state.running())
                .withDetail("concurrency", state.concurrency());
        if (state.lastContact() != null) {
            health.withDetail("lastContact", state.lastContact());
        }
        if (state.lastFailure() != null && state.failingSince() != null) {
            health.withDetail("failingSince", state.failingSince()).withDetail("lastFailure", state.lastFailure());
        }
        return health.build();
    }
}
