package dev.interlock.samples.studio;

import dev.interlock.Holding;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The same jobs once, under one rule, and what came of it. All times are the database's.
 *
 * @param rule the rule
 * @param begin when the first job entered
 * @param end when the last one ended
 * @param completed how many were completed
 * @param jobs of how many
 * @param calls what the providers saw
 * @param held who held which model when
 * @param restarts the workers that were ended on the way
 * @param leasesLost how many jobs were taken back from killed workers
 */
record Round(
        Rule rule,
        Instant begin,
        Instant end,
        int completed,
        int jobs,
        List<Call> calls,
        List<Log.Held> held,
        List<Restart> restarts,
        long leasesLost) {

    /** A rule by which the jobs get their models. */
    enum Rule {
        WHOLE_RUN("whole_run", Holding.WHOLE_RUN, "all models of a workflow from its first step to its end"),
        RELEASE_AS_USED(
                "release_as_used",
                Holding.RELEASE_AS_USED,
                "all models at the start, each given back after its last step"),
        PER_STEP("per_step", Holding.PER_STEP, "only the models of the current step"),
        ONE_AT_A_TIME(
                "one at a time", Holding.WHOLE_RUN, "one job at a time, whatever its models (max_active_jobs = 1)");

        private final String title;
        private final Holding holding;
        private final String says;

        Rule(String title, Holding holding, String says) {
            this.title = title;
            this.holding = holding;
            this.says = says;
        }

        String title() {
            return title;
        }

        Holding holding() {
            return holding;
        }

        String says() {
            return says;
        }
    }

    /** A worker that was ended. */
    record Restart(String worker, boolean killed, Instant at) {}

    Duration makespan() {
        return Duration.between(begin, end);
    }

    long rejected() {
        return calls.stream().filter(Call::isRejected).count();
    }

    /** Most calls inside at once, of all models together. */
    int mostTogether() {
        return calls.stream().mapToInt(Call::together).max().orElse(0);
    }

    /** Most calls of a model inside at once. */
    int mostOf(String model) {
        // The provider gives the lowest free seat: the highest one that was used tells.
        return calls.stream()
                .filter(call -> call.model().equals(model))
                .mapToInt(call -> call.seat() + 1)
                .max()
                .orElse(0);
    }

    long callsOf(String model) {
        return calls.stream().filter(call -> call.model().equals(model)).count();
    }

    /** How long calls were inside, all together. */
    Duration called() {
        return Duration.ofMillis(
                calls.stream().mapToLong(call -> call.end() - call.start()).sum());
    }

    /** How long models were held, all together. */
    Duration heldTime() {
        return held.stream().map(h -> Duration.between(h.from(), h.until())).reduce(Duration.ZERO, Duration::plus);
    }

    /** Steps that were called again. */
    List<Call> repeated(boolean afterAKill) {
        Set<String> killed = new HashSet<>();
        restarts.stream().filter(Restart::killed).forEach(restart -> killed.add(restart.worker()));
        Map<String, Call> seen = new HashMap<>();
        List<Call> repeated = new ArrayList<>();
        for (Call call : calls.stream()
                .filter(c -> !c.isRejected())
                .sorted((a, b) -> Long.compare(a.start(), b.start()))
                .toList()) {
            Call before = seen.put(call.job() + " " + call.step(), call);
            if (before != null && killed.contains(before.worker()) == afterAKill) {
                repeated.add(call);
            }
        }
        return repeated;
    }
}
