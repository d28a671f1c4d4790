package dev.interlock.it.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Stands before the project, and loses the first answer of each function: the call is carried out, and its sender never hears of it. */
final class LosingGateway implements AutoCloseable {

    private final HttpClient client = HttpClient.newHttpClient();
    private final HttpServer server;
    private final String target;
    private final Semaphore refusals = new Semaphore(0);
    private volatile boolean cut;
    private final Queue<String> calls = new ConcurrentLinkedQueue<>();

    LosingGateway(String target) throws IOException {
        this.target = target;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Whether nothing gets through, or everything again. */
    void cut(boolean off) {
        cut = off;
    }

    /** Waits until so many more requests did not get through; the time only bounds how long a broken build takes. */
    void awaitRefusals(int more) throws InterruptedException {
        refusals.drainPermits();
        if (!refusals.tryAcquire(more, 60, TimeUnit.SECONDS)) {
            throw new AssertionError("No " + more + " requests came while the wire was cut.");
        }
    }

    /** The functions that were called, in order. */
    List<String> calls() {
        return List.copyOf(calls);
    }

    private void handle(HttpExchange exchange) throws IOException {
        URI uri = exchange.getRequestURI();
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(target + uri))
                .method(
                        exchange.getRequestMethod(),
                        HttpRequest.BodyPublishers.ofByteArray(
                                exchange.getRequestBody().readAllBytes()));
        for (String header : List.of("apikey", "Authorization", "Content-Type", "Prefer")) {
            String value = exchange.getRequestHeaders().getFirst(header);
            if (value != null) {
                request.header(header, value);
            }
        }
        try (exchange) {
            if (cut) {
                refusals.release();
                return;
            }
            HttpResponse<byte[]> response = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            String function = uri.getPath().substring(uri.getPath().lastIndexOf('/') + 1);
            boolean first = !calls.contains(function);
            calls.add(function);
            if (first && exchange.getRequestMethod().equals("POST")) {
                return;
            }
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(response.statusCode(), response.body().length);
            exchange.getResponseBody().write(response.body());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
