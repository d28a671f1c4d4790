package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.FailurePolicy;
import dev.interlock.Holding;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkflowDefinition;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
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
    @DisplayName("What was passed over stays so for whoever resumes")
    void resumesAsDecided() throws Exception {
        CountDownLatch inLast = new CountDownLatch(1);
        AtomicBoolean first = new AtomicBoolean(true);
        WorkflowDefinition definition = workflow()
                .step("never", s -> s.noModel().when(step -> false).handler(step -> "never"))
                .step("image", name("a"), step -> "image")
                .step(
                        "last",
                        s -> s.model(name("b"))
                                .when(step -> step.hasOutput("image") && !step.hasOutput("never"))
                                .handler(step -> {
                                    called.add(step.hasOutput("never") + " " + step.previousOutput(String.class));
                                    if (first.getAndSet(false)) {
                                        wire.cut();
                                        inLast.countDown();
                                        new CountDownLatch(1).await();
                                    }
                                    return "done";
                                }))
                .build();
        closing(worker(new Heard(1), definition).lease(Duration.ofSeconds(6)).build())
                .start();
        others.enqueue(job("j", definition).build());
        await(inLast);
        letLeaseRunOut(name("j"));
        Heard heard = new Heard(1);
        closing(worker(others, "another", heard, definition).build()).start();
        heard.awaitRuns();

        assertThat(heard.steps).containsExactly("last");
        assertThat(called).containsExactly("false image", "false image");
    }

    @Test
    @DisplayName("A condition that throws fails its own step: the one before it is saved and not run again")
    void conditionThrows() throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        WorkflowDefinition definition = workflow()
                .step("image", name("a"), step -> called.add("image"))
                .step(
                        "video",
                        s -> s.model(name("b"))
                                .failurePolicy(FailurePolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(2)))
                                .when(step -> {
                                    if (broken.getAndSet(false)) {
                                        throw new IllegalStateException("broken");
                                    }
                                    return false;
                                })
                                .handler(step -> called.add("video")))
                .build();
        Heard heard = new Heard(2);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        assertThat(heard.statuses).containsExactly(OutcomeStatus.RETRY_SCHEDULED, OutcomeStatus.COMPLETED);
        assertThat(called).containsExactly("image");
        assertThat(others.explain(name("j")).result(Boolean.class)).isTrue();
    }
}
