package dev.interlock.benchmarks.peers;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Sample;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/** The two things that are asked of every contestant. */
final class Drain {

    private Drain() {}

    /**
     * Jobs a second, of so many that were in line before anybody took them, from the moment when it is told to run until its tables say that all are
     * finished. So its own start is counted, and that it takes many at a time is not an advantage at either end.
     */
    static double perSecond(Bench bench, Contestant one, int jobs) throws Exception {
        one.enqueue(Stream.generate(bench::newId).limit(jobs).toList());
        CountDownLatch left = new CountDownLatch(jobs);
        long begin = System.nanoTime();
        Contestant.Running running = one.run(id -> left.countDown());
        try {
            await(left, one);
            while (!bench.ask(one.unfinished()).equals("0")) {
                Thread.sleep(2);
            }
            return jobs / ((System.nanoTime() - begin) / 1e9);
        } finally {
            running.stop();
        }
    }

    /** From the call that enqueues a job to its start, one job after the other at this rate, with nothing else to do. */
    static Histogram delays(Bench bench, Contestant one, int rate, int jobs) throws Exception {
        Map<String, Long> enqueued = new ConcurrentHashMap<>();
        Histogram nanos = Sample.histogram();
        CountDownLatch left = new CountDownLatch(jobs);
        CountDownLatch awake = new CountDownLatch(1);
        Contestant.Running running = one.run(id -> {
            Long from = enqueued.get(id);
            if (from == null) {
                awake.countDown();
                return;
            }
            synchronized (nanos) {
                nanos.recordValue(Math.min(System.nanoTime() - from, nanos.getHighestTrackableValue()));
            }
            left.countDown();
        });
        try {
            one.enqueue(List.of(bench.newId()));
            await(awake, one);
            long begin = System.nanoTime();
            for (int i = 0; i < jobs; i++) {
                TimeUnit.NANOSECONDS.sleep(begin + i * (1_000_000_000L / rate) - System.nanoTime());
                String id = bench.newId();
                enqueued.put(id, System.nanoTime());
                one.enqueue(List.of(id));
            }
            await(left, one);
        } finally {
            running.stop();
        }
        return nanos;
    }

    private static void await(CountDownLatch latch, Contestant one) throws InterruptedException {
        if (!latch.await(3, TimeUnit.MINUTES)) {
            throw new IllegalStateException(one.name() + " left " + latch.getCount() + " jobs in line.");
        }
    }
}
