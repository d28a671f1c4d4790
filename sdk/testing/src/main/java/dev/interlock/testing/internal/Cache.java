package dev.interlock.testing.internal;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.stream.Stream;

/** The per-user folder of what is prepared once: binaries, and a database cluster to copy. */
final class Cache {

    /** Fills a new folder. */
    interface Filler {
        void fill(Path folder) throws IOException;
    }

    private Cache() {}

    /** The folder of that name, filled first if it is not there; safe for several processes at once. */
    static Path folder(String name, Filler filler) throws IOException {
        Path root = root();
        Path folder = root.resolve(name);
        if (Files.isDirectory(folder)) {
            return folder;
        }
        Files.createDirectories(root);
        Path made = Files.createTempDirectory(root, name + ".");
        Thread hook = new Thread(() -> deleteQuietly(made), "interlock-cache-shutdown");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            filler.fill(made);
            try {
                Files.move(made, folder, StandardCopyOption.ATOMIC_MOVE);
            } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
                // Another process was as fast; its folder is as good.
                delete(made);
            }
        } catch (IOException | RuntimeException e) {
            deleteQuietly(made);
            throw e;
        } finally {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The JVM is ending: the hook removes what is half made.
            }
        }
        return folder;
    }

    private static void deleteQuietly(Path folder) {
        try {
            delete(folder);
        } catch (IOException e) {
            // A half made folder in the cache is never read.
        }
    }

    private static Path root() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path base = xdg == null || xdg.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
        return base.resolve("interlock");
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
