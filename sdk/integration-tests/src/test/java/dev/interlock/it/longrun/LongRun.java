package dev.interlock.it.longrun;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** {@code ./sdk/integration-tests/long-run [grants]}: many grants under everything at once, counted by a witness from outside. */
public final class LongRun {

    private static final String USAGE = """
            usage: long-run [GRANTS] [--seed N] [--postgres 15|17]

            Starts a local Supabase and gives GRANTS leases (default 1,000,000) to four clients over HTTP, while others die, capacities change,
            models are paused, a global limit comes and goes, requests are sent twice and the database is killed. A witness who sees only
            calls and answers counts overlaps and jobs that were passed; at intervals the log is replayed and compared with the tables.
            Exit code: 0 nothing was violated, 1 something was, 2 it could not be run.""";

    private static final long LONGEST_UNCHECKED = Duration.ofMinutes(1).toNanos();

    private final LocalSupabase local;
    private final Options options;
    private final PrintStream out;
    private final Progress progress;
    private final Witness witness = new Witness();
    private final LogReplay replay;
    private int checks;
    private int crashes;
    private long trimmed;

    LongRun(LocalSupabase local, Options options, PrintStream out) {
        this.local = local;
        this.options = options;
        this.out = out;
        this.progress = new Progress(out, witness, options.grants());
        this.replay = new LogReplay(local, witness);
    }

    /** The one argument is the number of grants. */
    public static void main(String[] args) throws Exception {
        long grants = 1_000_000;
        long seed = System.nanoTime();
        LocalSupabase.Builder builder = LocalSupabase.builder();
        try {
            for (int i = 0; i < args.length; i++) {
                switch (args[i]) {
                    case "-h", "--help" -> {
                        System.out.println(USAGE);
                        return;
                    }
                    case "--seed" -> seed = Long.parseLong(args[++i]);
                    case "--postgres" -> builder.postgresVersion(Integer.parseInt(args[++i]));
                    default -> grants = Long.parseLong(args[i].replace(",", "").replace("_", ""));
                }
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            System.err.println(USAGE);
            System.exit(2);
        }
        System.out.println("Starting a local Supabase…");
        boolean held;
        try (LocalSupabase local = builder.start()) {
            local.installExecSql();
            try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
                Migrator.create(supabase).migrate();
            }
            held = new LongRun(local, Options.of(grants, seed), System.out).run();
        } catch (UncheckedIOException e) {
            System.err.println(e.getMessage());
            System.exit(2);
            return;
        }
        System.exit(held ? 0 : 1);
    }

    /** Whether nothing was violated. */
    boolean run() throws Exception {
        out.printf(
                Locale.ROOT,
                "%,d grants, %d workers, batches of %d, %d models, %,d waiting, a check every %,d grants, seed %d%n",
                options.grants(),
                options.workers(),
                options.batch(),
                options.models(),
                options.backlog(),
                options.checkEvery(),
                options.seed());
        ExecutorService threads = Executors.newCachedThreadPool();
        long started = System.nanoTime();
        try (Traffic traffic = new Traffic(local, witness, options)) {
            Disturber disturber = new Disturber(traffic, witness, options);
            prepare(traffic);
            List<Future<?>> clients = new ArrayList<>();
            clients.add(threads.submit(() -> traffic.produce(1)));
            clients.add(threads.submit(() -> traffic.produce(2)));
            clients.add(threads.submit(() -> traffic.die(1)));
            clients.add(threads.submit(disturber::disturb));
            for (int i = 0; i < options.workers(); i++) {
                int number = i;
                clients.add(threads.submit(() -> traffic.work(number)));
            }
            watch(traffic, clients);
            for (Future<?> client : clients) {
                client.get();
            }
            alone(traffic, () -> check(traffic, true));
            summary(traffic, disturber, Duration.ofNanos(System.nanoTime() - started));
        } finally {
            threads.shutdownNow();
            threads.awaitTermination(10, TimeUnit.SECONDS);
        }
        return witness.overlaps() + witness.passed() + witness.others() == 0 && witness.unfinished() == 0;
    }

    private void prepare(Traffic traffic) throws SQLException {
        long now = System.nanoTime();
        witness.model(Witness.LIMIT, Integer.MAX_VALUE, now);
        for (String model : traffic.models()) {
            int capacity = 1 + Math.floorMod(model.hashCode(), 3);
            traffic.call("job_queue_set_model", Map.of("model", model, "settings", Map.of("capacity", capacity)));
            witness.model(model, capacity, now);
        }
        // Shorter than a setting may be; checks come often enough that nothing unchecked is ever as old as that.
        sql("alter table public.job_queue_settings drop constraint if exists job_queue_settings_log_retention_check");
        sql("update public.job_queue_settings set log_retention = interval '5 minutes' where id = 1");
    }

    /** Looks on, checks and crashes at intervals, and lets the traffic drain when there were enough grants. */
    private void watch(Traffic traffic, List<Future<?>> clients) throws Exception {
        long nextCheck = options.checkEvery();
        long nextCrash = options.crashes() == 0 ? Long.MAX_VALUE : options.grants() / (options.crashes() + 1);
        long crashStep = nextCrash;
        long lastCheck = System.nanoTime();
        while (true) {
            LockSupport.parkNanos(20_000_000);
            progress.show();
            boolean over = true;
            for (Future<?> client : clients) {
                over &= client.isDone();
                if (client.isDone()) {
                    client.get();
                }
            }
            if (over) {
                return;
            }
            long grants = witness.grants();
            if (grants >= options.grants()) {
                traffic.drain();
                // Only the log knows the end of jobs that died with their worker for the last time.
                if (System.nanoTime() - lastCheck > 1_000_000_000L) {
                    alone(traffic, () -> check(traffic, false));
                    lastCheck = System.nanoTime();
                }
            } else if (grants >= nextCrash) {
                nextCrash += crashStep;
                crashes++;
                local.restartPostgres();
            } else if (grants >= nextCheck || System.nanoTime() - lastCheck > LONGEST_UNCHECKED) {
                nextCheck = grants + options.checkEvery();
                lastCheck = System.nanoTime();
                alone(traffic, () -> check(traffic, false));
            }
        }
    }

    private static void alone(Traffic traffic, Callable<Boolean> action) throws Exception {
        traffic.quiet.writeLock().lock();
        try {
            action.call();
        } finally {
            traffic.quiet.writeLock().unlock();
        }
    }

    /** With no call under way: the log against tables and witness; then what was checked and is old enough is trimmed. */
    private boolean check(Traffic traffic, boolean last) throws SQLException {
        progress.say("checking");
        replay.check();
        checks++;
        if (last) {
            replay.totals();
        }
        long removed;
        do {
            removed = traffic.call("job_queue_sweep", Map.of())
                    .path("log_rows_removed")
                    .asLong();
            trimmed += removed;
        } while (removed > 0);
        return true;
    }

    private void sql(String statement) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement s = connection.createStatement()) {
            s.execute(statement);
        }
    }

    private void summary(Traffic traffic, Disturber disturber, Duration took) {
        progress.end();
        out.printf(
                Locale.ROOT,
                "%,d calls, %,d of them sent twice on purpose; %,d changes by an operator; %d crashes of the database%n",
                traffic.calls(),
                traffic.doubled(),
                disturber.changes(),
                crashes);
        out.printf("verdicts: %s%n", new TreeMap<>(witness.verdicts()));
        out.printf(
                Locale.ROOT,
                "log: %,d rows replayed in %d checks, %,d of them trimmed on the way%n",
                replay.rows(),
                checks,
                trimmed);
        witness.violations().forEach(v -> out.println("VIOLATION " + v));
        out.printf(
                Locale.ROOT,
                "%,d grants in %d min %02d s (%,.0f a second): %d overlaps, %d jobs passed, %d other violations, %d jobs lost%n",
                witness.grants(),
                took.toMinutes(),
                took.toSecondsPart(),
                witness.grants() / (took.toMillis() / 1000.0),
                witness.overlaps(),
                witness.passed(),
                witness.others(),
                witness.unfinished());
    }
}
