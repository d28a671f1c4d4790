package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.cli.CliRunner.Outcome;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ExplainCommandTest extends CliTest {

    private static final String FAR = "2999-01-01T00:00:00Z";

    @AfterEach
    void resume() {
        call("job_queue_set_limits", Map.of("settings", Map.of("paused", false)));
    }

    @Test
    void waitingForAModelThatAnotherHolds() {
        enqueue(job("a", "image", "flux", "kling"), job("b", "image", "flux"), job("c", "image", "flux", "free"));
        claim("w-1", "image");

        String text = explain("c");

        assertThat(text)
                .contains(
                        "c  waits  image",
                        "at place 2 (1 is next).",
                        "flux is held by a, and 1 job is ahead of it there.",
                        "When it may start cannot be told. Too few runs of [\"flux\"] measured")
                .containsPattern("flux +1/1 +2\n  held by +a +w-1 +for \\S+ +lease \\d+s\n  ahead: b\n")
                .containsPattern("free +0/1 +1 +has its turn")
                .containsPattern("interlock explain a +the same of the job that is in the way")
                .containsPattern("interlock jobs priority c 10 +moves it ahead")
                .containsPattern("interlock jobs cancel c +ends it")
                .containsPattern("interlock log --job c +everything")
                .doesNotContain("jobs retry");
    }

    @Test
    void theEstimateSaysWhatItRestsOn() {
        for (int i = 0; i < 6; i++) {
            enqueue(job("r" + i, "image", "flux"));
            end("r" + i, claim("w-1", "image"), "complete", Map.of());
        }
        enqueue(job("a", "image", "flux"), job("b", "image", "flux"));
        claim("w-1", "image");
        // Runs are measured a second or so after they end, by whoever sweeps then.
        for (int tries = 0; tries < 600 && !cli.run("explain", "b").out().contains("It may start in about"); tries++) {
            call("job_queue_sweep", Map.of());
        }

        assertThat(explain("b"))
                .containsPattern(
                        "It may start in about \\S+s.*\\. This is an estimate .* \\(at least \\d+ runs each\\)")
                .doesNotContain("cannot be told");
    }

    @Test
    void itsTurnAndNoWorkerThatTakesIt() {
        enqueue(job("a", "image", "flux"));
        assertThat(explain("a"))
                .contains(
                        "the next claim of a worker that takes handler image starts it.",
                        "But no worker has been heard of for a minute.");

        claim("w-1", "video");
        assertThat(explain("a")).contains("But no worker that is there takes that handler.");

        claim("w-2", "image");
        enqueue(job("b", "image", "other"));
        assertThat(explain("b")).contains("A worker that is there takes it; it starts as soon as that one has room.");
    }

    @Test
    void whatIsShutAndHowToOpenIt() {
        set("shut", Map.of("capacity", 0));
        set("off", Map.of("paused", true));
        enqueue(job("a", "image", "shut"), job("b", "image", "off"));
        call("job_queue_set_limits", Map.of("settings", Map.of("paused", true)));

        assertThat(explain("a"))
                .contains(
                        "Everything is paused: nobody starts until that ends.",
                        "shut has capacity 0: nobody may hold it.",
                        "interlock limits --resume",
                        "interlock models set shut --capacity 1");
        assertThat(explain("b"))
                .contains("b  delayed", "off is paused: it waits for the end of that.", "interlock models resume off");
    }

    @Test
    void aRateAndALimitOfAllJobs() {
        set("slow", Map.of("starts_per_minute", 1, "capacity", 5));
        enqueue(job("a", "image", "slow"), job("b", "image", "slow"));
        claim("w-1", "image");
        claim("w-1", "image");

        assertThat(explain("b"))
                .containsPattern("slow lets at most 1 job start a minute: the next may in \\d+s, and nobody is ahead");
        call("job_queue_set_limits", Map.of("settings", Map.of("max_active_jobs", 1)));
        enqueue(job("c", "image", "free"));
        assertThat(explain("c"))
                .contains("The limit of all jobs together is reached: 1 job runs, and 1 job is ahead of it there.")
                .containsPattern("all jobs together +1/1 +2");
        call("job_queue_set_limits", Map.of("settings", Collections.singletonMap("max_active_jobs", null)));
    }

    @Test
    void aSeatThatIsKeptForAnother() {
        enqueue(
                job("a", "image", "m"),
                job("both", "image", "m", "n"),
                job("between", "image", "n"),
                job("later", "image", "n"));
        claim("w-1", "image");

        assertThat(explain("later"))
                .contains(
                        "n has room, but that is kept for both, which is ahead in its line and waits for something else,"
                                + " and 2 jobs are ahead of it there.")
                .containsPattern("interlock explain both +the same of the job that is in the way")
                .doesNotContain("explain between");
        assertThat(explain("both")).containsPattern("interlock explain a +the same of the job");
    }

    @Test
    void running() throws Exception {
        enqueue(job("a", "image", "flux"));
        long token = claim("w-1", "image");
        call(
                "job_queue_heartbeat",
                Map.of(
                        "worker_id",
                        "w-1",
                        "leases",
                        List.of(Map.of("job_id", "a", "token", token, "progress", 40, "note", "upscaling"))));

        assertThat(explain("a"))
                .contains("a  runs  image", "on worker w-1, attempt 1 of 3.", "Its worker says: 40 % done, upscaling.")
                .containsPattern("Its lease ends in \\d+s; a worker that lives renews it")
                .containsPattern("held by +this job +w-1")
                .containsPattern("interlock jobs cancel a +asks its worker");

        call("job_queue_cancel", Map.of("job_id", "a"));
        sql("update public.job_queue_jobs set lease_until = now() - interval '90 seconds' where job_id = 'a'");
        assertThat(explain("a"))
                .contains("Its cancellation was asked for at ", "interlock sweep")
                .containsPattern("Its lease ran out 1m 3\\ds ago: the worker is silent\\.")
                .containsPattern("lease over 1m 3\\ds")
                .doesNotContain("jobs cancel");
    }

    @Test
    void putOff() {
        enqueue(Map.of("job_id", "a", "handler", "image", "models", List.of("m"), "run_at", FAR, "deadline", FAR));
        enqueue(job("b", "image", "m"));
        end("b", claim("w-1", "image"), "retry", Map.of("error", "503 from the provider", "retry_at", FAR));

        assertThat(explain("a"))
                .containsPattern("It is not due before 2999-01-01 \\S+ \\(in \\d+d \\d\\dh\\)\\.")
                .contains(
                        "Meanwhile it stands in no line and holds nobody up.",
                        "It fails as expired unless it runs by 2999");
        assertThat(explain("b"))
                .contains("It is not due before 2999-01-01", "Attempt 1 of 3 did not work: 503 from the provider");
    }

    @Test
    void asideForWantOfAWorker() throws Exception {
        enqueue(job("a", "audio", "m"), job("b", "image", "m"));
        sql("update public.job_queue_jobs set runnable_since = now() - interval '10 minutes' where job_id = 'a'");
        claim("w-1", "image");

        assertThat(explain("a"))
                .contains(
                        "a  delayed",
                        "No worker has asked for handler audio with its models for a while, so it stands aside.");
    }

    @Test
    void ended() {
        enqueue(job("good", "image", "m"), job("bad", "image", "m"), job("gone", "image", "m"));
        call("job_queue_cancel", Map.of("job_id", "gone", "options", Map.of("reason", "the user left")));
        end("good", claim("w-1", "image"), "complete", Map.of());
        end("bad", claim("w-1", "image"), "fail", Map.of("error", "the prompt was refused\nby the provider"));

        assertThat(explain("good"))
                .containsPattern("It completed at .* ago\\), in attempt 1 of 3, which took \\S+s\\.")
                .doesNotContain("jobs retry", "jobs cancel", "held by");
        assertThat(explain("bad"))
                .contains(
                        "bad  failed",
                        "It failed at ",
                        "Its error: the prompt was refused by the provider",
                        "interlock jobs retry bad");
        assertThat(explain("gone"))
                .contains(
                        "It was cancelled at ",
                        "it never ran.",
                        "Its error: the user left",
                        "interlock jobs retry gone");
    }

    @Test
    void theStepsOfAWorkflow() {
        enqueue(Map.of(
                "job_id",
                "flow",
                "job_type",
                "workflow",
                "handler",
                "knight",
                "holding",
                "per_step",
                "steps",
                List.of(
                        Map.of("name", "image", "models", List.of("flux")),
                        Map.of("name", "unused", "models", List.of("kling")),
                        Map.of("name", "animate", "models", List.of("kling")),
                        Map.of("name", "upscale", "models", List.of("topaz")))));
        long token = claim("w-1", "knight");
        call(
                "job_queue_checkpoint",
                Map.of("job_id", "flow", "token", token, "step", 0, "output", "x", "options", Map.of("next_step", 2)));

        assertThat(explain("flow"))
                .contains(
                        "flow  runs  knight (workflow)",
                        "Steps: 2 of 4 done; it holds the models of its current step only.")
                .containsPattern("✓ +0  image +flux +saved \\d{4}-")
                .containsPattern("✓ +1  unused +kling +passed over")
                .containsPattern("▸ +2  animate +kling +attempt 1")
                .containsPattern("\n +3  upscale +topaz\n");

        call("job_queue_await", Map.of("job_id", "flow", "token", token, "step", 2));
        assertThat(explain("flow"))
                .containsPattern("Its step 2 \\(animate\\) waits for a callback until .*\\(in 23h 59m\\)\\.")
                .containsPattern("▸ +2  animate +kling +waits for its callback until \\d{4}-");

        JsonNode json = cli.run("explain", "flow", "--json").json();
        assertThat(json.path("current_step").asInt()).isEqualTo(2);
        assertThat(json.path("holding").asString()).isEqualTo("per_step");
        assertThat(json.path("steps").findValuesAsString("name"))
                .containsExactly("image", "unused", "animate", "upscale");
        assertThat(json.path("steps").path(0).hasNonNull("saved_at")).isTrue();
        assertThat(json.path("steps").path(1).path("saved_at").isNull()).isTrue();
        assertThat(json.path("steps").path(3).path("models").path(0).asString()).isEqualTo("topaz");
    }

    @Test
    void namesAreMadeHarmlessForTheShellAndTheTerminal() {
        String id = "it's; rm -rf \u001b[2J~";
        enqueue(job(id, "image", "m"));

        Outcome outcome = cli.run("explain", id);

        assertThat(outcome.out())
                .contains("interlock jobs cancel 'it'\\''s; rm -rf  [2J~'")
                .doesNotContain("\u001b");
    }

    private String explain(String job) {
        Outcome outcome = cli.run("explain", job);
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.exitCode()).isZero();
        return outcome.out();
    }
}
