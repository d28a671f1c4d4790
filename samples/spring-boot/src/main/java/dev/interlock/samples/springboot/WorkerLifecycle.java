package dev.interlock.samples.springboot;

import dev.interlock.JobWorker;
import dev.interlock.WorkerState.Phase;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Starts the worker when all beans are there, and closes it before any of them goes: its jobs end, or go back to their places in line. The platform
 * must leave the application that long (Kubernetes: {@code terminationGracePeriodSeconds}).
 */
@Component
class WorkerLifecycle implements SmartLifecycle {

    private final JobWorker worker;

    WorkerLifecycle(JobWorker worker) {
        this.worker = worker;
    }

    @Override
    public void start() {
        worker.start();
    }

    @Override
    public void stop() {
        worker.close();
    }

    @Override
    public boolean isRunning() {
        Phase phase = worker.state().phase();
        return phase == Phase.RUNNING || phase == Phase.DRAINING;
    }
}
