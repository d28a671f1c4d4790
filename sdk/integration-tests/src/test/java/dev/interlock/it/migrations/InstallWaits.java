package dev.interlock.it.migrations;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.it.ExistingDatabase;
import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * How long those who use {@code jobs} wait while Interlock is installed beside them: two that insert, two that update and two that read, each in a loop
 * on a connection of its own, against the same loops with no install. {@code docs/guides/install.md} has the command and what it printed.
 */
final class InstallWaits {

    private static final String USER = "'11111111-0000-4000-8000-000000000001'";

    private record Step(String kind, long begin, long end) {}

    private interface Action {
        void run() throws Exception;
    }

    private final Queue<Step> steps = new ConcurrentLinkedQueue<>();
    private final LocalSupabase local;
    private final int rows;
    private volatile boolean over;

    private InstallWaits(LocalSupabase local, int rows) {
        this.local = local;
        this.rows = rows;
    }

    /** The argument: how many rows {@code jobs} has; default 100,000. */
    public static void main(String[] args) throws Exception {
        int rows = args.length == 0 ? 100_000 : Integer.parseInt(args[0]);
        try (LocalSupabase local = LocalSupabase.start()) {
            new InstallWaits(local, rows).run();
        }
    }

    private void run() throws Exception {
        ExistingDatabase.BEFORE_027.load(local);
        local.installExecSql();
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            ExistingDatabase.history(connection, rows);
            statement.execute("vacuum analyze public.jobs");
            try (var size = statement.executeQuery("select pg_size_pretty(pg_relation_size('public.jobs'))")) {
                size.next();
                System.out.printf(
                        "%,d rows, %s; longest and 99th percentile of the waits, ms%n", rows, size.getString(1));
            }
        }
        System.out.printf("%-44s %8s   %-17s %-17s %-17s%n", "", "took", "insert", "update", "read");
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            threads.add(loop("insert", "insert into public.jobs (user_id, prompt) values (" + USER + ", 'p')", false));
            threads.add(loop(
                    "update", "update public.jobs set progress = 50 where job_id = md5('history ' || ?)::uuid", true));
            threads.add(loop(
                    "read",
                    "select * from public.jobs where user_id = " + USER + " order by created_at desc limit 20",
                    false));
        }
        threads.forEach(Thread::start);

        measure("nothing (10 s)", () -> Thread.sleep(10_000));
        measure("pasted: one transaction", () -> inOneTransaction(MigrationFile.pasteReady(false)));
        measure("pasted again", () -> inOneTransaction(MigrationFile.pasteReady(false)));
        measure("rollback", () -> inOneTransaction(MigrationFile.text("rollback/027_rollback.sql")));
        measure("psql: statement by statement", () -> {
            try (Connection connection = connect();
                    Statement statement = connection.createStatement()) {
                for (String one : Statements.of(MigrationFile.pasteReady(false))) {
                    statement.execute(one);
                }
            }
        });
        measure("rollback", () -> inOneTransaction(MigrationFile.text("rollback/027_rollback.sql")));
        measure("Migrator: a call for each file", () -> {
            try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
                Migrator.create(supabase).migrate();
            }
        });
        measure("rollback", () -> inOneTransaction(MigrationFile.text("rollback/027_rollback.sql")));
        measure("pasted, a transaction open for 5 s on jobs", () -> {
            try (Connection holder = connect();
                    Statement statement = holder.createStatement()) {
                holder.setAutoCommit(false);
                statement.execute("select 1 from public.jobs limit 1");
                Thread end = new Thread(() -> {
                    try {
                        Thread.sleep(5_000);
                        holder.rollback();
                    } catch (SQLException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
                end.start();
                inOneTransaction(MigrationFile.pasteReady(false));
                end.join();
            }
        });

        over = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void measure(String name, Action action) throws Exception {
        Thread.sleep(500);
        steps.clear();
        long begin = System.nanoTime();
        action.run();
        long end = System.nanoTime();
        // Those that began to wait during it.
        Thread.sleep(500);
        StringBuilder line = new StringBuilder("%-44s %,8d".formatted(name, (end - begin) / 1_000_000));
        for (String kind : List.of("insert", "update", "read")) {
            double[] waits = steps.stream()
                    .filter(step -> step.kind().equals(kind) && step.begin() < end && step.end() > begin)
                    .mapToDouble(step -> (step.end() - step.begin()) / 1e6)
                    .sorted()
                    .toArray();
            line.append("   %7.1f %7.1f  ".formatted(waits[waits.length - 1], waits[(int) (waits.length * 0.99)]));
        }
        System.out.println(line);
    }

    private Thread loop(String kind, String sql, boolean numbered) {
        return new Thread(() -> {
            try (Connection connection = connect();
                    PreparedStatement statement = connection.prepareStatement(sql)) {
                for (int n = 1; !over; n = n % rows + 1) {
                    if (numbered) {
                        statement.setString(1, String.valueOf(n));
                    }
                    long begin = System.nanoTime();
                    statement.execute();
                    steps.add(new Step(kind, begin, System.nanoTime()));
                    Thread.sleep(5);
                }
            } catch (SQLException | InterruptedException e) {
                e.printStackTrace();
                System.exit(2);
            }
        });
    }

    private void inOneTransaction(String script) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute(script);
            connection.commit();
        }
    }

    private Connection connect() throws SQLException {
        Connection connection = local.openConnection();
        try (Statement statement = connection.createStatement()) {
            statement.execute("set statement_timeout = 0");
        }
        return connection;
    }
}
