package dev.interlock.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A floor that were slower than it must be would flatter all that stands beside it. */
class FloorsTest {

    private static final Map<String, String> CALLS = Map.of(
            "start", "public.bench_start('new', '[\"m\"]', '{\"request_id\": \"r\"}')",
            "enqueue",
                    "public.bench_enqueue('[{\"job_id\": \"new\", \"models\": [\"m\"]}]', '{\"request_id\": \"r\"}')",
            "claim", "public.bench_claim(1, '{\"request_id\": \"r\"}')",
            "complete",
                    "public.bench_complete((select jsonb_build_array(jsonb_build_object('job_id', job_id, 'token', token,"
                            + " 'outcome', 'complete')) from bench.jobs where job_id = 'runs-1'), '{\"request_id\": \"r\"}')");

    private static Bench bench;

    @BeforeAll
    static void start() throws Exception {
        bench = new Bench(Scale.SHORT);
        fill(1, 20);
    }

    @AfterAll
    static void stop() throws Exception {
        bench.close();
    }

    @Test
    void noFloorReadsTheJobsOfOthers() throws Exception {
        // With the statistics of a time when of many jobs few were left: what the planner then takes for small it would
        // rather read whole.
        bench.admin(
                "alter table bench.jobs set (autovacuum_enabled = off); alter table bench.lines set (autovacuum_enabled = off)");
        fill(21, 5_000);
        bench.admin(
                "delete from bench.jobs where substring(job_id from '[0-9]+$')::integer > 1; delete from bench.requests;"
                        + " delete from bench.lines where substring(job_id from '[0-9]+$')::integer > 1");
        bench.admin("vacuum (truncate off, analyze)");
        Map<String, Long> few = blocks();
        fill(21, 5_000);
        Map<String, Long> many = blocks();

        // A deeper tree is a block more for each look.
        assertThat(many)
                .allSatisfy((call, blocks) -> assertThat(blocks)
                        .as("%s: %s blocks beside few", call, few.get(call))
                        .isLessThan(2 * few.getOrDefault(call, 0L) + 50));
    }

    @Test
    void theSmallFunctionsOfAFloorArePartOfItsStatements() throws Exception {
        bench.admin("set track_functions = 'all'; begin; savepoint before; "
                + CALLS.values().stream()
                        .map(call -> "select " + call + "; rollback to before; ")
                        .collect(Collectors.joining())
                + "rollback; select pg_stat_force_next_flush()");

        assertThat(bench.ask("select string_agg(funcname, ' ' order by funcname) from pg_stat_user_functions"))
                .isEqualTo("bench_claim bench_complete bench_enqueue bench_start take");
    }

    /** Jobs that run, and as many that may. */
    private static void fill(int first, int last) throws SQLException {
        bench.execute("select public.bench_start('runs-' || n, '[\"m\"]', jsonb_build_object('request_id', 's' || n)),"
                + " public.bench_enqueue(jsonb_build_array(jsonb_build_object('job_id', 'waits-' || n, 'models', '[\"m\"]'::jsonb)),"
                + " jsonb_build_object('request_id', 'e' || n)) from generate_series(" + first + ", " + last
                + ") as n");
    }

    /** The least of a few calls, each undone again: the first ones make plans, and read the catalogs for that. */
    private static Map<String, Long> blocks() throws SQLException {
        Map<String, Long> found = new LinkedHashMap<>();
        try (Connection connection = bench.local().openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < 3; i++) {
                for (Map.Entry<String, String> call : CALLS.entrySet()) {
                    try (ResultSet r = statement.executeQuery("explain (analyze, buffers, format json) select "
                            + call.getValue() + " from (select random()) as once")) {
                        r.next();
                        JsonNode plan = JsonMapper.shared()
                                .readTree(r.getString(1))
                                .path(0)
                                .path("Plan");
                        long blocks = plan.path("Shared Hit Blocks").asLong()
                                + plan.path("Shared Read Blocks").asLong();
                        found.merge(call.getKey(), blocks, Math::min);
                    }
                    connection.rollback();
                }
            }
        }
        return found;
    }
}
