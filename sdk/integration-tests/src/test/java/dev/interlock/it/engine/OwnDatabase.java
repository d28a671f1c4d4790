package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** A database beside the stack's own, whose jobs table may have any shape; dropped when closed. The functions are called by SQL. */
final class OwnDatabase implements AutoCloseable {

    private static int count;

    private final LocalSupabase local;
    private final String name;
    private final Connection connection;

    private OwnDatabase(LocalSupabase local, String name) throws SQLException {
        this.local = local;
        this.name = name;
        this.connection = connect();
    }

    /** The coordination installed for the tables that these statements make. */
    static OwnDatabase installed(LocalSupabase local, String... before) throws SQLException {
        OwnDatabase database = empty(local);
        for (String statement : before) {
            database.sql(statement);
        }
        database.sql(MigrationFile.pasteReady(false));
        return database;
    }

    static OwnDatabase empty(LocalSupabase local) throws SQLException {
        String name = "own_" + ++count;
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("create database " + name + " template template0");
        }
        return new OwnDatabase(local, name);
    }

    /** Another connection; the caller closes it. */
    Connection connect() throws SQLException {
        return DriverManager.getConnection(local.jdbcUrl().replace("/postgres?", "/" + name + "?"));
    }

    void sql(String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(text);
        }
    }

    /** The first column of each row. */
    List<String> rows(String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            List<String> rows = new ArrayList<>();
            while (result.next()) {
                rows.add(result.getString(1));
            }
            return rows;
        }
    }

    String one(String query) throws SQLException {
        List<String> rows = rows(query);
        assertThat(rows).as(query).hasSize(1);
        return rows.get(0);
    }

    /** Claims up to so many; the ids that it got. */
    List<String> claim(int atMost) throws SQLException {
        return rows("select l ->> 'job_id' from jsonb_array_elements(public.job_queue_claim('w', " + atMost
                + ") -> 'leases') as l");
    }

    /** Ends the running job; the result word. */
    String end(String jobId, String outcome) throws SQLException {
        return one(
                "select public.job_queue_complete(jsonb_build_array(jsonb_build_object('job_id', job_id, 'token', token,"
                        + " 'outcome', '" + outcome
                        + "'))) #>> '{outcomes,0,result}' from public.job_queue_jobs where job_id = '"
                        + jobId + "'");
    }

    List<String> events(String jobId) throws SQLException {
        return rows("select event_type from public.job_queue_log where job_id = '" + jobId + "' order by seq");
    }

    @Override
    public void close() throws SQLException {
        connection.close();
        try (Connection other = local.openConnection();
                Statement statement = other.createStatement()) {
            statement.execute("drop database " + name + " with (force)");
        }
    }
}
