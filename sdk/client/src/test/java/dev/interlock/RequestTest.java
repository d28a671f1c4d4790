package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import mockwebserver3.RecordedRequest;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every request carries, whoever's connections it takes, and who sees it. */
class RequestTest extends HttpTest {

    private static final String JWT = "eyJhbGciOiJIUzI1NiJ9."
            + Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString("{\"role\":\"service_role\"}".getBytes(StandardCharsets.UTF_8))
            + ".c2ln";

    @Test
    void withAnOpaqueKey_thereIsNoAuthorization() throws InterruptedException {
        assertThat(sentWith(client().key(SECRET)).getHeaders().get("apikey")).isEqualTo(SECRET);
        assertThat(sentWith(client().key(SECRET)).getHeaders().get("Authorization"))
                .isNull();
        assertThat(sentWith(client().key("sb_publishable_abcdef")).getHeaders().get("Authorization"))
                .isNull();
    }

    @Test
    void withALegacyKey_itIsTheBearerToo() throws InterruptedException {
        RecordedRequest request = sentWith(client().key(JWT));
        assertThat(request.getHeaders().get("apikey")).isEqualTo(JWT);
        assertThat(request.getHeaders().get("Authorization")).isEqualTo("Bearer " + JWT);
    }

    @Test
    void withAnAccessToken_itIsTheBearerAndTheKeyIsKept() throws InterruptedException {
        for (String key : List.of(JWT, "sb_publishable_abcdef")) {
            RecordedRequest request = sentWith(client().key(key).accessToken("user.access.token"));
            assertThat(request.getHeaders().get("apikey")).isEqualTo(key);
            assertThat(request.getHeaders().values("Authorization")).containsExactly("Bearer user.access.token");
        }
    }

    @Test
    void everyRequest_saysWhoSendsIt() throws InterruptedException {
        RecordedRequest request = sentWith(client());
        assertThat(request.getHeaders().get("User-Agent")).matches("interlock-java/[0-9.]+ \\(java [0-9]+\\)");
        assertThat(request.getHeaders().get("X-Client-Info")).matches("interlock-java/[0-9.]+");
        assertThat(request.getHeaders().get("Accept")).isEqualTo("application/json");
        assertThat(request.getHeaders().get("X-Retry-Count")).isNull();
    }

    @Test
    void rpc_postsTheArguments() throws InterruptedException {
        answer(200, "3");
        assertThat((int) supabase.rpc("add", Map.of("a", 1)).as(Integer.class)).isEqualTo(3);
        RecordedRequest request = request();
        assertThat(request.getMethod()).isEqualTo("POST");
        assertThat(request.getTarget()).isEqualTo("/rest/v1/rpc/add");
        assertThat(body(request)).isEqualTo("{\"a\":1}");
        assertThat(request.getHeaders().get("Content-Type")).startsWith("application/json");
        assertThat(request.getHeaders().get("Content-Profile")).isNull();
    }

    @Test
    void rpc_withoutArguments_postsAnEmptyObject() throws InterruptedException {
        answer(204, "");
        supabase.rpc("rückwärts/x").schema("other").execute();
        RecordedRequest request = request();
        assertThat(request.getTarget()).isEqualTo("/rest/v1/rpc/r%C3%BCckw%C3%A4rts%2Fx");
        assertThat(body(request)).isEqualTo("{}");
        assertThat(request.getHeaders().get("Content-Profile")).isEqualTo("other");
        assertThatIllegalArgumentException().isThrownBy(() -> supabase.rpc(" "));
    }

    record Point(int x, int y) {}

    @Test
    void rpc_readsTheAnswerAsWhatIsAskedFor() {
        answer(200, "{\"x\":1,\"y\":2,\"new\":3}");
        assertThat(supabase.rpc("f").as(Point.class)).isEqualTo(new Point(1, 2));
        answer(200, "[{\"x\":1,\"y\":2}]");
        assertThat(supabase.rpc("f").listOf(Point.class)).containsExactly(new Point(1, 2));
        answer(200, "{\"a\":[{\"x\":1,\"y\":2}]}");
        assertThat(supabase.rpc("f").as(new TypeRef<Map<String, List<Point>>>() {}))
                .containsExactly(Map.entry("a", List.of(new Point(1, 2))));
        answer(200, "[]");
        assertThat(supabase.rpc("f").raw().body()).isEqualTo("[]");
    }

    @Test
    void raw_sendsWhatItIsGiven() throws InterruptedException {
        server.enqueue(
                answerOf(201, "[1]").addHeader("Location", "/jobs?id=eq.1").build());
        RawResponse answer = supabase.raw("PUT", "/jobs?id=eq.a%20b", Map.of("Prefer", "x"), "{\"a\":1}");
        assertThat(answer.status()).isEqualTo(201);
        assertThat(answer.body()).isEqualTo("[1]");
        assertThat(answer.header("LOCATION")).isEqualTo("/jobs?id=eq.1");
        assertThat(answer.header("none")).isNull();
        RecordedRequest request = request();
        assertThat(request.getMethod()).isEqualTo("PUT");
        assertThat(request.getTarget()).isEqualTo("/rest/v1/jobs?id=eq.a%20b");
        assertThat(request.getHeaders().get("Prefer")).isEqualTo("x");
        assertThat(request.getHeaders().get("apikey")).isEqualTo(SECRET);
        assertThat(body(request)).isEqualTo("{\"a\":1}");
        answer(200, "{}");
        supabase.raw("GET", "/", Map.of(), null);
        assertThat(request().getTarget()).isEqualTo("/rest/v1/");
    }

    @Test
    void raw_whenThePathHasNoSlash_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> supabase.raw("GET", "jobs", Map.of(), null))
                .withMessageContaining("slash");
        assertThat(server.getRequestCount()).isZero();
    }

    @Test
    void httpClient_isUsedAndNotClosed() throws InterruptedException {
        OkHttpClient mine = new OkHttpClient.Builder()
                .addInterceptor(chain -> chain.proceed(
                        chain.request().newBuilder().header("X-Mine", "yes").build()))
                .build();
        try {
            assertThat(sentWith(client().httpClient(mine)).getHeaders().get("X-Mine"))
                    .isEqualTo("yes");
            assertThat(mine.dispatcher().executorService().isShutdown()).isFalse();
            assertThat(mine.connectionPool().connectionCount()).isPositive();
        } finally {
            mine.dispatcher().executorService().shutdown();
            mine.connectionPool().evictAll();
        }
    }

    @Test
    void listener_seesAnswersAndRepetitionsWithoutQueries() {
        List<String> events = new CopyOnWriteArrayList<>();
        ClientListener listener = new ClientListener() {
            @Override
            public void answered(String method, String path, int status, Duration took, int attempt) {
                assertThat(took).isPositive();
                events.add("answered " + method + " " + path + " " + status + " " + attempt);
            }

            @Override
            public void retrying(
                    String method, String path, int status, @Nullable String code, Duration pause, int attempt) {
                events.add("retrying " + method + " " + path + " " + status + " " + code + " " + attempt);
            }
        };
        answer(503, "{\"code\":\"PGRST002\",\"message\":\"no cache\"}");
        answer(200, "[]");
        try (SupabaseClient observed = client().listener(listener).build()) {
            observed.from("jobs").select().eq("prompt", "private").raw();
        }
        assertThat(events)
                .containsExactly(
                        "answered GET /jobs 503 1", "retrying GET /jobs 503 PGRST002 1", "answered GET /jobs 200 2");
    }

    @Test
    void listener_thatThrows_changesNothing() {
        ClientListener listener = new ClientListener() {
            @Override
            public void answered(String method, String path, int status, Duration took, int attempt) {
                throw new IllegalStateException("a listener's bug");
            }

            @Override
            public void retrying(
                    String method, String path, int status, @Nullable String code, Duration pause, int attempt) {
                throw new IllegalStateException("a listener's bug");
            }
        };
        answer(503, "{\"code\":\"PGRST002\",\"message\":\"no cache\"}");
        answer(200, "7");
        try (SupabaseClient observed = client().listener(listener).build()) {
            assertThat((int) observed.rpc("f").as(Integer.class)).isEqualTo(7);
        }
    }

    private RecordedRequest sentWith(SupabaseClient.Builder builder) throws InterruptedException {
        answer(200, "[]");
        try (SupabaseClient other = builder.build()) {
            other.from("jobs").select().raw();
        }
        return request();
    }

    private static String body(RecordedRequest request) {
        return Objects.requireNonNull(request.getBody()).utf8();
    }
}
