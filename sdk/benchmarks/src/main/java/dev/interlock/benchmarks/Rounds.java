package dev.interlock.benchmarks;

import java.util.ArrayList;
import java.util.List;

/** One value a round. */
public record Rounds(List<Double> values) {

    public Rounds {
        values = List.copyOf(values);
        if (values.isEmpty()) {
            throw new IllegalArgumentException("There are no rounds.");
        }
    }

    /** A single value. */
    public static Rounds of(double value) {
        return new Rounds(List.of(value));
    }

    public double median() {
        List<Double> sorted = values.stream().sorted().toList();
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }

    public double least() {
        return values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }

    public double most() {
        return values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }

    /** This over the other, each round with its own: what both met falls out. */
    public Rounds over(Rounds floor) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            ratios.add(values.get(i) / floor.values.get(Math.min(i, floor.values.size() - 1)));
        }
        return new Rounds(ratios);
    }
}
