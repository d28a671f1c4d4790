package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a call reads, counted in blocks, does not grow with the jobs that wait. The statistics say that nearly all lines are of one model, and that
 * there are few models: with those the planner has made joins that read every line there is.
 */
class PlansTest extends EngineTest {

    private static final int FEW = 200;
    private static final int MANY = 20_000;

    private static final String START =
            "public.job_queue_start('new', '[\"%s\"]', '{\"request_id\": \"r\", \"worker_id\": \"w\"}')";
    private static final String ENQUEUE =
            "public.job_queue_enqueue('[{\"job_id\": \"new\", \"models\": [\"%s\"]}]', '{\"request_id\": \"r\"}')";
    private static final String COMPLETE = "public.job_queue_complete((select jsonb_build_array(jsonb_build_object("
            + "'job_id', job_id, 'token', token, 'outcome', 'complete')) from public.job_queue_jobs where job_id = 'holder'), '%s')";

    private static final Map<String, String> CALLS = calls();

    private static Map<String, String> calls() {
        Map<String, String> calls = new LinkedHashMap<>();
        calls.put("start", START.formatted("free"));
        calls.put("enqueue", ENQUEUE.formatted("free"));
        calls.put("start behind one", START.formatted("held"));
        calls.put("enqueue behind one", ENQUEUE.formatted("held"));
        calls.put("complete the one that holds the long line", COMPLETE.formatted("{}"));
        calls.put("complete and claim", COMPLETE.formatted("{\"worker_id\": \"w\", \"claim\": {\"max_jobs\": 1}}"));
        calls.put("claim", "public.job_queue_claim('w', 1)");
        calls.put("cancel the last in line", "public.job_queue_cancel('waits-200')");
        return calls;
    }

    @Test
    @DisplayName(
            "A start, an enqueue, a completion, a claim read as much with 20,000 waiting for another model as with 200")
    void nothingReadsTheLinesOfOthers() throws SQLException {
        fill(1, FEW);
        sql("vacuum analyze");
        Map<String, Long> few = blocks(CALLS);
        fill(FEW + 1, MANY);
        sql("vacuum analyze");

        assertGrowsNot(few, blocks(CALLS));
    }

    private static void assertGrowsNot(Map<String, Long> few, Map<String, Long> many) {
        // A deeper tree is one block more for each look.
        assertThat(many)
                .allSatisfy((call, blocks) -> assertThat(blocks)
                        .as("%s: %s blocks with few waiting", call, few.get(call))
                        .isLessThan(2 * few.getOrDefault(call, 0L) + 50));
    }

    @Test
    @DisplayName(
            "The same where the statistics are of a time when of many jobs few were left, in tables as large as before")
    void nothingReadsTheLinesOfOthersWhoseNumberIsNotKnown() throws SQLException {
        List<String> tables = List.of("job_queue_jobs", "job_queue_lines");
        for (String table : tables) {
            sql("alter table public." + table + " set (autovacuum_enabled = off)");
        }
        try {
            fill(1, MANY);
            sql(
                    "delete from public.job_queue_lines where seat is null; delete from public.job_queue_jobs where status = 'waiting'");
            sql("vacuum (truncate off, analyze)");
            fill(1, FEW);
            Map<String, Long> few = blocks(CALLS);
            fill(FEW + 1, MANY);

            assertGrowsNot(few, blocks(CALLS));
        } finally {
            for (String table : tables) {
                sql("alter table public." + table + " reset (autovacuum_enabled)");
            }
            // Its log tells of jobs that were deleted behind its back.
            empty();
        }
    }

    @Test
    @DisplayName("Every function that is planned by index keeps nothing aside either")
    void plannedAlike() throws SQLException {
        assertThat(
                        rows(
                                "select proname from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace"
                                        + " and proconfig @> '{plan_cache_mode=force_generic_plan}' and not proconfig @> '{enable_material=off}'"))
                .isEmpty();
    }

    @Test
    @DisplayName("The place in a long line is counted in that line: no job beside it is read")
    void aPlaceIsCountedInItsLine() throws SQLException {
        fill(1, MANY);
        sql("vacuum analyze");

        assertThat(blocks(Map.of("start", START.formatted("hot"), "enqueue", ENQUEUE.formatted("hot"))))
                .allSatisfy((call, blocks) -> assertThat(blocks).as(call).isLessThan(MANY / 20));
    }

    private void fill(int first, int last) throws SQLException {
        if (rows("select job_id from public.job_queue_jobs where job_id = 'holder'")
                .isEmpty()) {
            queue.startNow("holder", "hot");
            queue.start("beside", "held");
        }
        sql(
                "select public.job_queue_enqueue((select jsonb_agg(jsonb_build_object('job_id', 'waits-' || n, 'models', jsonb_build_array('hot')))"
                        + " from generate_series(c, least(c + 999, " + last + ")) as n)) from generate_series(" + first
                        + ", "
                        + last + ", 1000) as c");
    }

    /** The least of a few calls, each undone again: the first ones make plans, and read the catalogs for that. */
    private Map<String, Long> blocks(Map<String, String> calls) throws SQLException {
        Map<String, Long> found = new LinkedHashMap<>();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < 3; i++) {
                for (Map.Entry<String, String> call : calls.entrySet()) {
                    // The housekeeping is another thing, and comes once a second.
                    statement.execute("update public.job_queue_state set last_updated = 'infinity'");
                    try (ResultSet r = statement.executeQuery("explain (analyze, buffers, format json) select "
                            + call.getValue() + " from (select random()) as once")) {
                        r.next();
                        var plan = JsonMapper.shared()
                                .readTree(r.getString(1))
                                .path(0)
                                .path("Plan");
                        found.merge(
                                call.getKey(),
                                plan.path("Shared Hit Blocks").asLong()
                                        + plan.path("Shared Read Blocks").asLong(),
                                Math::min);
                    }
                    connection.rollback();
                }
            }
        }
        return found;
    }
}
