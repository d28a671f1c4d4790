package dev.interlock.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * Loads that are compared: each takes its turn in every round (A B A B), so that what the machine does meanwhile meets all of them. The order
 * turns round from one round to the next.
 */
public final class Contest {

    private final Bench bench;
    private final String title;
    private final List<Entrant> entrants = new ArrayList<>();

    Contest(Bench bench, String title) {
        this.bench = bench;
        this.title = title;
    }

    /** One more load. */
    public Contest enter(String name, int callers, Callers how) {
        return enter(name, callers, how, () -> {});
    }

    /** One more load, with what is done before each of its rounds and not measured. */
    public Contest enter(String name, int callers, Callers how, Preparation before) {
        return enter(name, (warmUp, time) -> Load.run(callers, how, warmUp, time), before);
    }

    /** One more load that measures itself, with what is done before each of its rounds and not measured. */
    public Contest enter(String name, Measured how, Preparation before) {
        entrants.add(new Entrant(name, how, before));
        return this;
    }

    /** Runs all rounds. */
    public Results run() throws Exception {
        Map<String, List<Sample>> samples = new LinkedHashMap<>();
        List<Entrant> order = new ArrayList<>(entrants);
        for (int round = 0; round < bench.scale().rounds(); round++) {
            // The first round warms up the JVM too.
            Duration warmUp = bench.scale().warmUp().multipliedBy(round == 0 ? 2 : 1);
            for (Entrant entrant : order) {
                bench.progress(title, entrant.name, round);
                entrant.before.run();
                Sample sample = entrant.how.run(warmUp, bench.scale().time());
                samples.computeIfAbsent(entrant.name, name -> new ArrayList<>()).add(sample);
            }
            Collections.reverse(order);
        }
        return new Results(samples);
    }

    private record Entrant(String name, Measured how, Preparation before) {}

    /** What is done before a load and not measured. */
    @FunctionalInterface
    public interface Preparation {
        void run() throws Exception;
    }

    /** A load that measures itself. */
    @FunctionalInterface
    public interface Measured {

        /** Runs it for the warm-up, which is not counted, and then for the time given. */
        Sample run(Duration warmUp, Duration time) throws Exception;
    }

    /** The samples of each load, round by round. */
    public record Results(Map<String, List<Sample>> samples) {

        /** Operations a second in each round. */
        public Rounds perSecond(String name) {
            return new Rounds(of(name).stream().map(Sample::perSecond).toList());
        }

        /** Milliseconds within which so many percent were done, in each round. */
        public Rounds millis(String name, double percentile) {
            return new Rounds(of(name).stream().map(s -> s.millis(percentile)).toList());
        }

        /** All rounds in one histogram, of nanoseconds. */
        public Histogram all(String name) {
            Histogram all = Sample.histogram();
            of(name).forEach(s -> all.add(s.nanos()));
            return all;
        }

        private List<Sample> of(String name) {
            List<Sample> found = samples.get(name);
            if (found == null) {
                throw new IllegalArgumentException("No load is named " + name + ".");
            }
            return found;
        }
    }
}
