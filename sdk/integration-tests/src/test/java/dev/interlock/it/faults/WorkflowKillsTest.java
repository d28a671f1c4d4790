package dev.interlock.it.faults;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Any process may die at any moment: no step with a checkpoint is done again, no job is lost, no model stays held. The build's kills are few;
 * {@code -Dinterlock.kills=300} gives more. See docs/reference/faults.md.
 */
class WorkflowKillsTest extends FaultTestBase {

    private static final int KILLS = Integer.getInteger("interlock.kills", 30);

    @Test
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    @DisplayName("f94: workers are killed between any two writes of a step")
    void f94_killedAtAnyMoment() throws Exception {
        try (KillRun run = new KillRun(local, fleet)) {
            run.begin();
            for (int i = 0; i < KILLS; i++) {
                run.kill();
                if (i % 15 == 7) {
                    local.stopPostgrest();
                    local.startPostgrest();
                } else if (i % 15 == 14) {
                    local.stopPostgres();
                    local.startPostgres();
                }
            }
            run.judge();
        }
    }
}
