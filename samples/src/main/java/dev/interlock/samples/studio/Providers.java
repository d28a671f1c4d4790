package dev.interlock.samples.studio;

import dev.interlock.RetryableJobException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The client of the providers. Thread-safe. */
final class Providers {

    private final HttpClient http = HttpClient.newHttpClient();
    private final String url;

    Providers(String url) {
        this.url = url;
    }

    /**
     * Asks for a generation that takes so long; returns what was made.
     *
     * @throws RetryableJobException when the provider has too many calls of the model inside
     */
    String generate(String model, String job, int step, String worker, int millis)
            throws IOException, InterruptedException {
        HttpResponse<String> response = send(
                "POST",
                "/generate" + query(Map.of("model", model, "job", job, "worker", worker)) + "&step=" + step + "&millis="
                        + millis);
        if (response.statusCode() == 429) {
            long seconds = response.headers().firstValueAsLong("Retry-After").orElse(1);
            throw new RetryableJobException(response.body(), Duration.ofSeconds(seconds));
        }
        if (response.statusCode() != 200) {
            throw new IOException("The provider answered " + response.statusCode() + ".");
        }
        return response.body();
    }

    /** All calls that have ended, and those that were turned away. */
    List<Call> calls() throws IOException, InterruptedException {
        return send("GET", "/calls").body().lines().map(Call::parse).toList();
    }

    /** How many were turned away so far. */
    int rejected() throws IOException, InterruptedException {
        return Integer.parseInt(send("GET", "/rejected").body());
    }

    private HttpResponse<String> send(String method, String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static String query(Map<String, String> parameters) {
        StringBuilder query = new StringBuilder();
        parameters.forEach((name, value) -> query.append(query.isEmpty() ? '?' : '&')
                .append(name)
                .append('=')
                .append(URLEncoder.encode(value, StandardCharsets.UTF_8)));
        return query.toString();
    }
}
