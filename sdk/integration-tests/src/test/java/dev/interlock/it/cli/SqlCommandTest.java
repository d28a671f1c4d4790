package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.testing.LocalSupabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code interlock sql}: what it prints and what it writes into a project of the Supabase command line. */
class SqlCommandTest {

    private final CliRunner cli = CliRunner.bare();

    @TempDir
    private Path project;

    @ParameterizedTest
    @ValueSource(strings = {"new", "existing"})
    void printsTheFileToPaste(String what) throws Exception {
        CliRunner.Outcome printed = cli.run("sql", what);

        assertThat(printed.exitCode()).isZero();
        assertThat(printed.out().strip())
                .isEqualTo(Files.readString(Path.of("../../migrations/paste/" + what + "_project.sql"))
                        .strip());
    }

    @Test
    void writesMigrationsThatSortAfterTheUsersOwnAndOnlyOnce() throws Exception {
        Path migrations = Files.createDirectories(project.resolve("supabase/migrations"));
        Files.writeString(migrations.resolve("20990101000000_mine.sql"), "select 1;");

        CliRunner.Outcome first = cli.run("sql", "new", "--supabase", project.toString());
        List<String> names = names(migrations);
        CliRunner.Outcome second = cli.run("sql", "new", "--supabase", project.toString());

        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(names.get(0)).isEqualTo("20990101000000_mine.sql");
        assertThat(names).doesNotHaveDuplicates().allMatch(name -> name.matches("\\d{14}_[a-z0-9_]+\\.sql"));
        assertThat(first.lines()).hasSize(names.size() - 1);
        assertThat(second.out()).isEmpty();
        assertThat(second.err()).contains("there already");
        assertThat(names(migrations)).isEqualTo(names);
    }

    @Test
    void pushedTheyInstallAndRecordEachFileOnce() throws Exception {
        Files.createDirectories(project.resolve("supabase"));
        cli.run("sql", "new", "--supabase", project.toString());

        try (LocalSupabase local = LocalSupabase.start()) {
            local.installExecSql();
            push(local);
            List<String> once = records(local);

            CliRunner.Outcome looked = CliRunner.of(local).run("install", "--json");
            assertThat(looked.json().path("up_to_date").asBoolean())
                    .as(looked.out())
                    .isTrue();
            // As on a project where somebody has installed them already, another way.
            push(local);
            assertThat(records(local)).isEqualTo(once);
        }
    }

    @Test
    void refusesAFolderThatIsNone() {
        CliRunner.Outcome refused = cli.run(
                "sql", "existing", "--supabase", project.resolve("nowhere").toString());

        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.errors()).hasSize(1);
        assertThat(refused.err()).contains("nowhere", "supabase init");
        assertThat(cli.run("sql", "rollback", "--supabase", project.toString()).exitCode())
                .isEqualTo(2);
    }

    /** As "supabase db push" does: in the order of the names, each file in a transaction of its own. */
    private void push(LocalSupabase local) throws Exception {
        Path migrations = project.resolve("supabase/migrations");
        for (String name : names(migrations)) {
            try (Connection connection = local.openConnection();
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                statement.execute(Files.readString(migrations.resolve(name)));
                connection.commit();
            }
        }
    }

    private static List<String> names(Path folder) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static List<String> records(LocalSupabase local) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(
                        "select string_agg(name || ' ' || checksum || ' ' || applied_at, E'\\n' order by name) from public.job_queue_migrations")) {
            result.next();
            return result.getString(1).lines().toList();
        }
    }
}
