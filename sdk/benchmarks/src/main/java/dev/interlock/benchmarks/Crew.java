package dev.interlock.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.HdrHistogram.ConcurrentHistogram;

/** Members that take turns of different kinds and say themselves what is to be counted: for what begins with one and ends with another. */
public final class Crew {

    private Crew() {}

    /**
     * Has every member take turn after turn, for the warm-up, which is not counted, and then for the time given; longer when there was nothing
     * to count: no time measured is not a short time.
     */
    public static Sample run(List<Member> members, Duration warmUp, Duration time) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(members.size());
        ConcurrentHistogram counted = new ConcurrentHistogram(1000, Sample.HIGHEST, 3);
        AtomicBoolean over = new AtomicBoolean();
        long from = System.nanoTime() + warmUp.toNanos();
        long until = from + time.toNanos();
        long atLast = until + Load.PATIENCE.toNanos();
        Tally tally = (began, ended) -> {
            if (ended >= from && (ended < until || counted.getTotalCount() == 0)) {
                counted.recordValue(Math.min(Math.max(0, ended - began), Sample.HIGHEST));
            }
        };
        try {
            List<Future<?>> running = new ArrayList<>();
            for (Member member : members) {
                running.add(threads.submit(() -> {
                    try {
                        long now = System.nanoTime();
                        while (!over.get() && (now < until || (counted.getTotalCount() == 0 && now < atLast))) {
                            member.turn(tally);
                            now = System.nanoTime();
                        }
                        return null;
                    } catch (Exception e) {
                        over.set(true);
                        throw e;
                    }
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } finally {
            threads.shutdownNow();
        }
        if (counted.getTotalCount() == 0) {
            throw new IllegalStateException("There was nothing to count in " + time.plus(Load.PATIENCE) + ".");
        }
        return new Sample(counted.getTotalCount() / (time.toNanos() / 1e9), counted);
    }

    /** What one member does over and over. */
    @FunctionalInterface
    public interface Member {
        void turn(Tally tally) throws Exception;
    }

    /** Takes what is counted. */
    @FunctionalInterface
    public interface Tally {

        /** Something began and ended at these times of {@link System#nanoTime}; it counts when it ended within the time that is measured. */
        void add(long began, long ended);
    }
}
