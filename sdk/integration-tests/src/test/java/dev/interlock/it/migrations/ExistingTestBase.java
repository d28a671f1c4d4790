package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.SupabaseClient;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.it.ExistingDatabase;
import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;

/** A local project whose database can be made one of an existing project's. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ExistingTestBase {

    static final String PASTE = MigrationFile.pasteReady(false);
    static final String ROLLBACK = MigrationFile.text("rollback/027_rollback.sql");

    final LocalSupabase local = LocalSupabase.start();
    final SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey());

    @AfterAll
    void end() {
        supabase.close();
        local.close();
    }

    /** In one transaction, as an editor runs what is pasted into it; the notices that it raised. */
    List<String> sql(String text) throws SQLException {
        List<String> notices = new ArrayList<>();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            // The driver alone would commit in the middle of a long script.
            connection.setAutoCommit(false);
            statement.execute(text);
            connection.commit();
            for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
                notices.add(warning.getMessage());
            }
        }
        return notices;
    }

    /** The first column of each row. */
    List<String> values(String query) throws SQLException {
        List<String> values = new ArrayList<>();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            while (result.next()) {
                values.add(result.getString(1));
            }
        }
        return values;
    }

    Set<String> catalog() throws SQLException {
        try (Connection connection = local.openConnection()) {
            return Catalog.of(connection);
        }
    }

    void inFlight(ExistingDatabase kind) throws SQLException {
        if (kind.hasJobs()) {
            try (Connection connection = local.openConnection()) {
                ExistingDatabase.inFlight(connection);
            }
        }
    }

    /** One statement's first value. */
    String value(String query) throws SQLException {
        List<String> values = values(query);
        assertThat(values).as(query).hasSize(1);
        return values.get(0);
    }
}
