package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.cli.CliRunner.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code interlock jobs}. */
class JobsCommandTest extends ActingTest {

    private static List<String> ids(JsonNode jobs) {
        List<String> ids = new ArrayList<>();
        jobs.forEach(job -> ids.add(job.path("job_id").asString()));
        return ids;
    }

    private List<String> named(String... ids) {
        return List.of(ids).stream().map(this::name).toList();
    }

    @Test
    void listShowsThoseThatRunWaitInOrderAndAreDelayed() throws Exception {
        start("runs", "m");
        enqueue("second", "m", "n");
        enqueue(Map.of("priority", 5), "first", "m");
        enqueue("turn", "other");
        enqueue(Map.of("run_at", "2100-01-01T00:00:00Z"), "later", "m");
        run("done", "complete", "free");

        JsonNode all =
                cli.run("jobs", "list", "--handler", name("handler"), "--json").json();
        Outcome ofAModel = cli.run("jobs", "list", "--model", name("n"), "--json");
        Outcome ofAWorker = cli.run("jobs", "list", "--worker", name("worker"), "--json");

        assertThat(ids(all)).isEqualTo(named("runs", "turn", "first", "second", "later"));
        assertThat(ids(ofAModel.json())).isEqualTo(named("second"));
        assertThat(ids(ofAWorker.json())).isEqualTo(named("runs"));
        // The words and values of job_queue_explain.
        JsonNode explained = call("job_queue_explain", Map.of("job_id", name("first")));
        for (String field : List.of(
                "job_id", "status", "handler", "priority", "queued_at", "attempt", "max_attempts", "runnable")) {
            assertThat(all.path(2).path(field)).as(field).isEqualTo(explained.path(field));
        }
        Outcome shown = onATerminal("jobs", "list", "--handler", name("handler"));
        assertThat(shown.lines()).hasSize(6);
        assertThat(shown.lines().get(1)).contains("running", "1/3");
        assertThat(shown.lines().get(2)).contains("waiting", "has its turn");
        assertThat(shown.lines().get(5)).contains("delayed", "in ");
    }

    @Test
    void listShowsEndedJobsTheNewestFirstAsTheyAreNow() throws Exception {
        for (String id : List.of("a", "b", "again", "c")) {
            run(id, "fail", "m");
        }
        run("fine", "complete", "m");
        enqueue(Map.of("deadline", "2001-01-01T00:00:00Z"), "late", "m");
        call("job_queue_sweep", Map.of());
        call("job_queue_retry", Map.of("job_id", name("again")));
        call("job_queue_cancel", Map.of("job_id", name("again")));

        Outcome failed = cli.run("jobs", "list", "--model", name("m"), "--status", "failed", "--json");
        Outcome several = cli.run("jobs", "list", "--model", name("m"), "--status", "completed,cancelled", "--json");
        Outcome two = cli.run("jobs", "list", "--model", name("m"), "--status", "failed", "--limit", "2", "--json");

        assertThat(ids(failed.json())).isEqualTo(named("late", "c", "b", "a"));
        assertThat(failed.json().path(1).path("error").asString()).isEqualTo("the provider said no");
        assertThat(ids(several.json())).isEqualTo(named("again", "fine"));
        assertThat(ids(two.json())).isEqualTo(named("late", "c"));
        assertThat(two.err()).contains("first 2");
        assertThat(onATerminal("jobs", "list", "--model", name("m"), "--status", "failed")
                        .out())
                .contains("expired");
    }

    @Test
    void cancelSaysOfEachJobWhatCameOfIt() throws Exception {
        start("runs", "m");
        enqueue("waits", "m");
        run("done", "complete", "n");

        Outcome outcome = cli.run(
                "jobs",
                "cancel",
                name("runs"),
                name("waits"),
                name("done"),
                name("nobody"),
                name("waits"),
                "--reason",
                "no need",
                "--json");

        assertThat(outcome.exitCode()).isOne();
        JsonNode answers = outcome.json();
        assertThat(ids(answers)).isEqualTo(named("runs", "waits", "done", "nobody"));
        assertThat(answers.path(0)).isEqualTo(answer(name("runs"), "cancel_requested", "running"));
        assertThat(answers.path(1)).isEqualTo(answer(name("waits"), "cancelled", "cancelled"));
        assertThat(answers.path(2)).isEqualTo(answer(name("done"), "finished", "completed"));
        assertThat(answers.path(3).path("error").path("code").asString()).isEqualTo("JQ006");
        assertThat(rows(
                        "select status || ' ' || coalesce(error, '') || ' ' || (cancel_requested_at is not null) from public.job_queue_jobs"
                                + " where handler = '" + name("handler") + "' order by job_id"))
                .containsExactly("completed  false", "running  true", "cancelled no need false");
        // Once more is no mistake: it is as it was to be.
        assertThat(cli.run("jobs", "cancel", name("waits")).exitCode()).isZero();
        Outcome shown = onATerminal("jobs", "cancel", name("runs"), name("waits"), name("done"));
        assertThat(shown.lines().get(1)).contains("cancel_requested", "worker is told");
        assertThat(shown.lines().get(2)).contains("finished", "cancelled already");
        assertThat(shown.lines().get(3)).contains("finished", "it is completed");
        assertThat(shown.exitCode()).isOne();
    }

    private static JsonNode answer(String jobId, String result, String status) {
        return tools.jackson.databind.json.JsonMapper.shared()
                .valueToTree(Map.of("job_id", jobId, "result", result, "status", status));
    }

    @Test
    void manyAreCancelledOnlyWhenThePersonAgrees() throws Exception {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 11; i++) {
            enqueue("job" + i, "m");
            ids.add(name("job" + i));
        }
        String waiting = "select count(*) from public.job_queue_jobs where status = 'waiting' and handler = '"
                + name("handler") + "'";
        List<String> args = new ArrayList<>(List.of("jobs", "cancel"));
        args.addAll(ids);

        Outcome no = cli.input("n\n").run(args.toArray(String[]::new));
        Outcome nobody = cli.run(args.toArray(String[]::new));
        Outcome piped = cli.input(String.join("\n", ids)).run("jobs", "cancel", "-");

        assertThat(no.err()).contains("Cancel 11 jobs?").contains("Nothing was cancelled");
        assertThat(no.exitCode()).isOne();
        assertThat(nobody.exitCode()).isOne();
        assertThat(piped.exitCode()).isEqualTo(2);
        assertThat(piped.errors()).singleElement().asString().contains("11 jobs", "--yes");
        assertThat(rows(waiting)).containsExactly("11");

        assertThat(cli.input("y\n").run(args.toArray(String[]::new)).exitCode()).isZero();
        assertThat(rows(waiting)).containsExactly("0");
        assertThat(cli.input(String.join("\n", ids))
                        .run("jobs", "cancel", "--yes", "-")
                        .exitCode())
                .isZero();
    }

    @Test
    void whatOneCommandListsAnotherTakes() throws Exception {
        for (int i = 0; i < 12; i++) {
            run("job" + i, "fail", "m");
        }
        String listed = cli
                .run("jobs", "list", "--model", name("m"), "--status", "failed", "--json")
                .json()
                .findValuesAsString("job_id")
                .stream()
                .reduce("", (all, id) -> all + id + "\n\n");

        Outcome outcome = cli.input(listed).run("jobs", "retry", "-", "--attempts", "3");

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.lines()).hasSize(13).element(1).asString().contains("retried");
        assertThat(rows("select distinct status || max_attempts from public.job_queue_jobs where handler = '"
                        + name("handler") + "'"))
                .containsExactly("waiting4");
    }

    @Test
    void retryLeavesAloneWhatHasNotFailed() throws Exception {
        start("runs", "m");
        run("failed", "fail", "n");
        run("done", "complete", "n");

        Outcome outcome = cli.run("jobs", "retry", name("failed"), name("runs"), name("done"), "--json");

        assertThat(outcome.exitCode()).isOne();
        assertThat(outcome.json().findValuesAsString("result")).containsExactly("retried", "unfinished", "completed");
        assertThat(outcome.json().path(0).path("queue_position").asInt()).isOne();
        assertThat(List.of(status("failed"), status("runs"), status("done")))
                .containsExactly("waiting", "running", "completed");
        assertThat(rows("select max_attempts - attempt from public.job_queue_jobs where job_id = '" + name("failed")
                        + "'"))
                .containsExactly("1");
    }

    @Test
    void priorityIsTheLastWordOrAnOption() throws Exception {
        start("runs", "m");
        enqueue("a", "m");
        enqueue("b", "m");
        run("done", "complete", "n");
        String priorities = "select priority from public.job_queue_jobs where job_id in ('" + name("a") + "', '"
                + name("b") + "') order by job_id";

        Outcome outcome = onATerminal("jobs", "priority", name("b"), "7");
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.lines().get(1)).contains("reprioritized", "place 1");
        assertThat(rows(priorities)).containsExactly("0", "7");

        assertThat(cli.run("jobs", "priority", name("a"), name("b"), "--priority", "-5")
                        .exitCode())
                .isZero();
        assertThat(rows(priorities)).containsExactly("-5", "-5");
        assertThat(cli.input(name("a")).run("jobs", "priority", "-", "3").exitCode())
                .isZero();
        assertThat(rows(priorities)).containsExactly("3", "-5");
        Outcome ended = cli.run("jobs", "priority", name("done"), "1", "--json");
        assertThat(ended.exitCode()).isOne();
        assertThat(ended.json().path(0)).isEqualTo(answer(name("done"), "finished", "completed"));
    }

    @Test
    void aLostAnswerIsNoFailure() throws Exception {
        run("failed", "fail", "m");
        enqueue("waits", "n");
        try (LosingGateway gateway = new LosingGateway(local.url())) {
            CliRunner losing = cli.with("SUPABASE_URL", gateway.url());

            Outcome retried = losing.run("jobs", "retry", name("failed"), "--attempts", "2", "--json");
            Outcome cancelled = losing.run("jobs", "cancel", name("waits"), "--json");
            Outcome moved = losing.run("jobs", "priority", name("failed"), "9", "--json");

            assertThat(gateway.calls())
                    .containsExactly(
                            "job_queue_retry",
                            "job_queue_retry",
                            "job_queue_cancel",
                            "job_queue_cancel",
                            "job_queue_reprioritize",
                            "job_queue_reprioritize");
            assertThat(retried.json().path(0).path("result").asString()).isEqualTo("retried");
            assertThat(List.of(retried.exitCode(), cancelled.exitCode(), moved.exitCode()))
                    .containsOnly(0);
        }
        assertThat(rows("select event_type from public.job_queue_log where job_id = '" + name("failed")
                        + "' order by seq"))
                .containsExactly("started", "failed", "retried", "reprioritized");
        assertThat(rows("select event_type from public.job_queue_log where job_id = '" + name("waits")
                        + "' order by seq"))
                .containsExactly("queued", "cancelled");
    }

    @Test
    void badUseChangesNothing() throws Exception {
        start("runs", "m");
        enqueue("waits", "m");
        run("failed", "fail", "n");
        String state =
                "select string_agg(j::text, '|' order by job_id) from public.job_queue_jobs as j where handler = '"
                        + name("handler") + "'";
        List<String> before = rows(state);

        refused(2, List.of("JOB", "jobs cancel --help"), "jobs", "cancel");
        refused(2, List.of("blank"), "jobs", "cancel", name("waits"), " ");
        refused(1, List.of("unknown", "JQ006"), "jobs", "cancel", name("nobody"));
        refused(1, List.of("unknown", "JQ006"), "jobs", "retry", name("nobody"));
        refused(1, List.of("unknown", "JQ006"), "jobs", "priority", name("nobody"), "1");
        refused(2, List.of("--attempts is 0", "1 to 100"), "jobs", "retry", name("failed"), "--attempts", "0");
        refused(2, List.of("--attempts", "many"), "jobs", "retry", name("failed"), "--attempts", "many");
        refused(2, List.of("JQ001"), "jobs", "retry", "x".repeat(201));
        refused(2, List.of("101", "-100 to 100"), "jobs", "priority", name("waits"), name("runs"), "101");
        refused(2, List.of("priority", name("waits")), "jobs", "priority", name("runs"), name("waits"));
        refused(2, List.of("No job was named"), "jobs", "priority", "5");
        refused(2, List.of("--status", "lost", "FAILED"), "jobs", "list", "--status", "lost");
        refused(2, List.of("--limit is 0", "1 to 500"), "jobs", "list", "--limit", "0");
        refused(1, List.of("no model", name("nothing")), "jobs", "list", "--model", name("nothing"));
        assertThat(cli.run("jobs").err()).contains("subcommand");
        refused(2, List.of("lisst", "list"), "jobs", "lisst");

        assertThat(rows(state)).isEqualTo(before);
    }
}
