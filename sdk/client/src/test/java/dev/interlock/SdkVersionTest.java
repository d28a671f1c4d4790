package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.internal.SdkVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SdkVersionTest {

    @Test
    void isThePoms() throws IOException {
        assertThat(Files.readString(Path.of("pom.xml")))
                .containsPattern("<version>" + SdkVersion.VERSION + "(-SNAPSHOT)?</version>");
    }
}
