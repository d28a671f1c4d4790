package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Backlog;
import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Load;
import dev.interlock.benchmarks.Pictures.Line;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import dev.interlock.benchmarks.Turns;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Somebody else's transaction stays open for ten minutes, so that no vacuum removes what died meanwhile. Two stacks have the same traffic at
 * the same time, one with such a transaction and one without, and are measured in turns now and then.
 */
public final class HeldTransaction implements Case {

    private static final String HELD = "held";
    private static final String FREE = "not held";

    @Override
    public String name() {
        return "held";
    }

    @Override
    public String title() {
        return "a transaction held open for ten minutes";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        boolean full = bench.scale().full();
        Duration whole = Duration.ofSeconds(full ? 600 : 2);
        Duration traffic = Duration.ofSeconds(full ? 50 : 1);
        Duration measured = Duration.ofMillis(full ? 1500 : 300);
        int rounds = bench.scale().either(3, 2);
        try (Bench control = new Bench(bench.scale());
                Traffic held = new Traffic(bench);
                Traffic free = new Traffic(control)) {
            int deep = bench.scale().either(100_000, 2_000);
            Backlog.fill(bench, deep, "deep-", List.of(Traffic.DEEP));
            Backlog.fill(control, deep, "deep-", List.of(Traffic.DEEP));
            Turns turns =
                    bench.turns("a held transaction").enter(HELD, held::cycle).enter(FREE, free::cycle);
            Map<String, Line> lines = new LinkedHashMap<>();
            Turns.Results results = turns.run(rounds, measured);
            add(report, "before", results);
            draw(lines, 0, results);
            try (Connection connection = bench.connect()) {
                connection.setAutoCommit(false);
                connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                connection.createStatement().execute("select pg_current_xact_id()");
                Instant begin = Instant.now();
                while (Duration.between(begin, Instant.now()).compareTo(whole) < 0) {
                    System.err.printf(
                            "  held for %d of %d seconds%n",
                            Duration.between(begin, Instant.now()).toSeconds(), whole.toSeconds());
                    together(held, free, traffic);
                    results = turns.run(rounds, measured);
                    draw(lines, Duration.between(begin, Instant.now()).toMillis() / 60_000.0, results);
                }
                String after = full ? "after ten minutes" : "after seconds";
                add(report, after, results);
                dead(report, bench, HELD);
                dead(report, control, FREE);
                // Whoever ended it would have made this a measurement of nothing.
                connection.createStatement().execute("select 1");
                connection.rollback();
            }
            bench.settleDown();
            control.settleDown();
            add(report, "ended and vacuumed", turns.run(rounds, measured));
            report.pictures()
                    .throughput(
                            "held",
                            "A transaction held open by somebody else",
                            "minutes",
                            "of the same without it",
                            lines);
        }
    }

    private static void together(Traffic held, Traffic free, Duration time) throws Exception {
        ExecutorService both = Executors.newFixedThreadPool(2);
        try {
            List<Callable<Object>> loads = List.of(
                    () -> Load.run(Traffic.CALLERS, held::callers, Duration.ZERO, time),
                    () -> Load.run(Traffic.CALLERS, free::callers, Duration.ZERO, time));
            for (Future<Object> load : both.invokeAll(loads)) {
                load.get();
            }
        } finally {
            both.shutdownNow();
        }
    }

    private static void add(Report report, String when, Turns.Results results) {
        for (String step : Traffic.STEPS) {
            Figure figure = Figure.beside(
                    "held",
                    step + ", direct, 1 caller, a transaction held: " + when,
                    "calls/s",
                    results.perSecond(HELD, step),
                    FREE,
                    results.perSecond(FREE, step));
            // Dead rows of seconds are no measure of it.
            boolean target = when.equals("after ten minutes") && !step.startsWith("floor");
            report.add(target ? figure.atLeast(0.9) : figure);
        }
    }

    private static void draw(Map<String, Line> lines, double minutes, Turns.Results results) {
        for (String step : Traffic.STEPS) {
            lines.computeIfAbsent(step, name -> new Line())
                    .add(
                            minutes,
                            results.perSecond(HELD, step)
                                    .over(results.perSecond(FREE, step))
                                    .median());
        }
    }

    private static void dead(Report report, Bench bench, String which) throws Exception {
        for (String table : List.of("job_queue_jobs", "job_queue_lines", "job_queue_models")) {
            String[] rows = bench.ask("select n_live_tup || ' ' || n_dead_tup from pg_stat_all_tables where relname = '"
                            + table + "' and schemaname = 'public'")
                    .split(" ", -1);
            report.add(Figure.alone(
                    "held",
                    String.format(Locale.ROOT, "dead rows of %s (%s; %s live)", table, which, rows[0]),
                    "rows",
                    Rounds.of(Double.parseDouble(rows[1]))));
        }
    }
}
