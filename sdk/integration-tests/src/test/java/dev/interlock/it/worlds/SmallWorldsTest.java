package dev.interlock.it.worlds;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** All interleavings of a few jobs over two or three models; {@code -Dinterlock.worlds=large} explores larger worlds too. */
class SmallWorldsTest {

    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.interlock.it.worlds.Worlds#chosen")
    @DisplayName("I1–I8 and I10 hold in every state of every small world")
    void everyStateKeepsTheRules(World world) {
        Explorer.Report report = new Explorer(world, Break.NONE).explore();

        System.out.println(report);
        assertThat(report.violation()).isNull();
        assertThat(report.ends()).isPositive();
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    @DisplayName("The explorer finds each deliberate mistake in the protocol")
    void mistakesAreFound(Break broken) {
        World world = Worlds.all().stream()
                .filter(w -> w.name().startsWith(broken.world))
                .findFirst()
                .orElseThrow();

        String violation = new Explorer(world, broken).explore().violation();

        System.out.println(broken + ": "
                + Objects.requireNonNullElse(violation, "nothing")
                        .lines()
                        .findFirst()
                        .orElse(""));
        assertThat(violation).contains(broken.found);
    }
}
