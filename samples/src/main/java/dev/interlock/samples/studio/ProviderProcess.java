package dev.interlock.samples.studio;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The simulated providers, in a process of their own: a web server that knows nothing of the coordinator, takes so many calls of each model at once and
 * answers 429 to more. A call lasts as long as it was asked to, even when its caller dies meanwhile, as a real one does. It keeps a record of all calls:
 * the witness. It ends when its standard input does.
 */
public final class ProviderProcess {

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Integer> allowed = new HashMap<>();
    private final Map<String, TreeSet<Integer>> freeSeats = new HashMap<>();
    private final List<Call> calls = new ArrayList<>();
    private int inside;
    private int rejected;

    private ProviderProcess(String[] models) {
        for (String model : models) {
            int equals = model.lastIndexOf('=');
            int seats = Integer.parseInt(model.substring(equals + 1));
            allowed.put(model.substring(0, equals), seats);
            TreeSet<Integer> free = new TreeSet<>();
            for (int i = 0; i < seats; i++) {
                free.add(i);
            }
            freeSeats.put(model.substring(0, equals), free);
        }
    }

    /** Serves the models that the arguments name ({@code model=calls}); prints its address as its first line. */
    public static void main(String[] args) throws IOException {
        ProviderProcess provider = new ProviderProcess(args);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
        ExecutorService threads = Executors.newCachedThreadPool();
        server.setExecutor(threads);
        server.createContext("/generate", provider::generate);
        server.createContext("/calls", exchange -> answer(exchange, 200, provider.record()));
        server.createContext("/rejected", exchange -> answer(exchange, 200, provider.rejected()));
        server.start();
        System.out.println("http://127.0.0.1:" + server.getAddress().getPort());
        while (System.in.read() >= 0) {
            // Whoever started it says nothing; the end of the stream is the sign to end.
        }
        server.stop(0);
        threads.shutdownNow();
    }

    /** {@code POST /generate?model=…&job=…&step=…&worker=…&millis=…} */
    private void generate(HttpExchange exchange) throws IOException {
        Map<String, String> query = query(exchange);
        String model = query.getOrDefault("model", "");
        String job = query.getOrDefault("job", "");
        int step = Integer.parseInt(query.getOrDefault("step", "0"));
        String worker = query.getOrDefault("worker", "");

        long start = System.currentTimeMillis();
        int seat;
        int together;
        lock.lock();
        try {
            TreeSet<Integer> free = freeSeats.get(model);
            if (free == null || free.isEmpty()) {
                rejected++;
                calls.add(new Call(model, job, step, worker, -1, inside, start, start));
                seat = -1;
            } else {
                seat = free.first();
                free.remove(seat);
                inside++;
            }
            together = inside;
        } finally {
            lock.unlock();
        }
        if (seat < 0) {
            exchange.getResponseHeaders().add("Retry-After", "1");
            answer(exchange, 429, model + " takes " + allowed.get(model) + " calls at once.");
            return;
        }
        try {
            TimeUnit.MILLISECONDS.sleep(Long.parseLong(query.getOrDefault("millis", "0")));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lock.lock();
        try {
            inside--;
            freeSeats.getOrDefault(model, new TreeSet<>()).add(seat);
            calls.add(new Call(model, job, step, worker, seat, together, start, System.currentTimeMillis()));
        } finally {
            lock.unlock();
        }
        answer(exchange, 200, "asset of " + job);
    }

    private String record() {
        lock.lock();
        try {
            StringBuilder lines = new StringBuilder();
            calls.forEach(call -> lines.append(call.line()).append('\n'));
            return lines.toString();
        } finally {
            lock.unlock();
        }
    }

    private String rejected() {
        lock.lock();
        try {
            return Integer.toString(rejected);
        } finally {
            lock.unlock();
        }
    }

    private static Map<String, String> query(HttpExchange exchange) {
        Map<String, String> query = new HashMap<>();
        for (String pair : exchange.getRequestURI().getRawQuery().split("&", -1)) {
            int equals = pair.indexOf('=');
            query.put(pair.substring(0, equals), URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return query;
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            exchange.getResponseBody().write(bytes);
        }
        exchange.close();
    }
}
