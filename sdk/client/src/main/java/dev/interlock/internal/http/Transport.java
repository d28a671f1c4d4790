package dev.interlock.internal.http;

import dev.interlock.ClientListener;
import dev.interlock.InterlockIoException;
import dev.interlock.RetryOptions;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Headers;
import okhttp3.HttpUrl;
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
        // OkHttp's own re-sending does not know which calls may be repeated.
        this.http = (http == null ? new OkHttpClient() : http)
                .newBuilder()
                .retryOnConnectionFailure(false)
                .followRedirects(false)
                .connectTimeout(timeout)
                .readTimeout(Duration.ZERO)
                .writeTimeout(Duration.ZERO)
                .addNetworkInterceptor(chain -> {
                    Sent sent = chain.request().tag(Sent.class);
                    if (sent != null) {
                        sent.flag().set(true);
                    }
                    return chain.proceed(chain.request());
                })
                .build();
        this.root = root;
        this.headers = headers;
        this.timeout = timeout;
        this.retry = retry;
        this.listener = listener;
        this.backoff = retry.firstPause().toMillis() < 1
                ? IntervalFunction.of(Duration.ofMillis(1))
                : IntervalFunction.ofExponentialRandomBackoff(retry.firstPause(), 2.0, 0.25, retry.longestPause());
    }

    /** Marks a request whose bytes may have left: whatever happens then, its outcome is unknown until an answer is read. */
    private record Sent(AtomicBoolean flag) {}

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
        Duration budget = call.timeout() == null ? timeout : call.timeout();
        long start = System.nanoTime();
        AtomicInteger count = new AtomicInteger();
        int attempts = call.schemaWait().isZero() ? retry.attempts() : Integer.MAX_VALUE;
        RetryConfig config = RetryConfig.<Attempt>custom()
                .maxAttempts(attempts)
                .retryOnException(e -> false)
                .retryOnResult(Attempt::again)
                .intervalBiFunction((n, either) -> either.get().pause().toMillis())
                .build();
        // One attempt that may have been carried out is enough, whatever became of the later ones.
        AtomicBoolean unknown = new AtomicBoolean();
        Attempt last;
        try {
            last = Retry.of("supabase", config).executeSupplier(() -> {
                Attempt attempt = attempt(call, count.incrementAndGet(), start, budget, attempts);
                unknown.compareAndSet(false, attempt.verdict() == Verdict.UNKNOWN);
                return attempt;
            });
        } catch (CancellationException e) {
            Thread.currentThread().interrupt();
            throw new InterlockIoException(
                    "Interrupted before " + call.method() + " " + call.path() + " was sent again.", e, unknown.get());
        }

        if (last.failure() != null) {
            throw noAnswer(call, last, unknown.get());
        }
        return Objects.requireNonNull(last.answer());
    }

    private Attempt attempt(HttpCall call, int number, long start, Duration budget, int attempts) {
        Duration left = budget.minusNanos(System.nanoTime() - start);
        AtomicBoolean sent = new AtomicBoolean();
        long sending = System.nanoTime();
        try (Response response = http.newBuilder()
                .callTimeout(left.isNegative() || left.isZero() ? Duration.ofMillis(1) : left)
                .build()
                .newCall(request(call, number, sent))
                .execute()) {
            String body = response.body().string();
            Duration took = Duration.ofNanos(System.nanoTime() - sending);
            Answer answer = answer(response, body, number);
            LOG.debug(
                    "{} {} answered {} in {} ms (request {})",
                    call.method(),
                    call.path(),
                    answer.status(),
                    took.toMillis(),
                    response.header("sb-request-id"));
            tell(() -> listener.answered(call.method(), call.path(), answer.status(), took, number));
            ErrorBody error = answer.error();
            if (error == null) {
                return new Attempt(number, answer, null, Verdict.FINAL, Duration.ZERO, false);
            }
            Verdict verdict = Verdict.of(error.status(), error.code());
            Duration pause = pause(verdict, number, response.header("Retry-After"));
            return decided(call, new Attempt(number, answer, null, verdict, pause, false), start, budget, attempts);
        } catch (IOException e) {
            Verdict verdict = sent.get() ? Verdict.UNKNOWN : Verdict.NOT_EXECUTED;
            Duration pause = pause(verdict, number, null);
            return decided(call, new Attempt(number, null, e, verdict, pause, false), start, budget, attempts);
        }
    }

    private Attempt decided(HttpCall call, Attempt attempt, long start, Duration budget, int attempts) {
        Duration elapsed = Duration.ofNanos(System.nanoTime() - start);
        boolean may = switch (attempt.verdict()) {
            case NOT_EXECUTED -> attempt.number() < retry.attempts();
            case UNKNOWN -> call.repeatable() && attempt.number() < retry.attempts();
            case SCHEMA -> elapsed.compareTo(call.schemaWait()) < 0;
            case FINAL -> false;
        };
        boolean again = may
                && attempt.number() < attempts
                && elapsed.plus(attempt.pause()).compareTo(budget) < 0
                && !Thread.currentThread().isInterrupted();
        if (again) {
            Answer answer = attempt.answer();
            ErrorBody error = answer == null ? null : answer.error();
            LOG.debug(
                    "{} {} failed ({}), sent again in {} ms",
                    call.method(),
                    call.path(),
                    error == null ? String.valueOf(attempt.failure()) : error.status() + " " + error.code(),
                    attempt.pause().toMillis());
            tell(() -> listener.retrying(
                    call.method(),
                    call.path(),
                    error == null ? 0 : error.status(),
                    error == null ? null : error.code(),
                    attempt.pause(),
                    attempt.number()));
        }
        return new Attempt(
                attempt.number(), attempt.answer(), attempt.failure(), attempt.verdict(), attempt.pause(), again);
    }

    /** What was carried out was carried out, whatever the listener thinks of it. */
    private static void tell(Runnable event) {
        try {
            event.run();
        } catch (RuntimeException e) {
            LOG.warn("A ClientListener threw; that changes nothing", e);
        }
    }

    private Duration pause(Verdict verdict, int number, @Nullable String retryAfter) {
        if (verdict == Verdict.SCHEMA) {
            return SCHEMA_PAUSE;
        }
        Duration own = Duration.ofMillis(backoff.apply(number));
        if (retryAfter != null && retryAfter.matches("[0-9]{1,6}")) {
            Duration asked = Duration.ofSeconds(Long.parseLong(retryAfter));
            return asked.compareTo(own) > 0 ? asked : own;
        }
        return own;
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

    private InterlockIoException noAnswer(HttpCall call, Attempt last, boolean unknown) {
        IOException failure = Objects.requireNonNull(last.failure());
        String host = HttpUrl.get(root).host();
        String what = failure instanceof SocketTimeoutException || "timeout".equals(failure.getMessage())
                ? "did not answer in time"
                : last.verdict() == Verdict.UNKNOWN
                        ? "broke the connection before it answered"
                        : "could not be reached";
        return new InterlockIoException(
                host + " " + what + " (" + call.method() + " " + call.path() + ", sent " + last.number() + " times): "
                        + failure.getMessage()
                        + (unknown
                                ? ". Whether it was carried out is unknown."
                                : ". Nothing was carried out; check the URL and the network."),
                failure,
                unknown);
    }

    /** Ends what this client made itself: not a client that the user brought. */
    @Override
    public void close() {
        if (ownsHttp) {
            http.dispatcher().executorService().shutdown();
            http.connectionPool().evictAll();
            try {
                http.dispatcher().executorService().awaitTermination(1, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
