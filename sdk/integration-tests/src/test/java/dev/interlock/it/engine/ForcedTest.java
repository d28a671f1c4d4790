package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/** Forces the interleavings that a test names, each with all its orders; with -Dinterlock.interleavings=regex only some, and says how many there were. */
abstract class ForcedTest extends EngineTest {

    final Stream<DynamicTest> forced(Interleaving... worlds) {
        String some = System.getProperty("interlock.interleavings", "");
        return Stream.of(worlds)
                .filter(world -> world.name().matches(".*" + some + ".*"))
                .map(world -> DynamicTest.dynamicTest(world.name(), () -> {
                    try (InterleavingRunner runner = new InterleavingRunner(local)) {
                        InterleavingRunner.Report report = runner.force(world);
                        if (!some.isEmpty()) {
                            System.out.printf(
                                    "%s: %d, of them %d with each at its own point%n",
                                    world.name(), report.forced(), report.exact());
                        }
                        assertThat(report.failures()).isEmpty();
                    }
                }));
    }
}
