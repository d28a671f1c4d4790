package dev.interlock.benchmarks;

import dev.interlock.JobCoordinator;
import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** The stack that a case runs on: a fresh local project with the coordinator installed, and the floors beside it. */
public final class Bench implements AutoCloseable {

    private static final List<String> SETTINGS = List.of(
            "server_version",
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "shared_buffers",
            "max_wal_size",
            "autovacuum",
            "max_connections");

    private final Scale scale;
    private final LocalSupabase local;
    private final SupabaseClient supabase;
    private final JobCoordinator coordinator;
    private final AtomicLong ids = new AtomicLong();

    /** Starts it. */
    public Bench(Scale scale) throws Exception {
        this.scale = scale;
        local = LocalSupabase.start();
        local.installExecSql();
        supabase = SupabaseClient.create(local.url(), local.secretKey());
        Migrator.create(supabase).migrate();
        executeResource("floors.sql");
        supabase.rpc("bench_noop").waitForSchema(Duration.ofSeconds(30)).execute();
        coordinator = JobCoordinator.builder(supabase).workerId("bench").build();
    }

    public Scale scale() {
        return scale;
    }

    public LocalSupabase local() {
        return local;
    }

    public SupabaseClient supabase() {
        return supabase;
    }

    public JobCoordinator coordinator() {
        return coordinator;
    }

    /** A job id that no other call has had. */
    public String newId() {
        return "bench-" + ids.incrementAndGet();
    }

    /** Loads to compare. */
    public Contest contest(String title) {
        return new Contest(this, title);
    }

    /** Cycles of calls to compare, each call timed by itself. */
    public Turns turns(String title) {
        return new Turns(this, title);
    }

    /** A connection that acts as service_role, as PostgREST's do. */
    public Connection connect() throws SQLException {
        Connection connection = local.openConnection();
        try (Statement statement = connection.createStatement()) {
            statement.execute("set role service_role");
        }
        return connection;
    }

    /** Carries out SQL as the project's owner. */
    public void execute(String sql) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Carries out a file of SQL that lies beside this class, as the project's owner. */
    public void executeResource(String name) throws IOException, SQLException {
        execute(text(name));
    }

    /** Carries out SQL as the superuser. */
    public void admin(String sql) throws SQLException {
        try (Connection connection = local.openAdminConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first column of the first row, as the superuser. */
    public String ask(String sql) throws SQLException {
        try (Connection connection = local.openAdminConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "";
        }
    }

    /** Brings the database to rest: what earlier rounds left is written and vacuumed. */
    public void settleDown() throws SQLException {
        try (Connection connection = local.openAdminConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("vacuum analyze");
            statement.execute("checkpoint");
        }
    }

    /** Ends what an earlier load left: every job that runs or may run is completed, until none is left. */
    public void drain() throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            String running = """
                    select public.job_queue_complete(jsonb_agg(jsonb_build_object(
                            'job_id', r.job_id, 'token', r.token, 'outcome', 'complete')),
                        '{"claim": {"max_jobs": 1000}}') is null
                    from (select job_id, token from public.job_queue_jobs where status = 'running' limit 1000) as r
                    having count(*) > 0
                    """;
            statement.execute("select public.job_queue_claim('bench', 1000)");
            boolean more = true;
            while (more) {
                try (ResultSet row = statement.executeQuery(running)) {
                    more = row.next();
                }
            }
        }
    }

    /** The database's settings that matter here. */
    public Map<String, String> settings() throws SQLException {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String name : SETTINGS) {
            settings.put(name, ask("show " + name));
        }
        settings.put("PostgREST", "12.0.2, 10 connections, behind the local gateway");
        return settings;
    }

    /** Tells a person who watches how far it is. */
    public void progress(String title, String entrant, int round) {
        progress(title, entrant, round, scale.rounds());
    }

    static void progress(String title, String entrant, int round, int rounds) {
        System.err.printf("  %s: %s, round %d of %d%n", title, entrant, round + 1, rounds);
    }

    private static String text(String resource) throws IOException {
        try (InputStream in = Bench.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IOException(resource + " is not on the class path.");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        supabase.close();
        local.close();
    }
}
