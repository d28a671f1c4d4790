package dev.interlock.testing.internal;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What stands before PostgREST on Supabase: it checks the project key and forwards {@code /rest/v1}. */
public final class Gateway implements AutoCloseable {

    private static final Set<String> NOT_FORWARDED = Set.of(
            "host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "apikey", "keep-alive");

    static {
        // Read when the server's classes are loaded; without it each answer may wait for the client's delayed ACK.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("sun.net.httpserver.maxIdleConnections", "400");
    }

    private final LongAdder requests = new LongAdder();
    private final HttpServer server;
    private final ExecutorService threads;
    private final HttpClient client;
    private final Keys keys;
    private final int upstream;

    private Gateway(HttpServer server, ExecutorService threads, Keys keys, int upstream) {
        this.server = server;
        this.threads = threads;
        this.keys = keys;
        this.upstream = upstream;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .executor(threads)
                .build();
    }

    /** Starts it on this port (0: any), before the PostgREST that listens on the other. */
    public static Gateway start(int port, Keys keys, int upstream) throws IOException {
        HttpServer server;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 256);
        } catch (BindException e) {
            throw new IOException("Port " + port + ", which the gateway was to use, is taken.", e);
        }
        ExecutorService threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "interlock-gateway");
            thread.setDaemon(true);
            return thread;
        });
        Gateway gateway = new Gateway(server, threads, keys, upstream);
        server.createContext("/", gateway::handle);
        server.setExecutor(threads);
        server.start();
        return gateway;
    }

    /** How many requests have come so far. */
    public long requests() {
        return requests.sum();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) throws IOException {
        requests.increment();
        try (exchange) {
            exchange.getResponseHeaders().set("sb-request-id", UUID.randomUUID().toString());
            exchange.getResponseHeaders().set("sb-project-ref", "local");
            String path = exchange.getRequestURI().getRawPath();
            if (!path.equals("/rest/v1") && !path.startsWith("/rest/v1/")) {
                answer(exchange, 404, "{\"message\":\"no Route matched with those values\"}");
                return;
            }
            String authorization = authorization(exchange);
            if (authorization != null) {
                forward(exchange, path.substring("/rest/v1".length()), authorization);
            }
        }
    }

    /** What PostgREST is to see in Authorization; null when the request was answered with an error. */
    private @Nullable String authorization(HttpExchange exchange) throws IOException {
        Headers headers = exchange.getRequestHeaders();
        String key = headers.getFirst("apikey");
        String given = headers.getFirst("Authorization");
        if (key == null || key.isBlank()) {
            refuse(
                    exchange,
                    "UNAUTHORIZED_MISSING_API_KEY",
                    "No API key found in request",
                    "No `apikey` request header or url param was found.");
            return null;
        }
        if (key.equals(keys.anon()) || key.equals(keys.serviceRole())) {
            return given == null ? "Bearer " + key : given;
        }
        String role = key.equals(keys.secret()) ? "service_role" : key.equals(keys.publishable()) ? "anon" : null;
        if (role == null) {
            refuse(
                    exchange,
                    "UNAUTHORIZED_INVALID_API_KEY",
                    "Invalid API key",
                    "Double check your Supabase `anon` or `service_role` API key.");
            return null;
        }
        String agent = headers.getFirst("User-Agent");
        if (role.equals("service_role") && agent != null && agent.contains("Mozilla")) {
            refuse(
                    exchange,
                    "UNAUTHORIZED_SECRET_KEY_IN_BROWSER",
                    "Forbidden use of secret API key in browser",
                    "Secret API keys can only be used in a protected environment and should never be used in a browser.");
            return null;
        }
        return given == null || given.startsWith("Bearer sb_") ? "Bearer " + keys.shortLived(role) : given;
    }

    private void forward(HttpExchange exchange, String path, String authorization) throws IOException {
        String query = exchange.getRequestURI().getRawQuery();
        URI target = URI.create(
                "http://127.0.0.1:" + upstream + (path.isEmpty() ? "/" : path) + (query == null ? "" : "?" + query));
        byte[] body = exchange.getRequestBody().readAllBytes();
        HttpRequest.Builder request = HttpRequest.newBuilder(target)
                .method(
                        exchange.getRequestMethod(),
                        body.length == 0
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(body));
        for (Map.Entry<String, List<String>> header :
                exchange.getRequestHeaders().entrySet()) {
            String name = header.getKey().toLowerCase(Locale.ROOT);
            if (!NOT_FORWARDED.contains(name) && !name.equals("authorization")) {
                header.getValue().forEach(value -> request.header(header.getKey(), value));
            }
        }
        request.header("Authorization", authorization);

        HttpResponse<byte[]> response;
        try {
            response = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        } catch (IOException e) {
            answer(exchange, 502, "{\"message\":\"An invalid response was received from the upstream server\"}");
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        response.headers().map().forEach((name, values) -> {
            if (!NOT_FORWARDED.contains(name.toLowerCase(Locale.ROOT)) && !name.startsWith(":")) {
                exchange.getResponseHeaders().put(name, values);
            }
        });
        send(exchange, response.statusCode(), response.body());
    }

    private static void refuse(HttpExchange exchange, String code, String message, String hint) throws IOException {
        exchange.getResponseHeaders().set("sb-error-code", code);
        answer(exchange, 401, "{\"code\":\"" + code + "\",\"message\":\"" + message + "\",\"hint\":\"" + hint + "\"}");
    }

    private static void answer(HttpExchange exchange, int status, String json) throws IOException {
        exchange.getRequestBody().readAllBytes();
        exchange.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
        send(exchange, status, json.getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        boolean empty = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, empty ? -1 : body.length);
        if (!empty) {
            exchange.getResponseBody().write(body);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
