package dev.interlock.it;

import dev.interlock.testing.LocalSupabase;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** The kinds of database that the predecessor left behind, without Interlock: the files in {@code src/test/resources/existing}. */
public enum ExistingDatabase {
    /** Jobs, executions, priority queues and flags, and nothing of a queue. */
    BEFORE_027("before_027"),
    /** The predecessor's own 027: columns, state and log, open to everybody. */
    AFTER_027("before_027 after_027"),
    /** The same with {@code active_jobs} and its three functions. */
    PARALLEL_SLOTS("before_027 after_027 parallel_slots"),
    /** A main database that only has {@code blocked_by_job_id}. */
    BLOCKED_BY_ONLY("before_027 blocked_by_only"),
    /** The second project: state and log as they were first, provider keys, no jobs. */
    COORDINATION_ONLY("coordination_only"),
    /** The second project after the change to parallel slots. */
    COORDINATION_SLOTS("coordination_only parallel_slots"),
    /** A project of another hand, with job ids of type text and row level security off. */
    TEXT_IDS("text_ids");

    private final String files;

    ExistingDatabase(String files) {
        this.files = files;
    }

    /** Whether jobs are in it, so that {@link #inFlight} and {@link #history} can be loaded. */
    public boolean hasJobs() {
        return !files.contains("coordination_only");
    }

    /** Whether state and log are in it. */
    public boolean hasQueue() {
        return files.contains("after_027") || files.contains("coordination_only");
    }

    /** Makes the stack's own database such a one, whatever it was before. */
    public void load(LocalSupabase local) throws SQLException {
        try (Connection connection = local.openConnection()) {
            empty(connection);
            load(connection);
        }
    }

    /** Loads it into a database whose schema public is empty, as the owner. */
    public void load(Connection connection) throws SQLException {
        for (String file : List.of(files.split(" ", -1))) {
            run(connection, file);
        }
    }

    /** What the Python workers left when they were stopped: waiting, blocked, running and finished jobs. */
    public static void inFlight(Connection connection) throws SQLException {
        run(connection, "in_flight");
    }

    /** So many finished jobs, a tenth of them workflows. */
    public static void history(Connection connection, int rows) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("set existing.rows = '" + rows + "'");
        }
        run(connection, "history");
    }

    /** An empty project: neither tables nor functions, {@code exec_sql} included. */
    public static void empty(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    "drop schema if exists job_queue cascade; drop schema public cascade; create schema public;"
                            + " grant usage on schema public to anon, authenticated, service_role");
        }
    }

    private static void run(Connection connection, String file) throws SQLException {
        try (InputStream in = ExistingDatabase.class.getResourceAsStream("/existing/" + file + ".sql");
                Statement statement = connection.createStatement()) {
            if (in == null) {
                throw new IllegalStateException("existing/" + file + ".sql is not on the class path.");
            }
            statement.execute(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
