package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.it.cli.CliRunner.Outcome;
import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code interlock verify} and {@code interlock doctor}, as a person and as a script see them. */
class DoctorCommandTest {

    private static LocalSupabase local;
    private static CliRunner cli;

    @BeforeAll
    static void start() {
        local = LocalSupabase.start();
        local.installExecSql();
        cli = CliRunner.of(local);
    }

    @AfterAll
    static void end() {
        local.close();
    }

    @Test
    void fromNothingToHealthyAndBack() throws Exception {
        Outcome before = cli.run("doctor");
        assertThat(before.exitCode()).isEqualTo(1);
        assertThat(before.out()).contains("error  not-installed").contains("interlock install --apply");
        Outcome nothing = cli.run("verify");
        assertThat(nothing.exitCode()).isEqualTo(4);
        assertThat(nothing.out()).isEmpty();
        assertThat(nothing.err()).hasLineCount(1).contains("SQL is not installed", "run \"interlock install\"");

        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            Migrator.create(supabase).migrate();
        }
        Outcome healthy = cli.run("doctor");
        assertThat(healthy.exitCode()).as(healthy.out()).isZero();
        assertThat(healthy.out()).contains("Nothing is wrong.");
        assertThat(cli.run("doctor", "--json").json().path("healthy").asBoolean())
                .isTrue();
        Outcome verified = cli.run("verify");
        assertThat(verified.exitCode()).as(verified.out()).isZero();
        assertThat(verified.out())
                .contains("ok      jobs columns: 5 rows")
                .contains("ok      workflow_executions columns: 3 rows")
                .contains("ok      new tables: 2 rows")
                .contains("ok      job_queue_state: 1 row with NULL active_job_id")
                .contains("ok      functions, by checksum")
                .doesNotContain("NOT OK");
        assertThat(cli.run("verify", "--json").json().path("ok").asBoolean()).isTrue();

        sql("grant select on public.job_queue_log to anon; drop function public.job_queue_sweep()");
        Outcome broken = cli.run("verify");
        assertThat(broken.exitCode()).isEqualTo(1);
        assertThat(broken.out())
                .contains("NOT OK  functions, by checksum")
                .contains("function public.job_queue_sweep() is missing")
                .contains("NOT OK  rights")
                .contains("role anon has select on table job_queue_log");
        assertThat(cli.run("verify", "--json").json().path("differences").values())
                .extracting(d -> d.path("kind").asString(""))
                .contains("function", "access");

        JsonNode findings = cli.run("doctor", "--json").json().path("findings");
        assertThat(findings.values())
                .extracting(f -> f.path("id").asString(""))
                .containsExactly("function-missing", "open-to-anon");
        Outcome sick = cli.run("doctor");
        assertThat(sick.exitCode()).isEqualTo(1);
        assertThat(sick.out())
                .contains("2 errors, 0 warnings, 0 to know. \"interlock doctor --fix\" mends 2.")
                .contains("       revoke all on table public.job_queue_log from public, anon, authenticated;")
                .contains("Role anon has select on table job_queue_log.");

        Outcome fixed = cli.run("doctor", "--fix");
        assertThat(fixed.out())
                .contains("Fixed function-missing: ran again 052_job_queue_sweep.sql")
                .contains("Fixed open-to-anon: ")
                .contains("Nothing is wrong.");
        assertThat(fixed.exitCode()).isZero();
        assertThat(cli.run("doctor", "--fix").out()).contains("nothing that can be fixed");
    }

    @Test
    void theWrongKeyIsAFinding() {
        Outcome wrongKey =
                cli.with("SUPABASE_SECRET_KEY", local.publishableKey()).run("doctor");
        assertThat(wrongKey.exitCode()).isEqualTo(1);
        assertThat(wrongKey.out()).contains("error  key-kind").contains("SUPABASE_SECRET_KEY");
        assertThat(cli.with("SUPABASE_SECRET_KEY", local.publishableKey())
                        .run("verify")
                        .exitCode())
                .isEqualTo(2);
    }

    private static void sql(String text) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(text);
        }
    }
}
