package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Direct;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * What a day leaves in the tables: one job a second, 86,400 of them, of which some wait, some are tried again and some fail, in batches as
 * fast as they go. Then the day is made two days older, retention is set to one day, and the sweep removes it; then another day comes.
 */
public final class Day implements Case {

    private static final int BATCH = 1000;
    private static final int MODELS = 100;
    private static final List<String> TABLES =
            List.of("job_queue_jobs", "job_queue_lines", "job_queue_log", "job_queue_requests");

    @Override
    public String name() {
        return "day";
    }

    @Override
    public String title() {
        return "a day of traffic: log, tables, indexes, bloat and what retention removes";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        int jobs = bench.scale().either(86_400, 2_000);
        bench.admin("create extension if not exists pgstattuple");
        try (Direct direct = new Direct(bench)) {
            direct.call("job_queue_set_limits", Map.of("settings", Map.of("default_capacity", 4)));
            traffic(bench, direct, jobs);
            bench.admin("analyze");
            String day = String.format(Locale.ROOT, "%,d jobs", jobs);
            report.add(
                    Figure.alone("day", day + ": events", "rows", number(bench, "select count(*) from job_queue_log")));
            sizes(bench, report, day);
            long first = size(bench);

            age(bench);
            direct.call("job_queue_set_limits", Map.of("settings", Map.of("log_retention_days", 1)));
            sweep(bench, direct, report, day);
            bench.settleDown();
            sizes(bench, report, day + ", aged, swept and vacuumed");

            traffic(bench, direct, jobs);
            report.add(Figure.beside(
                    "day",
                    "all tables after another such day",
                    "MB",
                    Rounds.of(size(bench) / 1e6),
                    "after the first",
                    Rounds.of(first / 1e6)));
        }
    }

    private static void traffic(Bench bench, Direct direct, int jobs) throws Exception {
        for (int from = 0; from < jobs; from += BATCH) {
            List<Map<String, Object>> batch = new ArrayList<>();
            for (int n = from; n < Math.min(from + BATCH, jobs); n++) {
                batch.add(Direct.job(bench.newId(), "model-" + n % MODELS));
            }
            direct.enqueue(batch);
            // One in fifty asks to start at once, and is blocked.
            for (int n = 0; n < batch.size() / 50; n++) {
                direct.start("model-" + n);
            }
            for (List<JsonNode> leases = direct.claim(400); !leases.isEmpty(); leases = direct.claim(400)) {
                direct.complete(leases.stream().map(Day::outcome).toList());
            }
            System.err.printf("  %,d of %,d jobs have run%n", from + batch.size(), jobs);
        }
    }

    /** One in twelve is to be tried again, at once; one in forty fails for good. */
    private static Map<String, Object> outcome(JsonNode lease) {
        long token = lease.get("token").longValue();
        String outcome = token % 12 == 0 ? "retry" : token % 40 == 1 ? "fail" : "complete";
        return Map.of("job_id", lease.get("job_id").stringValue(), "token", token, "outcome", outcome);
    }

    private static void age(Bench bench) throws Exception {
        bench.admin(
                "update public.job_queue_log set created_at = created_at - interval '2 days';"
                        + " update public.job_queue_jobs set finished_at = finished_at - interval '2 days' where finished_at is not null");
        // The shift itself is no part of a day.
        bench.admin("vacuum full analyze public.job_queue_log");
        bench.admin("vacuum full analyze public.job_queue_jobs");
    }

    private static void sweep(Bench bench, Direct direct, Report report, String day) throws Exception {
        List<Double> millis = new ArrayList<>();
        List<Double> removed = new ArrayList<>();
        long before;
        long left = events(bench);
        do {
            before = left;
            long begin = System.nanoTime();
            direct.call("job_queue_sweep", Map.of());
            millis.add((System.nanoTime() - begin) / 1e6);
            left = events(bench);
            removed.add((double) (before - left));
        } while (left < before);
        // The last one found nothing.
        millis.remove(millis.size() - 1);
        removed.remove(removed.size() - 1);
        if (millis.isEmpty()) {
            throw new IllegalStateException("The sweep removed nothing.");
        }
        report.add(
                Figure.alone("day", day + ": sweeps until all that is old is gone", "calls", Rounds.of(millis.size())));
        report.add(Figure.alone("day", day + ": a sweep", "ms", new Rounds(millis)));
        report.add(Figure.alone("day", day + ": events that a sweep removes", "rows", new Rounds(removed))
                .target("≤ 5,000 a call", new Rounds(removed).most() <= 5000));
        report.add(
                Figure.alone("day", day + ": jobs left", "rows", number(bench, "select count(*) from job_queue_jobs")));
    }

    private static void sizes(Bench bench, Report report, String when) throws Exception {
        for (String table : TABLES) {
            String of = when + ": " + table;
            report.add(Figure.alone(
                    "day",
                    of + " without its indexes",
                    "MB",
                    megabytes(bench, "pg_table_size('public." + table + "')")));
            report.add(Figure.alone(
                    "day",
                    of + ", free space",
                    "%",
                    number(bench, "select free_percent from pgstattuple('public." + table + "')")));
            report.add(Figure.alone(
                    "day",
                    of + ", dead rows",
                    "rows",
                    number(bench, "select dead_tuple_count from pgstattuple('public." + table + "')")));
            String indexes = bench.ask("select string_agg(indexrelid::regclass::text, ' ' order by indexrelid)"
                    + " from pg_index where indrelid = 'public." + table
                    + "'::regclass and pg_relation_size(indexrelid) > 1000000");
            for (String index : indexes.equals("null") ? new String[0] : indexes.split(" ", -1)) {
                String density = bench.ask("select avg_leaf_density from pgstatindex('" + index + "')");
                report.add(Figure.alone(
                        "day",
                        when + ": index " + index + " (leaves " + density + " % full)",
                        "MB",
                        megabytes(bench, "pg_relation_size('" + index + "')")));
            }
        }
    }

    private static long size(Bench bench) throws Exception {
        long all = 0;
        for (String table : TABLES) {
            all += Long.parseLong(bench.ask("select pg_total_relation_size('public." + table + "')"));
        }
        return all;
    }

    private static long events(Bench bench) throws Exception {
        return Long.parseLong(bench.ask("select count(*) from public.job_queue_log"));
    }

    private static Rounds megabytes(Bench bench, String bytes) throws Exception {
        return number(bench, "select " + bytes + " / 1e6");
    }

    private static Rounds number(Bench bench, String query) throws Exception {
        return Rounds.of(Double.parseDouble(bench.ask(query)));
    }
}
