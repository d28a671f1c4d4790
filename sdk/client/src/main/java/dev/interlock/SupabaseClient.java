package dev.interlock;

import dev.interlock.internal.SdkVersion;
import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.http.ProjectKey;
import dev.interlock.internal.http.ProjectUrl;
import dev.interlock.internal.http.Transport;
import java.time.Duration;
import java.util.Map;
import okhttp3.Headers;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;

/**
 * A client for the Data API (PostgREST) of a Supabase project. Thread-safe: make one and share it.
 *
 * <pre>{@code
 * try (SupabaseClient supabase = SupabaseClient.fromEnv()) {
 *     List<Job> jobs = supabase.from("jobs").select("job_id,status").eq("status", "pending").listOf(Job.class);
 *     int sum = supabase.rpc("add", Map.of("a", 1, "b", 2)).as(Integer.class);
 * }
 * }</pre>
 *
 * <p>Calls block. What surely was not carried out is sent again a few times; a call whose outcome is unknown only when it may be repeated.
 */
public final class SupabaseClient implements AutoCloseable {

    private static final String USER_AGENT = "interlock-java/" + SdkVersion.VERSION + " (java "
            + Runtime.version().feature() + ")";

    private final Transport transport;
    private final String url;
    private final ProjectKey key;

    private SupabaseClient(Builder builder) {
        this.url = ProjectUrl.checked(builder.url);
        this.key = ProjectKey.of(builder.key == null ? "" : builder.key);
        Headers.Builder headers = new Headers.Builder()
                .add("apikey", key.value())
                .add("Accept", "application/json")
                .add("User-Agent", USER_AGENT + builder.userAgentSuffix)
                .add("X-Client-Info", "interlock-java/" + SdkVersion.VERSION);
        // An opaque key in Authorization would be taken for a broken JWT.
        if (builder.accessToken != null) {
            ProjectKey.checkCharacters("The access token", builder.accessToken);
            headers.add("Authorization", "Bearer " + builder.accessToken);
        } else if (key.isJwt()) {
            headers.add("Authorization", "Bearer " + key.value());
        }
        this.transport = new Transport(
                builder.httpClient,
                url + "/rest/v1",
                headers.build(),
                builder.timeout,
                builder.retry,
                builder.listener);
    }

    /**
     * A client for the project that the environment names: {@code SUPABASE_URL}, and {@code SUPABASE_SECRET_KEY} or else
     * {@code SUPABASE_SERVICE_ROLE_KEY}.
     *
     * @throws ConfigurationException when one is missing or malformed
     */
    public static SupabaseClient fromEnv() {
        return fromEnv(System.getenv());
    }

    static SupabaseClient fromEnv(Map<String, String> environment) {
        String url = environment.get("SUPABASE_URL");
        if (url == null || url.isBlank()) {
            throw new ConfigurationException("SUPABASE_URL is not set. Set it to your project's URL,"
                    + " for example https://abcdefghijkl.supabase.co.");
        }
        String key = environment.get("SUPABASE_SECRET_KEY");
        if (key == null || key.isBlank()) {
            key = environment.get("SUPABASE_SERVICE_ROLE_KEY");
        }
        if (key == null || key.isBlank()) {
            throw new ConfigurationException(
                    "Neither SUPABASE_SECRET_KEY nor SUPABASE_SERVICE_ROLE_KEY is set. Set one to the"
                            + " project's secret key (Dashboard, Project Settings, API Keys).");
        }
        return create(url, key);
    }

    /**
     * A client with default settings.
     *
     * @throws ConfigurationException when the URL or the key is malformed
     */
    public static SupabaseClient create(String url, String key) {
        return builder().url(url).key(key).build();
    }

    /** Settings for a client. */
    public static Builder builder() {
        return new Builder();
    }

    /** The project's URL, without a slash at its end. */
    public String url() {
        return url;
    }

    /** What the key may do. */
    public KeyKind keyKind() {
        return key.kind();
    }

    /** A table or view of the schema {@code public}. */
    public Table from(String table) {
        return new Table(transport, table, null);
    }

    /** A call of a function without arguments. */
    public RpcCall rpc(String function) {
        return rpc(function, Map.of());
    }

    /** A call of a function; the arguments are a map or a record, by name. */
    public RpcCall rpc(String function, Object arguments) {
        if (function.isBlank()) {
            throw new IllegalArgumentException("The function name is blank.");
        }
        return new RpcCall(
                transport,
                HttpCall.of("POST", "/rpc/" + Filtered.encoded(function)).body(JsonCodec.write(arguments)));
    }

    /**
     * Any request below {@code /rest/v1}, for what this client lacks. Only GET and HEAD are sent again when their outcome is unknown.
     *
     * @param method the HTTP method
     * @param path starting with a slash, encoded, with its query if it has one
     * @param headers headers besides those of every request
     * @param body JSON, or null for none
     * @throws ServiceException when it answered with an error
     */
    public RawResponse raw(String method, String path, Map<String, String> headers, @Nullable String body) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException("The path \"" + path + "\" does not start with a slash.");
        }
        int question = path.indexOf('?');
        HttpCall call = HttpCall.of(method, question < 0 ? path : path.substring(0, question));
        if (question >= 0) {
            call = call.query(path.substring(question + 1));
        }
        for (Map.Entry<String, String> header : headers.entrySet()) {
            call = call.header(header.getKey(), header.getValue());
        }
        var answer = Call.send(transport, body == null ? call : call.body(body));
        return new RawResponse(answer.status(), answer.headers(), answer.body());
    }

    /** Ends the connections. A client that the user brought stays open. */
    @Override
    public void close() {
        transport.close();
    }

    @Override
    public String toString() {
        return "SupabaseClient(" + url + ", " + key + ")";
    }

    /** Settings for a client; not thread-safe. */
    public static final class Builder {

        private @Nullable String url;
        private @Nullable String key;
        private @Nullable String accessToken;
        private String userAgentSuffix = "";
        private Duration timeout = Duration.ofSeconds(30);
        private RetryOptions retry = RetryOptions.defaults();
        private @Nullable OkHttpClient httpClient;
        private ClientListener listener = new ClientListener() {};

        private Builder() {}

        /** The project's URL; required. */
        public Builder url(String projectUrl) {
            this.url = projectUrl;
            return this;
        }

        /** A project key of either family; required. */
        public Builder key(String projectKey) {
            this.key = projectKey;
            return this;
        }

        /** The access token of a signed-in user, whose role and policies then apply instead of the key's. */
        public Builder accessToken(String token) {
            this.accessToken = token;
            return this;
        }

        /** Who uses the client, after the library's own name in the header {@code User-Agent}: {@code my-app/1.0}. */
        public Builder userAgentSuffix(String suffix) {
            if (!suffix.matches("[ -~]{1,200}") || suffix.contains("Mozilla")) {
                throw new IllegalArgumentException(
                        "The user agent's suffix is empty, too long, not ASCII, or says \"Mozilla\","
                                + " for which Supabase refuses secret keys.");
            }
            this.userAgentSuffix = " " + suffix;
            return this;
        }

        /** The time for a call with its retries; default 30 s. */
        public Builder timeout(Duration duration) {
            if (duration.isNegative() || duration.isZero()) {
                throw new IllegalArgumentException("The timeout is " + duration + "; give a positive one.");
            }
            this.timeout = duration;
            return this;
        }

        /** How often, and after which pauses, a call is sent again that may be. */
        public Builder retry(RetryOptions options) {
            this.retry = options;
            return this;
        }

        /** Uses this client's connections, interceptors and proxies; it stays the caller's to close. */
        public Builder httpClient(OkHttpClient client) {
            this.httpClient = client;
            return this;
        }

        /** Observes the requests. */
        public Builder listener(ClientListener observer) {
            this.listener = observer;
            return this;
        }

        /**
         * Makes the client; nothing is sent.
         *
         * @throws ConfigurationException when the URL or the key is missing or malformed, or the access token malformed
         */
        public SupabaseClient build() {
            return new SupabaseClient(this);
        }
    }
}
