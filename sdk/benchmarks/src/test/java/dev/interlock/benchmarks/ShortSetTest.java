package dev.interlock.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** That everything in the short set runs to its end and reports. What it found is printed and not asserted: CI's machines are no place for it. */
class ShortSetTest {

    @TempDir
    private Path out;

    @Test
    void everyCaseReportsFiguresAndPictures() throws Exception {
        int status = new CommandLine(new Benchmarks())
                .execute("short", "--rounds", "1", "--seconds", "0.2", "--out", out.toString());

        assertThat(status).isZero();
        JsonNode figures = new JsonMapper()
                .readTree(Files.readString(out.resolve("results.json")))
                .get("figures");
        Set<String> reported = new HashSet<>();
        List<String> odd = new ArrayList<>();
        for (JsonNode figure : figures) {
            reported.add(figure.get("group").stringValue());
            for (String number : List.of("value", "floor", "ratio", "lowest", "highest")) {
                // JSON has no number for what is not finite: a text, then.
                if (!figure.get(number).isNumber()) {
                    odd.add(number + " of " + figure);
                }
            }
        }
        assertThat(odd).isEmpty();
        List<String> expected =
                Benchmarks.CASES.stream().filter(Case::inShort).map(Case::name).toList();
        assertThat(reported).containsAll(expected);
        assertThat(Files.readString(out.resolve("results.md"))).contains(expected);
        try (Stream<Path> files = Files.list(out)) {
            List<Path> pictures =
                    files.filter(f -> f.toString().endsWith(".svg")).toList();
            assertThat(pictures)
                    .isNotEmpty()
                    .allSatisfy(p -> assertThat(p).content().contains("<svg", "</svg>"));
        }
    }
}
