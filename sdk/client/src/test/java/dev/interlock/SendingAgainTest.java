package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The finer points of sending again: what OkHttp would do by itself, what is given more or less time, what is left behind. */
class SendingAgainTest extends HttpTest {

    private static final String HTML = "<html><body>Bad gateway</body></html>";

    @Test
    void statementTimeout_isTriedTwiceOnly() {
        for (int i = 0; i < 3; i++) {
            answer(500, "{\"code\":\"57014\",\"message\":\"canceling statement due to statement timeout\"}");
        }
        assertThatExceptionOfType(ServerErrorException.class)
                .isThrownBy(() -> supabase.rpc("f").execute())
                .satisfies(e -> assertThat(e.outcomeUnknown()).isFalse());
        assertThat(server.getRequestCount()).isEqualTo(2);
    }

    @Test
    void aClockThatDiffers_isGivenMoreTime() {
        List<Duration> pauses = new CopyOnWriteArrayList<>();
        answer(401, "{\"code\":\"PGRST303\",\"message\":\"JWT issued at future\"}");
        answer(200, "7");
        RetryOptions options = new RetryOptions(3, Duration.ofMillis(20), Duration.ofMillis(40));
        try (SupabaseClient patient =
                client().retry(options).listener(pausesInto(pauses)).build()) {
            assertThat((int) patient.rpc("f").as(Integer.class)).isEqualTo(7);
        }
        assertThat(pauses)
                .singleElement()
                .satisfies(pause -> assertThat(pause).isBetween(Duration.ofMillis(75), Duration.ofMillis(125)));
    }

    @Test
    void aCodeOfAGatewaysOwn_isJudgedByTheStatus() {
        answer(502, "{\"code\":\"bad_gateway\",\"message\":\"no upstream\"}");
        assertThatExceptionOfType(ServerErrorException.class)
                .isThrownBy(() -> supabase.rpc("f").execute())
                .satisfies(e -> assertThat(e.outcomeUnknown()).isTrue());
        answer(502, "{\"code\":502,\"message\":\"no upstream\"}");
        answer(200, "7");
        assertThat((int) supabase.rpc("f").repeatable().as(Integer.class)).isEqualTo(7);
        answer(429, "{\"code\":\"over_request_rate_limit\",\"message\":\"slow down\"}");
        answer(200, "7");
        assertThat((int) supabase.rpc("f").as(Integer.class)).isEqualTo(7);
    }

    @Test
    void anEmptyCode_isAnUnknownOutcome() {
        // What PostgREST answers when the database's process dies in the middle of the call.
        String body = "{\"code\":\"\",\"details\":null,\"hint\":null,\"message\":\"\"}";
        answer(400, body);
        assertThatExceptionOfType(BadRequestException.class)
                .isThrownBy(() -> supabase.rpc("f").execute())
                .satisfies(e -> assertThat(e.outcomeUnknown()).isTrue());
        answer(400, body);
        answer(200, "7");
        assertThat((int) supabase.rpc("f").repeatable().as(Integer.class)).isEqualTo(7);
    }

    @Test
    void changesAndInserts_areRepeatedWhenTheCallerSaysSo() {
        answer(502, HTML);
        assertThatExceptionOfType(ServiceException.class)
                .isThrownBy(() -> supabase.from("t").upsert(Map.of("a", 1), "a").execute());
        answer(502, HTML);
        answer(201, "");
        supabase.from("t").insert(Map.of("a", 1)).repeatable().execute();
        answer(502, HTML);
        answer(204, "");
        supabase.from("t").update(Map.of("a", 1)).eq("b", 1).repeatable().execute();
        assertThat(server.getRequestCount()).isEqualTo(5);
    }

    @Test
    void retryAfterZero_doesNotMakeOkHttpSendAgainByItself() {
        for (int i = 0; i < 3; i++) {
            server.enqueue(answerOf(503, "{\"message\":\"down\"}")
                    .addHeader("Retry-After", "0")
                    .build());
        }
        assertThatExceptionOfType(ServiceException.class)
                .isThrownBy(() -> supabase.rpc("f").execute());
        assertThatExceptionOfType(ServiceException.class)
                .isThrownBy(() -> supabase.from("t").delete().eq("a", 1).execute());
        assertThat(server.getRequestCount()).isEqualTo(2);
    }

    @Test
    void retryAfter_mayBeADate() {
        server.enqueue(answerOf(503, "{\"code\":\"PGRST002\",\"message\":\"x\"}")
                .addHeader("Retry-After", "Tue, 31 Dec 2999 23:59:59 GMT")
                .build());
        assertThatExceptionOfType(ServerErrorException.class)
                .isThrownBy(() -> supabase.rpc("f").execute());
        assertThat(server.getRequestCount()).isEqualTo(1);
        server.enqueue(answerOf(503, "{\"code\":\"PGRST002\",\"message\":\"x\"}")
                .addHeader("Retry-After", "Sat, 01 Jan 2000 00:00:00 GMT")
                .build());
        answer(200, "7");
        assertThat((int) supabase.rpc("f").as(Integer.class)).isEqualTo(7);
    }

    @Test
    void aStreamRefusedUnread_wasNotCarriedOut() {
        server.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
        int refusedStream = 7;
        server.enqueue(new MockResponse.Builder()
                .onResponseStart(new SocketEffect.CloseStream(refusedStream))
                .build());
        answer(200, "7");
        OkHttpClient http2 = new OkHttpClient.Builder()
                .protocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE))
                .build();
        try (SupabaseClient client = client().httpClient(http2).build()) {
            assertThat((int) client.rpc("f").as(Integer.class)).isEqualTo(7);
        } finally {
            http2.connectionPool().evictAll();
        }
        assertThat(server.getRequestCount()).isEqualTo(2);
    }

    @Test
    void anUnknownOutcome_staysUnknownWhateverIsAnsweredLater() {
        answer(504, HTML);
        answer(401, "{\"code\":\"PGRST301\",\"message\":\"JWT cryptographic operation failed\"}");
        assertThatExceptionOfType(UnauthorizedException.class)
                .isThrownBy(() -> supabase.rpc("f").repeatable().execute())
                .satisfies(e -> assertThat(e.outcomeUnknown()).isTrue());
    }

    @Test
    void anInterruptedCaller_sendsNothingAndStaysInterrupted() {
        Thread.currentThread().interrupt();
        try {
            assertThatExceptionOfType(InterlockIoException.class)
                    .isThrownBy(() -> supabase.rpc("f").execute())
                    .withMessageContaining("Interrupted before POST /rpc/f was sent")
                    .satisfies(e -> assertThat(e.outcomeUnknown()).isFalse());
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(server.getRequestCount()).isZero();
    }

    @Test
    void errors_leaveNoConnectionInUse() {
        OkHttpClient http = new OkHttpClient();
        try (SupabaseClient client = client().httpClient(http).build()) {
            for (int i = 0; i < 10; i++) {
                answer(502, HTML);
                answer(503, "{\"code\":\"PGRST002\",\"message\":\"x\"}");
                answer(200, "not JSON");
                assertThatExceptionOfType(DataException.class)
                        .isThrownBy(() -> client.rpc("f").repeatable().as(Integer.class));
            }
        }
        assertThat(http.connectionPool().connectionCount())
                .isPositive()
                .isEqualTo(http.connectionPool().idleConnectionCount());
        http.connectionPool().evictAll();
    }

    @Test
    void anAnswerThatDoesNotFit_saysWhereButNotWhatItHeld() {
        answer(200, "[{\"a\":1},{\"a\":\"a secret\"}]");
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> supabase.rpc("f").as(new TypeRef<List<Map<String, Integer>>>() {}))
                .withMessageContaining("[1].a")
                .withMessageContaining("Integer")
                .withNoCause()
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("a secret"));
    }

    @Test
    void sixtyFourCallers_shareOneClient() throws Exception {
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return answerOf(200, Objects.requireNonNull(request.getBody()).utf8())
                        .build();
            }
        });
        ExecutorService threads = Executors.newFixedThreadPool(64);
        try {
            List<Callable<Map<String, Integer>>> calls = new ArrayList<>();
            IntStream.range(0, 640)
                    .forEach(i -> calls.add(
                            () -> supabase.rpc("echo", Map.of("i", i)).as(new TypeRef<Map<String, Integer>>() {})));
            List<Future<Map<String, Integer>>> answers = threads.invokeAll(calls);
            for (int i = 0; i < answers.size(); i++) {
                assertThat(answers.get(i).get()).isEqualTo(Map.of("i", i));
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static ClientListener pausesInto(List<Duration> pauses) {
        return new ClientListener() {
            @Override
            public void retrying(
                    String method, String path, int status, @Nullable String code, Duration pause, int attempt) {
                pauses.add(pause);
            }
        };
    }
}
