package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import mockwebserver3.MockResponse;
import mockwebserver3.SocketEffect;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The retry table, row by row: what is sent again, how often, after which pauses, and what is said at last. */
class RetryTest extends HttpTest {

    @ParameterizedTest
    @CsvSource({
        "503, PGRST000",
        "503, PGRST002",
        "504, PGRST003",
        "401, PGRST303",
        "500, 40001",
        "500, 40P01",
        "500, 55P03",
        "503, 57P01",
        "503, 57P02",
        "503, 57P03",
        "503, 53000",
        "503, 53300",
        "503, 08006",
        "503, 08000"
    })
    void whatWasNotExecuted_isSentAgainWhateverItIs(int status, String code) throws InterruptedException {
        answer(status, error(code));
        answer(status, error(code));
        answer(200, "7");
        assertThat((int) supabase.rpc("f").as(Integer.class)).isEqualTo(7);
        assertThat(request().getHeaders().get("X-Retry-Count")).isNull();
        assertThat(request().getHeaders().get("X-Retry-Count")).isEqualTo("1");
        assertThat(request().getHeaders().get("X-Retry-Count")).isEqualTo("2");
    }

    @Test
    void whatWasNotExecuted_isGivenUpAfterTheLastAttempt() {
        for (int i = 0; i < 3; i++) {
            answer(503, error("PGRST002"));
        }
        ServiceException e = failure(supabase.rpc("f"));
        assertThat(e).isInstanceOf(ServerErrorException.class);
        assertThat(e.attempts()).isEqualTo(3);
        assertThat(e).hasMessageContaining("sent 3 times").hasMessageContaining("PGRST002");
        assertThat(server.getRequestCount()).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource({"503, PGRST001", "408,", "425,", "502,", "503,", "504,", "520,", "521,", "522,", "523,", "524,", "544,"
    })
    void anUnknownOutcome_isSentAgainOnlyWhereThatIsHarmless(int status, @Nullable String code) {
        String body = code == null ? "{\"message\":\"a gateway\"}" : error(code);
        answer(status, body);
        assertThat(failure(supabase.rpc("f")).attempts()).isEqualTo(1);
        answer(status, body);
        assertThat(failure(() -> supabase.from("t").insert(Map.of("a", 1)).execute())
                        .attempts())
                .isEqualTo(1);
        answer(status, body);
        assertThat(failure(() -> supabase.from("t").delete().eq("a", 1).execute())
                        .attempts())
                .isEqualTo(1);
        assertThat(server.getRequestCount()).isEqualTo(3);

        answer(status, body);
        answer(200, "7");
        assertThat((int) supabase.rpc("f").repeatable().as(Integer.class)).isEqualTo(7);
        answer(status, body);
        answer(200, "[]");
        assertThat(supabase.from("t").select().listOf(Map.class)).isEmpty();
        answer(status, body);
        answer(201, "");
        supabase.from("t").upsert(Map.of("a", 1), "a").repeatable().execute();
        answer(status, "");
        server.enqueue(answerOf(200, "").addHeader("Content-Range", "*/3").build());
        assertThat(supabase.from("t").select().count(Count.EXACT)).isEqualTo(3);
        assertThat(server.getRequestCount()).isEqualTo(11);
    }

    @Test
    void tooManyRequests_wereNotExecuted() {
        answer(429, "slow down");
        answer(200, "7");
        assertThat((int) supabase.rpc("f").as(Integer.class)).isEqualTo(7);
        for (int i = 0; i < 3; i++) {
            answer(429, "{\"message\":\"slow down\"}");
        }
        assertThat(failure(supabase.rpc("f"))).isInstanceOf(RateLimitedException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "400, 22P02, BadRequestException",
        "400, 42703, BadRequestException",
        "409, 23505, ConflictException",
        "409, 23503, ConflictException",
        "403, 42501, PermissionDeniedException",
        "401, 42501, PermissionDeniedException",
        "401, PGRST301, UnauthorizedException",
        "401, PGRST302, UnauthorizedException",
        "406, PGRST106, BadRequestException",
        "400, JQ001, BadRequestException",
        "500, XX000, ServerErrorException",
        "503, P0001, ServerErrorException",
        "404, PGRST202, SchemaMismatchException",
        "400, PGRST204, SchemaMismatchException",
        "404, PGRST205, SchemaMismatchException",
        "404, 42P01, SchemaMismatchException",
        "404, 42883, SchemaMismatchException",
        "500,, ServerErrorException",
        "401,, UnauthorizedException",
        "404,, NotFoundException",
        "401, UNAUTHORIZED_INVALID_API_KEY, UnauthorizedException"
    })
    void allElse_isFinalEvenWhereItMayBeRepeated(int status, @Nullable String code, String exception) {
        answer(status, code == null ? "{\"message\":\"no code\"}" : error(code));
        assertThatExceptionOfType(InterlockException.class)
                .isThrownBy(() -> supabase.rpc("f").repeatable().execute())
                .withMessageContaining(code == null ? "no code" : "it said so")
                .satisfies(e -> assertThat(e.getClass().getSimpleName()).isEqualTo(exception));
        assertThat(server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void aServiceException_carriesWhatWasSaid() {
        server.enqueue(answerOf(
                        409,
                        "{\"code\":\"23505\",\"message\":\"duplicate\",\"details\":\"Key (id)=(1).\",\"hint\":\"Other id.\"}")
                .addHeader("sb-request-id", "req-1")
                .build());
        ServiceException e = failure(supabase.rpc("f"));
        assertThat(e.status()).isEqualTo(409);
        assertThat(e.code()).isEqualTo("23505");
        assertThat(e.serverMessage()).isEqualTo("duplicate");
        assertThat(e.details()).isEqualTo("Key (id)=(1).");
        assertThat(e.hint()).isEqualTo("Other id.");
        assertThat(e.requestId()).isEqualTo("req-1");
        assertThat(e.attempts()).isEqualTo(1);
        assertThat(e).hasMessage("duplicate. Hint: Other id. [HTTP 409, code 23505, request req-1]");
    }

    @Test
    void schemaMismatch_saysWhatToDo() {
        answer(404, error("PGRST202"));
        assertThatExceptionOfType(SchemaMismatchException.class)
                .isThrownBy(() -> supabase.rpc("f").execute())
                .withMessageContaining("Migrations are missing or old")
                .withMessageContaining("migrate()");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PGRST202", "PGRST205", "42P01", "42883", "3F000"})
    void waitForSchema_asksUntilItIsThere(String code) {
        for (int i = 0; i < 2; i++) {
            answer(404, error(code));
        }
        answer(200, "7");
        assertThat((int) supabase.rpc("f").waitForSchema(Duration.ofSeconds(20)).as(Integer.class))
                .isEqualTo(7);
    }

    @Test
    void waitForSchema_endsAndDoesNotWaitForAnythingElse() {
        for (int i = 0; i < 2; i++) {
            answer(404, error("PGRST202"));
        }
        assertThatExceptionOfType(SchemaMismatchException.class)
                .isThrownBy(() ->
                        supabase.rpc("f").waitForSchema(Duration.ofMillis(100)).execute());
        int before = server.getRequestCount();
        answer(400, error("22P02"));
        assertThatExceptionOfType(BadRequestException.class)
                .isThrownBy(() ->
                        supabase.rpc("f").waitForSchema(Duration.ofSeconds(20)).execute());
        for (int i = 0; i < 3; i++) {
            answer(503, error("PGRST002"));
        }
        assertThatExceptionOfType(ServerErrorException.class)
                .isThrownBy(() ->
                        supabase.rpc("f").waitForSchema(Duration.ofSeconds(20)).execute());
        assertThat(server.getRequestCount()).isEqualTo(before + 4);
    }

    @Test
    void attempts_areAsManyAsAllowed() {
        try (SupabaseClient once = client().retry(RetryOptions.none()).build()) {
            answer(503, error("PGRST002"));
            assertThat(failure(once.rpc("f")).attempts()).isEqualTo(1);
        }
        try (SupabaseClient often = client().retry(new RetryOptions(20, Duration.ZERO, Duration.ZERO))
                .build()) {
            for (int i = 0; i < 20; i++) {
                answer(503, error("PGRST002"));
            }
            assertThat(failure(often.rpc("f")).attempts()).isEqualTo(20);
        }
        assertThat(server.getRequestCount()).isEqualTo(21);
    }

    @Test
    void pauses_growUpToTheLongestAndNotBeyond() {
        List<Duration> pauses = new CopyOnWriteArrayList<>();
        RetryOptions options = new RetryOptions(8, Duration.ofMillis(4), Duration.ofMillis(16));
        try (SupabaseClient observed =
                client().retry(options).listener(pausesInto(pauses)).build()) {
            for (int i = 0; i < 8; i++) {
                answer(503, error("PGRST002"));
            }
            failure(observed.rpc("f"));
        }
        assertThat(pauses)
                .hasSize(7)
                .allSatisfy(pause -> assertThat(pause).isBetween(Duration.ofMillis(3), Duration.ofMillis(16)));
        assertThat(pauses.get(6)).isGreaterThanOrEqualTo(Duration.ofMillis(12));
    }

    @Test
    void retryAfter_isHonoured() {
        List<Duration> pauses = new CopyOnWriteArrayList<>();
        try (SupabaseClient observed = client().listener(pausesInto(pauses)).build()) {
            for (String after : new String[] {"1", "0", "soon", "-5"}) {
                server.enqueue(answerOf(429, "{\"message\":\"slow down\"}")
                        .addHeader("Retry-After", after)
                        .build());
                answer(200, "7");
                assertThat((int) observed.rpc("f").as(Integer.class)).isEqualTo(7);
            }
        }
        assertThat(pauses).hasSize(4);
        assertThat(pauses.get(0)).isEqualTo(Duration.ofSeconds(1));
        assertThat(pauses.subList(1, 4))
                .allSatisfy(pause -> assertThat(pause).isLessThanOrEqualTo(Duration.ofMillis(4)));
    }

    @Test
    void retryAfter_beyondTheTimeout_isNotWaitedFor() {
        server.enqueue(answerOf(429, "{\"message\":\"slow down\"}")
                .addHeader("Retry-After", "3600")
                .build());
        assertThat(failure(supabase.rpc("f")).attempts()).isEqualTo(1);
        assertThat(server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void interrupted_itIsNotSentAgain() {
        answer(503, error("PGRST002"));
        ClientListener interrupting = new ClientListener() {
            @Override
            public void retrying(
                    String method, String path, int status, @Nullable String code, Duration pause, int attempt) {
                Thread.currentThread().interrupt();
            }
        };
        try (SupabaseClient observed = client().listener(interrupting).build()) {
            assertThatExceptionOfType(InterlockIoException.class)
                    .isThrownBy(() -> observed.rpc("f").execute())
                    .withMessageContaining("nterrupted")
                    .satisfies(e -> assertThat(e.outcomeUnknown()).isFalse());
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void aConnectionThatBreaksBeforeTheAnswer_isAnUnknownOutcome() {
        for (MockResponse broken : List.of(dropped(), droppedWithinTheAnswer())) {
            server.enqueue(broken);
            assertThatExceptionOfType(InterlockIoException.class)
                    .isThrownBy(() -> supabase.rpc("f").execute())
                    .withMessageContaining("unknown")
                    .satisfies(e -> assertThat(e.outcomeUnknown()).isTrue());
            server.enqueue(broken);
            answer(200, "7");
            assertThat((int) supabase.rpc("f").repeatable().as(Integer.class)).isEqualTo(7);
        }
        assertThat(server.getRequestCount()).isEqualTo(6);
    }

    @Test
    void aHostThatDoesNotListen_wasNotReached() {
        server.close();
        assertThatExceptionOfType(InterlockIoException.class)
                .isThrownBy(() -> supabase.rpc("f").execute())
                .withMessageContaining("could not be reached")
                .withMessageContaining("tried 3 times")
                .satisfies(e -> assertThat(e.outcomeUnknown()).isFalse());
    }

    @Test
    void anUnknownOutcome_staysUnknownWhenTheHostIsGoneAfterwards() {
        server.enqueue(dropped());
        ClientListener closing = new ClientListener() {
            @Override
            public void retrying(
                    String method, String path, int status, @Nullable String code, Duration pause, int attempt) {
                server.close();
            }
        };
        try (SupabaseClient observed = client().listener(closing).build()) {
            assertThatExceptionOfType(InterlockIoException.class)
                    .isThrownBy(() -> observed.rpc("f").repeatable().execute())
                    .withMessageContaining("unknown")
                    .satisfies(e -> assertThat(e.outcomeUnknown()).isTrue());
        }
    }

    @Test
    void anAnswerThatDoesNotCome_endsTheCallInItsTime() {
        server.enqueue(new MockResponse.Builder()
                .onResponseStart(SocketEffect.Stall.INSTANCE)
                .build());
        assertThatExceptionOfType(InterlockIoException.class)
                .isThrownBy(
                        () -> supabase.rpc("f").timeout(Duration.ofMillis(200)).execute())
                .withMessageContaining("did not answer in time")
                .satisfies(e -> assertThat(e.outcomeUnknown()).isTrue());
        try (SupabaseClient hasty = client().timeout(Duration.ofMillis(200)).build()) {
            server.enqueue(new MockResponse.Builder()
                    .onResponseStart(SocketEffect.Stall.INSTANCE)
                    .build());
            assertThatExceptionOfType(InterlockIoException.class)
                    .isThrownBy(() -> hasty.from("t").select().raw());
        }
        assertThat(server.getRequestCount()).isEqualTo(2);
    }

    @Test
    void answersOfGateways_areSurvived() {
        String html =
                "<html><head><style>x{}</style><title>502 Bad Gateway</title></head><body>cloudflare</body></html>";
        for (int i = 0; i < 3; i++) {
            server.enqueue(html(502, html));
        }
        assertThatExceptionOfType(UnexpectedResponseException.class)
                .isThrownBy(() -> supabase.from("t").select().raw())
                .withMessageContaining("502 Bad Gateway cloudflare")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("<").doesNotContain("x{}"));
        server.enqueue(html(502, html));
        answer(200, "[]");
        assertThat(supabase.from("t").select().listOf(Map.class)).isEmpty();
        server.enqueue(html(200, "<html>Sign in to the airport's network</html>"));
        assertThatExceptionOfType(UnexpectedResponseException.class)
                .isThrownBy(() -> supabase.from("t").select().listOf(Map.class))
                .withMessageContaining("Sign in");
        for (String foreign : List.of(
                "", "[]", "null", "\"x\"", "{\"error\":\"x\"}", "{\"message\":null}", "{", "x".repeat(100_000))) {
            answer(418, foreign);
            assertThatExceptionOfType(UnexpectedResponseException.class)
                    .isThrownBy(() -> supabase.from("t").select().raw())
                    .satisfies(e ->
                            assertThat(Objects.requireNonNull(e.getMessage())).hasSizeLessThan(500));
        }
        answer(400, "{\"msg\":\"another form\",\"code\":123,\"details\":{\"a\":1}}");
        ServiceException e = failure(supabase.rpc("f"));
        assertThat(e.serverMessage()).isEqualTo("another form");
        assertThat(e.code()).isEqualTo("123");
        assertThat(e.details()).isEqualTo("{\"a\":1}");
    }

    @Test
    void redirects_areNotFollowed() {
        server.enqueue(answerOf(307, "")
                .addHeader("Location", "http://127.0.0.1:1/elsewhere")
                .build());
        assertThatExceptionOfType(UnexpectedResponseException.class)
                .isThrownBy(() -> supabase.rpc("f").execute())
                .withMessageContaining("307");
    }

    @Test
    void noMessage_showsTheKeyOrThePayload() {
        answer(401, "{\"message\":\"Invalid API key\"}");
        assertThat(failure(() -> supabase.rpc("f", Map.of("x", "payload")).execute()))
                .message()
                .doesNotContain(SECRET)
                .doesNotContain("payload");
        server.close();
        assertThatExceptionOfType(InterlockIoException.class)
                .isThrownBy(() -> supabase.from("t").select().eq("a", "payload").raw())
                .satisfies(
                        e -> assertThat(e.getMessage()).doesNotContain(SECRET).doesNotContain("payload"));
    }

    /** Takes the request and breaks the connection instead of answering. */
    private static MockResponse dropped() {
        return new MockResponse.Builder()
                .onResponseStart(new SocketEffect.CloseSocket())
                .build();
    }

    private static MockResponse droppedWithinTheAnswer() {
        return answerOf(200, "7".repeat(10_000))
                .onResponseBody(new SocketEffect.CloseSocket())
                .build();
    }

    private static MockResponse html(int status, String body) {
        return new MockResponse.Builder()
                .code(status)
                .addHeader("Content-Type", "text/html; charset=UTF-8")
                .body(body)
                .build();
    }

    private static String error(String code) {
        return "{\"code\":\"" + code + "\",\"message\":\"it said so\",\"details\":null,\"hint\":null}";
    }

    private static ServiceException failure(RpcCall call) {
        return failure(call::execute);
    }

    private static ServiceException failure(Runnable call) {
        return Objects.requireNonNull(catchThrowableOfType(ServiceException.class, call::run), "it succeeded");
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
