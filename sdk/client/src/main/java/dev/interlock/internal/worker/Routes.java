package dev.interlock.internal.worker;

import dev.interlock.ClaimRequest;
import dev.interlock.JobHandler;
import dev.interlock.Lease;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which code runs which jobs, by their handler or by their first model, and how many of a handler's jobs at once. Immutable.
 *
 * @param code the code, by the name of its handler or model
 * @param byModel whether the names are models'
 * @param limits for handlers that may run fewer jobs at once than the worker: how many
 */
public record Routes(Map<String, JobHandler> code, boolean byModel, Map<String, Integer> limits) {
    public Routes {
        code = Map.copyOf(code);
        limits = Map.copyOf(limits);
    }

    /** What runs this job; null for nothing. */
    @Nullable
    JobHandler codeFor(Lease lease) {
        if (!byModel) {
            return code.get(lease.handler());
        }
        List<String> models = lease.models();
        return models.isEmpty() ? null : code.get(models.get(0));
    }

    /**
     * A claim of so many jobs, and of no more of a handler than may start.
     *
     * @param held the runs that will still be held when the claimed ones start
     * @return null when none may start
     */
    @Nullable
    ClaimRequest claim(int jobs, Duration lease, Iterable<Run> held) {
        ClaimRequest.Builder claim = ClaimRequest.builder(jobs).lease(lease);
        if (byModel) {
            return claim.models(code.keySet()).build();
        }
        if (limits.isEmpty()) {
            return claim.handlers(code.keySet()).build();
        }
        Map<String, Integer> left = new LinkedHashMap<>();
        for (String handler : code.keySet()) {
            left.put(handler, limits.getOrDefault(handler, jobs));
        }
        for (Run run : held) {
            String handler = run.lease().handler();
            if (limits.containsKey(handler)) {
                left.computeIfPresent(handler, (name, count) -> Math.max(0, count - 1));
            }
        }
        left.replaceAll((name, count) -> Math.min(count, jobs));
        return left.values().stream().allMatch(count -> count == 0)
                ? null
                : claim.handlerLimits(left).build();
    }
}
