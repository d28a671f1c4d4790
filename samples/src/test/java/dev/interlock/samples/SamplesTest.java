package dev.interlock.samples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.samples.quickstart.Quickstart;
import dev.interlock.samples.studio.Studio;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Every sample runs as a user runs it, in a process of its own, and ends by itself with a check of its own result. */
class SamplesTest {

    @Test
    void quickstartEndsWithoutCollisionsAndLeavesNothingRunning() throws Exception {
        Run run = run(Quickstart.class);

        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output())
                .contains("✅ Migration 027 completed successfully!")
                .contains("jobs columns: 5 rows")
                .contains("workflow_executions columns: 3 rows")
                .contains("new tables: 2 rows")
                .contains("job_queue_state: 1 row with NULL active_job_id")
                .containsPattern("collisions seen by the provider +0 ")
                .contains("yes, in every line")
                .contains("kill -9 worker-");
        assertThat(run.left()).isEmpty();
    }

    @Test
    void helloJobRunsBothJobs() throws Exception {
        Run run = run(HelloJob.class);

        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output()).contains("Both are done, one after the other.");
        assertThat(run.left()).isEmpty();
    }

    @Test
    void workerEndsEachJobAsTheKindOfItsFailureSays() throws Exception {
        Run run = run(RunWorker.class);

        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output())
                .contains("a-knight: COMPLETED after 1 attempt")
                .contains("a-busy-knight: COMPLETED after 2 attempts")
                .contains("a-forbidden-knight: FAILED after 1 attempt");
        assertThat(run.left()).isEmpty();
    }

    @Test
    void workflowGoesOnFromTheStepThatFailed() throws Exception {
        Run run = run(RunWorkflow.class);

        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output()).contains("The first step was made once, the second one again from its output.");
        assertThat(run.left()).isEmpty();
    }

    @Test
    void triggerRunsTheRowsOfAnApplicationThatKnowsNothingOfTheCoordinator() throws Exception {
        Run run = run(Trigger.class);

        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output())
                .contains("knight 1: pending, place 1")
                .contains("knight 6: pending, place 6")
                .contains("All 6 rows are completed, one after the other.");
        assertThat(run.left()).isEmpty();
    }

    @Test
    void javaScriptCoordinatesTheSameJobsThroughTheOfficialClient() throws Exception {
        Run run = run(JavaScript.class);

        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output()).contains("Both are done, one after the other, from JavaScript.");
        assertThat(run.left()).isEmpty();
    }

    @Test
    void studioIsAsPromisedUnderEachRuleAndDrawsIt() throws Exception {
        Path picture = Path.of("target", "studio-test.svg");
        Run run = run(Studio.class, "--jobs", "40", "--out", picture.toString());

        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output())
                .contains("All as promised.")
                .containsPattern("turned away \\(429\\) +0 +0 +0 +0\n")
                .containsPattern("steps called again +0 +0 +0 +0\n");
        assertThat(Files.readString(picture))
                .contains(">whole_run<", ">release_as_used<", ">per_step<", "kill -9 worker-", "SIGTERM worker-");
        assertThat(run.left()).isEmpty();
    }

    /** The README's example is the sample's text. */
    @Test
    void theReadmeShowsTheSample() throws Exception {
        String source = Files.readString(Path.of("src/main/java/dev/interlock/samples/HelloJob.java"));
        String shown = source.substring(source.indexOf("// readme:start") + 15, source.indexOf("// readme:end"))
                .stripIndent()
                .strip();

        assertThat(Files.readString(Path.of("../README.md")).replace("\r\n", "\n"))
                .contains(shown);
    }

    private record Run(int exit, String output, List<String> left) {}

    private static Run run(Class<?> main, String... arguments) throws Exception {
        String mark = "INTERLOCK_SAMPLE_RUN=" + UUID.randomUUID();
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dstdout.encoding=UTF-8",
                "-Dinterlock.samples=.",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                main.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().remove("SUPABASE_URL");
        builder.environment().put(mark.substring(0, mark.indexOf('=')), mark.substring(mark.indexOf('=') + 1));
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int exit = process.waitFor();
        // Whatever it started, directly or not, has inherited the mark.
        List<String> left = ProcessHandle.allProcesses()
                .filter(handle -> environment(handle).contains(mark))
                .map(handle -> handle.info().commandLine().orElse("?"))
                .toList();
        return new Run(exit, output, left);
    }

    private static String environment(ProcessHandle handle) {
        try {
            return Files.readString(
                    Path.of("/proc", Long.toString(handle.pid()), "environ"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            // Gone meanwhile, or another user's.
            return "";
        }
    }
}
