package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.internal.migrate.Inspection;
import dev.interlock.internal.migrate.Manifest;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.testing.LocalSupabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * The manifest is what an installation is, on PostgreSQL 15 and 17, in a new and in an existing project. {@code -Dinterlock.generate=true} writes it
 * anew: {@code mvn -pl sdk/integration-tests -am test -Dtest=ManifestTest -Dsurefire.failIfNoSpecifiedTests=false -Dinterlock.generate=true}.
 */
class ManifestTest {

    private static final Path MANIFEST = Path.of("../../migrations/manifest.json");
    private static final Path EXISTING = Path.of("src/test/resources/existing");

    @ParameterizedTest
    @ValueSource(ints = {17, 15})
    void theManifestIsWhatIsInstalled(int version) throws Exception {
        try (LocalSupabase local =
                        LocalSupabase.builder().postgresVersion(version).start();
                SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey());
                Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            local.installExecSql();
            Migrator migrator = Migrator.create(supabase);

            migrator.migrate();
            Inspection inspection =
                    new Inspection(supabase.rpc(Inspection.FUNCTION).as(JsonNode.class));
            Manifest manifest = new Manifest(Objects.requireNonNull(inspection.version()), inspection.objects());
            if (version == 17 && Boolean.getBoolean("interlock.generate")) {
                Files.writeString(MANIFEST, manifest.toJson());
            }
            assertThat(Files.readString(MANIFEST).replace("\r\n", "\n"))
                    .as("the manifest is stale: generate it again, see this test's comment")
                    .isEqualTo(manifest.toJson());

            migrator.rollback();
            statement.execute("drop table public.workflow_executions, public.jobs cascade;"
                    + " drop function public.update_jobs_updated_at()");
            for (String fixture : new String[] {"before_027.sql", "after_027.sql", "parallel_slots.sql"}) {
                statement.execute(Files.readString(EXISTING.resolve(fixture)));
            }
            statement.execute(MigrationFile.pasteReady(false));
            assertThat(manifest.differences(new Inspection(supabase.rpc(Inspection.FUNCTION)
                            .waitForSchema(Duration.ofSeconds(30))
                            .as(JsonNode.class))))
                    .isEmpty();
        }
    }
}
