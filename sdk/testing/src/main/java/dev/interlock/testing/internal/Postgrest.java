package dev.interlock.testing.internal;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** A real PostgREST with Supabase's settings. */
public final class Postgrest implements AutoCloseable {

    private final int port;
    private final Child server;

    private Postgrest(int port, Child server) {
        this.port = port;
        this.server = server;
    }

    /** Starts one on this database and waits until it has read the schema. */
    public static Postgrest start(Postgres postgres, Keys keys, int port, int pool, Path folder) throws IOException {
        Path binary = PostgrestBinary.find(System.getenv());
        int admin = Ports.free();
        Map<String, String> settings = Map.ofEntries(
                Map.entry("PGRST_DB_URI", postgres.uri("authenticator")),
                Map.entry("PGRST_DB_SCHEMAS", "public,graphql_public"),
                Map.entry("PGRST_DB_EXTRA_SEARCH_PATH", "public,extensions"),
                Map.entry("PGRST_DB_ANON_ROLE", "anon"),
                Map.entry("PGRST_DB_MAX_ROWS", "1000"),
                Map.entry("PGRST_DB_POOL", Integer.toString(pool)),
                Map.entry("PGRST_JWT_SECRET", keys.jwtSecret()),
                Map.entry("PGRST_SERVER_HOST", "127.0.0.1"),
                Map.entry("PGRST_SERVER_PORT", Integer.toString(port)),
                Map.entry("PGRST_ADMIN_SERVER_PORT", Integer.toString(admin)),
                Map.entry("PGRST_LOG_LEVEL", "crit"));
        Child server = Child.start(
                "PostgREST", List.of(binary.toString()), settings, folder.resolve("postgrest.log"), "TERM", "");
        Postgrest postgrest = new Postgrest(port, server);
        try {
            postgrest.awaitReady(admin);
        } catch (IOException | RuntimeException e) {
            postgrest.close();
            throw e;
        }
        return postgrest;
    }

    int port() {
        return port;
    }

    private void awaitReady(int admin) throws IOException {
        Instant end = Instant.now().plus(Duration.ofSeconds(60));
        while (!ready(admin)) {
            server.check();
            if (Instant.now().isAfter(end)) {
                throw new IOException("PostgREST does not get ready.");
            }
            Pause.millis(20);
        }
    }

    private static boolean ready(int admin) {
        try {
            HttpURLConnection connection = (HttpURLConnection)
                    URI.create("http://127.0.0.1:" + admin + "/ready").toURL().openConnection();
            connection.setConnectTimeout(5000);
            connection.setReadTimeout(5000);
            return connection.getResponseCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    /** Kills it (SIGKILL): what is under way gets no answer. */
    public void kill() {
        server.kill();
    }

    @Override
    public void close() {
        server.close();
    }
}
