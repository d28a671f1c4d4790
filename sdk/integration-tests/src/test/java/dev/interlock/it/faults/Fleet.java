package dev.interlock.it.faults;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The worker processes. A JVM takes longer to start than a run to end, so they stay from run to run: each order gives every process a new worker,
 * and {@link #rest} closes it. They end with the fleet, and with the JVM of the test at the latest.
 */
final class Fleet implements AutoCloseable {

    static final int CONCURRENCY = 3;

    private record Member(Process process, PrintStream in) {}

    private final Map<String, Member> members = new LinkedHashMap<>();
    private @Nullable Witness witness;
    private @Nullable Function<String, WorkerProcess.Order> orders;
    private int started;

    /** Starts so many processes, which take part in the run that is under way; their names. */
    List<String> start(int count) throws IOException, InterruptedException, TimeoutException {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String name = "worker-" + ++started;
            ProcessBuilder builder = new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-Xmx64m",
                    "-cp",
                    System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                    WorkerProcess.class.getName(),
                    name);
            builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
            builder.redirectError(ProcessBuilder.Redirect.INHERIT);
            Process process = builder.start();
            members.put(
                    name,
                    new Member(process, new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8)));
            names.add(name);
        }
        if (orders != null) {
            tell(names, orders);
        }
        return names;
    }

    List<String> names() {
        return List.copyOf(members.keySet());
    }

    /** Every process runs a worker as ordered for its name; returns when the witness has met them all. */
    void work(Witness byWitness, Function<String, WorkerProcess.Order> newOrders)
            throws InterruptedException, TimeoutException {
        witness = byWitness;
        orders = newOrders;
        tell(names(), newOrders);
    }

    private void tell(List<String> names, Function<String, WorkerProcess.Order> what)
            throws InterruptedException, TimeoutException {
        for (String name : names) {
            member(name).in().println(what.apply(name).line());
        }
        for (String name : names) {
            if (witness != null) {
                witness.awaitThere(name);
            }
        }
    }

    /** Kills a process as the kernel does when memory runs out (SIGKILL), and waits until the witness knows. */
    void kill(String name) throws InterruptedException, TimeoutException {
        Process process = member(name).process();
        members.remove(name);
        process.destroyForcibly().waitFor();
        if (witness != null) {
            witness.awaitGone(name);
        }
    }

    private Member member(String name) {
        Member member = members.get(name);
        if (member == null) {
            throw new IllegalArgumentException(name + " does not run.");
        }
        return member;
    }

    /** Processes that ended though nobody ended them. */
    List<String> ended() {
        return members.entrySet().stream()
                .filter(entry -> !entry.getValue().process().isAlive())
                .map(entry -> entry.getKey() + " with exit code "
                        + entry.getValue().process().exitValue())
                .toList();
    }

    /** Every process closes its worker; returns when the witness has seen them go. */
    void rest() throws InterruptedException, TimeoutException {
        for (Member member : members.values()) {
            member.in().println(WorkerProcess.REST);
        }
        if (witness != null) {
            for (String name : members.keySet()) {
                witness.awaitGone(name);
            }
        }
        orders = null;
        witness = null;
    }

    /** After a run that failed its processes are not to be trusted: new ones take their place. */
    void forget() {
        if (orders != null) {
            int count = members.size();
            close();
            try {
                start(count);
            } catch (IOException | InterruptedException | TimeoutException e) {
                throw new IllegalStateException("The fleet cannot be renewed.", e);
            }
        }
    }

    @Override
    public void close() {
        orders = null;
        witness = null;
        // The end of its input is the end of a process.
        members.values().forEach(member -> member.in().close());
        for (Member member : members.values()) {
            try {
                if (!member.process().waitFor(20, TimeUnit.SECONDS)) {
                    member.process().destroyForcibly();
                }
            } catch (InterruptedException e) {
                member.process().destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
        members.clear();
    }
}
