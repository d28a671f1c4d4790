package dev.interlock.it.faults;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Stands for the paid AI provider, and is the outside witness: it has a memory of its own and knows nothing of the coordinator's tables. Workers
 * tell it when a call begins and ends ({@link Provider}); it counts the calls that are inside at once for each model, the side effects of each
 * attempt, tokens that come after a newer one, and outcomes.
 *
 * <p>Each worker process has one connection. What a process sent is read before the connection's end, and the kernel ends it with the process: so
 * a call that a kill cut off ends just then, and a real overlap is the only kind that is counted. Thread-safe.
 */
final class Witness implements AutoCloseable {

    private record Call(String process, String job, long token, List<String> models) {
        @Override
        public String toString() {
            return job + " (token " + token + ", " + process + ")";
        }
    }

    private final ServerSocket server;
    private final boolean tokensOrderModels;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, Integer> capacities = new HashMap<>();
    private final Map<String, Socket> connected = new HashMap<>();
    private final Map<String, Map<String, Call>> inside = new HashMap<>();
    private final Map<String, Long> newestOfJob = new HashMap<>();
    private final Map<String, Long> newestOfModel = new HashMap<>();
    private final Map<String, List<String>> callers = new HashMap<>();
    private final Map<Long, Map<String, Integer>> effects = new HashMap<>();
    private Submissions submissions = (job, step, token) -> {};
    private final Map<String, String> ended = new TreeMap<>();
    private final List<String> overlaps = new ArrayList<>();
    private final List<String> late = new ArrayList<>();
    private final List<String> doubles = new ArrayList<>();
    private int calls;
    private int cutOff;

    private Witness(ServerSocket server, boolean tokensOrderModels) {
        this.server = server;
        this.tokensOrderModels = tokensOrderModels;
    }

    /** One for runs that take all their models at their start: the calls of a model come in the order of tokens. */
    static Witness start() throws IOException {
        return start(true);
    }

    /** One that minds the order of tokens for each job only: a run that takes models step by step keeps its token. */
    static Witness ofSteps() throws IOException {
        return start(false);
    }

    private static Witness start(boolean tokensOrderModels) throws IOException {
        Witness witness = new Witness(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), tokensOrderModels);
        daemon(witness::accept, "witness");
        return witness;
    }

    /** Hears of each call that begins; it must be quick. */
    interface Submissions {
        void began(String job, String step, long token);
    }

    void tell(Submissions listener) {
        locked(() -> submissions = listener);
    }

    int port() {
        return server.getLocalPort();
    }

    /** So many calls may use the model at once; 1 where nothing is said. */
    void allow(String model, int capacity) {
        locked(() -> capacities.put(model, capacity));
    }

    /** Calls of two jobs, or two runs of one, inside at once in a model that had no room for both. */
    List<String> overlaps() {
        return copy(overlaps);
    }

    /** Calls with an older token than one seen before for that job, or for that model (where it has one seat). */
    List<String> late() {
        return copy(late);
    }

    /** Side effects that one attempt had twice, and jobs of which two outcomes were accepted. */
    List<String> doubles() {
        return copy(doubles);
    }

    /** The steps that were called under each token. */
    Map<Long, Set<String>> effects() {
        lock.lock();
        try {
            Map<Long, Set<String>> copy = new HashMap<>();
            effects.forEach((token, steps) -> copy.put(token, Set.copyOf(steps.keySet())));
            return copy;
        } finally {
            lock.unlock();
        }
    }

    /** The final outcomes that workers were told of, by job. */
    Map<String, String> ended() {
        lock.lock();
        try {
            return Map.copyOf(ended);
        } finally {
            lock.unlock();
        }
    }

    int calls() {
        return number(() -> calls);
    }

    /** Calls that the death of their process cut off. */
    int cutOff() {
        return number(() -> cutOff);
    }

    int finished() {
        return number(ended::size);
    }

    /** Waits until so many jobs have ended. */
    void awaitFinished(int jobs) throws InterruptedException, TimeoutException {
        await(() -> ended.size() >= jobs, jobs + " jobs have ended");
    }

    /** Waits until a job is called for the so-manieth time; the process that called. */
    String awaitCall(String job, int number) throws InterruptedException, TimeoutException {
        await(() -> callers.getOrDefault(job, List.of()).size() >= number, job + " is called");
        lock.lock();
        try {
            return callers.getOrDefault(job, List.of()).get(number - 1);
        } finally {
            lock.unlock();
        }
    }

    /** Waits until a process is there. */
    void awaitThere(String process) throws InterruptedException, TimeoutException {
        await(() -> connected.containsKey(process), process + " is there");
    }

    /** Waits until a process is in the middle of a call, or no more than so many jobs are left to end. */
    void awaitInside(String process, int total, int left) throws InterruptedException, TimeoutException {
        await(
                () -> !inside.getOrDefault(process, Map.of()).isEmpty() || total - ended.size() <= left,
                process + " is in a call");
    }

    /** Whether a process is in the middle of a call, now or within that time. */
    boolean isInside(String process, long millis) throws InterruptedException {
        long patience = TimeUnit.MILLISECONDS.toNanos(millis);
        lock.lock();
        try {
            while (inside.getOrDefault(process, Map.of()).isEmpty()) {
                if (patience <= 0) {
                    return false;
                }
                patience = changed.awaitNanos(patience);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until all is read that a process, which is dead, has sent. */
    void awaitGone(String process) throws InterruptedException, TimeoutException {
        await(() -> !connected.containsKey(process), process + " is gone");
    }

    private interface Fact {
        boolean holds();
    }

    private void await(Fact fact, String what) throws InterruptedException, TimeoutException {
        long patience = TimeUnit.SECONDS.toNanos(120);
        lock.lock();
        try {
            while (!fact.holds()) {
                if (patience <= 0) {
                    throw new TimeoutException("The witness never saw that " + what + "; ended: " + ended.size());
                }
                patience = changed.awaitNanos(patience);
            }
        } finally {
            lock.unlock();
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                socket.setTcpNoDelay(true);
                daemon(() -> listen(socket), "witness-listens");
            } catch (IOException e) {
                // Closed.
                return;
            }
        }
    }

    private void listen(Socket socket) {
        String process = "";
        try (socket;
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
                Writer out = new java.io.OutputStreamWriter(socket.getOutputStream(), StandardCharsets.UTF_8)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split("\t", -1);
                if (words[0].equals("hello")) {
                    process = words[1];
                }
                hear(process, socket, words);
                out.write("ok\n");
                out.flush();
            }
        } catch (IOException e) {
            // A reset: as good as an end.
        }
        gone(process);
    }

    private void hear(String process, Socket socket, String[] words) {
        locked(() -> {
            switch (words[0]) {
                case "hello" -> connected.put(process, socket);
                case "begin" ->
                    begin(
                            words[1],
                            words[4],
                            new Call(process, words[2], Long.parseLong(words[3]), List.of(words[5].split(","))));
                case "end" -> inside.getOrDefault(process, new HashMap<>()).remove(words[1]);
                case "outcome" -> outcome(words[1], words[2]);
                default -> throw new IllegalArgumentException(words[0]);
            }
        });
    }

    private void begin(String id, String step, Call call) {
        calls++;
        for (String model : call.models()) {
            List<Call> there = inModel(model);
            if (there.size() >= capacities.getOrDefault(model, 1)) {
                overlaps.add(model + ": " + call + " while there " + there);
            }
            if (tokensOrderModels && capacities.getOrDefault(model, 1) == 1) {
                fence("model " + model, newestOfModel, model, call);
            }
        }
        callers.computeIfAbsent(call.job(), j -> new ArrayList<>()).add(call.process());
        fence("job", newestOfJob, call.job(), call);
        int times = effects.computeIfAbsent(call.token(), t -> new HashMap<>()).merge(step, 1, Integer::sum);
        if (times > 1) {
            doubles.add(call + " did " + step + " " + times + " times");
        }
        inside.computeIfAbsent(call.process(), p -> new HashMap<>()).put(id, call);
        submissions.began(call.job(), step, call.token());
    }

    private void fence(String what, Map<String, Long> newest, String key, Call call) {
        long before = newest.merge(key, call.token(), Math::max);
        if (before > call.token()) {
            late.add(what + ": " + call + " after token " + before);
        }
    }

    private List<Call> inModel(String model) {
        List<Call> there = new ArrayList<>();
        inside.values()
                .forEach(calls -> calls.values().stream()
                        .filter(c -> c.models().contains(model))
                        .forEach(there::add));
        return there;
    }

    private void outcome(String job, String status) {
        String before = ended.put(job, status);
        if (before != null) {
            doubles.add(job + " ended as " + before + " and as " + status);
        }
    }

    private void gone(String process) {
        locked(() -> {
            cutOff += inside.getOrDefault(process, Map.of()).size();
            inside.remove(process);
            connected.remove(process);
        });
    }

    private void locked(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private int number(java.util.function.IntSupplier of) {
        lock.lock();
        try {
            return of.getAsInt();
        } finally {
            lock.unlock();
        }
    }

    private List<String> copy(List<String> list) {
        lock.lock();
        try {
            return List.copyOf(list);
        } finally {
            lock.unlock();
        }
    }

    private static void daemon(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        try {
            server.close();
            Set<Socket> sockets = new HashSet<>();
            locked(() -> sockets.addAll(connected.values()));
            for (Socket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
