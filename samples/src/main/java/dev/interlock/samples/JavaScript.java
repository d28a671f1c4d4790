package dev.interlock.samples;

import dev.interlock.Migrator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The same SQL functions from JavaScript, with the official {@code @supabase/supabase-js}: starts the project, installs the SQL, and runs
 * {@code javascript/coordinate.mjs}, which is the sample. Needs Node 20 or later, and npm.
 */
public final class JavaScript {

    private JavaScript() {}

    /** Ends with the exit code of the script. */
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(System.getProperty("interlock.samples", "samples"), "javascript");
        if (!Files.exists(folder.resolve("package.json"))) {
            System.err.println("There is no " + folder + " here; run it with ./samples/run javascript");
            System.exit(2);
        }
        int exit;
        try (Project project = Project.open()) {
            Migrator.create(project.supabase()).migrate();
            exit = run(project, folder, "npm", "ci", "--silent");
            if (exit == 0) {
                exit = run(project, folder, "node", "coordinate.mjs");
            }
        }
        System.exit(exit);
    }

    private static int run(Project project, Path folder, String... command) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(folder.toFile()).inheritIO();
        builder.environment().putAll(project.environment());
        Process process = builder.start();
        try {
            return process.waitFor();
        } finally {
            process.destroy();
        }
    }
}
