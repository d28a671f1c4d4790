package dev.interlock.it.faults;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** A local project of its own, so that what is done to it meets nobody else, and a fleet of worker processes. */
abstract class FaultTestBase {

    /** Short, so that what a kill leaves is soon taken back; long beside a pause of the machine. */
    static final Duration SHORT = Duration.ofSeconds(2);

    /** Where calls wait for one another. */
    static final Duration PATIENT = Duration.ofSeconds(6);

    private static final int WORKERS = 3;

    static LocalSupabase local;
    static Fleet fleet;

    @BeforeAll
    static void start() throws Exception {
        fleet = new Fleet();
        fleet.start(WORKERS);
        local = LocalSupabase.start();
        install(local);
    }

    @AfterAll
    static void stop() {
        fleet.close();
        if (local != null) {
            local.close();
        }
    }

    static void install(LocalSupabase project) {
        project.installExecSql();
        try (SupabaseClient supabase = SupabaseClient.create(project.url(), project.secretKey())) {
            Migrator.create(supabase).migrate();
        }
    }
}
