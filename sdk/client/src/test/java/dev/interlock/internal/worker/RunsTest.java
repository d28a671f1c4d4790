package dev.interlock.internal.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Outcome;
import org.junit.jupiter.api.Test;

class RunsTest {
    private final Runs runs = new Runs();

    @Test
    void takeReady_takesAllThatAreReadyInTheirOrder() {
        for (int i = 0; i < 5; i++) {
            runs.ended(RoutesTest.run(RoutesTest.lease("image", "m" + i)), Outcome.complete(i));
        }

        assertThat(runs.takeReady(3)).extracting(Exchange.Ended::outcome).containsExactly(outcomes(0, 3));
        assertThat(runs.takeReady(3)).extracting(Exchange.Ended::outcome).containsExactly(outcomes(3, 5));
        assertThat(runs.takeReady(3)).isEmpty();
    }

    /** A thousand results of a mebibyte each would be more than a request or the memory takes. */
    @Test
    void takeReady_takesNoMoreTextAtOnceThanARequestShouldCarry() {
        Outcome large = Outcome.complete("x".repeat(1_000_000));
        for (int i = 0; i < 10; i++) {
            runs.ended(RoutesTest.run(RoutesTest.lease("image", "m" + i)), large);
        }

        assertThat(runs.takeReady(1000)).hasSize(4);
        assertThat(runs.takeReady(1000)).hasSize(4);
        assertThat(runs.takeReady(1000)).hasSize(2);
    }

    private static Outcome[] outcomes(int from, int to) {
        Outcome[] outcomes = new Outcome[to - from];
        for (int i = from; i < to; i++) {
            outcomes[i - from] = Outcome.complete(i);
        }
        return outcomes;
    }
}
