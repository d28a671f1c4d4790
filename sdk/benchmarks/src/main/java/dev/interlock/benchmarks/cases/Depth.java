package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Backlog;
import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Pictures.Line;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Turns;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What a call costs with so many jobs waiting. Each depth has a stack of its own, all of them up at once, and takes its turn cycle by cycle:
 * a stack that was filled further between rounds would compare an old database with a young one, and a quiet minute with a busy one.
 */
public final class Depth implements Case {

    private static final List<String> STEPS = List.of("claim", "complete", "enqueue", "start");
    private static final List<String> QUESTIONS = List.of("explain", "status");

    @Override
    public String name() {
        return "depth";
    }

    @Override
    public String title() {
        return "claim, complete, enqueue, start, explain and status with up to a million waiting";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        List<Integer> depths =
                bench.scale().full() ? List.of(1_000, 10_000, 100_000, 1_000_000) : List.of(1_000, 10_000);
        Map<Integer, Bench> stacks = new LinkedHashMap<>();
        try {
            for (int depth : depths) {
                stacks.put(depth, stacks.isEmpty() ? bench : new Bench(bench.scale()));
            }
            Map<String, Line> claims = new LinkedHashMap<>();
            for (int models : new int[] {1, 100}) {
                measure(bench, report, stacks, models, claims);
            }
            report.pictures()
                    .depth("depth", "A claim, by how many jobs wait", "jobs waiting", "milliseconds, median", claims);
            WorkerHeap.measure(stacks, report);
        } finally {
            for (Bench stack : stacks.values()) {
                if (stack != bench) {
                    stack.close();
                }
            }
        }
    }

    private static void measure(
            Bench bench, Report report, Map<Integer, Bench> stacks, int models, Map<String, Line> claims)
            throws Exception {
        String over = models == 1 ? "one model" : models + " models";
        List<String> names = names(models);
        List<DeepLine> lines = new ArrayList<>();
        try {
            Turns turns = bench.turns("waiting for " + over);
            Turns questions = bench.turns("explain and status, waiting for " + over);
            for (Map.Entry<Integer, Bench> stack : stacks.entrySet()) {
                Backlog.clear(stack.getValue());
                Backlog.fill(stack.getValue(), stack.getKey(), models + "-models-", names);
                DeepLine line = new DeepLine(stack.getValue(), names);
                lines.add(line);
                turns.enter(words(stack.getKey()), line);
                questions.enter(words(stack.getKey()), line::questions);
            }
            Turns.Results results = turns.run();
            Turns.Results answers = questions.run(
                    bench.scale().rounds(), Duration.ofMillis(bench.scale().either(1000, 100)));
            String base = words(stacks.keySet().iterator().next());
            Line line = new Line();
            for (int depth : stacks.keySet()) {
                line.add(depth, results.millis(words(depth), "claim", 50).median());
                if (words(depth).equals(base)) {
                    continue;
                }
                for (String step : STEPS) {
                    Figure figure = figure(results, step, words(depth), base, over);
                    report.add(step.equals("claim") ? figure.atMost(1.2) : figure);
                }
                for (String step : QUESTIONS) {
                    report.add(figure(answers, step, words(depth), base, over));
                }
            }
            claims.put(over, line);
        } finally {
            for (DeepLine line : lines) {
                line.close();
            }
        }
    }

    private static Figure figure(Turns.Results results, String step, String depth, String base, String over) {
        return Figure.beside(
                "depth",
                step + ", " + depth + " waiting for " + over + ", direct, median",
                "ms",
                results.millis(depth, step, 50),
                base + " waiting",
                results.millis(base, step, 50));
    }

    private static List<String> names(int models) {
        return IntStream.range(0, models).mapToObj(i -> "deep-" + i).toList();
    }

    private static String words(int depth) {
        return String.format(Locale.ROOT, "%,d", depth);
    }
}
