package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;

/** One local stack for all engine tests of a JVM; an empty queue for each test; the invariants checked after each. */
@ExtendWith(LocalSupabaseExtension.class)
public abstract class EngineTest {

    private static boolean installed;

    protected LocalSupabase local;
    protected Queue queue;

    @BeforeEach
    final void emptyQueue(LocalSupabase local) throws SQLException {
        this.local = local;
        if (!installed) {
            try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.serviceRoleKey())) {
                local.installExecSql();
                Migrator.create(supabase).migrate();
            }
            installed = true;
        }
        queue = Queue.of(local);
        empty();
    }

    /** Nothing in the queue, nobody known, every setting as it was installed. */
    protected final void empty() throws SQLException {
        sql("truncate public.job_queue_jobs, public.job_queue_lines, public.job_queue_log, public.job_queue_requests,"
                + " public.job_queue_arrivals, public.job_queue_aliases, public.job_queue_checkpoints, public.job_queue_callbacks,"
                + " public.job_queue_starts,"
                + " public.job_queue_workers, public.job_queue_run_times, public.jobs, public.workflow_executions");
        sql("delete from public.job_queue_models where model <> ''");
        sql("update public.job_queue_settings set max_active_jobs = null, unknown_models = 'create',"
                + " default_capacity = 1, paused = false, resumed_at = '-infinity', max_overtakes = 0, skip_after = '60 seconds',"
                + " priority_step = interval '10 minutes', log_retention = null where id = 1");
        sql("update public.job_queue_marks set log_whole_from = '-infinity', requests_whole_from = '-infinity',"
                + " measured_to = '-infinity' where id = 1");
        sql("update public.job_queue_state set active_job_id = null, active_job_type = null, active_models = '[]',"
                + " started_at = null, last_updated = '-infinity' where id = 1");
    }

    /** Whatever a test did: no line has more seats than it may, none is left free with somebody waiting, all agrees. */
    @AfterEach
    final void invariantsHold() throws SQLException {
        assertThat(rows("select l.model from public.job_queue_lines l join public.job_queue_jobs j using (job_id)"
                        + " where l.seat > 10000 or (l.seat is null and j.status = 'running')"))
                .as("I2: a running job has a seat in every line it stands in")
                .isEmpty();
        assertThat(
                        rows(
                                "select m.model from public.job_queue_models m where not m.paused"
                                        + " and m.next_start_at is null and exists (select from public.job_queue_lines l where l.model = m.model and l.seat is null)"
                                        + " and (select count(*) from public.job_queue_lines l where l.model = m.model and l.seat is not null) < m.capacity"))
                .as("I5: no free seat while somebody waits for one")
                .isEmpty();
        assertThat(rows("select l.job_id from public.job_queue_lines l join public.job_queue_jobs j using (job_id)"
                        + " where l.seat is not null and j.status = 'waiting' and exists (select from public.job_queue_lines u"
                        + " where u.model = l.model and u.seat is null and (u.line_key, u.seq) < (l.line_key, l.seq))"))
                .as("I3: seats go to the first in line")
                .isEmpty();
        assertThat(
                        rows(
                                "select j.job_id from public.job_queue_jobs j where j.status = 'waiting' and j.runnable"
                                        + " <> not exists (select from public.job_queue_lines l where l.job_id = j.job_id and l.seat is null)"))
                .as("runnable is what the seats say")
                .isEmpty();
        assertThat(rows("select l.job_id from public.job_queue_lines l left join public.job_queue_jobs j using (job_id)"
                        + " where j.status is null or j.status not in ('waiting', 'running')"))
                .as("I10: only jobs that wait or run stand in a line")
                .isEmpty();
        assertThat(rows(
                        "select r.job_id::text from public.jobs r join public.job_queue_jobs j on j.job_id = r.job_id::text"
                                + " where j.status = 'running' and (r.status <> 'running' or r.blocked_by_job_id is not null"
                                + " or r.queued_at is not null or r.queue_position is not null)"))
                .as("I10: a running job is never marked blocked")
                .isEmpty();
        assertThat(rows("select job_id from public.job_queue_log where event_type = 'started'"
                        + " group by job_id, metadata ->> 'token' having count(*) > 1"))
                .as("one started event an attempt")
                .isEmpty();
        assertThat(replay()).as("rule 11, I10: the log alone tells what is").isEmpty();
    }

    /** What job_queue_replay finds to differ between the log and the tables. */
    final List<String> replay() throws SQLException {
        try (Connection connection = local.openConnection()) {
            return replay(connection);
        }
    }

    static List<String> replay(Connection connection) throws SQLException {
        List<String> differences = new ArrayList<>();
        String after = null;
        do {
            try (PreparedStatement s = connection.prepareStatement(
                    "select r ->> 'next', r ->> 'consistent', r ->> 'differences' from (select public.job_queue_replay("
                            + "jsonb_strip_nulls(jsonb_build_object('after', ?::text))) as r) as a")) {
                s.setString(1, after);
                try (ResultSet r = s.executeQuery()) {
                    r.next();
                    after = r.getString(1);
                    if (!r.getBoolean(2)) {
                        differences.add(r.getString(3));
                    }
                }
            }
        } while (after != null);
        return differences;
    }

    protected final void sql(String statement) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement s = connection.createStatement()) {
            s.execute(statement);
        }
    }

    /** The first column of each row. */
    protected final List<String> rows(String query, Object... arguments) throws SQLException {
        try (Connection connection = local.openConnection();
                PreparedStatement s = connection.prepareStatement(query)) {
            for (int i = 0; i < arguments.length; i++) {
                s.setObject(i + 1, arguments[i]);
            }
            List<String> rows = new ArrayList<>();
            try (ResultSet r = s.executeQuery()) {
                while (r.next()) {
                    rows.add(r.getString(1));
                }
            }
            return rows;
        }
    }

    final List<String> events(String jobId) throws SQLException {
        return rows("select event_type from public.job_queue_log where job_id = ? order by seq", jobId);
    }

    /** The token of a job's latest attempt. */
    final long token(String jobId) throws SQLException {
        return Long.parseLong(rows("select token from public.job_queue_jobs where job_id = ?", jobId)
                .get(0));
    }

    /** Lets the lease of a running job have run out, as if its worker had died a lease time ago. */
    final void letLeaseRunOut(String jobId) throws SQLException {
        sql("update public.job_queue_jobs set lease_until = now() - interval '1 second' where job_id = '" + jobId
                + "'");
    }

    /** Lets this time have passed: every time the engine keeps is so much earlier. */
    final void letTimePass(int seconds) throws SQLException {
        sql("""
                do $$
                declare
                    t record;
                begin
                    for t in
                        select c.table_name as name,
                            string_agg(format('%%1$I = %%1$I - interval ''%d seconds''', c.column_name), ', ') as earlier
                        from information_schema.columns as c
                        join information_schema.tables as b using (table_schema, table_name)
                        where c.table_schema = 'public' and c.table_name like 'job\\_queue\\_%%'
                          and b.table_type = 'BASE TABLE' and c.data_type = 'timestamp with time zone'
                        group by c.table_name
                    loop
                        execute format('update public.%%I set %%s where true', t.name, t.earlier);
                    end loop;
                end;
                $$""".formatted(seconds));
    }

    /** Runs all at the same instant, each on a thread of its own; the answers in order. */
    static <T> List<T> atOnce(List<Callable<T>> calls) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(calls.size());
        try {
            CyclicBarrier barrier = new CyclicBarrier(calls.size());
            List<Future<T>> futures = new ArrayList<>();
            for (Callable<T> call : calls) {
                futures.add(threads.submit(() -> {
                    barrier.await();
                    return call.call();
                }));
            }
            List<T> answers = new ArrayList<>();
            for (Future<T> future : futures) {
                answers.add(future.get());
            }
            return answers;
        } finally {
            threads.shutdownNow();
        }
    }
}
