package dev.interlock.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.HdrHistogram.Histogram;

/** Callers that do the same thing at the same time, as fast as they can, for a while. An operation that fails ends the run. */
public final class Load {

    /** How long a load goes on for something to count, on a machine that is busy with other things. */
    static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final int FIRST_CALLS = 5;

    private Load() {}

    /** Runs it for the warm-up, which is not counted, and then for the time given; longer when nothing was done in it, which is no time to report. */
    public static Sample run(int callers, Callers how, Duration warmUp, Duration time) throws Exception {
        List<AutoCloseable> opened = new ArrayList<>();
        ReentrantLock lock = new ReentrantLock();
        Callers.Opened resources = new Callers.Opened() {
            @Override
            public <T extends AutoCloseable> T add(T resource) {
                lock.lock();
                try {
                    opened.add(resource);
                } finally {
                    lock.unlock();
                }
                return resource;
            }
        };
        ExecutorService threads = Executors.newFixedThreadPool(callers);
        try {
            List<Call> calls = new ArrayList<>();
            for (int caller = 0; caller < callers; caller++) {
                calls.add(how.open(caller, resources));
            }
            Phaser ready = new Phaser(callers);
            // When the first operation of all ended that counts, or 0.
            AtomicLong first = new AtomicLong();
            long begun = System.nanoTime();
            List<Future<Histogram>> running = new ArrayList<>();
            for (Call call : calls) {
                running.add(threads.submit(caller(call, ready, first, warmUp, time)));
            }
            Histogram all = Sample.histogram();
            try {
                for (Future<Histogram> one : running) {
                    all.add(one.get());
                }
            } catch (ExecutionException e) {
                ready.forceTermination();
                throw e.getCause() instanceof Exception cause ? cause : e;
            }
            if (all.getTotalCount() == 0) {
                throw new IllegalStateException("Nothing was done in " + time.plus(PATIENCE) + ".");
            }
            double late = (first.get() - begun - warmUp.toNanos()) / 1e9;
            return new Sample(all.getTotalCount() / Math.max(seconds(time), late), all);
        } finally {
            threads.shutdownNow();
            for (AutoCloseable resource : opened) {
                resource.close();
            }
        }
    }

    private static Callable<Histogram> caller(
            Call call, Phaser ready, AtomicLong first, Duration warmUp, Duration time) {
        return () -> {
            Histogram latencies = Sample.histogram();
            try {
                // A new connection plans each statement when it first meets it: that is nobody's second call.
                long n = 0;
                for (; n < FIRST_CALLS; n++) {
                    call.run(n);
                }
                ready.arriveAndAwaitAdvance();
                long begin = System.nanoTime();
                long counted = begin + warmUp.toNanos();
                long end = counted + time.toNanos();
                long before = begin;
                long atLast = end + PATIENCE.toNanos();
                for (; (before < end || (first.get() == 0 && before < atLast)) && !Thread.interrupted(); n++) {
                    call.run(n);
                    long now = System.nanoTime();
                    // What ends within the time counts, wherever it began: so each second has its own.
                    if (now >= counted && (first.compareAndSet(0, now) || now < end)) {
                        latencies.recordValue(Math.min(now - before, Sample.HIGHEST));
                    }
                    before = now;
                }
                return latencies;
            } finally {
                ready.arriveAndDeregister();
            }
        };
    }

    private static double seconds(Duration time) {
        return time.toNanos() / 1e9;
    }
}
