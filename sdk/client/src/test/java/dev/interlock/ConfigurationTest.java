package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client can tell about its settings before it sends anything, and that no message shows a key. */
class ConfigurationTest {

    private static final String URL = "https://abcdefghijkl.supabase.co";
    private static final String CORE = "0123456789abcdefghijkl_mnopqrst";
    private static final String SECRET = "sb_secret_" + CORE;

    @Test
    void build_withoutUrl_saysWhatToGive() {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> SupabaseClient.builder().key(SECRET).build())
                .withMessageContaining("no Supabase URL")
                .withMessageContaining("https://abcdefghijkl.supabase.co");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\t\n"})
    void build_whenTheUrlIsBlank_isRefused(String url) {
        refused(() -> SupabaseClient.create(url, SECRET), "no Supabase URL");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "abcdefghijkl.supabase.co",
                "abcdefghijkl",
                "ftp://abcdefghijkl.supabase.co",
                "postgresql://db.example.com:5432/postgres",
                "https://",
                "https:///rest/v1",
                "https://a b.supabase.co",
                "https://abc.supabase.co?x=1",
                "https://abc.supabase.co/#part",
                "https://[::1",
                "https://abc.supabase.co:99999",
                "https://abc_def:port/",
                "http://exa mple"
            })
    void build_whenTheUrlIsMalformed_isRefused(String url) {
        refused(() -> SupabaseClient.create(url, SECRET), "The Supabase URL");
    }

    @Test
    void build_whenUrlAndKeyAreSwapped_doesNotShowTheKey() {
        refused(() -> SupabaseClient.create(SECRET, URL), "The Supabase URL");
        refused(() -> SupabaseClient.create(" " + SECRET + "\n", URL), "The Supabase URL");
        refused(() -> SupabaseClient.create(jwt("{\"role\":\"service_role\",\"n\":\"" + CORE + "\"}"), URL), "URL");
    }

    @Test
    void build_whenTheUrlCarriesASecret_doesNotShowIt() {
        refused(() -> SupabaseClient.create("https://user:" + SECRET + "@abc.supabase.co", SECRET), "The Supabase URL");
        refused(() -> SupabaseClient.create(URL + "?apikey=" + SECRET, SECRET), "The Supabase URL");
        refused(
                () -> SupabaseClient.create("postgresql://postgres:" + CORE + "@db:5432/x", SECRET),
                "The Supabase URL");
        refused(() -> SupabaseClient.create(URL + "/ " + SECRET, SECRET), "The Supabase URL");
    }

    @ParameterizedTest
    @CsvSource({
        "https://abc.supabase.co, https://abc.supabase.co",
        "https://abc.supabase.co/, https://abc.supabase.co",
        "https://abc.supabase.co///, https://abc.supabase.co",
        "https://abc.supabase.co/rest/v1, https://abc.supabase.co",
        "https://abc.supabase.co/rest/v1/, https://abc.supabase.co",
        "' https://abc.supabase.co ', https://abc.supabase.co",
        "HTTPS://abc.supabase.co, HTTPS://abc.supabase.co",
        "http://127.0.0.1:54321, http://127.0.0.1:54321",
        "http://supabase_kong:8000, http://supabase_kong:8000",
        "https://example.com/supabase/, https://example.com/supabase"
    })
    void url_isTheProjectsWithoutWhatFollows(String given, String expected) {
        try (SupabaseClient supabase = SupabaseClient.create(given, SECRET)) {
            assertThat(supabase.url()).isEqualTo(expected);
        }
    }

    @Test
    void build_withoutKey_saysWhatToSet() {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> SupabaseClient.builder().url(URL).build())
                .withMessageContaining("key is empty")
                .withMessageContaining("SUPABASE_SECRET_KEY");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\n"})
    void build_whenTheKeyIsBlank_isRefused(String key) {
        refused(() -> SupabaseClient.create(URL, key), "key is empty");
    }

    @ParameterizedTest
    @CsvSource({"\\n, line break", "\\r\\n, line break", "' ', blank", "\\t, character", "\u00e9, character"})
    void build_whenTheKeyHasWhatNoKeyHas_saysWhereAndNotWhat(String extra, String expected) {
        String added = extra.translateEscapes();
        refused(() -> SupabaseClient.create(URL, SECRET + added), expected);
        refused(() -> SupabaseClient.create(URL, added + SECRET), expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"sbp_" + CORE, "password-" + CORE, CORE, "eyJ" + CORE, "a." + CORE + ".c", "sb_other_" + CORE})
    void build_whenItIsNoKey_saysSoAndDoesNotShowIt(String key) {
        refused(() -> SupabaseClient.create(URL, key), "not a Supabase key");
    }

    @Test
    void build_whenTheAccessTokenCannotBeOne_saysSoAndDoesNotShowIt() {
        for (String token : new String[] {CORE + "\n", "\u00e9" + CORE, " ", ""}) {
            refused(
                    () -> SupabaseClient.builder()
                            .url(URL)
                            .key(SECRET)
                            .accessToken(token)
                            .build(),
                    "access token");
        }
    }

    @Test
    void keyKind_tellsTheFamiliesApart() {
        assertThat(kind(SECRET)).isEqualTo(KeyKind.SECRET);
        assertThat(kind("sb_publishable_" + CORE)).isEqualTo(KeyKind.PUBLISHABLE);
        assertThat(kind(jwt("{\"role\":\"service_role\"}"))).isEqualTo(KeyKind.SECRET);
        assertThat(kind(jwt("{\"iss\":\"x\",\"role\": \"anon\"}"))).isEqualTo(KeyKind.PUBLISHABLE);
        assertThat(kind(jwt("{\"role\":\"authenticated\"}"))).isEqualTo(KeyKind.OTHER);
        assertThat(kind(jwt("{}"))).isEqualTo(KeyKind.OTHER);
        assertThat(kind("eyJhbGciOi.!!!.x")).isEqualTo(KeyKind.OTHER);
    }

    @Test
    void toString_showsTheUrlAndTheKindButNotTheKey() {
        try (SupabaseClient supabase = SupabaseClient.create(URL, SECRET)) {
            assertThat(supabase.toString()).contains(URL).contains("SECRET").doesNotContain(CORE);
        }
    }

    @Test
    void fromEnv_whenAllIsSet_prefersTheSecretKey() {
        try (SupabaseClient supabase = SupabaseClient.fromEnv(
                Map.of("SUPABASE_URL", URL, "SUPABASE_SECRET_KEY", SECRET, "SUPABASE_SERVICE_ROLE_KEY", jwt("{}")))) {
            assertThat(supabase.url()).isEqualTo(URL);
            assertThat(supabase.keyKind()).isEqualTo(KeyKind.SECRET);
        }
        try (SupabaseClient supabase = SupabaseClient.fromEnv(
                Map.of("SUPABASE_URL", URL, "SUPABASE_SECRET_KEY", " ", "SUPABASE_SERVICE_ROLE_KEY", jwt("{}")))) {
            assertThat(supabase.keyKind()).isEqualTo(KeyKind.OTHER);
        }
    }

    @Test
    void fromEnv_whenSomethingIsMissing_namesTheVariable() {
        refused(() -> SupabaseClient.fromEnv(Map.of()), "SUPABASE_URL is not set");
        refused(() -> SupabaseClient.fromEnv(Map.of("SUPABASE_URL", " ")), "SUPABASE_URL is not set");
        refused(() -> SupabaseClient.fromEnv(Map.of("SUPABASE_URL", URL)), "SUPABASE_SECRET_KEY");
    }

    @Test
    void timeoutAndRetries_outsideTheirRanges_areRefused() {
        for (Duration bad : new Duration[] {Duration.ZERO, Duration.ofMillis(-1)}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> SupabaseClient.builder().timeout(bad))
                    .withMessageContaining("positive");
        }
        Duration second = Duration.ofSeconds(1);
        assertThatIllegalArgumentException().isThrownBy(() -> new RetryOptions(0, second, second));
        assertThatIllegalArgumentException().isThrownBy(() -> new RetryOptions(21, second, second));
        assertThatIllegalArgumentException().isThrownBy(() -> new RetryOptions(2, second.negated(), second));
        assertThatIllegalArgumentException().isThrownBy(() -> new RetryOptions(2, second, Duration.ZERO));
    }

    @Test
    void build_withAnyRetriesInTheirRanges_works() {
        for (RetryOptions options : new RetryOptions[] {
            RetryOptions.none(),
            RetryOptions.defaults(),
            new RetryOptions(20, Duration.ofNanos(1), Duration.ofNanos(1)),
            new RetryOptions(2, Duration.ZERO, Duration.ofDays(1)),
            new RetryOptions(2, Duration.ofDays(1), Duration.ofDays(1))
        }) {
            try (SupabaseClient supabase =
                    SupabaseClient.builder().url(URL).key(SECRET).retry(options).build()) {
                assertThat(supabase.url()).isEqualTo(URL);
            }
        }
    }

    private static void refused(ThrowingCallable call, String expected) {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(call)
                .withMessageContaining(expected)
                .satisfies(e -> assertThat(trace(e)).doesNotContain(CORE));
    }

    private static String trace(Throwable e) {
        StringWriter text = new StringWriter();
        e.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private static KeyKind kind(String key) {
        try (SupabaseClient supabase = SupabaseClient.create(URL, key)) {
            return supabase.keyKind();
        }
    }

    /** An unsigned JWT: the client reads the role only. */
    private static String jwt(String claims) {
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        return base64.encodeToString("{\"alg\":\"HS256\"}".getBytes(StandardCharsets.UTF_8))
                + "."
                + base64.encodeToString(claims.getBytes(StandardCharsets.UTF_8))
                + ".sig";
    }
}
