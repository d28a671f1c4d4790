package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.cli.CliRunner.Outcome;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code interlock models} and {@code interlock limits}. */
class ModelsAndLimitsTest extends ActingTest {

    private static final String SETTINGS = "select to_jsonb(s) - 'resumed_at' from public.job_queue_settings as s";

    @AfterEach
    void usualLimits() {
        Map<String, Object> usual = new HashMap<>(Map.of(
                "priority_step_seconds", 600,
                "default_capacity", 1,
                "unknown_models", "create",
                "log_retention_days", 90,
                "paused", false,
                "max_overtakes", 0,
                "skip_after_seconds", 60));
        usual.put("max_active_jobs", null);
        call("job_queue_set_limits", Map.of("settings", usual));
    }

    private String model(String base) throws Exception {
        return String.join(
                "|",
                rows(
                        "select capacity || ' ' || paused || ' ' || coalesce(starts_per_minute::text, 'none') from public.job_queue_models where model = '"
                                + name(base) + "'"));
    }

    @Test
    void setShowsWhatWasAndWhatIs() throws Exception {
        Outcome made = onATerminal("models", "set", name("m"), "--capacity", "2");
        assertThat(made.out()).contains("new: capacity 2", "held by 0");
        assertThat(model("m")).isEqualTo("2 false none");
        start("a", "m");
        start("b", "m");
        enqueue("c", "m");

        Outcome changed = cli.run("models", "set", name("m"), "--capacity", "1", "--starts-per-minute", "30");
        assertThat(changed.out()).contains("capacity 2 → 1, starts a minute none → 30; held by 2, waited for by 1");
        assertThat(changed.err()).contains("nobody starts until it fits");
        assertThat(model("m")).isEqualTo("1 false 30");

        Outcome json = cli.run("models", "set", name("m"), "--starts-per-minute", "none", "--json");
        assertThat(json.json())
                .isEqualTo(call("job_queue_set_model", Map.of("model", name("m"), "settings", Map.of())));
        assertThat(model("m")).isEqualTo("1 false none");
    }

    @Test
    void pauseAndResumeTakeSeveral() throws Exception {
        enqueue("a", "m");
        enqueue("b", "n");

        Outcome paused = onATerminal("models", "pause", name("m"), name("n"));
        assertThat(paused.lines())
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).contains("now paused"));
        assertThat(List.of(model("m"), model("n"))).containsOnly("1 true none");
        assertThat(List.of(status("a"), status("b"))).containsOnly("delayed");

        Outcome resumed = cli.run("models", "resume", name("m"), "--json");
        assertThat(resumed.json().path(0))
                .isEqualTo(call("job_queue_set_model", Map.of("model", name("m"), "settings", Map.of())));
        assertThat(List.of(model("m"), model("n"))).containsExactly("1 false none", "1 true none");
        assertThat(List.of(status("a"), status("b"))).containsExactly("waiting", "delayed");
    }

    @Test
    void aliasIsAnotherSpellingUntilItIsRemoved() throws Exception {
        String alias = "select model from public.job_queue_aliases where alias = '" + name("M") + "'";
        enqueue("a", "m");

        assertThat(onATerminal("models", "alias", name("M"), name("m")).exitCode())
                .isZero();
        assertThat(rows(alias)).containsExactly(name("m"));
        enqueue("b", "M");
        assertThat(rows("select models[1] from public.job_queue_jobs where job_id = '" + name("b") + "'"))
                .containsExactly(name("m"));
        assertThat(cli.run("models", "alias", name("M"), name("n")).out()).contains(name("m") + " → " + name("n"));
        refused(1, List.of(name("n"), "name that one"), "models", "pause", name("M"));

        Outcome removed = cli.run("models", "alias", name("M"), "--remove", "--json");
        assertThat(removed.json().path("model").asString()).isEqualTo(name("M"));
        assertThat(removed.json().path("alias_of").isNull()).isTrue();
        assertThat(rows(alias)).isEmpty();
        refused(1, List.of("no alias"), "models", "alias", name("M"), "--remove");
    }

    @Test
    void listShowsAllOfThem() throws Exception {
        start("a", "m");
        enqueue("b", "m");
        cli.run("models", "pause", name("m"));
        cli.run("models", "set", name("n"), "--capacity", "7", "--starts-per-minute", "5");
        cli.run("models", "alias", name("N"), name("n"));

        JsonNode answer = cli.run("models", "list", "--json").json();
        for (String base : List.of("m", "n")) {
            JsonNode expected = call("job_queue_set_model", Map.of("model", name(base), "settings", Map.of()));
            assertThat(answer.path("models")).contains(expected);
        }
        assertThat(answer.path("aliases").toString())
                .contains("{\"model\":\"" + name("N") + "\",\"alias_of\":\"" + name("n") + "\"}");
        assertThat(onATerminal("models", "list").out()).contains("paused", "is n-");
    }

    @Test
    void limitsAreShownAndChanged() throws Exception {
        assertThat(cli.run("limits", "--json").json())
                .isEqualTo(call("job_queue_status", Map.of()).path("limits"));
        assertThat(onATerminal("limits").lines()).hasSize(9).noneMatch(line -> line.contains("→"));

        Outcome changed = onATerminal(
                "limits",
                "--max-active",
                "3",
                "--priority-step",
                "1m30s",
                "--pause",
                "--max-overtakes",
                "2",
                "--skip-after",
                "none",
                "--log-retention",
                "30d",
                "--default-capacity",
                "4",
                "--unknown-models",
                "refuse");
        assertThat(changed.lines()).filteredOn(line -> line.contains("→")).hasSize(8);
        assertThat(changed.out())
                .contains("none → 3", "600 → 90", "no → yes", "60 → none", "90 → 30", "create → refuse");
        assertThat(rows(SETTINGS).get(0))
                .contains(
                        "\"max_active_jobs\": 3",
                        "\"priority_step\": \"00:01:30\"",
                        "\"paused\": true",
                        "\"max_overtakes\": 2",
                        "\"skip_after\": null",
                        "\"log_retention\": \"720:00:00\"",
                        "\"default_capacity\": 4",
                        "\"unknown_models\": \"refuse\"");

        Outcome back = cli.run("limits", "--resume", "--max-active", "none", "--log-retention", "none", "--json");
        assertThat(back.json()).isEqualTo(call("job_queue_set_limits", Map.of("settings", Map.of())));
        assertThat(rows(SETTINGS).get(0))
                .contains("\"paused\": false", "\"max_active_jobs\": null", "\"log_retention\": null");
    }

    @Test
    void badUseChangesNothing() throws Exception {
        enqueue("a", "m");
        String models = "select string_agg(m::text, '|' order by model) from public.job_queue_models as m";
        List<String> before = rows(models);
        List<String> settings = rows(SETTINGS);

        refused(2, List.of("NAME"), "models", "set");
        refused(2, List.of("Nothing to set"), "models", "set", name("m"));
        refused(2, List.of("--capacity", "many"), "models", "set", name("m"), "--capacity", "many");
        refused(2, List.of("10001", "JQ007"), "models", "set", name("m"), "--capacity", "10001");
        refused(2, List.of("starts_per_minute is 0", "JQ007"), "models", "set", name("m"), "--starts-per-minute", "0");
        refused(
                2,
                List.of("neither a whole number nor none"),
                "models",
                "set",
                name("m"),
                "--starts-per-minute",
                "few");
        refused(2, List.of("JQ002"), "models", "set", " ", "--capacity", "1");
        refused(1, List.of("no model", name("typo"), "models list"), "models", "pause", name("m"), name("typo"));
        refused(1, List.of("no model", name("typo")), "models", "resume", name("typo"));
        refused(2, List.of("NAME"), "models", "pause");
        refused(2, List.of("ALIAS MODEL"), "models", "alias", name("M"));
        refused(2, List.of("alone"), "models", "alias", name("M"), name("m"), "--remove");
        refused(2, List.of("JQ007", "in line"), "models", "alias", name("m"), name("n"));
        refused(2, List.of("max_active_jobs is 0", "JQ007"), "limits", "--max-active", "0");
        refused(2, List.of("max_overtakes is 5000"), "limits", "--max-active", "5", "--max-overtakes", "5000");
        refused(2, List.of("--pause", "--resume"), "limits", "--pause", "--resume");
        refused(2, List.of("--log-retention", "7d"), "limits", "--log-retention", "90");
        refused(2, List.of("--unknown-models"), "limits", "--unknown-models", "allow");
        assertThat(cli.run("models").err()).contains("subcommand");

        assertThat(rows(models)).isEqualTo(before);
        assertThat(rows(SETTINGS)).isEqualTo(settings);
    }
}
