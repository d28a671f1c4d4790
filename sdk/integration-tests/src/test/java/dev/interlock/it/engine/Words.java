package dev.interlock.it.engine;

import dev.interlock.it.engine.Interleaving.Point;
import dev.interlock.it.engine.Interleaving.Script;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** What the sessions of an {@link Interleaving} say, and what its world is made of. */
final class Words {

    /** What a claim answers that found nothing to start. */
    static final String NOTHING = "{\"leases\": [], \"next_due_at\": null}";

    static final String ONE_AT_A_TIME = "select public.job_queue_set_limits('{\"max_active_jobs\": 1}');"
            + " update public.job_queue_state set last_updated = 'infinity'";

    private Words() {}

    /** A call that still has to be told where it can be stopped. */
    record Call(String name, String sql) {

        Script at(Point... points) {
            return Script.call(name, sql, points);
        }
    }

    // ---- the world before -------------------------------------------------------------------------------------------

    static List<String> world(String... statements) {
        return List.of(statements);
    }

    /** Rows of jobs, without models: known jobs are mirrored into them. */
    static String withRows(String... jobs) {
        return "insert into public.jobs (job_id, prompt) values "
                + Arrays.stream(jobs).map(job -> "('{" + job + "}', 'p')").collect(Collectors.joining(", "));
    }

    static String models(int capacity, String... models) {
        return "insert into public.job_queue_models (model, capacity) values "
                + Arrays.stream(models)
                        .map(m -> "('" + m + "', " + capacity + ")")
                        .collect(Collectors.joining(", "));
    }

    static String running(String job, String... models) {
        return "select public.job_queue_start('{" + job + "}', " + array(models) + ", '{\"worker_id\": \"old\"}')";
    }

    static String waiting(String job, String... models) {
        return "select public.job_queue_enqueue('[" + entry(job, "", models) + "]')";
    }

    static String waitingWith(String more, String job, String... models) {
        return "select public.job_queue_enqueue('[" + entry(job, ", " + more, models) + "]')";
    }

    static String withExecution(String job) {
        return "insert into public.workflow_executions (job_id, workflow_id, total_steps) values ('{" + job
                + "}', 'w', 1)";
    }

    /** A workflow of one step that runs. */
    static String runningFlow(String job, String model) {
        return "select public.job_queue_start('{" + job
                + "}', null, '{\"worker_id\": \"old\", \"job_type\": \"workflow\"," + " \"steps\": [{\"models\": [\""
                + model + "\"]}]}')";
    }

    /** Its step waits for a callback, and has given its models back. */
    static String awaiting(String job) {
        return await(job).sql();
    }

    /** The bound of its wait has passed, and nobody has looked yet. */
    static String pastItsBound(String job) {
        return "update public.job_queue_callbacks set until = now() - interval '1 second' where job_id = '{" + job
                + "}';" + " update public.job_queue_jobs set due_at = now() - interval '1 second' where job_id = '{"
                + job + "}'";
    }

    /** The lease of a running job has run out. */
    static String dead(String job) {
        return "update public.job_queue_jobs set lease_until = now() - interval '1 second' where job_id = '{" + job
                + "}'";
    }

    /** It has, and that was its last attempt. */
    static String spent(String job) {
        return "update public.job_queue_jobs set lease_until = now() - interval '1 second', max_attempts = 1 where job_id = '{"
                + job + "}'";
    }

    // ---- the calls --------------------------------------------------------------------------------------------------

    static Call start(String job, String... models) {
        return startAs("r" + job, "w" + job, job, models);
    }

    static Call startAs(String request, String worker, String job, String... models) {
        return new Call(
                "start " + job,
                "select public.job_queue_start('{" + job + "}', " + array(models) + ", '{\"request_id\": \"" + request
                        + "\", \"worker_id\": \"" + worker + "\"}')");
    }

    static Call enqueue(String job, String... models) {
        return new Call("enqueue " + job, waiting(job, models));
    }

    static Call enqueueWorkflow(String job, String... models) {
        return new Call("enqueue workflow " + job, waitingWith("\"job_type\": \"workflow\"", job, models));
    }

    static Call enqueueAhead(String job, String... models) {
        return new Call("enqueue " + job + " ahead", waitingWith("\"priority\": 5", job, models));
    }

    static Call enqueueUnrestricted(String... jobs) {
        return new Call(
                "enqueue " + String.join(", ", jobs),
                "select public.job_queue_enqueue('["
                        + Arrays.stream(jobs)
                                .map(job -> "{\"job_id\": \"{" + job + "}\", \"models\": [], \"unrestricted\": true}")
                                .collect(Collectors.joining(", "))
                        + "]')");
    }

    static Call complete(String... jobs) {
        return end("complete", "q" + String.join("", jobs), "", jobs);
    }

    static Call completeAndClaim(String worker, String job) {
        return end("complete", "q" + worker, ", \"worker_id\": \"" + worker + "\", \"claim\": {\"max_jobs\": 2}", job);
    }

    static Call end(String outcome, String request, String options, String... jobs) {
        return new Call(
                outcome + " " + String.join(", ", jobs),
                "select public.job_queue_complete('["
                        + Arrays.stream(jobs)
                                .map(job -> "{\"job_id\": \"{" + job + "}\", \"token\": {" + job
                                        + ".token}, \"outcome\": \"" + outcome + "\"}")
                                .collect(Collectors.joining(", "))
                        + "]', '{\"request_id\": \"" + request + "\"" + options + "}')");
    }

    static Call claim(String worker, int atMost) {
        return new Call(
                "claim by " + worker,
                "select public.job_queue_claim('" + worker + "', " + atMost + ", '{\"request_id\": \"k" + worker
                        + "\"}')");
    }

    static Call cancel(String job) {
        return new Call("cancel " + job, "select public.job_queue_cancel('{" + job + "}')");
    }

    static Call await(String job) {
        return new Call(
                "await in " + job,
                "select public.job_queue_await('{" + job + "}', {" + job + ".token}, 0, '{\"within_seconds\": 600}')");
    }

    static Call awaitKeeping(String job) {
        return new Call(
                "await in " + job + ", models kept",
                "select public.job_queue_await('{" + job + "}', {" + job + ".token}, 0, '{\"keep_models\": true}')");
    }

    static Call callback(String job, String payload) {
        return new Call(
                "callback " + payload + " for " + job,
                "select public.job_queue_callback('{" + job + "}', 0, '\"" + payload + "\"', '{\"request_id\": \"b"
                        + payload + "\"}')");
    }

    static Call extend(String job) {
        return new Call(
                "extension for " + job,
                "select public.job_queue_callback('{" + job + "}', 0, null, '{\"extend_seconds\": 900}')");
    }

    static Call checkpoint(String job) {
        return new Call(
                "checkpoint of " + job,
                "select public.job_queue_checkpoint('{" + job + "}', {" + job + ".token}, 0, '\"out\"')");
    }

    /** Its answer says besides whether the lease goes on. */
    static Call heartbeat(String job) {
        return new Call(
                "heartbeat of " + job,
                "select a || jsonb_build_object('goes_on', (a #>> '{leases,0,lease_until}')::timestamptz > clock_timestamp())"
                        + " from (select public.job_queue_heartbeat('old', '[{\"job_id\": \"{" + job
                        + "}\", \"token\": {"
                        + job + ".token}, \"progress\": 5}]') as a) as x");
    }

    static Call release(String job, String model) {
        return new Call(
                "release " + model,
                "select public.job_queue_release_models('{" + job + "}', {" + job + ".token}, " + array(model) + ")");
    }

    static Call setModel(String model, String settings) {
        return new Call(
                "set " + model + " " + settings.replace("\"", ""),
                "select public.job_queue_set_model('" + model + "', '{" + settings + "}')");
    }

    static Call setLimit(String limit) {
        return new Call(
                "set limit " + limit, "select public.job_queue_set_limits('{\"max_active_jobs\": " + limit + "}')");
    }

    static Call setAlias(String alias, String model) {
        return setModel(alias, "\"alias_of\": \"" + model + "\"");
    }

    static Call sweep() {
        return new Call("sweep", "select public.job_queue_sweep()");
    }

    // ---- a user's statements ----------------------------------------------------------------------------------------

    static Script user(String name, List<String> statements, Point... points) {
        return new Script(name, statements, List.of(points), null, "postgres");
    }

    static String edit(String job) {
        return "update public.jobs set prompt = 'edited' where job_id = '{" + job + "}'";
    }

    static String editExecution(String job) {
        return "update public.workflow_executions set retry_count = 1 where job_id = '{" + job + "}'";
    }

    static String delete(String job) {
        return "delete from public.jobs where job_id = '{" + job + "}'";
    }

    static String insert(String job, String... models) {
        return "insert into public.jobs (job_id, prompt, required_models) values ('{" + job + "}', 'p', "
                + array(models) + ")";
    }

    private static String entry(String job, String more, String... models) {
        List<String> quoted = new ArrayList<>();
        for (String model : models) {
            quoted.add("\"" + model + "\"");
        }
        return "{\"job_id\": \"{" + job + "}\", \"models\": [" + String.join(", ", quoted) + "]" + more + "}";
    }

    private static String array(String... names) {
        return "'[\"" + String.join("\", \"", names) + "\"]'";
    }
}
