package dev.interlock.samples.quickstart;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A simulated AI provider, and the witness: it knows nothing of the coordinator and counts, for each model and all together, how many calls are
 * inside at once. A call lasts as long as it was asked to, even when its caller dies meanwhile, as a real provider's does.
 */
final class Provider implements AutoCloseable {

    /** A call that was inside together with more others than were allowed. */
    record Collision(String model, String job, int inside) {}

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, List<String>> inside = new HashMap<>();
    private final Map<String, Integer> most = new HashMap<>();
    private final List<Collision> collisions = new ArrayList<>();
    private int total;
    private int mostTotal;
    private int allowedTotal = Integer.MAX_VALUE;
    private int calls;

    private Provider(HttpServer server) {
        this.server = server;
    }

    static Provider start() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        Provider provider = new Provider(server);
        server.createContext("/generate", provider::generate);
        server.setExecutor(provider.threads);
        server.start();
        return provider;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** From now on so many calls may be inside, all models together. */
    void allowTogether(int atMost) {
        locked(() -> {
            allowedTotal = atMost;
            mostTotal = total;
        });
    }

    int calls() {
        lock.lock();
        try {
            return calls;
        } finally {
            lock.unlock();
        }
    }

    int mostTogether() {
        lock.lock();
        try {
            return mostTotal;
        } finally {
            lock.unlock();
        }
    }

    List<Collision> collisions() {
        lock.lock();
        try {
            return List.copyOf(collisions);
        } finally {
            lock.unlock();
        }
    }

    Map<String, Integer> mostAtOnce() {
        lock.lock();
        try {
            return Map.copyOf(most);
        } finally {
            lock.unlock();
        }
    }

    /** {@code POST /generate?model=…&job=…&millis=…}: the model is one that a job must hold for the call. */
    private void generate(HttpExchange exchange) throws IOException {
        Map<String, String> query = Http.query(exchange.getRequestURI());
        String model = query.getOrDefault("model", "");
        String job = query.getOrDefault("job", "");
        locked(() -> enter(model, job));
        try {
            TimeUnit.MILLISECONDS.sleep(Long.parseLong(query.getOrDefault("millis", "0")));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            locked(() -> leave(model, job));
        }
        byte[] answer = ("asset of " + job).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
    }

    private void enter(String model, String job) {
        List<String> there = inside.computeIfAbsent(model, m -> new ArrayList<>());
        there.add(job);
        total++;
        calls++;
        most.merge(model, there.size(), Math::max);
        mostTotal = Math.max(mostTotal, total);
        if (there.size() > 1 || total > allowedTotal) {
            collisions.add(new Collision(model, job, Math.max(there.size(), total)));
        }
    }

    private void leave(String model, String job) {
        inside.getOrDefault(model, new ArrayList<>()).remove(job);
        total--;
    }

    private void locked(Runnable change) {
        lock.lock();
        try {
            change.run();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
