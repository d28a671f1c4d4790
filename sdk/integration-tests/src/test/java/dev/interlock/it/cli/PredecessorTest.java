package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.ExistingDatabase;
import dev.interlock.it.cli.CliRunner.Outcome;
import dev.interlock.testing.LocalSupabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line on the predecessor's database, before Interlock is installed there, and after it is gone again. */
class PredecessorTest {

    private static final String UUIDS = "alter table public.jobs alter blocked_by_job_id type uuid using null";

    private static LocalSupabase local;
    private static CliRunner cli;

    @TempDir
    private Path folder;

    @BeforeAll
    static void start() {
        local = LocalSupabase.start();
        cli = CliRunner.of(local);
    }

    @AfterAll
    static void end() {
        local.close();
    }

    @Test
    void whatTheDatabaseRefusesIsNotUnreachable() throws Exception {
        load(ExistingDatabase.AFTER_027);
        sql(UUIDS);

        Outcome refused = cli.run("install", "--apply");
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains("changed nothing", "jobs.blocked_by_job_id is uuid, not text. Hint: Put that right");

        Outcome forAScript = cli.run("install", "--apply", "--json");
        assertThat(forAScript.exitCode()).isEqualTo(1);
        assertThat(forAScript.err()).contains("\"exit_code\":1");
    }

    @Test
    void theDryRunTellsWhatWouldBeRefused() throws Exception {
        load(ExistingDatabase.AFTER_027);
        assertThat(cli.run("install").exitCode()).isZero();
        assertThat(cli.run("install", "--json").json().path("refusal").isNull()).isTrue();
        sql(UUIDS);

        Outcome told = cli.run("install");
        assertThat(told.exitCode()).isEqualTo(1);
        assertThat(told.out())
                .contains(
                        "Would apply",
                        "would be refused: Migration 027 changed nothing",
                        "jobs.blocked_by_job_id is uuid, not text. Put that right")
                .endsWith("Nothing was changed.\n");
        Outcome json = cli.run("install", "--dry-run", "--json");
        assertThat(json.exitCode()).isEqualTo(1);
        assertThat(json.json().path("refusal").asString()).contains("blocked_by_job_id is uuid");
        assertThat(json.json().path("applied").isEmpty()).isTrue();
    }

    @Test
    void rollsBackOnlyWhatIsInterlocks() throws Exception {
        load(ExistingDatabase.AFTER_027);
        sql("insert into public.job_queue_log (job_id, job_type, event_type) select 'old', 'image', 'started'"
                + " from generate_series(1, 4)");
        Outcome none = cli.run("rollback", "--yes");
        assertThat(none.exitCode()).isZero();
        assertThat(none.out()).startsWith("Nothing of Interlock is installed").hasLineCount(1);
        assertThat(cli.run("rollback", "--yes", "--json")
                        .json()
                        .path("rolled_back")
                        .asBoolean())
                .isFalse();

        assertThat(cli.run("install", "--apply").exitCode()).isZero();
        sql("select public.job_queue_start('11111111-0000-4000-8000-000000000001', '[\"m\"]')");
        Path file = folder.resolve("ours.jsonl");
        Outcome done = cli.run("rollback", "--yes", "--export", file.toString());
        assertThat(done.exitCode()).as(done.err()).isZero();
        String went = done.lines().stream()
                .filter(line -> line.startsWith("  job_queue_log: "))
                .findFirst()
                .orElseThrow();
        assertThat(went).matches("  job_queue_log: [123] rows?, those of Interlock's; what was in it before stays");
        assertThat(Files.readString(file))
                .contains("\"table\":\"job_queue_log\"")
                .doesNotContain("\"old\"");
        sql("do $$ begin assert (select count(*) = 4 from public.job_queue_log); end $$");
        assertThat(cli.run("rollback").out()).startsWith("Nothing of Interlock is installed");
    }

    @Test
    void whatIsNotInstalledIsOneLine() throws Exception {
        load(ExistingDatabase.AFTER_027);
        for (String command : List.of("status", "log", "replay", "limits", "verify")) {
            Outcome outcome = cli.run(command);
            assertThat(outcome.exitCode()).as(command).isEqualTo(4);
            assertThat(outcome.out()).isEmpty();
            assertThat(outcome.err())
                    .hasLineCount(1)
                    .startsWith("interlock: Interlock's SQL is not installed in this project")
                    .contains("run \"interlock install\"")
                    .doesNotContain("Migrator");
        }
    }

    private static void load(ExistingDatabase kind) throws SQLException {
        kind.load(local);
        local.installExecSql();
    }

    private static void sql(String text) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(text);
        }
    }
}
