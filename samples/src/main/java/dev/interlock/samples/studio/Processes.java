package dev.interlock.samples.studio;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The provider's process and the workers': started, ended in one way or the other, and gone with the studio whatever happens. */
final class Processes implements AutoCloseable {

    private final Map<String, String> environment;
    private final Map<String, Process> workers = new LinkedHashMap<>();
    private final List<Process> leaving = new ArrayList<>();
    private final Process provider;
    private final String providerUrl;
    private int started;

    /** Starts the provider; workers get these variables, and its address. */
    Processes(Map<String, String> environment, Plan plan) throws IOException {
        List<String> models = Plan.MODELS.stream()
                .map(model -> plan.named(model.name()) + "=" + model.capacity())
                .toList();
        provider = java(ProviderProcess.class, models, Map.of(), ProcessBuilder.Redirect.PIPE);
        BufferedReader out =
                new BufferedReader(new InputStreamReader(provider.getInputStream(), StandardCharsets.UTF_8));
        String url = out.readLine();
        if (url == null) {
            throw new IOException("The provider's process has ended.");
        }
        providerUrl = url;
        this.environment = new LinkedHashMap<>(environment);
        this.environment.put("PROVIDER_URL", url);
        this.environment.put("STUDIO_RUN", plan.run());
    }

    String providerUrl() {
        return providerUrl;
    }

    /** Starts one more worker and returns its name. */
    String startWorker() throws IOException {
        String name = "worker-" + ++started;
        Map<String, String> variables = new LinkedHashMap<>(environment);
        variables.put("WORKER_ID", name + environment.get("STUDIO_RUN"));
        workers.put(
                name,
                java(
                        WorkerProcess.class,
                        List.of(),
                        variables,
                        ProcessBuilder.Redirect.to(new File(File.separatorChar == '\\' ? "NUL" : "/dev/null"))));
        return name;
    }

    Set<String> workers() {
        return Set.copyOf(workers.keySet());
    }

    /** Ends a worker as the kernel does when memory runs out: no goodbye (SIGKILL). */
    void kill(String worker) throws InterruptedException {
        remove(worker).destroyForcibly().waitFor();
    }

    /** Ends a worker as a deployment does (SIGTERM): it lets its jobs end and goes. */
    void terminate(String worker) {
        Process process = remove(worker);
        process.destroy();
        leaving.add(process);
    }

    private Process remove(String worker) {
        Process process = workers.remove(worker);
        if (process == null) {
            throw new IllegalArgumentException("No " + worker + " is running.");
        }
        return process;
    }

    /** Fails when a process ended by itself, which none should. */
    void check() {
        if (!provider.isAlive()) {
            throw new IllegalStateException("The provider's process has ended.");
        }
        workers.forEach((name, process) -> {
            if (!process.isAlive()) {
                throw new IllegalStateException(name + " ended by itself with exit code " + process.exitValue() + ".");
            }
        });
    }

    private static Process java(
            Class<?> main, List<String> arguments, Map<String, String> environment, ProcessBuilder.Redirect output)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx96m",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        builder.redirectOutput(output);
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        return builder.start();
    }

    @Override
    public void close() {
        List<Process> all = new ArrayList<>(workers.values());
        all.addAll(leaving);
        for (Process process : all) {
            // The end of their input tells them to let their jobs end and go.
            endInput(process);
        }
        for (Process process : all) {
            await(process);
        }
        endInput(provider);
        await(provider);
    }

    private static void endInput(Process process) {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            process.destroy();
        }
    }

    private static void await(Process process) {
        try {
            if (!process.waitFor(15, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
