package dev.interlock.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** The fixtures load on a Supabase project, one after another, and are what they say. */
class ExistingDatabaseTest {

    @Test
    void eachLoads() throws Exception {
        try (LocalSupabase local = LocalSupabase.start()) {
            for (ExistingDatabase kind : ExistingDatabase.values()) {
                kind.load(local);
                try (Connection connection = local.openConnection()) {
                    assertThat(value(connection, "select to_regclass('public.job_queue_log') is not null"))
                            .as(kind.name())
                            .isEqualTo(kind.hasQueue() ? "t" : "f");
                    if (kind.hasJobs()) {
                        ExistingDatabase.inFlight(connection);
                        ExistingDatabase.history(connection, 100);
                        assertThat(value(connection, "select count(*) from public.jobs"))
                                .as(kind.name())
                                .isEqualTo("117");
                    }
                }
            }
        }
    }

    private static String value(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            result.next();
            return result.getString(1);
        }
    }
}
