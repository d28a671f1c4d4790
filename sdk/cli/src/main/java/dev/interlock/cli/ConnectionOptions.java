package dev.interlock.cli;

import dev.interlock.ConfigurationException;
import dev.interlock.KeyKind;
import dev.interlock.SupabaseClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which project, and with which key. The key is never an argument: every user of a machine can read those of a running command. */
final class ConnectionOptions {

    private static final String URL = "SUPABASE_URL";

    @Option(names = "--url", paramLabel = "URL", description = "The project's URL; else the variable SUPABASE_URL.")
    private @Nullable String url;

    @Option(
            names = "--key-file",
            paramLabel = "FILE",
            description = "A file that holds the project's secret key, - for the standard input;"
                    + " else the variable SUPABASE_SECRET_KEY or SUPABASE_SERVICE_ROLE_KEY.")
    private @Nullable String keyFile;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "15",
            description = "How long a call may take, its repeats included; default 15.")
    private int timeout;

    SupabaseClient open(Console console, boolean anyKey) {
        if (timeout < 1 || timeout > 600) {
            throw new ConfigurationException("--timeout is " + timeout + "; it has to be 1 to 600 seconds.");
        }
        SupabaseClient supabase = SupabaseClient.builder()
                .url(given(
                        url, console, "the project's URL, for example https://abcdefghijkl.supabase.co", "--url", URL))
                .key(key(console))
                .timeout(Duration.ofSeconds(timeout))
                .userAgentSuffix("cli")
                .build();
        if (supabase.keyKind() == KeyKind.PUBLISHABLE && !anyKey) {
            supabase.close();
            throw new ConfigurationException(
                    "This is a publishable (or anon) key, with which nothing of the queue can be seen or done: give the project's secret key"
                            + " (Dashboard, Project Settings, API Keys).");
        }
        return supabase;
    }

    private String key(Console console) {
        if (keyFile == null) {
            return given(
                    null,
                    console,
                    "the project's secret key (Dashboard, Project Settings, API Keys)",
                    "--key-file",
                    "SUPABASE_SECRET_KEY",
                    "SUPABASE_SERVICE_ROLE_KEY");
        }
        String key = contents(keyFile, console).strip();
        if (key.isEmpty()) {
            throw new ConfigurationException("The key file " + keyFile + " is empty.");
        }
        return key;
    }

    private static String contents(String file, Console console) {
        try {
            return file.equals("-") ? console.readLine() : Files.readString(Path.of(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            if (Failures.holdsKey(file)) {
                throw new ConfigurationException(Failures.KEY_GIVEN);
            }
            throw new ConfigurationException("The key file " + file + " cannot be read: " + reason(e) + ".", e);
        }
    }

    private static String reason(IOException e) {
        return e instanceof NoSuchFileException ? "there is no such file" : String.valueOf(e.getMessage());
    }

    private static String given(
            @Nullable String option, Console console, String what, String name, String... variables) {
        if (option != null) {
            return option;
        }
        for (String variable : variables) {
            String value = console.environment().get(variable);
            if (value != null && !value.isBlank()) {
                return value.strip();
            }
        }
        throw new ConfigurationException("Which project? Give " + what + ": " + name + ", or the variable "
                + String.join(" or ", variables) + ".");
    }
}
