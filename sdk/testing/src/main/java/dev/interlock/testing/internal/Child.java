package dev.interlock.testing.internal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A server process that ends with this JVM, even when the JVM is killed: a small shell stands between and ends the server when its own standard
 * input, which only this JVM holds, closes.
 */
public final class Child implements AutoCloseable {

    // Ctrl-C reaches the whole group; the shell stays until its input closes, so that the server is ended in order.
    // Removing the folder is
    // tried again, as another server may still be writing its last file there.
    private static final String KEEPER = """
            trap '' INT TERM HUP
            folder=$1; signal=$2; shift 2
            exec 3<&0
            "$@" </dev/null & server=$!
            { read -r _ <&3; kill -s "$signal" "$server" 2>/dev/null; } & keeper=$!
            wait "$server"; code=$?
            kill -s KILL "$keeper" 2>/dev/null
            tries=0
            while [ -n "$folder" ] && ! rm -rf "$folder" 2>/dev/null && [ $tries -lt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
            exit "$code"
            """;

    private final Process process;
    private final String name;
    private final Path output;

    private Child(Process process, String name, Path output) {
        this.process = process;
        this.name = name;
        this.output = output;
    }

    /**
     * Starts a server.
     *
     * @param name what messages call it
     * @param command its command line
     * @param environment variables besides this JVM's
     * @param output the file that gets what it prints
     * @param endSignal the signal that ends it, for example {@code TERM}
     * @param folder a folder to remove once it has ended; empty for none
     */
    public static Child start(
            String name,
            List<String> command,
            Map<String, String> environment,
            Path output,
            String endSignal,
            String folder)
            throws IOException {
        List<String> line = new ArrayList<>(List.of("sh", "-c", KEEPER, "interlock-keeper", folder, endSignal));
        line.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(line);
        builder.environment().putAll(environment);
        builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
        return new Child(builder.start(), name, output);
    }

    /** Fails with what it printed last when it has ended. */
    public void check() throws IOException {
        if (!process.isAlive()) {
            throw new IOException(name + " ended with exit code " + process.exitValue() + ":\n" + lastLines());
        }
    }

    private String lastLines() {
        try {
            List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
        } catch (IOException e) {
            return "(no output: " + e.getMessage() + ")";
        }
    }

    /**
     * Kills the server and all its processes (SIGKILL), as a crash of the machine does, and waits until they are gone.
     * Those that a server has started at this very moment outlive it until they notice.
     */
    public void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        close();
    }

    /** Ends it and waits until it has. */
    @Override
    public void close() {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // The pipe is gone when the process is.
        }
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
