package dev.interlock.it.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.OutcomeStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** That the witness sees what it is there to see. */
class WitnessTest {

    private Witness witness;
    private Provider one;
    private Provider two;

    @BeforeEach
    void connect() throws Exception {
        witness = Witness.start();
        one = Provider.connect(witness.port(), "one");
        two = Provider.connect(witness.port(), "two");
    }

    @AfterEach
    void close() throws Exception {
        one.close();
        two.close();
        witness.close();
    }

    @Test
    @DisplayName("Calls one after the other, or on different models, are in order")
    void inOrder() throws Exception {
        one.begin("a", 1, "call", List.of("m"), () -> two.begin("b", 2, "call", List.of("n"), () -> {}));
        two.begin("c", 3, "call", List.of("m", "n"), () -> {});
        one.ended("a", OutcomeStatus.COMPLETED);
        two.ended("b", OutcomeStatus.FAILED);

        assertThat(witness.overlaps()).isEmpty();
        assertThat(witness.late()).isEmpty();
        assertThat(witness.doubles()).isEmpty();
        assertThat(witness.calls()).isEqualTo(3);
        assertThat(witness.finished()).isEqualTo(2);
    }

    @Test
    @DisplayName("Two jobs in one model at once are a collision; as many as it has seats for are not")
    void overlap() throws Exception {
        one.begin("a", 1, "call", List.of("m"), () -> two.begin("b", 2, "call", List.of("n", "m"), () -> {}));
        assertThat(witness.overlaps()).singleElement().asString().contains("m: b", "a (token 1, one)");

        witness.allow("wide", 2);
        one.begin("c", 3, "call", List.of("wide"), () -> two.begin("d", 4, "call", List.of("wide"), () -> {}));
        assertThat(witness.overlaps()).hasSize(1);
    }

    @Test
    @DisplayName("Two runs of one job at once are a collision too")
    void overlapOfOneJob() throws Exception {
        one.begin("a", 1, "call", List.of("m"), () -> two.begin("a", 2, "call", List.of("m"), () -> {}));

        assertThat(witness.overlaps()).hasSize(1);
    }

    @Test
    @DisplayName("A token that comes after a newer one is late, for the job and for the model")
    void late() throws Exception {
        one.begin("a", 7, "call", List.of("m"), () -> {});
        two.begin("a", 5, "call", List.of("n"), () -> {});
        assertThat(witness.late()).singleElement().asString().contains("job: a (token 5, two) after token 7");

        two.begin("b", 6, "call", List.of("m"), () -> {});
        assertThat(witness.late()).hasSize(2).last().asString().contains("model m: b");
    }

    @Test
    @DisplayName("An attempt that does a step twice, and a job with two ends, are doubles")
    void doubles() throws Exception {
        one.begin("a", 1, "step0", List.of("m"), () -> {});
        one.begin("a", 1, "step1", List.of("m"), () -> {});
        assertThat(witness.doubles()).isEmpty();
        one.begin("a", 1, "step1", List.of("m"), () -> {});
        assertThat(witness.doubles()).hasSize(1);

        one.ended("a", OutcomeStatus.COMPLETED);
        two.ended("a", OutcomeStatus.FAILED);
        assertThat(witness.doubles()).hasSize(2);
    }

    @Test
    @DisplayName("The end of a process is the end of its calls")
    void cutOff() {
        assertThatThrownBy(() -> one.begin("a", 1, "call", List.of("m"), () -> {
                    closeOne();
                    two.begin("b", 2, "call", List.of("m"), () -> {});
                }))
                .as("it cannot say that its call ended")
                .isInstanceOf(UncheckedIOException.class);

        assertThat(witness.overlaps()).isEmpty();
        assertThat(witness.cutOff()).isOne();
    }

    private void closeOne() throws InterruptedException {
        try {
            one.close();
            witness.awaitGone("one");
        } catch (IOException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }
}
