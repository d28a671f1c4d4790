package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.it.cli.CliRunner.Outcome;
import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jline.utils.AttributedString;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/**
 * Commands that act. What they did is looked up in the database by SQL. Every test has names of its own, with characters of two columns among them, so
 * that none needs an empty queue.
 */
@ExtendWith(LocalSupabaseExtension.class)
abstract class ActingTest {

    private static final int COLUMNS = 80;
    private static final Set<String> INSTALLED = new HashSet<>();

    private final String suffix = "-騎士-" + UUID.randomUUID();
    LocalSupabase local;
    SupabaseClient supabase;
    CliRunner cli;

    @BeforeEach
    final void connect(LocalSupabase shared) {
        local = stack(shared);
        supabase = SupabaseClient.create(local.url(), local.serviceRoleKey());
        if (INSTALLED.add(local.url())) {
            local.installExecSql();
            Migrator.create(supabase).migrate();
        }
        cli = CliRunner.of(local);
    }

    /** The stack that all tests share, or one of a test's own. */
    LocalSupabase stack(LocalSupabase shared) {
        return shared;
    }

    @AfterEach
    final void disconnect() {
        supabase.close();
    }

    /** A name that no other test has. */
    final String name(String base) {
        return base + suffix;
    }

    final JsonNode call(String function, Map<String, ?> arguments) {
        return supabase.rpc(function, arguments).as(JsonNode.class);
    }

    /** Puts a job in line, of a handler of this test's own. */
    final void enqueue(String id, String... models) {
        enqueue(Map.of(), id, models);
    }

    final void enqueue(Map<String, ?> more, String id, String... models) {
        Map<String, Object> job = new HashMap<>(more);
        job.put("job_id", name(id));
        job.put("models", Arrays.stream(models).map(this::name).toList());
        job.put("handler", name("handler"));
        call("job_queue_enqueue", Map.of("jobs", List.of(job)));
    }

    /** Starts a job at once; its token. */
    final long start(String id, String... models) {
        JsonNode answer = call(
                "job_queue_start",
                Map.of(
                        "job_id",
                        name(id),
                        "models",
                        Arrays.stream(models).map(this::name).toList(),
                        "options",
                        Map.of("worker_id", name("worker"), "handler", name("handler"))));
        assertThat(answer.path("result").asString()).isEqualTo("started");
        return answer.path("lease").path("token").asLong();
    }

    /** Starts a job and ends it. */
    final void run(String id, String outcome, String... models) {
        Map<String, Object> end = new HashMap<>();
        end.put("job_id", name(id));
        end.put("token", start(id, models));
        end.put("outcome", outcome);
        if (!outcome.equals("complete")) {
            end.put("error", "the provider said no");
        }
        call("job_queue_complete", Map.of("outcomes", List.of(end)));
    }

    /** The first column of each row. */
    final List<String> rows(String query) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            List<String> rows = new ArrayList<>();
            while (result.next()) {
                rows.add(result.getString(1));
            }
            return rows;
        }
    }

    final void sql(String text) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(text);
        }
    }

    final String status(String id) throws SQLException {
        return String.join("|", rows("select status from public.job_queue_jobs where job_id = '" + name(id) + "'"));
    }

    /** Runs it on a terminal of 80 columns, and sees to it that no line is longer. */
    final Outcome onATerminal(String... args) {
        Outcome outcome = cli.columns(COLUMNS).run(args);
        assertThat(outcome.lines())
                .allSatisfy(line -> assertThat(new AttributedString(line).columnLength())
                        .as(line)
                        .isLessThanOrEqualTo(COLUMNS));
        return outcome;
    }

    /** Runs what is wrong: one line of error that says this, in words and as JSON, and nothing on the output. */
    final void refused(int exitCode, List<String> says, String... args) {
        Outcome outcome = cli.run(args);
        assertThat(outcome.err()).startsWith("interlock: ").contains(says).doesNotContain("Exception");
        assertThat(outcome.errors()).hasSize(1);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.exitCode()).isEqualTo(exitCode);
        List<String> json = new ArrayList<>(List.of(args));
        json.add("--json");
        Outcome forAScript = cli.run(json.toArray(String[]::new));
        JsonNode error = forAScript.error();
        assertThat(error.path("message").asString() + error.path("hint") + error.path("code"))
                .contains(says);
        assertThat(error.path("exit_code").asInt()).isEqualTo(exitCode);
        assertThat(forAScript.out()).isEmpty();
        assertThat(forAScript.exitCode()).isEqualTo(exitCode);
    }
}
