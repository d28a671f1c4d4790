package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.internal.migrate.MigrationFile;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What was released is append-only: a change is a new file. */
class ReleasesTest {

    @Test
    void noReleasedFileWasChangedRemovedOrRenamed() throws Exception {
        Map<String, String> now = new HashMap<>();
        Stream.of(true, false)
                .flatMap(newProject -> MigrationFile.all(newProject).stream())
                .forEach(file -> now.put(file.name(), file.checksum()));

        assertThat(Release.all())
                .isNotEmpty()
                .allSatisfy(release -> assertThat(now)
                        .as("the files of " + release.version() + " as they were released (a change is a new file)")
                        .containsAllEntriesOf(release.checksums()));
    }

    @Test
    void newFilesComeAfterThoseThatWereReleased() throws Exception {
        String last = "";
        for (Release release : Release.all()) {
            String after = last;
            assertThat(release.checksums().keySet())
                    .allSatisfy(name -> assertThat(name).isGreaterThan(after));
            last = release.checksums().keySet().stream().max(String::compareTo).orElseThrow();
        }
    }
}
