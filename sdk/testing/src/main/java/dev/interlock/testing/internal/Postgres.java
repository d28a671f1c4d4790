package dev.interlock.testing.internal;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/** A real PostgreSQL server on a cluster of its own, set up as a new Supabase project. */
public final class Postgres implements AutoCloseable {

    private static final String PASSWORD = "postgres";

    private final Path folder;
    private final Path binaries;
    private final int port;
    private final String timeZone;
    private volatile Child server;

    private Postgres(Path folder, Path binaries, int port, String timeZone) throws IOException {
        this.folder = folder;
        this.binaries = binaries;
        this.port = port;
        this.timeZone = timeZone;
        this.server = serve();
    }

    /**
     * Starts a server of that major version (15 or 17) on a new cluster below a folder.
     *
     * @param timeZone the server's default time zone, for example {@code UTC}
     */
    public static Postgres start(int version, int port, String timeZone, Path folder) throws IOException {
        String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (!system.equals("Linux amd64")) {
            throw new IOException("The local stack runs on Linux x64, and this is " + system
                    + ". Set SUPABASE_URL and SUPABASE_SECRET_KEY to use a project of yours instead.");
        }
        if (!Ports.isFree(port)) {
            throw new IOException("Port " + port + ", which the database was to use, is taken.");
        }
        Path binaries = binaries(version);
        String setup = text("supabase.sql");
        Path template = Cache.folder("cluster-" + version + "-" + digest(setup + setup(version)), made -> {
            initialise(binaries, made, setup);
        });
        run(
                List.of(
                        "cp",
                        "-a",
                        template.resolve("data").toString(),
                        folder.resolve("data").toString()),
                "cp");
        Postgres postgres = new Postgres(folder, binaries, port, timeZone);
        try {
            postgres.awaitReady();
        } catch (IOException | RuntimeException e) {
            postgres.close();
            throw e;
        }
        return postgres;
    }

    public int port() {
        return port;
    }

    /** A JDBC address for this user; its password is {@code postgres}. */
    public String jdbcUrl(String user) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=" + user + "&password=" + PASSWORD;
    }

    /** A libpq address for this user. */
    public String uri(String user) {
        return "postgresql://" + user + ":" + PASSWORD + "@127.0.0.1:" + port + "/postgres";
    }

    /** Kills all the server's processes (SIGKILL), as a crash of the machine does. */
    public void kill() {
        server.kill();
    }

    /** Starts the server again on the same cluster, with what was committed. */
    public void startAgain() throws IOException {
        Instant end = Instant.now().plus(Duration.ofSeconds(20));
        while (true) {
            server = serve();
            try {
                awaitReady();
                return;
            } catch (IOException e) {
                // It refuses while a process that outlived the crash still has its memory.
                server.close();
                if (Instant.now().isAfter(end)) {
                    throw e;
                }
                Pause.millis(100);
            }
        }
    }

    @Override
    public void close() {
        server.close();
    }

    private void awaitReady() throws IOException {
        Instant end = Instant.now().plus(Duration.ofSeconds(60));
        while (true) {
            server.check();
            try (Connection connection = DriverManager.getConnection(
                            jdbcUrl("supabase_admin") + "&connectTimeout=5&socketTimeout=5");
                    Statement statement = connection.createStatement();
                    ResultSet result = statement.executeQuery("show data_directory")) {
                result.next();
                // Another server can have taken the port since we looked.
                Path data = folder.resolve("data").toAbsolutePath().normalize();
                if (!Path.of(result.getString(1)).equals(data)) {
                    throw new IOException("Another PostgreSQL answers on port " + port + ".");
                }
                return;
            } catch (SQLException e) {
                if (Instant.now().isAfter(end)) {
                    throw new IOException("PostgreSQL does not answer.", e);
                }
                Pause.millis(20);
            }
        }
    }

    private Child serve() throws IOException {
        List<String> command = unprivileged(List.of(
                binaries.resolve("bin/postgres").toString(),
                "-D",
                folder.resolve("data").toString(),
                "-p",
                Integer.toString(port),
                "-k",
                "",
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=90",
                "-c",
                "shared_buffers=256MB",
                "-c",
                "shared_preload_libraries=pg_stat_statements",
                "-c",
                "log_timezone=UTC",
                "-c",
                "timezone=" + timeZone,
                "-c",
                "jit=off"));
        return Child.start("PostgreSQL", command, Map.of("LC_ALL", "C"), folder.resolve("postgres.log"), "QUIT", "");
    }

    private static void initialise(Path binaries, Path work, String setup) throws IOException {
        Path password = Files.createTempFile("interlock", ".pw");
        try {
            Files.writeString(password, PASSWORD);
            run(
                    unprivileged(List.of(
                            binaries.resolve("bin/initdb").toString(),
                            "-D",
                            work.resolve("data").toString(),
                            "-U",
                            "supabase_admin",
                            "-E",
                            "UTF8",
                            "--locale=C",
                            "--auth=scram-sha-256",
                            "--pwfile=" + password,
                            "--no-sync",
                            "--no-instructions")),
                    "initdb");
            int port = Ports.free();
            try (Postgres postgres = new Postgres(work, binaries, port, "UTC")) {
                postgres.awaitReady();
                try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl("supabase_admin"));
                        Statement statement = connection.createStatement()) {
                    statement.execute(setup);
                    statement.execute("checkpoint");
                }
            } catch (SQLException e) {
                throw new IOException("The new cluster could not be set up: " + e.getMessage(), e);
            }
            Files.deleteIfExists(work.resolve("postgres.log"));
        } finally {
            Files.deleteIfExists(password);
        }
    }

    /** PostgreSQL refuses to run as root; in a user namespace of its own root is nobody. */
    private static List<String> unprivileged(List<String> command) {
        if (!"root".equals(System.getProperty("user.name"))) {
            return command;
        }
        List<String> line = new ArrayList<>(List.of("unshare", "-U"));
        line.addAll(command);
        return line;
    }

    private static Path binaries(int version) throws IOException {
        String resource = "postgres-" + version + "/postgres-linux-x86_64.txz";
        return Cache.folder("postgres-" + version + "-" + setup(version), folder -> {
            try (InputStream in = Postgres.class.getResourceAsStream("/dev/interlock/testing/" + resource)) {
                if (in == null) {
                    throw new IOException("There is no PostgreSQL " + version + " here; 15 and 17 there are.");
                }
                unpack(in, folder);
            }
        });
    }

    private static void unpack(InputStream archive, Path folder) throws IOException {
        try (TarArchiveInputStream tar =
                new TarArchiveInputStream(new XZCompressorInputStream(new BufferedInputStream(archive)))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                Path target = folder.resolve(entry.getName()).normalize();
                if (!target.startsWith(folder)) {
                    throw new IOException("The archive reaches outside its folder: " + entry.getName());
                }
                if (entry.isDirectory()) {
                    Files.createDirectories(target);
                } else if (entry.isSymbolicLink()) {
                    Files.createDirectories(target.getParent());
                    Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
                } else {
                    Files.createDirectories(target.getParent());
                    Files.copy(tar, target);
                    boolean runs = (entry.getMode() & 0b001_000_000) != 0;
                    Files.setPosixFilePermissions(
                            target, PosixFilePermissions.fromString(runs ? "rwxr-xr-x" : "rw-r--r--"));
                }
            }
        }
    }

    /** What tells these binaries from others of the same major version. */
    private static String setup(int version) throws IOException {
        try (InputStream in = Postgres.class.getResourceAsStream(
                "/dev/interlock/testing/postgres-" + version + "/postgres-linux-x86_64.txz")) {
            return in == null ? "none" : Integer.toString(in.available());
        }
    }

    private static String text(String resource) throws IOException {
        try (InputStream in = Postgres.class.getResourceAsStream("/dev/interlock/testing/" + resource)) {
            if (in == null) {
                throw new IOException("The resource " + resource + " is missing.");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String digest(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 6);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void run(List<String> command, String name) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = Pause.exit(process);
        if (code != 0) {
            throw new IOException(name + " failed with exit code " + code + ":\n" + output);
        }
    }
}
