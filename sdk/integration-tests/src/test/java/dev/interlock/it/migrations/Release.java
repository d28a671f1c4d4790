package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.internal.migrate.MigrationFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A release of the SQL, as {@code migrations/releases.txt} has it: what was released is never changed, so its files are still there, and an older
 * release can be installed from them.
 */
record Release(String version, Map<String, String> checksums) {

    private static final Path LIST = Path.of("../../migrations/releases.txt");

    /** All releases, the oldest first; each with the files that it brought. */
    static List<Release> all() throws IOException {
        Map<String, Map<String, String>> releases = new LinkedHashMap<>();
        for (String line : Files.readAllLines(LIST)) {
            if (!line.isBlank() && !line.startsWith("#")) {
                String[] words = line.split(" ");
                assertThat(words).as(line).hasSize(3);
                releases.computeIfAbsent(words[0], version -> new LinkedHashMap<>())
                        .put(words[1], words[2]);
            }
        }
        return releases.entrySet().stream()
                .map(release -> new Release(release.getKey(), release.getValue()))
                .toList();
    }

    /** Its files for a new or an existing project, in the order in which they are applied. */
    List<MigrationFile> files(boolean newProject) {
        return MigrationFile.all(newProject).stream()
                .filter(file -> checksums.containsKey(file.name()))
                .toList();
    }
}
