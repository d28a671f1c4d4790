package dev.interlock.it.faults;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** What stands between the workers and the project, and breaks what goes through, by a seed. Thread-safe. */
final class FaultyGateway implements AutoCloseable {

    /** What can happen to a request. */
    enum Fault {
        /** It never arrives, and the connection ends. */
        LOST_REQUEST,
        /** It is carried out, and the connection ends without an answer. */
        LOST_ANSWER,
        /** It is carried out, and the connection ends in the middle of the answer. */
        HALF_ANSWER,
        /** A gateway's page instead of the request. */
        PAGE_INSTEAD,
        /** It is carried out, and a gateway's page takes the place of the answer. */
        PAGE_AFTER,
        /** It arrives twice at the same time; one of the answers is given. */
        TWICE_AT_ONCE,
        /** It arrives once more, when the answer was given long ago. */
        TWICE_LATER,
        /** It is slow. */
        SLOW
    }

    private record Page(int status, String type, String body) {}

    /** 200 and 540 too: a maintenance page of a proxy, and a project that is paused for a moment. */
    private static final List<Page> PAGES = List.of(
            page(502, "Bad gateway"),
            page(503, "Service Temporarily Unavailable"),
            page(504, "Gateway time-out"),
            page(520, "Web server is returning an unknown error"),
            page(540, "Project paused"),
            page(200, "We will be back soon"),
            json(502, "An invalid response was received from the upstream server"),
            json(503, "name resolution failed"),
            new Page(504, "text/plain", "upstream request timeout"));

    private static final Set<String> NOT_FORWARDED =
            Set.of("host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "keep-alive");

    private final HttpServer server;
    private final String target;
    private final ExecutorService threads = Executors.newCachedThreadPool(FaultyGateway::daemon);
    private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor(FaultyGateway::daemon);
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .executor(threads)
            .build();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Random random;
    private final Map<Fault, Integer> injected = new EnumMap<>(Fault.class);
    private List<Fault> faults = List.of();
    private double chance;
    private boolean badKey;
    private String cutOff = "";
    private @Nullable Stop stop;
    private int requests;
    private int failures;

    private FaultyGateway(HttpServer server, String target, long seed) {
        this.server = server;
        this.target = target;
        this.random = new Random(seed);
    }

    /** One before the project at this URL; nothing is broken until {@link #inject}. */
    static FaultyGateway start(String target, long seed) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 256);
        FaultyGateway gateway = new FaultyGateway(server, target, seed);
        server.createContext("/", gateway::handle);
        server.setExecutor(gateway.threads);
        server.start();
        return gateway;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** From now on one of these happens to each request with that chance. */
    void inject(double withChance, Fault... kinds) {
        locked(() -> {
            faults = List.of(kinds);
            chance = withChance;
        });
    }

    void mend() {
        locked(() -> {
            faults = List.of();
            badKey = false;
            cutOff = "";
        });
    }

    /** The key that requests carry is one that the project does not know (any more). */
    void spoilKey() {
        locked(() -> badKey = true);
    }

    /** From now on nothing gets through that this worker sends. */
    void cutOff(String worker) {
        locked(() -> cutOff = "\"worker_id\":\"" + worker + "\"");
    }

    /** How often each fault was injected. */
    Map<Fault, Integer> injected() {
        lock.lock();
        try {
            return new EnumMap<>(injected);
        } finally {
            lock.unlock();
        }
    }

    int requests() {
        lock.lock();
        try {
            return requests;
        } finally {
            lock.unlock();
        }
    }

    /** Answers of the project itself that were errors, and requests that it did not answer. */
    int failures() {
        lock.lock();
        try {
            return failures;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the project has failed so many more requests. */
    void awaitFailures(int more) throws InterruptedException, TimeoutException {
        long patience = TimeUnit.SECONDS.toNanos(120);
        lock.lock();
        try {
            int enough = failures + more;
            while (failures < enough) {
                if (patience <= 0) {
                    throw new TimeoutException("Only " + failures + " requests failed.");
                }
                patience = changed.awaitNanos(patience);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The next request to this function stops there. */
    Stop stopNext(String function, Stop.Point point) {
        Stop next = new Stop(function, point);
        locked(() -> stop = next);
        return next;
    }

    private @Nullable Stop stopped(String path) {
        lock.lock();
        try {
            Stop here = stop;
            if (here == null || !here.isAt(path)) {
                return null;
            }
            stop = null;
            return here;
        } finally {
            lock.unlock();
        }
    }

    private record Fate(@Nullable Fault fault, Page page, int millis, boolean second, boolean spoilt) {}

    private Fate fate(String body) {
        lock.lock();
        try {
            requests++;
            if (!cutOff.isEmpty() && body.contains(cutOff)) {
                return new Fate(Fault.LOST_REQUEST, PAGES.get(0), 0, false, false);
            }
            Fault fault = !faults.isEmpty() && random.nextDouble() < chance
                    ? faults.get(random.nextInt(faults.size()))
                    : null;
            if (fault != null) {
                injected.merge(fault, 1, Integer::sum);
            }
            return new Fate(
                    fault,
                    PAGES.get(random.nextInt(PAGES.size())),
                    20 + random.nextInt(400),
                    random.nextBoolean(),
                    badKey);
        } finally {
            lock.unlock();
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        // Closing it without an answer ends the connection.
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Fate fate = fate(new String(body, StandardCharsets.UTF_8));
            HttpRequest request = request(exchange, body, fate);
            Stop here = stopped(exchange.getRequestURI().getPath());
            if (here != null) {
                here.hold(() -> send(request));
                return;
            }
            if (fate.fault() == null) {
                answer(exchange, send(request));
                return;
            }
            switch (fate.fault()) {
                case LOST_REQUEST -> {}
                case LOST_ANSWER -> send(request);
                case HALF_ANSWER -> half(exchange, send(request));
                case PAGE_INSTEAD -> page(exchange, fate.page());
                case PAGE_AFTER -> {
                    send(request);
                    page(exchange, fate.page());
                }
                case TWICE_AT_ONCE -> {
                    CompletableFuture<HttpResponse<byte[]>> other =
                            client.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray());
                    HttpResponse<byte[]> first = send(request);
                    answer(exchange, fate.second() ? other.join() : first);
                }
                case TWICE_LATER -> {
                    answer(exchange, send(request));
                    var unused = later.schedule(() -> again(request), fate.millis(), TimeUnit.MILLISECONDS);
                }
                case SLOW -> {
                    TimeUnit.MILLISECONDS.sleep(fate.millis());
                    answer(exchange, send(request));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private HttpRequest request(HttpExchange exchange, byte[] body, Fate fate) {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create(target + exchange.getRequestURI().toString()))
                .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            boolean key = name.equalsIgnoreCase("apikey");
            if (!NOT_FORWARDED.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(value -> request.header(name, key && fate.spoilt() ? "sb_secret_revoked" : value));
            }
        });
        return request.build();
    }

    private HttpResponse<byte[]> send(HttpRequest request) throws IOException, InterruptedException {
        try {
            HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (response.statusCode() >= 400) {
                failed();
            }
            return response;
        } catch (IOException e) {
            failed();
            throw e;
        }
    }

    private void again(HttpRequest request) {
        try {
            send(request);
        } catch (IOException e) {
            // Nobody waits for it.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void failed() {
        locked(() -> failures++);
    }

    private static void answer(HttpExchange exchange, HttpResponse<byte[]> response) throws IOException {
        headers(exchange, response);
        byte[] body = response.body();
        exchange.sendResponseHeaders(response.statusCode(), body.length == 0 ? -1 : body.length);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
    }

    private static void half(HttpExchange exchange, HttpResponse<byte[]> response) throws IOException {
        headers(exchange, response);
        byte[] body = response.body();
        exchange.sendResponseHeaders(response.statusCode(), body.length + 2L);
        exchange.getResponseBody().write(body, 0, body.length / 2);
        exchange.getResponseBody().flush();
    }

    private static void headers(HttpExchange exchange, HttpResponse<byte[]> response) {
        response.headers().map().forEach((name, values) -> {
            if (!NOT_FORWARDED.contains(name.toLowerCase(Locale.ROOT))) {
                exchange.getResponseHeaders().put(name, values);
            }
        });
    }

    private static void page(HttpExchange exchange, Page page) throws IOException {
        byte[] body = page.body().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", page.type());
        exchange.getResponseHeaders().set("Server", "cloudflare");
        exchange.sendResponseHeaders(page.status(), body.length);
        exchange.getResponseBody().write(body);
    }

    private static Page page(int status, String title) {
        return new Page(
                status,
                "text/html; charset=UTF-8",
                "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>" + status + ": " + title
                        + "</title></head>\n<body><h1>" + title
                        + "</h1><p>Error code " + status + "</p><span>Ray ID: 8c1b0e</span></body></html>\n");
    }

    private static Page json(int status, String message) {
        return new Page(status, "application/json; charset=utf-8", "{\"message\":\"" + message + "\"}");
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

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task, "faulty-gateway");
        thread.setDaemon(true);
        return thread;
    }

    @Override
    public void close() {
        server.stop(0);
        later.shutdownNow();
        threads.shutdownNow();
    }
}
