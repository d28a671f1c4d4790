package dev.interlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The one jar, run as users run it, on a local Supabase that it starts itself. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JarIT {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    static Path folder;

    private Process local;
    private String url;
    private Path keyFile;

    private record Result(int exitCode, String out, String err) {}

    @BeforeAll
    void startLocal() throws IOException {
        local = command(List.of("local", "--json", "--port", "0", "--database-port", "0"))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        BufferedReader output = local.inputReader(StandardCharsets.UTF_8);
        String line = output.readLine();
        assertThat(line).as("it started").isNotNull();
        JsonNode project = JSON.readTree(line);
        url = project.path("url").asString();
        keyFile = folder.resolve("key");
        Files.writeString(keyFile, project.path("secret_key").asString() + "\n");
    }

    @AfterAll
    void endLocal() throws InterruptedException {
        local.destroy();
        assertThat(local.waitFor(1, TimeUnit.MINUTES)).isTrue();
    }

    @Test
    void installsAndLooks() throws Exception {
        Result before = run("install", "--url", url, "--key-file", keyFile.toString());
        assertThat(before.exitCode).as(before.err).isZero();
        assertThat(before.out).contains("A new project", "Nothing was changed");

        Result applied = run("install", "--apply", "--url", url, "--key-file", keyFile.toString());
        assertThat(applied.exitCode).as(applied.err).isZero();
        assertThat(applied.out).contains("✅ Migration 027 completed successfully!");

        Result again = run("install", "--json", "--url", url, "--key-file", keyFile.toString());
        assertThat(JSON.readTree(again.out).path("up_to_date").asBoolean()).isTrue();
    }

    @Test
    void printsPlainTextIntoAPipe() throws Exception {
        Result help = run("--help");
        assertThat(help.exitCode).isZero();
        assertThat(help.out).contains("Usage: interlock").doesNotContain("\u001b");
        assertThat(run("--version").out).startsWith("interlock ").doesNotContain("not built");
    }

    @Test
    void completionIsAScriptThatBashTakes() throws Exception {
        Path script = folder.resolve("completion");
        Files.writeString(script, run("completion").out);

        Process bash = new ProcessBuilder(
                        "bash",
                        "-c",
                        "source " + script + " && COMP_WORDS=(interlock inst) COMP_CWORD=1 && _complete_interlock"
                                + " && echo \"${COMPREPLY[@]}\"")
                .redirectErrorStream(true)
                .start();

        assertThat(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip())
                .isEqualTo("install");
        assertThat(bash.waitFor()).isZero();
    }

    private static Result run(String... args) throws Exception {
        Process process = command(List.of(args)).start();
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), out, err);
    }

    private static ProcessBuilder command(List<String> args) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                Path.of("target", "interlock.jar").toString()));
        command.addAll(args);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("SUPABASE_"));
        return builder;
    }
}
