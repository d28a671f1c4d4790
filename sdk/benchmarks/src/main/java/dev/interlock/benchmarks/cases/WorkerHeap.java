package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a worker of its own process, with a heap of 100 MB at most, keeps on it while so many jobs wait. */
final class WorkerHeap {

    private WorkerHeap() {}

    /** Beside the shallowest of these stacks, the deepest. */
    static void measure(Map<Integer, Bench> stacks, Report report) throws Exception {
        List<Integer> depths = new ArrayList<>(stacks.keySet());
        int shallow = Collections.min(depths);
        int deep = Collections.max(depths);
        List<Double> few = new ArrayList<>();
        List<Double> many = new ArrayList<>();
        for (int round = 0; round < bench(stacks, deep).scale().either(2, 1); round++) {
            few.add(peak(bench(stacks, shallow)));
            many.add(peak(bench(stacks, deep)));
        }
        Rounds peaks = new Rounds(many);
        report.add(Figure.beside(
                        "depth",
                        String.format(Locale.ROOT, "live heap of a worker, peak, %,d waiting", deep),
                        "MB",
                        peaks,
                        String.format(Locale.ROOT, "%,d waiting", shallow),
                        new Rounds(few))
                .target("flat, < 100 MB", peaks.most() < 100 && peaks.median() <= 1.2 * new Rounds(few).median()));
    }

    private static Bench bench(Map<Integer, Bench> stacks, int depth) {
        Bench bench = stacks.get(depth);
        if (bench == null) {
            throw new IllegalArgumentException("No stack is " + depth + " deep.");
        }
        return bench;
    }

    private static double peak(Bench bench) throws IOException, InterruptedException {
        System.err.println("  a worker in a process of its own");
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx100m",
                "-cp",
                System.getProperty("java.class.path"),
                WorkerProcess.class.getName(),
                Integer.toString(bench.scale().either(20, 2)));
        builder.environment().put("SUPABASE_URL", bench.local().url());
        builder.environment().put("SUPABASE_SECRET_KEY", bench.local().secretKey());
        Process process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (process.waitFor() != 0) {
            throw new IllegalStateException("The worker's process failed: " + answer);
        }
        return Double.parseDouble(answer);
    }
}
