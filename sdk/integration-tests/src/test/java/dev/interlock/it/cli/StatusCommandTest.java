package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.cli.CliRunner.Outcome;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class StatusCommandTest extends CliTest {

    @AfterEach
    void resume() {
        call("job_queue_set_limits", Map.of("settings", Map.of("paused", false)));
    }

    @Test
    void anEmptyQueueNeedsNothing() {
        Outcome status = cli.run("status");

        assertThat(status.exitCode()).isZero();
        assertThat(status.err()).isEmpty();
        assertThat(status.lines())
                .contains(
                        "Nothing needs attention.",
                        "0 running, 0 waiting, 0 delayed.",
                        "No model is known yet: the first job that needs one makes it known.",
                        "No worker has been heard of within the last minute.");
    }

    @Test
    void modelsWithWhatTheyHoldAndWorkersWithWhatTheyRun() {
        set("flux", Map.of("capacity", 2));
        set("idle", Map.of());
        set("slow", Map.of("starts_per_minute", 1));
        enqueue(job("a", "image", "flux"), job("b", "image", "flux"), job("c", "image", "flux"));
        claim("w-1", "image");
        claim("w-1", "image");
        claim("w-2", "video");
        enqueue(job("s1", "video", "slow"), job("s2", "video", "slow"));
        claim("w-2", "video");

        List<String> lines = cli.run("status").lines();

        assertThat(lines).contains("Nothing needs attention.", "3 running, 2 waiting, 0 delayed.");
        assertThat(row(lines, "flux")).startsWith("flux 2/2 1 ");
        assertThat(row(lines, "slow")).containsPattern("^slow 1/1 1 \\S+s 1/min");
        assertThat(lines).contains("1 model that nobody holds or waits for: idle.");
        assertThat(row(lines, "w-1")).matches("w-1 2 \\S+ ago image a, b");
        assertThat(row(lines, "w-2")).matches("w-2 1 \\S+ ago video s1");
    }

    @Test
    void whatNeedsAttentionComesFirst() throws Exception {
        enqueue(job("held", "image", "flux"), job("next", "image", "flux"));
        claim("w-1", "image");
        set("shut", Map.of("capacity", 0));
        enqueue(job("stuck", "image", "shut"), job("odd", "audio", "free"));
        set("off", Map.of("paused", true));
        enqueue(job("off-1", "image", "off"));
        call("job_queue_set_limits", Map.of("settings", Map.of("paused", true)));
        sql("update public.job_queue_jobs set lease_until = now() - interval '90 seconds' where job_id = 'held'");

        List<String> lines = cli.run("status").lines();

        assertThat(lines.subList(1, 6))
                .satisfiesExactly(
                        lease -> assertThat(lease)
                                .matches(
                                        "! The lease of held \\(worker w-1\\) ran out 1m 3\\ds ago; the next claim of any worker,"
                                                + " or \"interlock sweep\", takes it back\\."),
                        handler -> assertThat(handler)
                                .isEqualTo("! 1 job could start, but no worker that is there takes handler audio."),
                        paused -> assertThat(paused)
                                .isEqualTo("! Everything is paused: nobody starts, those that run go on."),
                        shut -> assertThat(shut)
                                .isEqualTo("! shut has capacity 0: nobody may hold it, and 1 job waits."),
                        off -> assertThat(off)
                                .isEqualTo("! off is paused: jobs that need it are put off (1 delayed in all)."));
    }

    @Test
    void jobsWithoutAnyWorker() {
        enqueue(job("a", "image", "flux"));

        assertThat(cli.run("status").lines()).contains("! 1 job waits, and no worker has been heard of for a minute.");
    }

    @Test
    void aFreeSeatThatIsKeptSaysForWhom() {
        enqueue(job("a", "image", "m"), job("both", "image", "m", "n"), job("later", "image", "n"));
        claim("w-1", "image");

        List<String> lines = cli.run("status").lines();

        assertThat(row(lines, "n")).startsWith("n 0/1 2 ").endsWith("s kept for both");
    }

    @Test
    void asJsonItIsTheAnswerOfTheFunction() {
        enqueue(job("a", "image", "flux"));

        Outcome status = cli.run("status", "--json");
        JsonNode answer = call("job_queue_status", Map.of());

        assertThat(status.exitCode()).isZero();
        assertThat(status.json().propertyNames()).containsExactlyInAnyOrderElementsOf(answer.propertyNames());
        assertThat(status.json()
                        .path("models")
                        .path(0)
                        .path("line")
                        .path(0)
                        .path("job_id")
                        .asString())
                .isEqualTo("a");
    }

    /** The row of a table that begins with this, its blanks folded. */
    private static String row(List<String> lines, String first) {
        return lines.stream()
                .filter(line -> line.startsWith(first + " "))
                .map(line -> line.replaceAll(" +", " "))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no row " + first + " in " + lines));
    }
}
