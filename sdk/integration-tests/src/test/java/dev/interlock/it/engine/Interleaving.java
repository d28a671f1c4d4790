package dev.interlock.it.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A few sessions whose order a test forces. Each is stopped at one of its points while the others run as far as they can; then they are let
 * go, one by one.
 *
 * @param name what crosses what
 * @param setup statements that make the world before
 * @param scripts the sessions
 */
record Interleaving(String name, List<String> setup, List<Script> scripts) {

    static Interleaving of(String name, List<String> setup, Script... scripts) {
        return new Interleaving(name, setup, List.of(scripts));
    }

    /**
     * One session: a transaction.
     *
     * @param statements in these, {a} to {f} are the ids of jobs and {a.token} their tokens when the session starts
     * @param points where it can be stopped, in the order in which it comes to them
     * @param passedOver what it answers when it passes over all that the others have locked, as if it had not been there; null: it waits
     * @param role whose transaction it is
     */
    record Script(
            String name,
            List<String> statements,
            List<Point> points,
            @Nullable String passedOver,
            String role) {

        static Script call(String name, String statement, Point... points) {
            return new Script(name, List.of(statement), List.of(points), null, "service_role");
        }

        Script orPassing(String answer) {
            return new Script(name, statements, points, answer, role);
        }
    }

    /**
     * A place where a session can be stopped: at a lock, which a third session (the gate) holds, or by the test between two statements.
     *
     * @param gate the statement that takes the lock; null: held by the test
     * @param heldAfter by the test: after how many statements; the last one: before the commit
     */
    record Point(String name, @Nullable String gate, int heldAfter) {

        private static Point lock(String name, String gate) {
            return new Point(name, gate, 0);
        }

        static Point request(String id) {
            return lock("request " + id, "select pg_advisory_xact_lock(19025, hashtext('" + id + "'))");
        }

        static Point row(String job) {
            return lock("row " + job, "select 1 from public.jobs where job_id = '{" + job + "}' for update");
        }

        static Point execution(String job) {
            return lock(
                    "execution " + job,
                    "select 1 from public.workflow_executions where job_id = '{" + job + "}' for update");
        }

        static Point settings() {
            return lock("settings", "select pg_advisory_xact_lock(19026, 0)");
        }

        static Point model(String model) {
            return lock(
                    "model " + model, "select 1 from public.job_queue_models where model = '" + model + "' for update");
        }

        /** Another caller is just creating the model; it will roll back. */
        static Point newModel(String model) {
            return lock(
                    "new model " + model,
                    "insert into public.job_queue_models (model, capacity) values ('" + model + "', 1)");
        }

        static Point job(String job) {
            return lock("job " + job, "select 1 from public.job_queue_jobs where job_id = '{" + job + "}' for update");
        }

        /** Another caller is just entering the job; it will roll back. */
        static Point newJob(String job) {
            return lock(
                    "new job " + job,
                    "insert into public.job_queue_jobs (job_id, job_type, handler, models, needs, status, entered_at, waits_since, line_key, seq)"
                            + " values ('{" + job
                            + "}', 'normal', 'normal', '{}', '{}', 'cancelled', now(), now(), now(), 0)");
        }

        static Point state() {
            return lock("state", "select pg_advisory_xact_lock(19027, 0)");
        }

        /** The function has returned, its transaction has not ended. */
        static Point returned() {
            return after(1);
        }

        static Point after(int statements) {
            return new Point("after statement " + statements, null, statements);
        }
    }
}
