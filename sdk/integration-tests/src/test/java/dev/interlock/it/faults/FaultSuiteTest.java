package dev.interlock.it.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.faults.FaultyGateway.Fault;
import dev.interlock.testing.LocalSupabase;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Faults of workers and of what is between them and the database, in the middle of a few hundred jobs. After each: 0 collisions at the witness, 0
 * lost jobs, 0 double outcomes, all models free. See docs/reference/faults.md.
 */
class FaultSuiteTest extends FaultTestBase {

    @Test
    @DisplayName("Workers are killed with -9 in the middle of calls")
    void workersKilled() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "workers killed", SHORT).withLongCalls()) {
            run.begin();
            run.killInLongCall();
            int kills = run.rounds() + 1;
            for (int i = 1; i < kills; i++) {
                run.awaitDone(i, kills + 2);
                run.killOne();
            }
            run.end(() -> kills + " kills, " + run.witness.cutOff() + " calls cut off");
            assertThat(run.witness.cutOff()).isPositive();
        }
    }

    @Test
    @DisplayName("A worker is cut off, and comes back with its outcome when another runs the job already")
    void workerCutOff() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "worker cut off", SHORT).withLongSecondAttempt()) {
            run.begin();
            run.cutOffOne();
            FaultRun.Verdict verdict = run.end(() -> "1 worker, for more than its lease");
            assertThat(verdict.leasesLost()).isPositive();
        }
    }

    @Test
    @DisplayName("PostgREST is killed with -9 and restarted")
    void postgrestKilled() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "PostgREST killed", SHORT)) {
            run.begin();
            for (int i = 0; i < run.rounds(); i++) {
                run.awaitDone(i + 1, run.rounds() + 2);
                local.stopPostgrest();
                run.gateway.awaitFailures(3);
                local.startPostgrest();
            }
            run.end(() -> run.rounds() + " kills, " + run.gateway.failures() + " failed requests");
        }
    }

    @Test
    @DisplayName("Requests are lost, and answers after the commit, whole or from the middle on")
    void answersLost() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "answers lost", SHORT)) {
            run.gateway.inject(0.25, Fault.LOST_ANSWER, Fault.HALF_ANSWER, Fault.LOST_REQUEST);
            run.begin();
            run.end(() -> "" + run.gateway.injected());
        }
    }

    @Test
    @DisplayName("Requests arrive twice, at once or long after their answer")
    void requestsDoubled() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "requests doubled", SHORT)) {
            run.gateway.inject(0.5, Fault.TWICE_AT_ONCE, Fault.TWICE_LATER);
            run.begin();
            run.end(() -> "" + run.gateway.injected());
        }
    }

    @Test
    @DisplayName("The gateway answers 502, 503, 504, 520 with HTML, or what it likes, before or after the commit")
    void gatewayPages() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "gateway pages", SHORT)) {
            run.gateway.inject(0.3, Fault.PAGE_INSTEAD, Fault.PAGE_AFTER, Fault.SLOW);
            run.begin();
            run.end(() -> "" + run.gateway.injected());
        }
    }

    @Test
    @DisplayName("The pool has one connection")
    void poolOfOne() throws Exception {
        try (LocalSupabase narrow = LocalSupabase.builder().pool(1).start()) {
            install(narrow);
            try (FaultRun run = FaultRun.of(narrow, fleet, "pool of one", PATIENT)) {
                run.gateway.inject(0.1, Fault.TWICE_AT_ONCE, Fault.LOST_ANSWER);
                run.begin();
                run.end(() -> "1 connection for all processes, " + run.gateway.injected());
            }
        }
    }

    @Test
    @DisplayName("The key is revoked and given back")
    void keyRevoked() throws Exception {
        try (FaultRun run = FaultRun.of(local, fleet, "key revoked", SHORT)) {
            run.begin();
            for (int i = 0; i < run.rounds(); i++) {
                run.awaitDone(i + 1, run.rounds() + 2);
                run.gateway.spoilKey();
                run.gateway.awaitFailures(3);
                run.gateway.mend();
            }
            run.end(() -> run.rounds() + " times, " + run.gateway.failures() + " requests refused with 401");
        }
    }
}
