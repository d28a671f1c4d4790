package dev.interlock.it.faults;

import dev.interlock.AwaitCallback;
import dev.interlock.Holding;
import dev.interlock.JobContext;
import dev.interlock.WorkflowDefinition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The workflows of {@link KillRun}: under each holding rule, over four models in different orders. */
final class Flows {

    /** How long each call of a job takes. */
    record Task(int millis) {}

    /** What a step leaves behind: the names of all steps up to it. */
    record Output(List<String> done) {}

    /**
     * A workflow.
     *
     * @param models the model of each step
     * @param callback what its first step waits for after its call, and gets its output from; null for nothing
     */
    record Plan(
            String name,
            Holding holding,
            List<String> models,
            @Nullable AwaitCallback callback) {

        /** With a provider it can be run; without, entered. */
        WorkflowDefinition definition(String run, @Nullable Provider provider) {
            WorkflowDefinition.Builder definition =
                    WorkflowDefinition.builder(run + name).holding(holding);
            for (int i = 0; i < models.size(); i++) {
                String step = step(i);
                definition.step(step, run + models.get(i), context -> {
                    JobContext job = context.job();
                    List<String> done = new ArrayList<>(
                            context.index() == 0
                                    ? List.of()
                                    : context.previousOutput(Output.class).done());
                    if (provider == null) {
                        throw new IllegalStateException("This one was only for its models.");
                    }
                    provider.call(
                            job, step, context.models(), job.payload(Task.class).millis());
                    done.add(step);
                    return context.index() == 0 && callback != null ? callback : new Output(done);
                });
            }
            return definition.build();
        }

        /** The output of the last step, which is the job's result, as JSON. */
        String result() {
            List<String> names = new ArrayList<>();
            for (int i = 0; i < models.size(); i++) {
                names.add("\"" + step(i) + "\"");
            }
            return "{\"done\": [" + String.join(", ", names) + "]}";
        }

        private static String step(int index) {
            return "step" + index;
        }
    }

    private static final Duration BOUND = Duration.ofMinutes(2);

    static final List<Plan> PLANS = List.of(
            new Plan("whole-run", Holding.WHOLE_RUN, List.of("w0", "w1", "w0"), null),
            new Plan("as-used", Holding.RELEASE_AS_USED, List.of("w1", "w2", "w3"), null),
            new Plan("per-step", Holding.PER_STEP, List.of("w3", "w0", "w2", "w1"), null),
            new Plan("keeps", Holding.WHOLE_RUN, List.of("w2", "w0"), AwaitCallback.within(BOUND)),
            new Plan(
                    "gives-back",
                    Holding.PER_STEP,
                    List.of("w1", "w3"),
                    AwaitCallback.within(BOUND).givingBackModels()));

    private Flows() {}
}
