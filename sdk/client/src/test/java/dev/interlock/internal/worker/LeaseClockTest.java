package dev.interlock.internal.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class LeaseClockTest {
    private static final long SECOND = 1_000_000_000L;

    // nanoTime may start anywhere, so also right before its overflow.
    private static final long SENT = Long.valueOf(Long.MAX_VALUE) - 5 * SECOND;

    private final LeaseClock clock = new LeaseClock(Duration.ofSeconds(30), SENT);

    @Test
    void isTrusted_untilATenthBeforeItsEnd_countedFromBeforeItWasAskedFor() {
        assertThat(clock.isTrusted(SENT)).isTrue();
        assertThat(clock.isTrusted(SENT + 27 * SECOND - 1)).isTrue();
        assertThat(clock.isTrusted(SENT + 27 * SECOND)).isFalse();
    }

    @Test
    void renewed_movesItsEnd() {
        clock.renewed(SENT + 10 * SECOND);

        assertThat(clock.remaining(SENT + 30 * SECOND)).isEqualTo(7 * SECOND);
    }

    @Test
    void untilHeartbeat_isAThirdOfTheLease() {
        assertThat(clock.untilHeartbeat(SENT)).isEqualTo(10 * SECOND);
        assertThat(clock.mayBeat(SENT + 5 * SECOND - 1)).isFalse();
        assertThat(clock.mayBeat(SENT + 5 * SECOND)).isTrue();
    }
}
