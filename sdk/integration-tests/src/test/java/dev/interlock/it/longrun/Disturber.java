package dev.interlock.it.longrun;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** An operator who never rests: capacities, pauses, the global limit, cancellations and sweeps, while jobs wait and run. */
final class Disturber {

    private final Traffic traffic;
    private final Witness witness;
    private final Random random;
    private final long pauseNanos;
    private long changes;

    Disturber(Traffic traffic, Witness witness, Options options) {
        this.traffic = traffic;
        this.witness = witness;
        this.random = new Random(options.seed() * 43);
        this.pauseNanos = options.changeMillis() * 1_000_000L;
    }

    long changes() {
        return changes;
    }

    void disturb() {
        @Nullable String paused = null;
        boolean limited = false;
        while (!traffic.draining()) {
            traffic.quiet.readLock().lock();
            try {
                switch (random.nextInt(40)) {
                    case 0 -> {
                        if (paused == null) {
                            paused = model();
                            pause(paused, true);
                        } else {
                            pause(paused, false);
                            paused = null;
                        }
                    }
                    case 1 -> {
                        if (!limited && random.nextInt(4) == 0) {
                            limited = true;
                            limit(150);
                        }
                    }
                    case 2, 3, 4, 5, 6, 7 -> capacity(paused);
                    case 8, 9 -> traffic.call("job_queue_sweep", Map.of());
                    default -> cancel();
                }
                changes++;
                if (limited && random.nextInt(4) == 0) {
                    limited = false;
                    limit(null);
                }
            } finally {
                traffic.quiet.readLock().unlock();
            }
            LockSupport.parkNanos(pauseNanos);
        }
        traffic.quiet.readLock().lock();
        try {
            if (paused != null) {
                pause(paused, false);
            }
            limit(null);
        } finally {
            traffic.quiet.readLock().unlock();
        }
    }

    private String model() {
        return traffic.models().get(random.nextInt(traffic.models().size()));
    }

    private void capacity(@Nullable String paused) {
        String model = model();
        if (model.equals(paused)) {
            return;
        }
        int capacity = 1 + random.nextInt(4);
        witness.changing(model, capacity, System.nanoTime(), false);
        set(model, Map.of("capacity", capacity));
        witness.changed(model, System.nanoTime());
    }

    /** While it is paused nobody may start; its capacity stays what it was, so that the witness hears 0, and then a new one. */
    private void pause(String model, boolean paused) {
        int capacity = paused ? 0 : 1 + random.nextInt(4);
        witness.changing(model, capacity, System.nanoTime(), true);
        set(model, paused ? Map.of("paused", true) : Map.of("paused", false, "capacity", capacity));
        witness.changed(model, System.nanoTime());
    }

    private void set(String model, Map<String, ?> settings) {
        traffic.call("job_queue_set_model", Map.of("model", model, "settings", settings));
    }

    private void limit(@Nullable Integer limit) {
        witness.changing(Witness.LIMIT, limit == null ? Integer.MAX_VALUE : limit, System.nanoTime(), true);
        if (limit == null) {
            witness.limited(false);
        }
        traffic.call("job_queue_set_limits", Map.of("settings", Collections.singletonMap("max_active_jobs", limit)));
        witness.changed(Witness.LIMIT, System.nanoTime());
        witness.limited(limit != null);
    }

    private void cancel() {
        List<Job> waiting = witness.anyWaiting(model());
        if (waiting.isEmpty()) {
            return;
        }
        Job job = waiting.get(random.nextInt(waiting.size()));
        witness.cancelling(job.id);
        // "finished" also when this very call was answered by a dying database and sent again.
        String status = traffic.call("job_queue_cancel", Map.of("job_id", job.id))
                .path("status")
                .asString();
        if (status.equals("cancelled")) {
            witness.cancelled(job.id);
        }
    }
}
