package dev.interlock.internal.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class BackoffTest {
    private static final RandomGenerator NO_CHANCE = () -> 0;

    @Test
    void delay_whenThereIsNoChance_doublesUpToTheLongest() {
        Backoff backoff = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(10), NO_CHANCE);

        assertThat(backoff.delay(1)).isEqualTo(Duration.ofSeconds(1));
        assertThat(backoff.delay(2)).isEqualTo(Duration.ofSeconds(2));
        assertThat(backoff.delay(4)).isEqualTo(Duration.ofSeconds(8));
        assertThat(backoff.delay(5)).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void delay_whenTheAttemptIsAnyNumber_staysWithinItsBounds() {
        long seed = System.nanoTime();
        Backoff backoff = new Backoff(Duration.ofMillis(3), Duration.ofDays(365), new Random(seed));

        for (int attempt : new int[] {Integer.MIN_VALUE, -1, 0, 1, 2, 40, 62, 63, 64, 1000, Integer.MAX_VALUE}) {
            assertThat(backoff.delay(attempt))
                    .as("attempt %s, seed %s", attempt, seed)
                    .isBetween(Duration.ofNanos(2_250_000), Duration.ofDays(365));
        }
    }

    @Test
    void create_whenTheDelaysMakeNoSense_isRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Backoff(Duration.ZERO, Duration.ofSeconds(1)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Backoff(Duration.ofSeconds(2), Duration.ofSeconds(1)));
    }
}
