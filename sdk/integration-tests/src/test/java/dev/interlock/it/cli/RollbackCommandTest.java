package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Installing and rolling back by the command line: it shows, asks, exports, and leaves nothing. */
class RollbackCommandTest {

    private static final int JOBS = 450;

    private LocalSupabase local;
    private CliRunner cli;

    @TempDir
    private Path folder;

    @BeforeEach
    void install() {
        local = LocalSupabase.start();
        local.installExecSql();
        cli = CliRunner.of(local);
        assertThat(cli.run("install", "--apply").exitCode()).isZero();
        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            JobCoordinator.create(supabase)
                    .enqueueAll(IntStream.range(0, JOBS)
                            .mapToObj(i ->
                                    JobRequest.normal("job-" + i).models("m").build())
                            .toList());
        }
    }

    @AfterEach
    void end() {
        local.close();
    }

    @Test
    void whoeverDoesNotAgreeLosesNothing() throws Exception {
        CliRunner.Outcome asked = cli.input("n\n").run("rollback");
        assertThat(asked.exitCode()).isEqualTo(1);
        assertThat(asked.out())
                .contains(
                        "job_queue_jobs: " + JOBS + " rows",
                        "job_queue_log: " + JOBS + " rows",
                        JOBS + " jobs wait or run")
                .contains("What was there before Interlock comes back");
        assertThat(asked.err())
                .contains("Roll back? [y/N]", "Nothing was changed.")
                .doesNotContain("--yes");

        CliRunner.Outcome nobody = cli.run("rollback");
        assertThat(nobody.exitCode()).isEqualTo(1);
        assertThat(nobody.err()).contains("with --yes it does not ask.", "Nothing was changed.");

        Path there = Files.writeString(folder.resolve("there"), "mine");
        CliRunner.Outcome refused = cli.run("rollback", "--yes", "--export", there.toString());
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("is there already; nothing was changed");
        assertThat(there).hasContent("mine");
        assertThat(objects()).isNotEmpty();
    }

    @Test
    void exportsEveryRowAndLeavesNothing() throws Exception {
        Path file = folder.resolve("before.jsonl");

        CliRunner.Outcome done = cli.input("y\n").run("rollback", "--export", file.toString());

        assertThat(done.exitCode()).as(done.err()).isZero();
        assertThat(done.out()).contains("Rolled back.");
        List<String> lines = Files.readAllLines(file);
        assertThat(lines.stream()
                        .filter(line -> line.startsWith("{\"table\":\"job_queue_jobs\""))
                        .distinct())
                .hasSize(JOBS);
        assertThat(lines.stream()
                        .filter(line -> line.startsWith("{\"table\":\"job_queue_log\""))
                        .distinct())
                .hasSize(JOBS);
        assertThat(objects()).isEmpty();

        CliRunner.Outcome again = cli.run("rollback", "--yes", "--json");
        assertThat(again.exitCode()).isZero();
        assertThat(again.json().path("rolled_back").asBoolean()).isFalse();
        assertThat(cli.run("install", "--apply").exitCode()).isZero();
    }

    private List<String> objects() throws Exception {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(
                        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relname like 'job\\_queue\\_%'"
                                + " union all select proname::text from pg_proc where pronamespace = 'public'::regnamespace and proname like 'job\\_queue\\_%'"
                                + " union all select nspname::text from pg_namespace where nspname = 'job_queue'")) {
            List<String> names = new ArrayList<>();
            while (result.next()) {
                names.add(result.getString(1));
            }
            return names;
        }
    }
}
