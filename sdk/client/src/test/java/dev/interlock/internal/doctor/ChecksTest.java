package dev.interlock.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Difference;
import dev.interlock.Finding;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.migrate.Inspection;
import dev.interlock.internal.migrate.Manifest;
import dev.interlock.internal.migrate.MigrationFile;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What takes too long, or too much of a machine, to be brought about for real. */
class ChecksTest {

    private static final Instant NOW = Instant.parse("2026-03-25T10:00:00Z");

    @Test
    void clocksThatDiffer() {
        Instant later = NOW.plusSeconds(3);
        // The answer took 3 s: the database read its clock somewhere in between.
        assertThat(Checks.skew(NOW, NOW.minusSeconds(1), later)).isNull();
        assertThat(Checks.skew(NOW, NOW.plusSeconds(5), later)).isNull();
        assertThat(Checks.skew(NOW, NOW.plusMillis(5_100), later))
                .extracting(d -> d.finding().what())
                .asString()
                .contains("2.1 s behind");
        assertThat(Checks.skew(NOW, NOW.minusSeconds(60), later))
                .extracting(d -> d.finding().what())
                .asString()
                .contains("60.0 s ahead of");
    }

    @Test
    void transactionsThatAreOpenForLong() {
        assertThat(
                        ids(
                                "{\"transactions\": [{\"pid\": 7, \"user\": \"postgres\", \"state\": \"idle in transaction\", \"seconds\": 599}]}"))
                .isEmpty();
        List<Finding> found = find(
                "{\"transactions\": [{\"pid\": 7, \"user\": \"postgres\", \"application\": null, \"state\": \"idle in transaction\", \"seconds\": 660}]}");
        assertThat(found).extracting(Finding::id).containsExactly("long-transaction");
        assertThat(found.get(0).what()).contains("pid 7").contains("11 minutes");
        assertThat(found.get(0).sql()).isEqualTo("select pg_terminate_backend(7);");
    }

    @Test
    void aDatabaseThatTakesNoWrites() {
        assertThat(ids("{\"server\": {\"read_only\": true}}")).containsExactly("read-only");
    }

    @Test
    void whatCouldNotBeLookedAt() {
        List<Finding> found = find("{\"unknown\": {\"running_unleased\": \"jobs is large\"}}");
        assertThat(found).extracting(Finding::id).containsExactly("not-examined");
        assertThat(found.get(0).what()).contains("running unleased (jobs is large)");
    }

    @Test
    void whereNothingIsInstalledNoRightIsMissing() {
        assertThat(ids("{\"version\": null, \"objects\": {}, \"tables\": {}, \"migrations\": {\"applied\": {}}}"))
                .containsExactly("not-installed");
    }

    @Test
    void laterFilesThatWriteAFunctionAnewFollowTheOlderOne() {
        List<MigrationFile> files = List.of(
                new MigrationFile(
                        "1.sql", "create or replace function public.a(\ncreate or replace function public.b(", ""),
                new MigrationFile("2.sql", "create or replace function public.c(", ""),
                new MigrationFile("3.sql", "create or replace function public.b(", ""),
                new MigrationFile("4.sql", "alter function public.c(text) set jit = off;", ""));

        // Running 1 again for the missing a takes b back to its old text: 3 has to follow.
        assertThat(Files.of(List.of(new Difference("function public.a(jsonb)", "x", null)), files))
                .containsExactly("1.sql", "3.sql");
        assertThat(Files.of(List.of(new Difference("function public.c(jsonb)", "x", null)), files))
                .containsExactly("2.sql", "4.sql");
    }

    @Test
    void whatIsRunAgainForAnyFunctionEndsWithTheTextsThatWereInstalled() {
        for (String object : Manifest.current().objects().keySet()) {
            if (object.startsWith("function ")) {
                List<String> again = Files.of(List.of(new Difference(object, "x", null)));
                for (String name : again) {
                    Set<String> written = functions(MigrationFile.text(name), "create or replace")
                            .collect(Collectors.toSet());
                    assertThat(again)
                            .as(object)
                            .containsAll(MigrationFile.all(false).stream()
                                    .map(MigrationFile::name)
                                    .dropWhile(later -> later.compareTo(name) <= 0)
                                    .filter(later -> functions(MigrationFile.text(later), "create or replace|alter")
                                            .anyMatch(written::contains))
                                    .toList());
                }
            }
        }
    }

    private static Stream<String> functions(String sql, String verbs) {
        return Pattern.compile("^(?:" + verbs + ") function ([^(]+)", Pattern.MULTILINE)
                .matcher(sql)
                .results()
                .map(found -> found.group(1));
    }

    private static List<String> ids(String facts) {
        return find(facts).stream().map(Finding::id).toList();
    }

    /** Of an installation as it should be, but for these. */
    private static List<Finding> find(String facts) {
        Manifest manifest = Manifest.current();
        JsonNode node = JsonCodec.read(
                JsonCodec.write(Map.of(
                        "version",
                        manifest.version(),
                        "objects",
                        manifest.objects(),
                        "tables",
                        Map.of("jobs", Map.of(), "workflow_executions", Map.of()),
                        "migrations",
                        Map.of("applied", applied()))),
                JsonNode.class);
        Map<String, JsonNode> all = new HashMap<>();
        node.properties().forEach(entry -> all.put(entry.getKey(), entry.getValue()));
        JsonCodec.<JsonNode>read(facts, JsonNode.class)
                .properties()
                .forEach(entry -> all.put(entry.getKey(), entry.getValue()));
        Inspection inspection = new Inspection(JsonCodec.read(JsonCodec.write(all), JsonNode.class));
        return Checks.of(inspection).stream().map(Diagnosis::finding).toList();
    }

    private static Map<String, String> applied() {
        return MigrationFile.all(false).stream()
                .collect(Collectors.toMap(MigrationFile::name, MigrationFile::checksum));
    }
}
