package dev.interlock.internal.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PollTimerTest {
    private static final long MS = 1_000_000L;
    private static final Instant DUE = Instant.parse("2026-11-24T12:00:00Z");

    private final long seed = System.nanoTime();
    private final PollTimer timer = new PollTimer(Duration.ofMillis(100), Duration.ofSeconds(1), 0, new Random(seed));

    @Test
    void remaining_whenItIsNew_isNothing() {
        assertThat(timer.remaining(0)).isZero();
    }

    @Test
    void answered_whenNothingIsFound_waitsLongerUpToTheBound() {
        long[] intervals = {100, 200, 400, 800, 1000, 1000, 1000};
        for (long interval : intervals) {
            timer.answered(0, false, null, null);
            assertThat(timer.remaining(0)).as("seed %s", seed).isBetween(interval * 3 / 4 * MS, interval * MS);
        }
    }

    @Test
    void answered_whenSomethingIsFound_startsOverWithTheShortest() {
        for (int i = 0; i < 10; i++) {
            timer.answered(0, false, null, null);
        }
        timer.answered(0, true, null, null);

        assertThat(timer.remaining(0)).isEqualTo(100 * MS);
    }

    @Test
    void answered_whenSomethingFallsDue_wakesForItOnce() {
        for (int i = 0; i < 10; i++) {
            timer.answered(0, false, null, null);
        }
        timer.answered(0, false, 300 * MS, DUE);
        assertThat(timer.remaining(0)).isEqualTo(300 * MS);

        // The clocks differ: it is still not due there.
        timer.answered(0, false, 1L, DUE);
        assertThat(timer.remaining(0)).as("seed %s", seed).isGreaterThanOrEqualTo(750 * MS);
    }

    @Test
    void answered_whenSomethingFallsDueVerySoon_staysAboveTheShortestInterval() {
        for (int i = 0; i < 10; i++) {
            timer.answered(0, false, null, null);
        }
        timer.answered(0, false, 1L, DUE);

        assertThat(timer.remaining(0)).isEqualTo(100 * MS);
    }

    @Test
    void answered_whenSomethingIsLongDueByADifferentClock_isNotHurried() {
        for (int i = 0; i < 10; i++) {
            timer.answered(0, false, null, null);
        }
        timer.answered(0, false, -5000 * MS, DUE);

        assertThat(timer.remaining(0)).as("seed %s", seed).isGreaterThanOrEqualTo(750 * MS);
    }
}
