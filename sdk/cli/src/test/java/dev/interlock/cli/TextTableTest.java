package dev.interlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.cli.view.Styles;
import dev.interlock.cli.view.TextTable;
import dev.interlock.cli.view.Times;
import java.time.Duration;
import java.util.List;
import org.jline.utils.AttributedString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextTableTest {

    @Test
    void columnsAreAsWideAsWhatIsInThem() {
        assertThat(lines(
                        80,
                        new TextTable("model", ">waiting")
                                .row("motion-2.0-fast", 7)
                                .row(Styles.good("flux"), 12)))
                .containsExactly("model            waiting", "motion-2.0-fast        7", "flux                  12");
    }

    @Test
    void onANarrowScreenTheWidestColumnIsCut() {
        assertThat(lines(24, new TextTable("job", "note").row("job-0123456789-0123456789", "short")))
                .containsExactly("job                note", "job-0123456789-0…  short");
    }

    @Test
    void whatIsToBeCopiedIsCutLast() {
        assertThat(lines(24, new TextTable("!job", "note").row("job-0123456789", "a longer note")))
                .containsExactly("job             note", "job-0123456789  a longe…");
        assertThat(lines(18, new TextTable("!job", "note").row("job-0123456789", "a longer note")))
                .containsExactly("job         note", "job-01234…  a lon…");
    }

    @Test
    void wideCharactersCountAsTheColumnsTheyTake() {
        assertThat(lines(80, new TextTable("job", "n").row("騎士", 1).row("abcd", 2)))
                .containsExactly("job   n", "騎士  1", "abcd  2");
    }

    @Test
    void nothingInTheDataCanMoveTheCursor() {
        assertThat(lines(80, new TextTable("job").row("a\u001b[2Jb\nc\u202e"))).containsExactly("job", "a [2Jb c");
    }

    @ParameterizedTest
    @CsvSource({"400, 0.4s", "12000, 12s", "185000, 3m 05s", "7800000, 2h 10m", "352800000, 4d 02h", "-3000, -3.0s"})
    void timesInTheirTwoLargestUnits(long millis, String shown) {
        assertThat(Times.length(Duration.ofMillis(millis))).isEqualTo(shown);
    }

    private static List<String> lines(int width, TextTable table) {
        return table.lines(width).stream().map(AttributedString::toString).toList();
    }
}
