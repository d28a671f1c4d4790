package dev.interlock.benchmarks;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Puts many jobs in line, of one model each, evenly over some models. The first thousands go through {@code job_queue_enqueue}; behind
 * them the same rows are written by plain SQL, which is quicker by far, and compared with what enqueue wrote.
 */
public final class Backlog {

    private static final int BATCH = 1000;
    private static final int ENQUEUED = 10_000;
    private static final int PART = 50_000;

    /** All that tells one waiting job from the next. */
    private static final String OWN =
            "'{id,job_id,models,needs,entered_at,line_key,seq,waits_since,model,blocked_by_job_id,conflict_reason,created_at}'::text[]";

    private static final String ROWS = """
            with fresh as (
                insert into public.job_queue_jobs (
                    job_id, job_type, handler, models, needs, status, entered_at, line_key, seq, waits_since)
                select ? || n, 'normal', 'normal', array[m], array[m], 'waiting', t, t, nextval('public.job_queue_line_seq'), t
                from (
                    select n, names[1 + n % cardinality(names)] as m, clock_timestamp() as t
                    from (select ?::text[] as names) as g, generate_series(?::integer, ?::integer) as n order by n offset 0
                ) as g
                returning *
            ), lines as (
                insert into public.job_queue_lines (model, line_key, seq, job_id)
                select f.models[1], f.line_key, f.seq, f.job_id from fresh as f
            )
            insert into public.job_queue_log (
                id, job_id, job_type, event_type, models, blocked_by_job_id, conflict_reason, metadata, created_at)
            select bench.id(), f.job_id, f.job_type, 'queued', to_jsonb(f.models), f.job_id,
                format('In line for %s behind job %s', to_jsonb(f.models), f.job_id),
                jsonb_build_object('status', f.status, 'handler', f.handler, 'attempt', f.attempt), clock_timestamp()
            from fresh as f""";

    private Backlog() {}

    /** Adds so many waiting jobs; their ids are the prefix and a number from 0. */
    public static void fill(Bench bench, int count, String prefix, List<String> models) throws Exception {
        int enqueued = Math.min(count, ENQUEUED);
        try (Direct direct = new Direct(bench)) {
            for (int from = 0; from < enqueued; from += BATCH) {
                List<Map<String, Object>> jobs = new ArrayList<>();
                for (int n = from; n < Math.min(from + BATCH, enqueued); n++) {
                    jobs.add(Direct.job(prefix + n, models.get(n % models.size())));
                }
                direct.enqueue(jobs);
            }
        }
        if (count > enqueued) {
            try (Connection connection = bench.connect()) {
                write(connection, enqueued, count, prefix, models);
            }
            compare(bench, prefix + (enqueued - 1), prefix + (count - 1));
        }
        bench.settleDown();
    }

    /** Removes all jobs, models and events, and what is kept for repeats. */
    public static void clear(Bench bench) throws Exception {
        bench.admin(
                "truncate public.job_queue_jobs, public.job_queue_lines, public.job_queue_log, public.job_queue_requests,"
                        + " public.job_queue_checkpoints, public.job_queue_callbacks, public.job_queue_run_times;"
                        + " delete from public.job_queue_models where model <> ''");
    }

    private static void write(Connection connection, int from, int to, String prefix, List<String> models)
            throws Exception {
        Array names = connection.createArrayOf("text", models.toArray());
        connection.createStatement().execute("set statement_timeout = 0");
        try (PreparedStatement rows = connection.prepareStatement(ROWS)) {
            for (int first = from; first < to; first += PART) {
                int last = Math.min(first + PART, to);
                rows.setString(1, prefix);
                rows.setArray(2, names);
                rows.setInt(3, first);
                rows.setInt(4, last - 1);
                rows.executeUpdate();
                System.err.printf("  %,d of %,d jobs are in line%n", last, to);
            }
        }
    }

    /** What SQL wrote must be what enqueue writes, or the case measures something that does not exist. */
    private static void compare(Bench bench, String enqueued, String written) throws Exception {
        for (String table : List.of("jobs", "lines", "log")) {
            String row = "(select to_jsonb(r) - " + OWN + " from public.job_queue_" + table
                    + " as r where r.job_id = '%s')::text";
            String one = bench.ask("select " + row.formatted(enqueued));
            String other = bench.ask("select " + row.formatted(written));
            if (!one.equals(other)) {
                throw new IllegalStateException(
                        "Enqueue now writes other rows to job_queue_" + table + ": " + one + " instead of " + other);
            }
        }
        String replayed = bench.ask("select public.job_queue_replay('{\"max_jobs\": 10000}') ->> 'consistent'");
        if (!replayed.equals("true")) {
            throw new IllegalStateException("The log does not replay to the jobs in line.");
        }
    }
}
