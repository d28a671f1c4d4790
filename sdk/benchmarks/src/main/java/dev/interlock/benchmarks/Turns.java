package dev.interlock.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.HdrHistogram.Histogram;

/**
 * Cycles of calls, each call timed by itself, that take turns one cycle after the other (A B A B): finer than {@link Contest}, so that what
 * the machine does for a moment meets all of them. One caller; nothing else runs meanwhile.
 */
public final class Turns {

    private final Bench bench;
    private final String title;
    private final Map<String, Cycle> cycles = new LinkedHashMap<>();

    Turns(Bench bench, String title) {
        this.bench = bench;
        this.title = title;
    }

    /** One more cycle. */
    public Turns enter(String name, Cycle cycle) {
        cycles.put(name, cycle);
        return this;
    }

    /** Runs all rounds; in each, every cycle has about the scale's time. */
    public Results run() throws Exception {
        return run(bench.scale().rounds(), bench.scale().time());
    }

    /** The same with so many rounds of such a length. */
    public Results run(int rounds, Duration time) throws Exception {
        List<String> order = new ArrayList<>(cycles.keySet());
        round(order, bench.scale().warmUp());
        List<Map<String, Map<String, Histogram>>> all = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            Bench.progress(title, String.join(", ", cycles.keySet()), round, rounds);
            all.add(round(order, time));
        }
        return new Results(all);
    }

    private Map<String, Map<String, Histogram>> round(List<String> order, Duration time) throws Exception {
        Map<String, Map<String, Histogram>> times = new LinkedHashMap<>();
        long end = System.nanoTime() + time.toNanos() * order.size();
        do {
            for (String name : order) {
                Map<String, Histogram> steps = times.computeIfAbsent(name, key -> new LinkedHashMap<>());
                cycle(name).run(new Watch() {
                    @Override
                    public <T> T time(String step, Callable<T> call) throws Exception {
                        long begin = System.nanoTime();
                        T answer = call.call();
                        steps.computeIfAbsent(step, key -> Sample.histogram())
                                .recordValue(Math.min(System.nanoTime() - begin, Sample.HIGHEST));
                        return answer;
                    }
                });
            }
            Collections.reverse(order);
        } while (System.nanoTime() < end);
        return times;
    }

    private Cycle cycle(String name) {
        Cycle cycle = cycles.get(name);
        if (cycle == null) {
            throw new IllegalArgumentException("No cycle is named " + name + ".");
        }
        return cycle;
    }

    /** Some calls, those that count timed by the watch; leaves the database as it found it, so that every cycle is like the first. */
    @FunctionalInterface
    public interface Cycle {
        void run(Watch watch) throws Exception;
    }

    /** Times calls. */
    @FunctionalInterface
    public interface Watch {

        /** Makes this call and adds what it took to this step's times. */
        <T> T time(String step, Callable<T> call) throws Exception;
    }

    /** Round by round, what each step of each cycle took. */
    public record Results(List<Map<String, Map<String, Histogram>>> rounds) {

        /** Milliseconds within which so many percent were done, in each round. */
        public Rounds millis(String cycle, String step, double percentile) {
            return new Rounds(of(cycle, step).stream()
                    .map(h -> h.getValueAtPercentile(percentile) / 1e6)
                    .toList());
        }

        /** How many a single caller does in a second, were each like the median, in each round. */
        public Rounds perSecond(String cycle, String step) {
            return new Rounds(of(cycle, step).stream()
                    .map(h -> 1e9 / h.getValueAtPercentile(50))
                    .toList());
        }

        /** All rounds in one histogram, of nanoseconds. */
        public Histogram all(String cycle, String step) {
            Histogram all = Sample.histogram();
            of(cycle, step).forEach(all::add);
            return all;
        }

        private List<Histogram> of(String cycle, String step) {
            return rounds.stream()
                    .map(round -> {
                        Histogram times = round.getOrDefault(cycle, Map.of()).get(step);
                        if (times == null) {
                            throw new IllegalArgumentException(cycle + " has no step " + step + ".");
                        }
                        return times;
                    })
                    .toList();
        }
    }
}
