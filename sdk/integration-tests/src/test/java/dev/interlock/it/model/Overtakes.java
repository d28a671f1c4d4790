package dev.interlock.it.model;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Rule 3's one knob: a job that is held up by one of its models may be passed in the lines of the others, so many times and no more. */
final class Overtakes {

    private final ReferenceModel model;

    Overtakes(ReferenceModel model) {
        this.model = model;
    }

    /** The jobs that this one passes by if it starts now, or null where it may not. */
    @Nullable
    Set<ModelJob> passedBy(ModelJob job) {
        Set<ModelJob> passed = new TreeSet<>(ReferenceModel.IN_ORDER);
        if (model.limits.maxOvertakes == 0 || !model.waits(job) || !model.letsIn(job)) {
            return null;
        }
        for (String line : model.linesOf(job)) {
            if (!model.admitted(job, line)) {
                List<ModelJob> ahead = model.ahead(job, line);
                // Somebody ahead has its turn here and does not use it.
                boolean kept = ahead.stream().anyMatch(other -> model.admitted(other, line));
                if (!kept || !ahead.stream().allMatch(other -> mayBePassed(other, line))) {
                    return null;
                }
                passed.addAll(ahead);
            }
        }
        return passed;
    }

    private boolean mayBePassed(ModelJob job, String line) {
        return job.overtaken < model.limits.maxOvertakes
                && model.linesOf(job).stream().anyMatch(other -> !other.equals(line) && !model.admitted(job, other));
    }
}
