package dev.interlock.benchmarks.cases;

import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Direct;
import dev.interlock.benchmarks.Figure;
import dev.interlock.benchmarks.Report;
import dev.interlock.benchmarks.Rounds;
import dev.interlock.benchmarks.Turns;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** What a transition costs beside a log of a thousand events and beside one of millions, on a stack each. */
public final class LongLog implements Case {

    private static final int SHORT_LOG = 1_000;
    private static final int PART = 500_000;
    private static final String LONG = "long";
    private static final String FEW = "short";

    /** As docs/design/log.sql writes them: evenly over the time that the log is kept, so that nothing is trimmed meanwhile. */
    private static final String EVENTS = """
            insert into public.job_queue_log (id, job_id, job_type, event_type, models, metadata, created_at)
            select
                encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
                    substring(int8send((extract(epoch from t) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid,
                'job-' || md5((n / 4)::text), 'normal', (array['queued', 'started', 'completed'])[1 + n % 3], '["motion-2.0-fast"]',
                '{"status": "running", "handler": "image", "attempt": 1, "token": 12345, "worker_id": "worker-7", "waited": 1.234}', t
            from (
                select n, now() - interval '80 days' * (1 - n::double precision / ?) as t
                from generate_series(?::integer, ?::integer) as n
            ) as x""";

    private final String name;
    private final String size;
    private final int inFull;
    private final boolean inSets;

    private LongLog(String name, String size, int inFull, boolean inSets) {
        this.name = name;
        this.size = size;
        this.inFull = inFull;
        this.inSets = inSets;
    }

    /** Of the sets. */
    public static LongLog ofFiveMillion() {
        return new LongLog("log", "five million", 5_000_000, true);
    }

    /** What a large project writes in months; it takes half an hour and 50 GB of disk, and so is run by its name only. */
    public static LongLog ofAHundredMillion() {
        return new LongLog("log-100m", "a hundred million", 100_000_000, false);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String title() {
        return "transitions beside a log of a thousand events and of " + size;
    }

    @Override
    public boolean inShort() {
        return inSets;
    }

    @Override
    public boolean inFull() {
        return inSets;
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        int events = bench.scale().either(inFull, 50_000);
        try (Bench other = new Bench(bench.scale())) {
            fill(bench, SHORT_LOG);
            fill(other, events);
            try (Direct few = new Direct(bench);
                    Direct many = new Direct(other)) {
                Turns.Results results = bench.turns(name)
                        .enter(FEW, watch -> cycle(few, watch))
                        .enter(LONG, watch -> cycle(many, watch))
                        .run();
                for (String step : List.of("start", "complete", "sweep")) {
                    Figure figure = Figure.beside(
                            name,
                            String.format(Locale.ROOT, "%s, %,d events in the log, direct, median", step, events),
                            "ms",
                            results.millis(LONG, step, 50),
                            String.format(Locale.ROOT, "%,d events", SHORT_LOG),
                            results.millis(FEW, step, 50));
                    report.add(step.equals("sweep") ? figure : figure.atMost(1.05));
                }
            }
            report.add(Figure.alone(
                    name,
                    "the long log with its indexes",
                    "MB",
                    Rounds.of(Double.parseDouble(other.ask("select pg_total_relation_size('public.job_queue_log')"))
                            / 1e6)));
        }
    }

    private static void cycle(Direct direct, Turns.Watch watch) throws Exception {
        for (int n = 0; n < 10; n++) {
            JsonNode answer = watch.time("start", () -> direct.start("model"));
            watch.time("complete", () -> {
                direct.complete(answer.get("lease"));
                return "";
            });
        }
        watch.time("sweep", () -> direct.call("job_queue_sweep", Map.of()));
    }

    /** Into the table and its key; the other indexes are made afterwards, which takes a fraction of the time. */
    private static void fill(Bench bench, int events) throws SQLException {
        String indexes = " from pg_index where indrelid = 'public.job_queue_log'::regclass and not indisprimary";
        String anew = bench.ask("select string_agg(pg_get_indexdef(indexrelid), '; ')" + indexes);
        bench.execute("drop index " + bench.ask("select string_agg(indexrelid::regclass::text, ', ')" + indexes));
        try (Connection connection = bench.connect();
                PreparedStatement insert = connection.prepareStatement(EVENTS)) {
            connection.createStatement().execute("set statement_timeout = 0");
            for (int first = 0; first < events; first += PART) {
                int last = Math.min(first + PART, events);
                insert.setInt(1, events);
                insert.setInt(2, first);
                insert.setInt(3, last - 1);
                insert.executeUpdate();
                System.err.printf("  %,d of %,d events are in the log%n", last, events);
            }
        }
        System.err.println("  its indexes are made");
        bench.execute("set statement_timeout = 0; set maintenance_work_mem = '1GB'; " + anew);
        bench.settleDown();
    }
}
