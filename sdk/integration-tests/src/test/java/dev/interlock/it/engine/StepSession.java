package dev.interlock.it.engine;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * One connection with a thread of its own that runs a transaction which can be held between its statements, as PostgREST (or a user with
 * psql) would run it, so that a test decides what happens meanwhile.
 */
final class StepSession implements AutoCloseable {

    /** Far above what a case needs, and what PostgREST would have: a session that waits for ever fails its case. */
    private static final String SETTINGS =
            "set statement_timeout = '8s'; set deadlock_timeout = '20ms';" + " set synchronous_commit = off; set role ";

    private final Connection connection;
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final int pid;

    private boolean held;
    private boolean released;
    private Future<String> answer = CompletableFuture.completedFuture("");

    StepSession(Connection connection, String role) throws SQLException {
        this.connection = connection;
        try (Statement s = connection.createStatement()) {
            s.execute(SETTINGS + role);
            try (ResultSet r = s.executeQuery("select pg_backend_pid()")) {
                r.next();
                pid = r.getInt(1);
            }
        }
        connection.setAutoCommit(false);
    }

    int pid() {
        return pid;
    }

    /** Runs the statements in one transaction and commits; held once that many statements have returned (0: never held). */
    synchronized void start(List<String> statements, int heldAfter) {
        held = false;
        released = false;
        answer = thread.submit(() -> run(statements, heldAfter));
    }

    private String run(List<String> statements, int heldAfter) throws SQLException, InterruptedException {
        StringBuilder answers = new StringBuilder();
        try (Statement s = connection.createStatement()) {
            for (int i = 0; i < statements.size(); i++) {
                if (s.execute(statements.get(i))) {
                    try (ResultSet r = s.getResultSet()) {
                        while (r.next()) {
                            answers.append(r.getString(1));
                        }
                    }
                }
                if (i + 1 == heldAfter) {
                    hold();
                }
            }
            connection.commit();
        } catch (SQLException e) {
            connection.rollback();
            return "error " + e.getSQLState() + " " + e.getMessage();
        }
        return answers.toString();
    }

    private synchronized void hold() throws InterruptedException {
        held = !released;
        while (!released) {
            wait();
        }
    }

    /** Lets a held transaction go on; one that has not come so far yet will not be held. */
    synchronized void release() {
        released = true;
        held = false;
        notifyAll();
    }

    /** Stands still by the test's doing: it has ended, or it is held. */
    synchronized boolean idle() {
        return held || answer.isDone();
    }

    synchronized boolean held() {
        return held;
    }

    synchronized boolean ended() {
        return answer.isDone();
    }

    String answer() throws InterruptedException {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public void close() throws SQLException {
        release();
        thread.shutdownNow();
        connection.close();
    }
}
