package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.cli.CliRunner.Outcome;
import dev.interlock.testing.LocalSupabase;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code interlock metrics}, {@code sweep} and {@code replay}, on a stack of its own: they are about all jobs. */
class AuditCommandsTest extends ActingTest {

    private static @Nullable LocalSupabase own;

    @Override
    LocalSupabase stack(LocalSupabase shared) {
        if (own == null) {
            own = LocalSupabase.start();
        }
        return own;
    }

    @AfterAll
    static void end() {
        if (own != null) {
            own.close();
        }
    }

    private void enqueueMany(int jobs, String more) throws Exception {
        for (int first = 0; first < jobs; first += 1000) {
            sql("select public.job_queue_enqueue((select jsonb_agg(jsonb_build_object('job_id', '" + name("many")
                    + "' || n, 'models', '[\"" + name("m") + "\"]'::jsonb" + more + ")) from generate_series(" + first
                    + ", " + Math.min(first + 999, jobs - 1) + ") as n))");
        }
    }

    private static JsonNode of(JsonNode metrics, String model) {
        for (JsonNode entry : metrics.path("models")) {
            if (entry.path("model").asString().equals(model)) {
                return entry;
            }
        }
        throw new AssertionError(model + " is not in " + metrics);
    }

    @Test
    void metricsAreThoseOfTheFunction() throws Exception {
        run("a", "complete", "m");
        run("b", "fail", "m");
        start("c", "n");
        sql("update public.job_queue_log set metadata = metadata || '{\"ran\": 754.2}' where job_id = '" + name("a")
                + "' and event_type = 'completed'");
        sql("update public.job_queue_log set metadata = metadata || '{\"waited\": 95}' where job_id in ('" + name("a")
                + "', '" + name("b") + "') and event_type = 'started'");

        JsonNode shown = cli.run("metrics", "--json").json();
        JsonNode answer = call("job_queue_metrics", Map.of());
        assertThat(shown.propertyNames()).isEqualTo(answer.propertyNames());
        for (String field : List.of("events", "waits", "runs", "capacity", "seconds_waited")) {
            assertThat(of(shown, name("m")).path(field))
                    .isEqualTo(of(answer, name("m")).path(field));
        }

        Outcome table = onATerminal("metrics", "--since", "2h");
        assertThat(table.lines().get(0)).startsWith("Since ").doesNotContain("older");
        String row = table.lines().stream()
                .filter(line -> line.startsWith("m-"))
                .findFirst()
                .orElseThrow();
        assertThat(row.split(" {2,}")).hasSize(9);
        // completed, failed, and the waits and runs to two hundredths
        assertThat(row).matches(".*  1  +1  1m 3\\ds  1m 3\\ds  .*  12m \\d\\ds  .*");
        String since = shown.path("now").asString();
        assertThat(cli.run("metrics", "--since", since, "--json")
                        .json()
                        .path("totals")
                        .path("events")
                        .isEmpty())
                .isTrue();

        refused(2, List.of("--since", "soon", "2h"), "metrics", "--since", "soon");
        refused(2, List.of("JQ007", "past"), "metrics", "--since", "2100-01-01");
    }

    @Test
    void sweepGoesOnUntilNothingIsLeft() throws Exception {
        enqueueMany(450, ", 'run_at', '2100-01-01T00:00:00Z'");
        sql("update public.job_queue_jobs set due_at = now() - interval '1 second' where job_id like '" + name("many")
                + "%'");

        Outcome outcome = cli.run("sweep", "--json");

        assertThat(rows("select count(*) from public.job_queue_jobs where status = 'waiting' and job_id like '"
                        + name("many") + "%'"))
                .containsExactly("450");
        assertThat(outcome.json().path("recovered").asInt()).isEqualTo(450);
        // The function's keys, and nothing to do the second time.
        assertThat(cli.run("sweep", "--json").json()).isEqualTo(call("job_queue_sweep", Map.of()));
        start("dead", "n");
        sql("update public.job_queue_jobs set lease_until = now() - interval '1 second' where job_id = '" + name("dead")
                + "'");
        assertThat(onATerminal("sweep").out()).contains("1 job taken back");
        assertThat(status("dead")).isEqualTo("waiting");
        refused(2, List.of("Unmatched", "hard"), "sweep", "hard");
    }

    @Test
    void replayGoesThroughAllPagesAndTellsByItsExitCode() throws Exception {
        enqueueMany(2100, "");
        assertThat(cli.run("replay", "--json").json().path("differences").isEmpty())
                .isTrue();
        assertThat(onATerminal("replay").out()).contains("agree", "jobs compared.");

        sql("update public.job_queue_jobs set attempt = 2 where job_id in ('" + name("many") + "3', '" + name("many")
                + "2099')");
        try {
            Outcome json = cli.run("replay", "--json");
            Outcome shown = onATerminal("replay");

            assertThat(json.exitCode()).isOne();
            JsonNode all = call("job_queue_replay", Map.of("options", Map.of("max_jobs", 10_000)));
            assertThat(json.json().path("checked")).isEqualTo(all.path("checked"));
            assertThat(json.json().path("consistent").asBoolean()).isFalse();
            assertThat(json.json().path("differences"))
                    .isEqualTo(all.path("differences"))
                    .hasSize(2);
            assertThat(shown.exitCode()).isOne();
            assertThat(shown.out()).contains("differ", "many-", "attempt", "2");
        } finally {
            sql("update public.job_queue_jobs set attempt = 0 where job_id like '" + name("many") + "%'");
        }
        sql("delete from public.job_queue_log where job_id = '" + name("many") + "7'");
        assertThat(cli.run("replay").out()).contains("nothing");
        sql("delete from public.job_queue_jobs where job_id = '" + name("many") + "7'");
        sql("delete from public.job_queue_lines where job_id = '" + name("many") + "7'");
    }
}
