package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.Holding;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkflowDefinition;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Steps that are run only when something is so. */
class ConditionsTest extends WorkflowTestBase {

    @Test
    @DisplayName("A step is passed over by what the steps before it found; its models are given back")
    void passedOver() throws Exception {
        Queue<List<String>> held = new ConcurrentLinkedQueue<>();
        WorkflowDefinition definition = workflow()
                .step("image", name("a"), step -> new Image(step.job().payload(String.class)))
                .step(
                        "upscale",
                        s -> s.model(name("b"))
                                .when(step ->
                                        step.output("image", Image.class).url().startsWith("small"))
                                .handler(step -> new Image("upscaled")))
                .step("video", name("c"), step -> {
                    held.add(held());
                    return step.previousOutput(Image.class).url() + " " + step.hasOutput("upscale");
                })
                .step("report", s -> s.noModel().when(step -> false).handler(step -> called.add("report")))
                .holding(Holding.RELEASE_AS_USED)
                .build();
        Heard heard = new Heard(2);
        closing(worker(heard, definition).concurrency(1).build()).start();
        others.enqueue(job("large", definition).payload("large").build());
        others.enqueue(job("small", definition).payload("small").build());
        heard.awaitRuns();

        assertThat(others.explain(name("large")).result(String.class)).isEqualTo("large false");
        assertThat(others.explain(name("small")).result(String.class)).isEqualTo("upscaled true");
        assertThat(called).isEmpty();
        assertThat(held).allSatisfy(models -> assertThat(models).contains("c").doesNotContain("b"));
    }

    @Test
    @DisplayName("per_step: the models of a step that is passed over are never taken")
    void passedOverPerStep() throws Exception {
        Queue<List<String>> held = new ConcurrentLinkedQueue<>();
        WorkflowDefinition definition = workflow()
                .step("first", s -> s.model(name("a")).when(step -> false).handler(step -> called.add("first")))
                .step(
                        "second",
                        s -> s.model(name("b"))
                                .when(step -> !step.hasOutput("first"))
                                .handler(step -> held.add(held())))
                .holding(Holding.PER_STEP)
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        assertThat(heard.statuses).containsExactly(OutcomeStatus.COMPLETED);
        assertThat(called).isEmpty();
        assertThat(held).containsExactly(List.of("b"));
    }

    @Test
    @DisplayName("What was decided holds for whoever resumes: the condition is not asked again")
    void resumesAsDecided() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        CountDownLatch inLast = new CountDownLatch(1);
        WorkflowDefinition dying = conditional(asked, "first", () -> {
            wire.cut();
            inLast.countDown();
            new CountDownLatch(1).await();
        });
        WorkflowDefinition next = conditional(asked, "second", () -> {});
        closing(worker(new Heard(1), dying).lease(Duration.ofSeconds(6)).build())
                .start();
        others.enqueue(job("j", dying).build());
        await(inLast);
        letLeaseRunOut(name("j"));
        Heard heard = new Heard(1);
        closing(worker(others, "another", heard, next).build()).start();
        heard.awaitRuns();

        assertThat(asked).hasValue(2);
        assertThat(heard.steps).containsExactly("last");
        assertThat(called).containsExactly("first false true", "second false true");
    }

    private interface Act {
        void run() throws Exception;
    }

    /** Passes over its first step when it is asked first, and would not when it is asked again. */
    private WorkflowDefinition conditional(AtomicInteger asked, String who, Act inLast) {
        return workflow()
                .step(
                        "never",
                        s -> s.noModel()
                                .when(step -> asked.incrementAndGet() > 2)
                                .handler(step -> "never"))
                .step("image", name("a"), step -> "image")
                .step(
                        "last",
                        s -> s.model(name("b"))
                                .when(step -> asked.incrementAndGet() == 2)
                                .handler(step -> {
                                    called.add(who + " " + step.hasOutput("never") + " " + step.hasOutput("image"));
                                    inLast.run();
                                    return "done";
                                }))
                .build();
    }
}
