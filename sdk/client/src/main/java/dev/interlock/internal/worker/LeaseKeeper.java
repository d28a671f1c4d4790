package dev.interlock.internal.worker;

import dev.interlock.Heartbeat;
import dev.interlock.HeartbeatResult;
import dev.interlock.InterlockException;
import dev.interlock.InvalidRequestException;
import dev.interlock.WorkerListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the leases of all runs: one heartbeat for all of them at about a third of the lease, and for each an alarm at the
 * moment its lease can no longer be trusted. The two have a thread each, so that neither a busy handler nor a heartbeat
 * that hangs keeps an alarm from going off.
 */
final class LeaseKeeper {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private final WorkerConfig config;
    private final Runs runs;
    private final Connection connection;
    private final Notices notices;
    private final ScheduledThreadPoolExecutor timer;
    private final long tick;

    LeaseKeeper(WorkerConfig config, Runs runs, Connection connection, Notices notices) {
        this.config = config;
        this.runs = runs;
        this.connection = connection;
        this.notices = notices;
        this.tick = config.lease().toNanos() / 12;
        this.timer = new ScheduledThreadPoolExecutor(2, Threads.daemons("interlock-leases-" + config.workerId()));
        // Most runs end long before their alarm; it must not outlive them.
        timer.setRemoveOnCancelPolicy(true);
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    void start() {
        Future<?> unused = timer.scheduleWithFixedDelay(this::tick, tick, tick, TimeUnit.NANOSECONDS);
    }

    /** Ends; a heartbeat that is under way is left to end by itself. */
    void stop() {
        timer.shutdown();
    }

    /** Sets the run's alarm. */
    void watch(Run run) {
        long remaining = Math.max(0, run.clock().remaining(System.nanoTime()));
        run.alarm(timer.schedule(() -> alarm(run), remaining, TimeUnit.NANOSECONDS));
    }

    /** Has this done after a delay, on the keeper's threads: it must be quick. */
    Future<?> after(Duration delay, Runnable action) {
        return timer.schedule(action, delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void alarm(Run run) {
        if (run.clock().isTrusted(System.nanoTime())) {
            watch(run);
        } else {
            lose(run, "it could not be renewed in time");
        }
    }

    private void lose(Run run, String reason) {
        if (run.stop(Run.Stop.LOST)) {
            LOG.warn(
                    "Worker {}: the lease of job {} (attempt {}) is lost: {}; its handler is interrupted and its outcome"
                            + " not sent",
                    config.workerId(),
                    run.jobId(),
                    run.attempt(),
                    reason);
            notices.tell(l -> l.leaseLost(run.lease(), reason));
        }
    }

    private void tick() {
        try {
            long now = System.nanoTime();
            List<Run> due = new ArrayList<>();
            boolean anyDue = false;
            for (Run run : runs.all()) {
                // A lost lease is never renewed: a handler that ignores its interrupt would keep the models for ever.
                if (!run.isLeaseLost() && run.clock().mayBeat(now)) {
                    due.add(run);
                    anyDue |= run.clock().untilHeartbeat(now) <= tick;
                }
            }
            // While heartbeats fail nothing new starts, so without any lease left one is sent to see whether they work
            // again.
            if (anyDue || (due.isEmpty() && connection.isFailing(Connection.Call.HEARTBEAT))) {
                beat(due, now);
            }
        } catch (InterlockException e) {
            connection.failed(Connection.Call.HEARTBEAT, e);
        } catch (Throwable e) { // Must not end here: a timer drops a task that throws, and the leases with it.
            LOG.error("Worker {}: a heartbeat failed in an unexpected way", config.workerId(), e);
        }
    }

    private List<HeartbeatResult> send(List<Heartbeat> beats) {
        Duration patience = config.lease().dividedBy(3);
        try {
            return config.calls().heartbeat(config.workerId(), beats, config.lease(), patience);
        } catch (InvalidRequestException e) {
            LOG.warn(
                    "Worker {}: the database refuses what a handler said of its progress; the leases are renewed without: {}",
                    config.workerId(),
                    e.getMessage());
            List<Heartbeat> bare = new ArrayList<>();
            beats.forEach(beat -> bare.add(Heartbeat.of(beat.lease())));
            return config.calls().heartbeat(config.workerId(), bare, config.lease(), patience);
        }
    }

    private void beat(List<Run> due, long sentAt) {
        Map<Long, Run> byToken = new HashMap<>();
        List<Heartbeat> beats = new ArrayList<>();
        for (Run run : due) {
            byToken.put(run.token(), run);
            Run.Progress progress = run.progress();
            beats.add(new Heartbeat(
                    run.lease(),
                    progress == null ? null : progress.percent(),
                    progress == null ? null : progress.note()));
        }
        List<HeartbeatResult> results = send(beats);
        if (connection.answered(Connection.Call.HEARTBEAT)) {
            // The dispatcher may claim again.
            runs.touch();
        }
        for (HeartbeatResult result : results) {
            Run run = byToken.get(result.token());
            if (run == null) {
                continue;
            }
            if (!result.isHeld()) {
                // Said also of a run that ended meanwhile; that one is past being told.
                if (!run.isWriting()) {
                    lose(run, "the database gave it up");
                }
                continue;
            }
            run.clock().renewed(sentAt);
            if (result.status() == HeartbeatResult.Status.CANCEL_REQUESTED && run.stop(Run.Stop.CANCELLED)) {
                notices.tell(WorkerListener::cancelRequested, run.lease());
            }
        }
    }
}
