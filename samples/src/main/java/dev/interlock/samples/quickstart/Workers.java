package dev.interlock.samples.quickstart;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The worker processes: started, killed when asked, and ended with the quickstart whatever happens. */
final class Workers implements AutoCloseable {

    private final Map<String, Process> processes = new LinkedHashMap<>();
    private final Map<String, String> environment;

    /** Workers that get these variables besides their own name. */
    Workers(Map<String, String> environment) {
        this.environment = environment;
    }

    void start(String name) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        ProcessBuilder builder = new ProcessBuilder(
                java,
                "-XX:TieredStopAtLevel=1",
                "-Xmx96m",
                "-cp",
                System.getProperty("java.class.path"),
                WorkerProcess.class.getName());
        builder.environment().putAll(environment);
        builder.environment().put("WORKER_ID", name);
        builder.redirectOutput(ProcessBuilder.Redirect.to(new File(nullDevice())));
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        processes.put(name, builder.start());
    }

    /** Kills a worker as the kernel does when memory runs out: no goodbye (SIGKILL). */
    void kill(String name) throws InterruptedException {
        Process process = processes.remove(name);
        if (process == null) {
            throw new IllegalArgumentException("No worker " + name + " is running.");
        }
        process.destroyForcibly().waitFor();
    }

    /** Fails when a worker ended by itself, which none should. */
    void check() {
        processes.forEach((name, process) -> {
            if (!process.isAlive()) {
                throw new IllegalStateException(name + " ended by itself with exit code " + process.exitValue() + ".");
            }
        });
    }

    private static String nullDevice() {
        return File.separatorChar == '\\' ? "NUL" : "/dev/null";
    }

    @Override
    public void close() {
        for (Process process : processes.values()) {
            // The end of their input tells them to give back what they run and go.
            endInput(process);
        }
        for (Process process : processes.values()) {
            try {
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }

    private static void endInput(Process process) {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            process.destroy();
        }
    }
}
