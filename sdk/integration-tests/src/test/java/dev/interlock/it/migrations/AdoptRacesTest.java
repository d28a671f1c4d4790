package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.AdoptOptions;
import dev.interlock.AdoptResult;
import dev.interlock.Lease;
import dev.interlock.LeaseOutcome;
import dev.interlock.Outcome;
import dev.interlock.it.ExistingDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Adoption while users, triggers, workers and another adopter are at the same rows: each job comes in once, and none is lost. */
class AdoptRacesTest {

    private static final AdoptOptions ALL = AdoptOptions.builder()
            .workflow("knight", "m1", "m2", "up")
            .maxJobs(500)
            .build();
    private static final int ROWS = 10_000;

    private static ExistingProject project;
    private static ExecutorService threads;

    @BeforeAll
    static void start() {
        project = new ExistingProject();
        threads = Executors.newCachedThreadPool();
    }

    @AfterAll
    static void end() {
        threads.shutdownNow();
        project.close();
    }

    @BeforeEach
    void empty() throws SQLException {
        project.be(ExistingDatabase.AFTER_027);
    }

    @Test
    @DisplayName(
            "Between the look at the rows and their locks: one is cancelled, one enters by the trigger, one is deleted, one is being edited")
    void changedUnderIt() throws Exception {
        for (int i = 1; i <= 5; i++) {
            project.row("job_id, model, created_at", "'" + id(i) + "', 'm', now() - interval '1 hour'");
        }
        // Stops the adoption, which names five, and nobody else.
        project.sql("alter function job_queue.lock_mirrored(text[], boolean) rename to lock_mirrored_itself;"
                + " create function job_queue.lock_mirrored(ids text[], passing_over boolean) returns text[] language plpgsql as"
                + " 'begin if passing_over and cardinality(ids) = 5 then perform pg_advisory_xact_lock_shared(4711); end if;"
                + " return job_queue.lock_mirrored_itself(ids, passing_over); end'");
        try (Connection gate = project.local.openConnection();
                Connection user = project.local.openConnection();
                Statement holds = gate.createStatement();
                Statement edits = user.createStatement()) {
            holds.execute("select pg_advisory_lock(4711)");
            Future<AdoptResult> adoption = threads.submit(() -> project.coordinator.adopt(ALL));
            until("select count(*) > 0 from pg_locks where locktype = 'advisory' and objid = 4711 and not granted");

            project.sql("update public.jobs set status = 'cancelled' where job_id = '" + id(1) + "'");
            user.setAutoCommit(false);
            edits.execute("update public.jobs set prompt = 'edited' where job_id = '" + id(4) + "'");
            project.sql("delete from public.jobs where job_id = '" + id(3) + "'");
            project.sql("update public.jobs set required_models = '[\"m\"]' where job_id = '" + id(2) + "'");
            holds.execute("select pg_advisory_unlock(4711)");
            AdoptResult result = adoption.get();
            user.commit();
            project.sql("drop function job_queue.lock_mirrored(text[], boolean);"
                    + " alter function job_queue.lock_mirrored_itself(text[], boolean) rename to lock_mirrored");

            assertThat(result.jobs()).extracting(AdoptResult.Adopted::jobId).containsExactly(id(5));
            assertThat(result.passedOver()).isEqualTo(1);
        }
        assertThat(project.coordinator.adopt(ALL).jobs())
                .extracting(AdoptResult.Adopted::jobId)
                .containsExactly(id(4));
        assertThat(entries()).containsExactly(id(2), id(4) + " adopted", id(5) + " adopted");
        assertThat(project.rows("select status from public.jobs where job_id = '" + id(1) + "'"))
                .containsExactly("cancelled");
        project.consistent();
    }

    @Test
    @DisplayName("A row that gets its models while it is being adopted enters once")
    void triggerWaitsForAdoption() throws Exception {
        project.row("job_id, model", "'" + id(1) + "', 'm'");
        try (Connection adopter = project.local.openConnection();
                Statement adopts = adopter.createStatement()) {
            adopter.setAutoCommit(false);
            adopts.execute("select public.job_queue_adopt()");
            Future<?> user = threads.submit(run(() -> project.sql(
                    "update public.jobs set required_models = '[\"other\"]' where job_id = '" + id(1) + "'")));
            until(
                    "select count(*) > 0 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0 and query like 'update public.jobs%'");
            adopter.commit();
            user.get();
        }
        assertThat(entries()).containsExactly(id(1) + " adopted");
        assertThat(project.rows("select model from public.job_queue_lines")).containsExactly("m");
        project.consistent();
    }

    @Test
    @DisplayName(
            "Ten thousand rows in batches by two at once, with users and a worker beside them: each once, in their old order")
    void manyWithLiveTraffic() throws Exception {
        project.before("insert into public.jobs (user_id, status, prompt, model, job_type, created_at, metadata)"
                + " select '11111111-0000-4000-8000-000000000001', 'pending', 'old', case when i % 10 = 0 then 'knight' else 'm' || i % 7 end,"
                + " case when i % 10 = 0 then 'workflow' else 'image' end, now() - (i * 7919 % " + ROWS
                + ") * interval '1 second' - interval '1 hour', jsonb_build_object('priority', 1 + i % 3) from generate_series(1, "
                + ROWS + ") as i");
        AtomicBoolean going = new AtomicBoolean(true);
        Future<Integer> users = threads.submit(() -> {
            int inserted = 0;
            while (going.get() && inserted < 200) {
                project.sql("insert into public.jobs (user_id, prompt, required_models)"
                        + " values ('11111111-0000-4000-8000-000000000001', 'new', '[\"m" + inserted++ % 7 + "\"]')");
            }
            return inserted;
        });
        Future<?> worker = threads.submit(run(() -> {
            for (int round = 0; going.get() && round < 200; round++) {
                List<LeaseOutcome> outcomes = new ArrayList<>();
                for (Lease lease : project.coordinator.claim(5).leases()) {
                    outcomes.add(new LeaseOutcome(lease, Outcome.complete()));
                }
                project.coordinator.completeAll(outcomes);
            }
        }));
        Future<Integer> one = threads.submit(AdoptRacesTest::adoptAll);
        Future<Integer> two = threads.submit(AdoptRacesTest::adoptAll);
        int adopted = one.get() + two.get();
        going.set(false);
        int inserted = users.get();
        worker.get();
        adopted += adoptAll();

        assertThat(adopted).isEqualTo(ROWS);
        assertThat(project.rows("select count(*) from public.job_queue_jobs"))
                .containsExactly(String.valueOf(ROWS + inserted));
        assertThat(
                        project.rows(
                                "select job_id from public.job_queue_log where event_type = 'queued' group by job_id having count(*) > 1"))
                .isEmpty();
        assertThat(
                        project.rows(
                                "select job_id from (select j.job_id, r.prompt, r.created_at, lag(r.created_at) over (partition by l.model order by l.line_key, l.seq)"
                                        + " as before from public.job_queue_lines as l join public.job_queue_jobs as j on j.job_id = l.job_id"
                                        + " join public.jobs as r on r.job_id::text = j.job_id) as o where o.prompt = 'old' and o.created_at < o.before"))
                .as("whoever came later stands behind")
                .isEmpty();
        project.consistent();
    }

    private static int adoptAll() {
        int adopted = 0;
        String next = null;
        do {
            AdoptResult result = project.coordinator.adopt(ALL.after(next));
            adopted += result.adopted();
            next = result.next();
        } while (next != null);
        return adopted;
    }

    private static List<String> entries() throws SQLException {
        return project.rows(
                "select job_id || case when metadata ? 'adopted' then ' adopted' else '' end from public.job_queue_log"
                        + " where event_type = 'queued' order by job_id");
    }

    private static String id(int n) {
        return "00000000-0000-4000-8000-00000000000" + n;
    }

    private static void until(String condition) throws SQLException {
        long patience = System.nanoTime() + 60_000_000_000L;
        while (!project.rows(condition).equals(List.of("t"))) {
            assertThat(System.nanoTime()).as("nobody ever came to wait").isLessThan(patience);
            Thread.onSpinWait();
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private static Callable<Boolean> run(Work work) {
        return () -> {
            work.run();
            return true;
        };
    }
}
