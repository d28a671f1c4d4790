package dev.interlock.internal.workflow;

import dev.interlock.DataException;
import dev.interlock.FatalJobException;
import dev.interlock.WorkflowDefinition;
import dev.interlock.WorkflowStep;
import dev.interlock.internal.coordination.Json;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The outputs of the steps that are done, as the JSON that is in the database. Not thread-safe; steps see copies. */
final class Outputs {
    /** The checkpoint of a step that was passed over when the job stood at it; of those that never were reached there is none. */
    static final String PASSED_OVER = "{\"interlock\":\"passed over\"}";

    private final WorkflowDefinition definition;
    private final Map<Integer, @Nullable String> done;

    Outputs(WorkflowDefinition definition, Map<Integer, @Nullable String> done) {
        this.definition = definition;
        this.done = new HashMap<>(done);
        // The database keeps JSON, not its text.
        this.done
                .values()
                .removeIf(json -> json != null
                        && json.length() < 2 * PASSED_OVER.length()
                        && json.replaceAll("\\s", "").equals(PASSED_OVER.replaceAll("\\s", "")));
    }

    Outputs copy() {
        return new Outputs(definition, done);
    }

    void put(int step, @Nullable String json) {
        done.put(step, json);
    }

    /** The output of the last step that was not passed over; null when it has none. */
    @Nullable
    String last() {
        return done.get(done.keySet().stream().max(Integer::compare).orElse(-1));
    }

    boolean has(int asking, String name) {
        int step = before(asking, name);
        return done.get(step) != null;
    }

    <T> T get(int asking, String name, Class<T> type) {
        return read(asking, before(asking, name), type);
    }

    <T> T previous(int asking, Class<T> type) {
        for (int step = asking - 1; step >= 0; step--) {
            // Only a step with a condition can have been passed over; where another one has no output, an older one's
            // would be taken for it.
            if (done.containsKey(step) || definition.steps().get(step).condition() == null) {
                return read(asking, step, type);
            }
        }
        throw new FatalJobException("Step \"" + name(asking) + "\" asks for the output before it, and there is none.");
    }

    private <T> T read(int asking, int step, Class<T> type) {
        if (!done.containsKey(step)) {
            throw new FatalJobException("Step \"" + name(asking) + "\" asks for the output of \"" + name(step) + "\", "
                    + (definition.steps().get(step).condition() == null
                            ? "which is missing."
                            : "which was passed over; ask hasOutput first."));
        }
        try {
            return Json.decode("The output of step \"" + name(step) + "\"", done.get(step), type);
        } catch (DataException e) {
            throw new FatalJobException(String.valueOf(e.getMessage()), e);
        }
    }

    private int before(int asking, String name) {
        for (int step = 0; step < asking; step++) {
            WorkflowStep each = definition.steps().get(step);
            if (each.name().equals(name) || name.equals(each.title())) {
                return step;
            }
        }
        throw new FatalJobException("Step \"" + name(asking) + "\" asks for the output of \"" + name
                + "\", which is not a step before it. Before it are "
                + definition.steps().subList(0, asking).stream()
                        .map(WorkflowStep::name)
                        .toList() + ".");
    }

    private String name(int step) {
        return definition.steps().get(step).name();
    }
}
