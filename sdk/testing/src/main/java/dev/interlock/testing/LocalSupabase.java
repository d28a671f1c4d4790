package dev.interlock.testing;

import dev.interlock.testing.internal.Child;
import dev.interlock.testing.internal.Gateway;
import dev.interlock.testing.internal.Keys;
import dev.interlock.testing.internal.Ports;
import dev.interlock.testing.internal.Postgres;
import dev.interlock.testing.internal.Postgrest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A Supabase project on this machine: a real PostgreSQL with Supabase's roles, timeouts and default grants, a real PostgREST, and a gateway that
 * checks project keys as Supabase's does. No Docker and no account. Linux on x64. What it lacks of a real project: the {@code safeupdate}
 * library (an UPDATE or DELETE without WHERE is refused there, and not here), pg_cron, pg_net and pgmq, and Auth, Storage and Realtime.
 *
 * <pre>{@code
 * try (LocalSupabase local = LocalSupabase.start()) {
 *     SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey());
 *     ...
 * }
 * }</pre>
 *
 * <p>Everything ends and every file is removed with {@link #close}, at the latest with this JVM, even when that is killed. Thread-safe.
 */
public final class LocalSupabase implements AutoCloseable {

    private final Child folderKeeper;
    private final Path folder;
    private final Postgres postgres;
    private final Keys keys;
    private final int postgrestPort;
    private final int pool;
    private final Gateway gateway;
    private final Thread hook;
    private final ReentrantLock lock = new ReentrantLock();
    private Postgrest postgrest;
    private boolean closed;

    private LocalSupabase(Builder builder) throws IOException {
        folder = Files.createTempDirectory("interlock-");
        folderKeeper = Child.start(
                "The folder's keeper",
                List.of("sleep", "2147483647"),
                Map.of(),
                folder.resolve("keeper.log"),
                "KILL",
                folder.toString());
        keys = new Keys();
        pool = builder.pool;
        Postgres startedPostgres = null;
        Postgrest startedPostgrest = null;
        try {
            int databasePort = builder.databasePort == 0 ? Ports.free() : builder.databasePort;
            startedPostgres = Postgres.start(builder.postgresVersion, databasePort, builder.timeZone, folder);
            postgrestPort = Ports.free();
            startedPostgrest = Postgrest.start(startedPostgres, keys, postgrestPort, pool, folder);
            gateway = Gateway.start(builder.gatewayPort, keys, postgrestPort);
        } catch (IOException | RuntimeException e) {
            if (startedPostgrest != null) {
                startedPostgrest.close();
            }
            if (startedPostgres != null) {
                startedPostgres.close();
            }
            folderKeeper.close();
            throw e;
        }
        postgres = startedPostgres;
        postgrest = startedPostgrest;
        hook = new Thread(this::shutDown, "interlock-local-shutdown");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /**
     * Starts a local project with PostgreSQL 17 on free ports, in a few seconds.
     *
     * @throws UncheckedIOException when something is missing; the message says what, and how to get it
     */
    public static LocalSupabase start() {
        return builder().start();
    }

    /** Settings for a local project. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address of the project, for example {@code http://127.0.0.1:54321}. */
    public String url() {
        return "http://127.0.0.1:" + gateway.port();
    }

    /** How many requests have reached the gateway so far, whatever they were answered: for tests of what a program sends. */
    public long requests() {
        return gateway.requests();
    }

    /** The secret key ({@code sb_secret_…}), which acts as {@code service_role}. */
    public String secretKey() {
        return keys.secret();
    }

    /** The publishable key ({@code sb_publishable_…}), which acts as {@code anon}. */
    public String publishableKey() {
        return keys.publishable();
    }

    /** The legacy service-role key (a JWT). */
    public String serviceRoleKey() {
        return keys.serviceRole();
    }

    /** The legacy anon key (a JWT). */
    public String anonKey() {
        return keys.anon();
    }

    /** The access token of a signed-in user; it goes into {@code Authorization}, beside an anon or publishable {@code apikey}. */
    public String accessToken(String userId) {
        return keys.authenticated(userId);
    }

    /** A JDBC address of the database as the user {@code postgres}, who as on Supabase is no superuser. */
    public String jdbcUrl() {
        return postgres.jdbcUrl("postgres");
    }

    /** A line for a shell that opens psql on the database. */
    public String psqlCommand() {
        return "psql \"" + postgres.uri("postgres") + "\"";
    }

    /** A new connection to the database as the user {@code postgres}; the caller closes it. */
    public Connection openConnection() throws SQLException {
        return DriverManager.getConnection(jdbcUrl());
    }

    /** A new connection as the superuser, for what a project's owner cannot do; the caller closes it. */
    public Connection openAdminConnection() throws SQLException {
        return DriverManager.getConnection(postgres.jdbcUrl("supabase_admin"));
    }

    /** Creates {@code exec_sql}, the one step that a new project needs before migrations by RPC (on Supabase: a paste into the SQL editor). */
    public void installExecSql() {
        try (InputStream in = LocalSupabase.class.getResourceAsStream("/dev/interlock/migrations/exec_sql.sql");
                Connection connection = openConnection();
                Statement statement = connection.createStatement()) {
            if (in == null) {
                throw new IllegalStateException("exec_sql.sql is not on the class path.");
            }
            statement.execute(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (SQLException e) {
            throw new IllegalStateException("exec_sql could not be created: " + e.getMessage(), e);
        }
    }

    /** Kills the database as a crash does, and starts it again with what was committed. */
    public void restartPostgres() {
        lock.lock();
        try {
            stopPostgres();
            startPostgres();
        } finally {
            lock.unlock();
        }
    }

    /** Kills the database with all its processes (SIGKILL); calls are then answered with PostgREST's 503. */
    public void stopPostgres() {
        lock.lock();
        try {
            postgres.kill();
        } finally {
            lock.unlock();
        }
    }

    /** Starts the database again after {@link #stopPostgres}, with what was committed; returns when it takes connections. */
    public void startPostgres() {
        lock.lock();
        try {
            if (!closed) {
                postgres.startAgain();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Kills PostgREST (SIGKILL); calls are then answered with the gateway's 502. A call that is under way gets no answer,
     * though the database may yet carry it out.
     */
    public void stopPostgrest() {
        lock.lock();
        try {
            postgrest.kill();
        } finally {
            lock.unlock();
        }
    }

    /** Starts PostgREST again after {@link #stopPostgrest}; returns when it answers. */
    public void startPostgrest() {
        lock.lock();
        try {
            if (!closed) {
                postgrest = Postgrest.start(postgres, keys, postgrestPort, pool, folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        } finally {
            lock.unlock();
        }
    }

    /** Ends everything and removes its files. */
    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is ending: the hook does it.
            return;
        }
        shutDown();
    }

    private void shutDown() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            gateway.close();
            postgrest.close();
            postgres.close();
            folderKeeper.close();
        } finally {
            lock.unlock();
        }
    }

    /** Settings for a local project; not thread-safe. */
    public static final class Builder {

        private int postgresVersion = Integer.getInteger("interlock.postgres", 17);
        private int gatewayPort;
        private int databasePort;
        private int pool = 10;
        private String timeZone = "UTC";

        private Builder() {}

        /** The major version of PostgreSQL: 17, or 15. Default: the system property {@code interlock.postgres}, else 17. */
        public Builder postgresVersion(int major) {
            if (major != 15 && major != 17) {
                throw new IllegalArgumentException("postgresVersion is " + major + "; it can be 15 or 17.");
            }
            this.postgresVersion = major;
            return this;
        }

        /** The gateway's port; default: any free one. */
        public Builder gatewayPort(int port) {
            this.gatewayPort = port;
            return this;
        }

        /** The database's port; default: any free one. */
        public Builder databasePort(int port) {
            this.databasePort = port;
            return this;
        }

        /** How many connections PostgREST keeps to the database; default 10, as on a small project. */
        public Builder pool(int connections) {
            this.pool = connections;
            return this;
        }

        /**
         * The database's time zone; default UTC, as on Supabase. PostgREST's sessions have it; the JDBC driver sets that of the JVM in its own.
         *
         * @throws IllegalArgumentException for an offset such as {@code +02:00}, whose sign PostgreSQL reads the other way round
         */
        public Builder timeZone(ZoneId zone) {
            if (zone.normalized() instanceof ZoneOffset && !zone.equals(ZoneId.of("UTC"))) {
                throw new IllegalArgumentException(
                        "timeZone is " + zone + "; name a region, such as Asia/Colombo, or UTC.");
            }
            this.timeZone = zone.getId();
            return this;
        }

        /**
         * Starts it.
         *
         * @throws UncheckedIOException when something is missing; the message says what, and how to get it
         */
        public LocalSupabase start() {
            try {
                return new LocalSupabase(this);
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        }
    }
}
