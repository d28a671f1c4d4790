package dev.interlock.it.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.SupabaseClient;
import dev.interlock.it.engine.EngineTest;
import java.sql.Connection;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The test of the histories: with one rule broken in the SQL, a history tells it. A mutant that hangs meets the API's statement timeout. */
class MutationTest extends EngineTest {

    private static final int HISTORIES = 12;
    private static final int STEPS = 120;

    static List<Mutation> mutations() {
        return Mutation.ALL;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("mutations")
    void everyBrokenRuleIsFound(Mutation mutation) throws Exception {
        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.serviceRoleKey());
                Connection connection = local.openConnection()) {
            String found = null;
            try {
                mutation.install(connection);
                for (int i = 0; found == null && i < HISTORIES; i++) {
                    empty();
                    found = difference(new History(mutation.seed() + i, supabase, connection));
                }
            } finally {
                mutation.undo(connection);
                empty();
            }
            System.out.println(mutation + ": " + found);
            assertThat(found)
                    .as("what the histories say of a queue where " + mutation)
                    .isNotNull();
        }
    }

    private static @Nullable String difference(History history) throws Exception {
        try {
            history.tell(STEPS);
            return null;
        } catch (AssertionError e) {
            return String.valueOf(e.getMessage()).lines().limit(4).collect(Collectors.joining(" | "));
        }
    }
}
