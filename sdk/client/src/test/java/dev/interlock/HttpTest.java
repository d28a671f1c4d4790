package dev.interlock;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.junit5.StartStop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A service on this machine that answers what a test says, and a client of it that hardly pauses. */
abstract class HttpTest {

    static final String SECRET = "sb_secret_0123456789abcdefghijkl_mnopqrst";
    static final RetryOptions QUICK = new RetryOptions(3, Duration.ofMillis(2), Duration.ofMillis(4));

    @StartStop
    final MockWebServer server = new MockWebServer();

    SupabaseClient supabase;

    @BeforeEach
    final void connect() {
        supabase = client().build();
    }

    @AfterEach
    final void disconnect() {
        supabase.close();
    }

    final SupabaseClient.Builder client() {
        return SupabaseClient.builder().url(url()).key(SECRET).retry(QUICK);
    }

    final String url() {
        return "http://127.0.0.1:" + server.getPort();
    }

    final void answer(int status, String body) {
        server.enqueue(answerOf(status, body).build());
    }

    static MockResponse.Builder answerOf(int status, String body) {
        return new MockResponse.Builder()
                .code(status)
                .addHeader("Content-Type", "application/json; charset=utf-8")
                .body(body);
    }

    /** The next request that arrived; calls block, so it is there already. */
    final RecordedRequest request() throws InterruptedException {
        return Objects.requireNonNull(server.takeRequest(5, TimeUnit.SECONDS), "no request arrived");
    }

    /** The part of the path after {@code /rest/v1}, as it was sent. */
    final String target() throws InterruptedException {
        String target = Objects.requireNonNull(request().getTarget());
        if (!target.startsWith("/rest/v1")) {
            throw new AssertionError(target);
        }
        return target.substring("/rest/v1".length());
    }
}
