package dev.interlock.it.longrun;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The short form of {@code ./sdk/integration-tests/long-run}, in every build. */
class LongRunTest {

    @Test
    @DisplayName(
            "Thousands of grants under everything at once: no overlap, nobody passed, nobody lost, and the log tells the same story")
    void shortRun() throws Exception {
        long seed = Long.getLong("interlock.seed", System.nanoTime());
        try (LocalSupabase local = LocalSupabase.start();
                SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            local.installExecSql();
            Migrator.create(supabase).migrate();

            assertThat(new LongRun(local, Options.of(Long.getLong("interlock.grants", 3000), seed), System.out).run())
                    .as("nothing was violated (repeat with -Dinterlock.seed=%d)", seed)
                    .isTrue();
        }
    }
}
