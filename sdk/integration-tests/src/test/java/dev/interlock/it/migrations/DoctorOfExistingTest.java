package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Doctor;
import dev.interlock.Finding;
import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.Verification;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.it.ExistingDatabase;
import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The doctor in the databases that the predecessor left. */
class DoctorOfExistingTest {

    private static LocalSupabase local;
    private static SupabaseClient supabase;

    @BeforeAll
    static void start() {
        local = LocalSupabase.start();
        supabase = SupabaseClient.create(local.url(), local.secretKey());
    }

    @AfterAll
    static void end() {
        supabase.close();
        local.close();
    }

    @ParameterizedTest
    @EnumSource
    void beforeTheInstallationAndAfterIt(ExistingDatabase kind) throws Exception {
        kind.load(local);
        local.installExecSql();
        Doctor doctor = Doctor.create(supabase);

        String was = grants();
        assertThat(doctor.examine()).extracting(Finding::id).containsExactly("not-installed");
        assertThat(doctor.fix()).isEmpty();
        assertThat(grants()).isEqualTo(was);
        assertThat(Migrator.create(supabase).verify().isExact()).isFalse();

        sql(MigrationFile.pasteReady(false));
        Verification verification = waitForTheApi();
        assertThat(verification.differences()).isEmpty();
        assertThat(verification.isExact()).isTrue();
        List<Finding> left = doctor.examine();
        for (Finding finding : left) {
            if (finding.sql() != null) {
                for (String one : Statements.of(finding.sql())) {
                    sql(one);
                }
            }
        }
        assertThat(doctor.examine()).isEmpty();
    }

    @Test
    void beforeTheInstallationWhatHindersItAndTheDoorThatItUses() throws Exception {
        ExistingDatabase.AFTER_027.load(local);
        local.installExecSql();
        sql("alter table public.jobs alter blocked_by_job_id type uuid using null;"
                + " grant execute on function public.exec_sql(text) to anon");
        Doctor doctor = Doctor.create(supabase);

        List<Finding> found = doctor.examine();
        assertThat(found).extracting(Finding::id).containsExactly("not-installed", "exec-sql-open", "install-refused");
        assertThat(what(found, "install-refused")).contains("jobs.blocked_by_job_id is uuid, not text");

        assertThat(doctor.fix()).hasSize(1);
        assertThat(doctor.examine()).extracting(Finding::id).containsExactly("not-installed", "install-refused");
    }

    @Test
    void whatWasInFlight() throws Exception {
        ExistingDatabase.PARALLEL_SLOTS.load(local);
        try (Connection connection = local.openConnection()) {
            ExistingDatabase.inFlight(connection);
        }
        local.installExecSql();
        sql(MigrationFile.pasteReady(false));
        waitForTheApi();

        List<Finding> found = Doctor.create(supabase).examine();

        assertThat(found)
                .extracting(Finding::id)
                .contains("old-slots", "running-unleased", "not-adopted", "blocker-gone", "waiting-without-models")
                .doesNotContain("python-alive");
        assertThat(what(found, "running-unleased"))
                .contains("2 rows")
                .contains("f1197000-0000-4000-8000-000000000020")
                .contains("f1197000-0000-4000-8000-000000000021");
        assertThat(what(found, "not-adopted"))
                .contains("3 rows")
                .contains("000000000010")
                .contains("000000000011")
                .contains("000000000012");
        assertThat(what(found, "blocker-gone")).contains("1 row").contains("000000000013");
        assertThat(what(found, "waiting-without-models")).contains("8 rows");
    }

    private static String what(List<Finding> findings, String id) {
        return findings.stream()
                .filter(f -> f.id().equals(id))
                .findFirst()
                .orElseThrow()
                .what();
    }

    private static String grants() throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(
                        "select coalesce(string_agg(concat(oid::regclass, relacl, relrowsecurity), ' ' order by oid), '')"
                                + " from pg_class where relnamespace = 'public'::regnamespace")) {
            result.next();
            return result.getString(1);
        }
    }

    private static Verification waitForTheApi() {
        supabase.rpc("job_queue_inspect").waitForSchema(Duration.ofSeconds(30)).execute();
        return Migrator.create(supabase).verify();
    }

    private static void sql(String text) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(text);
        }
    }
}
