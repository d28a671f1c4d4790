package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.ExistingDatabase;
import dev.interlock.testing.LocalSupabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code interlock adopt}: it shows what would come into line and what would not, asks, and does just that. */
class AdoptCommandTest {

    private static final String KNIGHT = "knight-style-img-to-video";

    @TempDir
    private Path folder;

    @Test
    void showsAsksAndAdopts() throws Exception {
        try (LocalSupabase local = LocalSupabase.start()) {
            ExistingDatabase.AFTER_027.load(local);
            try (Connection connection = local.openConnection()) {
                ExistingDatabase.inFlight(connection);
            }
            local.installExecSql();
            CliRunner cli = CliRunner.of(local);
            assertThat(cli.run("install", "--apply").exitCode()).isZero();

            CliRunner.Outcome dry = cli.columns(100).run("adopt", "--dry-run");
            assertThat(dry.exitCode()).as(dry.err()).isEqualTo(1);
            List<String> lines = dry.out().lines().toList();
            assertThat(lines.get(0)).isEqualTo("8 jobs come into line, in this order:");
            assertThat(lines.get(1)).contains("place", "job", "status", "handler", "models", "waits");
            assertThat(lines.get(2)).contains("f1197000-0000-4000-8000-000000000000", "pending", "image", "flux1");
            assertThat(dry.out())
                    .contains(
                            "4 jobs would stay as they are:",
                            "Nothing says which models the workflow \"" + KNIGHT + "\" needs.")
                    .contains("f1197000-0000-4000-8000-000000000032 and 1 more");

            Path file = Files.writeString(
                    folder.resolve("models.json"),
                    "{\"" + KNIGHT + "\": [\"gemini-25-flash-aicc\", \"motion-2.0-fast\"]}");
            CliRunner.Outcome refused = cli.input("n\n").run("adopt", "--running", "--workflows", file.toString());
            assertThat(refused.exitCode()).isEqualTo(1);
            assertThat(refused.err()).contains("Adopt 14 jobs? [y/N]", "Nothing was changed.");

            CliRunner.Outcome done = cli.input("y\n")
                    .run("adopt", "--running", "--workflow", KNIGHT + "=gemini-25-flash-aicc,motion-2.0-fast");
            assertThat(done.exitCode()).as(done.err()).isZero();
            assertThat(done.out()).contains("14 jobs come into line", "Adopted 14 jobs.");

            CliRunner.Outcome again = cli.run("adopt", "--yes", "--json");
            assertThat(again.exitCode()).isZero();
            assertThat(again.json().path("adopted").asInt()).isZero();
            assertThat(again.json().path("not_adopted").isEmpty()).isTrue();

            assertThat(cli.run("adopt", "--workflows", folder.resolve("none").toString())
                            .exitCode())
                    .isEqualTo(2);
            Files.writeString(file, "[1");
            CliRunner.Outcome bad = cli.run("adopt", "--workflows", file.toString());
            assertThat(bad.exitCode()).isEqualTo(2);
            assertThat(bad.err().lines()).hasSize(1);
            CliRunner.Outcome empty = cli.run("adopt", "--workflow", "w=");
            assertThat(empty.exitCode()).isEqualTo(2);
            assertThat(empty.err()).contains("A model name is blank");
        }
    }
}
