package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

class FailurePolicyTest {
    private static final Instant TIME = Instant.parse("2026-12-01T00:00:00Z");

    private final FailurePolicy policy = FailurePolicy.standard();

    @Test
    void standard_whenTheFailureIsForGood_fails() {
        assertThat(outcome(new FatalJobException("the prompt was refused")))
                .isEqualTo(Outcome.fail("the prompt was refused"));
        assertThat(outcome(new BadPrompt("too long"))).isEqualTo(Outcome.fail("BadPrompt: too long"));
        assertThat(outcome(new InvalidRequestException("JQ005", "The result is too large.", null, null)))
                .isInstanceOf(Outcome.Fail.class);
    }

    /** An Error may be the process's and not the job's; what nobody has heard of is tried again. */
    @Test
    void f76_anythingElse_isTriedAgainAfterABackoff() {
        for (Throwable failure : new Throwable[] {
            new IOException("connection reset"),
            new TimeoutException(),
            new OutOfMemoryError("Java heap space"),
            new NoClassDefFoundError("x/Y"),
            new InterruptedException(),
            new DataException("unknown"),
            new Throwable("never heard of")
        }) {
            assertThat(outcome(failure)).isInstanceOfSatisfying(Outcome.Retry.class, retry -> {
                assertThat(retry.at()).isNull();
                assertThat(retry.in()).isBetween(Duration.ofMillis(750), Duration.ofSeconds(1));
                assertThat(retry.reason()).startsWith(failure.getClass().getSimpleName());
            });
        }
    }

    @Test
    void f84_textOfTheError_decidesNothing() {
        for (String text :
                new String[] {"quota limit reached", "INVALID_IMAGE_FORMAT", "timeout", "unauthorized", ""}) {
            assertThat(outcome(new IllegalStateException(text))).isInstanceOf(Outcome.Retry.class);
            assertThat(outcome(new FatalJobException(text))).isInstanceOf(Outcome.Fail.class);
        }
    }

    @Test
    void f85_retryTime_isHonoured() {
        assertThat(outcome(new RetryableJobException("busy", Duration.ofSeconds(42))))
                .isEqualTo(Outcome.retryIn(Duration.ofSeconds(42), "busy"));
        assertThat(outcome(new RetryableJobException("the quota is used up", TIME)))
                .isEqualTo(Outcome.retryAt(TIME, "the quota is used up"));
        assertThat(outcome(new RetryableJobException("late already", Duration.ofSeconds(-3))))
                .isEqualTo(Outcome.retryIn(Duration.ZERO, "late already"));
        assertThat(outcome(new RetryableJobException("absurd", Duration.ofDays(4000))))
                .isEqualTo(Outcome.retryIn(Duration.ofDays(365), "absurd"));
        assertThat(outcome(new RetryableJobException("busy"))).isInstanceOfSatisfying(Outcome.Retry.class, retry -> {
            assertThat(retry.in()).isBetween(Duration.ofMillis(750), Duration.ofSeconds(1));
            assertThat(retry.reason()).isEqualTo("busy");
        });
    }

    @Test
    void on_theOneNamedLastGoesFirst() {
        FailurePolicy mine = policy.failingOn(IOException.class)
                .on(UncheckedIOException.class, (e, job) -> Outcome.retryAt(TIME, "later"));

        assertThat(mine.onFailure(new IOException("gone"), context())).isEqualTo(Outcome.fail("IOException: gone"));
        assertThat(mine.onFailure(new UncheckedIOException(new IOException()), context()))
                .isEqualTo(Outcome.retryAt(TIME, "later"));
        assertThat(mine.failingOn(RuntimeException.class)
                        .onFailure(new UncheckedIOException(new IOException("gone")), context()))
                .isInstanceOf(Outcome.Fail.class);
    }

    private Outcome outcome(Throwable failure) {
        return policy.onFailure(failure, context());
    }

    /** A first attempt; the policy asks for nothing else. */
    private static JobContext context() {
        return (JobContext) Proxy.newProxyInstance(
                JobContext.class.getClassLoader(), new Class<?>[] {JobContext.class}, (proxy, method, args) -> {
                    assertThat(method.getName()).isEqualTo("attempt");
                    return 1;
                });
    }

    private static final class BadPrompt extends FatalJobException {
        private static final long serialVersionUID = 1L;

        BadPrompt(String reason) {
            super(reason);
        }
    }
}
