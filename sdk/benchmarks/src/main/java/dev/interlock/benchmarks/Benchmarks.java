package dev.interlock.benchmarks;

import dev.interlock.benchmarks.cases.Batches;
import dev.interlock.benchmarks.cases.Day;
import dev.interlock.benchmarks.cases.Depth;
import dev.interlock.benchmarks.cases.HandOver;
import dev.interlock.benchmarks.cases.HeldTransaction;
import dev.interlock.benchmarks.cases.IdlePolling;
import dev.interlock.benchmarks.cases.Limits;
import dev.interlock.benchmarks.cases.LongLog;
import dev.interlock.benchmarks.cases.Makespan;
import dev.interlock.benchmarks.cases.Mirror;
import dev.interlock.benchmarks.cases.Saturated;
import dev.interlock.benchmarks.cases.StartComplete;
import dev.interlock.benchmarks.cases.Steady;
import dev.interlock.benchmarks.cases.ThousandModels;
import dev.interlock.benchmarks.peers.Peer;
import dev.interlock.benchmarks.peers.Predecessor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The command {@code ./sdk/benchmarks/bench}. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Measures what coordination costs, each figure beside its floor from the same run.",
        footer = {"", "Cases:", "  run with --list", "Example: bench full --out target/benchmarks"})
public final class Benchmarks implements Callable<Integer> {

    static final List<Case> CASES = List.of(
            new StartComplete(),
            new ThousandModels(),
            new Batches(),
            new Steady(),
            new HandOver(),
            new Limits(),
            new Mirror(),
            new Depth(),
            new Saturated(),
            new IdlePolling(),
            new HeldTransaction(),
            new Day(),
            LongLog.ofFiveMillion(),
            LongLog.ofAHundredMillion(),
            new Predecessor(),
            Peer.dbScheduler(),
            Peer.jobRunr(),
            Peer.dbos(),
            new Makespan());

    @Parameters(
            arity = "0..*",
            paramLabel = "short|full|CASE",
            description = "A set, or cases by name, which run at full scale unless short stands before them.")
    private List<String> what = List.of("short");

    @Option(
            names = "--out",
            description = "The folder for the table, the JSON file and the pictures. Default: ${DEFAULT-VALUE}.")
    private Path out = Path.of("target", "benchmarks");

    @Option(names = "--rounds", description = "How often each load takes its turn.")
    private @Nullable Integer rounds;

    @Option(names = "--seconds", description = "How long each load is measured, in seconds.")
    private @Nullable Double seconds;

    @Option(names = "--list", description = "Print the cases and stop.")
    private boolean list;

    /** Runs it. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Benchmarks()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        if (list) {
            CASES.forEach(c -> System.out.printf("%-12s %s%s%n", c.name(), c.title(), sets(c)));
            return 0;
        }
        boolean inShort = what.contains("short");
        Scale scale = sized(inShort ? Scale.SHORT : Scale.FULL);
        Report report = new Report(out);
        for (Case one : chosen(inShort)) {
            System.err.println(one.name() + ": " + one.title());
            try (Bench bench = new Bench(scale)) {
                report.machine(machine(bench));
                one.run(bench, report);
            }
        }
        report.write("./sdk/benchmarks/bench " + String.join(" ", what));
        return 0;
    }

    private static String sets(Case one) {
        if (!one.inFull()) {
            return " (by its name only)";
        }
        return one.inShort() ? "" : " (full only)";
    }

    private List<Case> chosen(boolean inShort) {
        List<String> names = what.stream()
                .filter(w -> !w.equals("short") && !w.equals("full"))
                .toList();
        if (names.isEmpty()) {
            return CASES.stream().filter(inShort ? Case::inShort : Case::inFull).toList();
        }
        List<Case> chosen = new ArrayList<>();
        for (String name : names) {
            chosen.add(CASES.stream()
                    .filter(c -> c.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("There is no case " + name + "; see --list.")));
        }
        return chosen;
    }

    private Scale sized(Scale scale) {
        if (seconds == null) {
            return rounds == null ? scale : new Scale(scale.full(), rounds, scale.time(), scale.warmUp());
        }
        Duration time = Duration.ofMillis((long) (seconds * 1000));
        // A very short run is for seeing that it runs.
        Duration half = time.dividedBy(2);
        Duration warmUp = half.compareTo(scale.warmUp()) < 0 ? half : scale.warmUp();
        return new Scale(scale.full(), rounds == null ? scale.rounds() : rounds, time, warmUp);
    }

    private static Map<String, String> machine(Bench bench) throws Exception {
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
        machine.put("Java", System.getProperty("java.version"));
        machine.putAll(bench.settings());
        return machine;
    }
}
