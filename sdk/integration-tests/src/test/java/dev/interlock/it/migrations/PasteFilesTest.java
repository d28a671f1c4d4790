package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.internal.migrate.MigrationFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The files to paste are the numbered files, one after the other. {@code -Dinterlock.generate=true} writes them anew:
 * {@code mvn -pl sdk/integration-tests -am test -Dtest=PasteFilesTest -Dsurefire.failIfNoSpecifiedTests=false -Dinterlock.generate=true}.
 */
class PasteFilesTest {

    private static final Path MIGRATIONS = Path.of("../../migrations");

    @Test
    void pasteFilesAreTheNumberedFiles() throws Exception {
        check("paste/new_project.sql", MigrationFile.pasteReady(true));
        check("paste/existing_project.sql", MigrationFile.pasteReady(false));
    }

    @Test
    void theIndexNamesEveryNumberedFile() throws Exception {
        try (Stream<Path> files = Files.list(MIGRATIONS)) {
            List<String> names = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches("[0-9]+_.*\\.sql"))
                    .sorted()
                    .toList();
            assertThat(Files.readAllLines(MIGRATIONS.resolve("index.txt"))).isEqualTo(names);
        }
    }

    private static void check(String name, String text) throws Exception {
        Path file = MIGRATIONS.resolve(name);
        if (Boolean.getBoolean("interlock.generate")) {
            Files.createDirectories(file.getParent());
            Files.writeString(file, text);
        }
        assertThat(Files.readString(file).replace("\r\n", "\n"))
                .as(name + " is stale: generate it again, see this test's comment")
                .isEqualTo(text);
    }
}
