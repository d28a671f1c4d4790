package dev.interlock.samples.springboot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Runs the sample as a user runs it, in a process of its own; it checks itself. */
class SelfCheckTest {

    @Test
    void theApplicationRunsJobsTellsItsHealthAndItsMetricsAndEnds() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dstdout.encoding=UTF-8",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        SelfCheck.class.getName())
                .redirectErrorStream(true);
        builder.environment().remove("SUPABASE_URL");
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output)
                .contains("All 8 are completed.", "\"DOWN\"", "The application ended, its worker first.")
                .doesNotContain("ERROR");
    }
}
