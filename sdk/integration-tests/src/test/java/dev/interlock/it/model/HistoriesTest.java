package dev.interlock.it.model;

import dev.interlock.SupabaseClient;
import dev.interlock.it.engine.EngineTest;
import java.sql.Connection;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Random histories, told to the engine and to the {@link ReferenceModel}: every answer and the whole state are the same after each step.
 *
 * <p>Every build draws new ones. {@code -Dinterlock.seed} begins with one seed, {@code -Dinterlock.histories} tells how many, each with the next
 * seed; {@code -Dinterlock.steps} how long each is.
 */
class HistoriesTest extends EngineTest {

    private static final int HISTORIES = Integer.getInteger("interlock.histories", 4);
    private static final int STEPS = Integer.getInteger("interlock.steps", 250);

    @Test
    @DisplayName("The engine and the reference model tell every history alike")
    void engineAndModelAgree() throws Exception {
        long seed = Long.getLong("interlock.seed", System.nanoTime());
        System.out.println("first seed of engineAndModelAgree: " + seed);
        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.serviceRoleKey());
                Connection connection = local.openConnection()) {
            for (int i = 0; i < HISTORIES; i++) {
                empty();
                new History(seed + i, supabase, connection).tell(STEPS);
            }
        }
    }
}
