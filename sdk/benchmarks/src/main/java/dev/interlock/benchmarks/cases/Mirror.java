package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Call;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Contest;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Wires;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What mirroring costs: start + complete of jobs that have a row in {@code jobs}, which each of the two calls then updates, beside jobs that have
 * none; with the indexes that the seed gives that table, and on a second stack without them.
 *
 * <p>The lean stack lacks every index of {@code jobs} but its primary key, and the log's index by kind of event: the coordinator finds a row by
 * its id alone. They are the application's, for its own lists of jobs; who has no such lists can drop them.
 */
public final class Mirror implements Case {

    private static final String NO_ROW = "no row in jobs";
    private static final String ROW = "a row in jobs, the seed's indexes";
    private static final String LEAN_NO_ROW = "no row in jobs, lean";
    private static final String LEAN_ROW = "a row in jobs, lean";
    private static final int CALLERS = 16;

    private static final String LEAN = """
            do $$
            declare
                index regclass;
            begin
                for index in
                    select i.indexrelid from pg_catalog.pg_index as i
                    where i.indrelid = 'public.jobs'::regclass and not i.indisprimary
                       or i.indexrelid = to_regclass('public.idx_queue_log_event')
                loop
                    execute format('drop index %s', index);
                end loop;
            end;
            $$
            """;

    @Override
    public String name() {
        return "mirror";
    }

    @Override
    public String title() {
        return "the price of a row in jobs, and of the seed's indexes";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        try (Bench lean = new Bench(bench.scale())) {
            lean.execute(LEAN);
            Queue<String> ids = new ConcurrentLinkedQueue<>();
            Contest.Results results = bench.contest("mirroring")
                    .enter(
                            NO_ROW,
                            CALLERS,
                            (caller, opened) -> life(bench, ids, caller),
                            () -> stock(bench, ids, false))
                    .enter(ROW, CALLERS, (caller, opened) -> life(bench, ids, caller), () -> stock(bench, ids, true))
                    .enter(
                            LEAN_NO_ROW,
                            CALLERS,
                            (caller, opened) -> life(lean, ids, caller),
                            () -> stock(lean, ids, false))
                    .enter(LEAN_ROW, CALLERS, (caller, opened) -> life(lean, ids, caller), () -> stock(lean, ids, true))
                    .run();
            report.add(against(results, ROW, NO_ROW));
            report.add(against(results, LEAN_ROW, LEAN_NO_ROW));
            report.add(against(results, LEAN_ROW, ROW));
            report.add(against(results, LEAN_NO_ROW, NO_ROW));
        }
    }

    private Figure against(Contest.Results results, String what, String other) {
        return Figure.beside(
                name(),
                "HTTP, 16 callers, " + what,
                "jobs/s",
                results.perSecond(what),
                other,
                results.perSecond(other));
    }

    private static Call life(Bench bench, Queue<String> ids, int caller) {
        return Wires.life(bench.coordinator(), ids::remove, List.of("model-" + caller));
    }

    /** Ids for one round, of the form that both have to have; with a row each, or none. */
    private static void stock(Bench bench, Queue<String> ids, boolean rows) throws Exception {
        ids.clear();
        long enough = 1500
                        * (bench.scale().time().toMillis()
                                + 2 * bench.scale().warmUp().toMillis())
                        / 1000
                + 500;
        for (long i = 0; i < enough; i++) {
            ids.add(UUID.randomUUID().toString());
        }
        if (rows) {
            try (Connection connection = bench.local().openConnection();
                    PreparedStatement insert = connection.prepareStatement("""
                            insert into public.jobs (job_id, user_id, prompt)
                            select i, gen_random_uuid(), 'a knight' from unnest(?::uuid[]) as i
                            """)) {
                insert.setArray(1, connection.createArrayOf("text", ids.toArray()));
                insert.executeUpdate();
            }
        }
    }
}
