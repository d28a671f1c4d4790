package dev.interlock.internal.http;

import dev.interlock.ClientListener;
import dev.interlock.InterlockIoException;
import dev.interlock.RetryOptions;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends requests, and sends those again that may be ({@link Verdict}). Thread-safe. */
public final class Transport implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.SupabaseClient");
    private static final MediaType JSON = MediaType.get("application/json");
    private static final Duration SCHEMA_PAUSE = Duration.ofMillis(250);
    /** PGRST303 is a clock that differs by seconds: the usual pauses would be over before it has caught up. */
    private static final int CLOCK_PAUSE_FACTOR = 5;

    private final OkHttpClient http;
    private final boolean ownsHttp;
    private final String root;
    private final Headers headers;
    private final Duration timeout;
    private final RetryOptions retry;
    private final ClientListener listener;
    private final IntervalFunction backoff;

    /** A transport to the REST root (…/rest/v1) that sends these headers with every request. */
    public Transport(
            @Nullable OkHttpClient http,
            String root,
            Headers headers,
            Duration timeout,
            RetryOptions retry,
            ClientListener listener) {
        this.ownsHttp = http == null;
        // Gateways drop idle connections after a minute or so; 64 callers need not open new ones at every turn.
        OkHttpClient base = http != null
                ? http
                : new OkHttpClient.Builder()
                        .connectionPool(new ConnectionPool(64, 50, TimeUnit.SECONDS))
                        .build();
        this.http = base.newBuilder()
                // OkHttp's own re-sending does not know which calls may be repeated.
                .retryOnConnectionFailure(false)
                .followRedirects(false)
                .readTimeout(Duration.ZERO)
                .writeTimeout(Duration.ZERO)
                .addNetworkInterceptor(Transport::network)
                .build();
        this.root = root;
        this.headers = headers;
        this.timeout = timeout;
        this.retry = retry;
        this.listener = listener;
        this.backoff = retry.firstPause().toMillis() == 0
                ? IntervalFunction.of(Duration.ofMillis(1))
                : IntervalFunction.ofExponentialRandomBackoff(retry.firstPause(), 2.0, 0.25, retry.longestPause());
    }

    /** Marks a request whose bytes may have left: whatever happens then, its outcome is unknown until an answer is read. */
    private record Sent(AtomicBoolean flag) {}

    private static Response network(Interceptor.Chain chain) throws IOException {
        Sent sent = chain.request().tag(Sent.class);
        if (sent != null) {
            sent.flag().set(true);
        }
        Response response = chain.proceed(chain.request());
        String retryAfter = response.header("Retry-After");
        // OkHttp sends a request again by itself when it reads a 0 here.
        return retryAfter != null && retryAfter.matches("0+")
                ? response.newBuilder().removeHeader("Retry-After").build()
                : response;
    }

    /** One sending and what came of it: an answer, or no answer. */
    private record Attempt(
            int number,
            @Nullable Answer answer,
            @Nullable IOException failure,
            Verdict verdict,
            Duration pause,
            boolean again) {}

    /**
     * Sends a request, again where that is right, within its timeout.
     *
     * @throws InterlockIoException when no answer came
     */
    public Answer send(HttpCall call) {
        return new Sending(call).run();
    }

    /** One call with all its attempts; used by one thread. */
    private final class Sending {

        private final HttpCall call;
        private final Duration budget;
        private final long start = System.nanoTime();
        private int number;
        private int schemaWaits;
        /** Whether one of the attempts may have been carried out. */
        private boolean unknown;

        Sending(HttpCall call) {
            this.call = call;
            this.budget = call.timeout() == null ? timeout : call.timeout();
        }

        Answer run() {
            RetryConfig config = RetryConfig.<Attempt>custom()
                    .maxAttempts(Integer.MAX_VALUE)
                    .retryOnException(e -> false)
                    .retryOnResult(Attempt::again)
                    .intervalBiFunction((n, either) -> either.get().pause().toMillis())
                    .build();
            Attempt last;
            try {
                last = Retry.of("supabase", config).executeSupplier(this::attempt);
            } catch (CancellationException e) {
                Thread.currentThread().interrupt();
                throw interrupted(e);
            }
            if (last.failure() != null) {
                throw NoAnswer.of(HttpUrl.get(root).host(), call, number, last.failure(), unknown);
            }
            return Objects.requireNonNull(last.answer());
        }

        private InterlockIoException interrupted(@Nullable Throwable cause) {
            return new InterlockIoException(
                    "Interrupted before " + call.method() + " " + call.path() + " was sent"
                            + (number > 0 ? " again." : "."),
                    cause,
                    unknown);
        }

        private Attempt attempt() {
            if (Thread.currentThread().isInterrupted()) {
                throw interrupted(null);
            }
            number++;
            AtomicBoolean sent = new AtomicBoolean();
            Call sending = http.newCall(request(call, number, sent));
            long left = budget.minusNanos(System.nanoTime() - start).toNanos();
            sending.timeout().timeout(Math.max(left, 1_000_000), TimeUnit.NANOSECONDS);
            long began = System.nanoTime();
            Answer answer;
            try (Response response = sending.execute()) {
                answer = answer(response, response.body().string(), number);
            } catch (IOException e) {
                Duration took = Duration.ofNanos(System.nanoTime() - began);
                LOG.debug("{} {} got no answer in {} ms", call.method(), call.path(), took.toMillis());
                tell(() -> listener.unanswered(call.method(), call.path(), took, number));
                if (NoAnswer.interrupted(e)) {
                    Thread.currentThread().interrupt(); // OkHttp has taken it as read
                }
                boolean surelyNot = !sent.get() || NoAnswer.refusedUnread(e);
                return decided(null, e, surelyNot ? Verdict.NOT_EXECUTED : Verdict.UNKNOWN);
            }
            Duration took = Duration.ofNanos(System.nanoTime() - began);
            LOG.debug(
                    "{} {} answered {} in {} ms (request {})",
                    call.method(),
                    call.path(),
                    answer.status(),
                    took.toMillis(),
                    answer.header("sb-request-id"));
            tell(() -> listener.answered(call.method(), call.path(), answer.status(), took, number));
            ErrorBody error = answer.error();
            Verdict verdict = error == null ? Verdict.FINAL : Verdict.of(error.status(), error.code());
            return decided(answer, null, verdict);
        }

        private Attempt decided(@Nullable Answer answer, @Nullable IOException failure, Verdict verdict) {
            ErrorBody error = answer == null ? null : answer.error();
            String code = error == null ? null : error.code();
            unknown |= verdict == Verdict.UNKNOWN;
            Duration pause = pause(verdict, code, answer);
            Duration elapsed = Duration.ofNanos(System.nanoTime() - start);
            boolean attemptsLeft = number - schemaWaits < Verdict.attempts(code, retry.attempts());
            boolean may = switch (verdict) {
                case NOT_EXECUTED -> attemptsLeft;
                case UNKNOWN -> call.repeatable() && attemptsLeft;
                case SCHEMA -> elapsed.compareTo(call.schemaWait()) < 0;
                case FINAL -> false;
            };
            boolean again = may
                    && elapsed.plus(pause).compareTo(budget) < 0
                    && !Thread.currentThread().isInterrupted();
            if (again) {
                schemaWaits += verdict == Verdict.SCHEMA ? 1 : 0;
                int status = error == null ? 0 : error.status();
                LOG.debug(
                        "{} {} failed ({}), sent again in {} ms",
                        call.method(),
                        call.path(),
                        error == null ? "no answer" : status + " " + code,
                        pause.toMillis());
                tell(() -> listener.retrying(call.method(), call.path(), status, code, pause, number));
            }
            Answer told = answer != null && error != null && unknown ? answer.outcomeIsUnknown() : answer;
            return new Attempt(number, told, failure, verdict, pause, again);
        }

        private Duration pause(Verdict verdict, @Nullable String code, @Nullable Answer answer) {
            if (verdict == Verdict.SCHEMA) {
                return SCHEMA_PAUSE;
            }
            Duration own = Duration.ofMillis(backoff.apply(number));
            if ("PGRST303".equals(code)) {
                own = own.multipliedBy(CLOCK_PAUSE_FACTOR);
            }
            Duration asked = RetryAfter.parse(answer == null ? null : answer.header("retry-after"));
            return asked.compareTo(own) > 0 ? asked : own;
        }
    }

    private static void tell(Runnable event) {
        try {
            event.run();
        } catch (RuntimeException e) {
            LOG.warn("A ClientListener failed; the call goes on", e);
        }
    }

    private Request request(HttpCall call, int number, AtomicBoolean sent) {
        HttpUrl url = HttpUrl.get(root + call.path() + (call.query().isEmpty() ? "" : "?" + call.query()));
        Request.Builder request =
                new Request.Builder().url(url).headers(headers).tag(Sent.class, new Sent(sent));
        call.headers().forEach(request::header);
        if (number > 1) {
            request.header("X-Retry-Count", Integer.toString(number - 1));
        }
        boolean needsBody = call.method().equals("POST")
                || call.method().equals("PATCH")
                || call.method().equals("PUT");
        String body = call.body();
        request.method(
                call.method(), body != null || needsBody ? RequestBody.create(body == null ? "" : body, JSON) : null);
        return request.build();
    }

    private static Answer answer(Response response, String body, int number) {
        String type = response.header("Content-Type", "");
        boolean html = type != null && type.toLowerCase(Locale.ROOT).startsWith("text/html");
        ErrorBody error = response.isSuccessful() && !html
                ? null
                : ErrorBody.parse(response.code(), body, response.header("sb-request-id"), number);
        return new Answer(response.code(), response.headers().toMultimap(), body, error);
    }

    /** Ends what this client made itself: not a client that the user brought. */
    @Override
    public void close() {
        if (ownsHttp) {
            http.dispatcher().executorService().shutdown();
            http.connectionPool().evictAll();
        }
    }
}
