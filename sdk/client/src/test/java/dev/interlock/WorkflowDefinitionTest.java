package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class WorkflowDefinitionTest {
    private static final String KNIGHT = """
            {"id": "knight", "name": "Knight style", "enabled": true, "version": 7,
             "steps": [
               {"id": "style", "name": "Style the image", "type": "image", "default_model": "gemini-25-flash-aicc",
                "model": "not this", "provider": "vision-aicc", "requires_input_image": true, "strength": 0.7},
               {"id": "upscale", "name": "Upscale", "type": "image", "model": "clipdrop-upscale", "timeout_seconds": 90.5},
               {"name": "Again", "type": "image", "default_model": " ", "model": "gemini-25-flash-aicc"},
               {"id": "notify", "type": "webhook", "no_model": true}
             ]}
            """;

    record Strength(double strength) {}

    @Test
    void fromJson_readsThePredecessorsShape() {
        WorkflowDefinition knight = WorkflowDefinition.fromJson(KNIGHT)
                .handlerForType("image", step -> "image")
                .handler("notify", step -> "notified")
                .configure("Upscale", step -> step.attempts(5))
                .holding(Holding.PER_STEP)
                .build();

        assertThat(knight.id()).isEqualTo("knight");
        assertThat(knight.title()).isEqualTo("Knight style");
        assertThat(knight.isEnabled()).isTrue();
        assertThat(knight.holding()).isEqualTo(Holding.PER_STEP);
        assertThat(knight.models()).containsExactly("gemini-25-flash-aicc", "clipdrop-upscale");
        assertThat(knight.steps())
                .extracting(WorkflowStep::name)
                .containsExactly("style", "upscale", "Again", "notify");
        WorkflowStep style = knight.steps().get(0);
        assertThat(style.title()).isEqualTo("Style the image");
        assertThat(style.type()).isEqualTo("image");
        assertThat(style.provider()).isEqualTo("vision-aicc");
        assertThat(style.requiresInputImage()).isTrue();
        assertThat(style.settings(Strength.class)).isEqualTo(new Strength(0.7));
        assertThat(knight.steps().get(1).timeout()).isEqualTo(Duration.ofMillis(90_500));
        assertThat(knight.steps().get(3).models()).isEmpty();
        assertThat(knight.steps()).allSatisfy(step -> assertThat(step.handler()).isNotNull());
        assertThat(knight.indexOf("Upscale")).isEqualTo(1);
        assertThat(knight.maxAttempts()).isEqualTo(5);
    }

    @Test
    void fromJson_readsFilesAndStreams(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("config.json"), KNIGHT.replace("Knight style", "Ritter ☃"));
        assertThat(WorkflowDefinition.fromJson(file).build().title()).isEqualTo("Ritter ☃");
        assertThat(WorkflowDefinition.fromJson(new ByteArrayInputStream(KNIGHT.getBytes(StandardCharsets.UTF_8)))
                        .build()
                        .models())
                .hasSize(2);
    }

    @Test
    void jobOfAWorkflow_hasItsStepsAndHoldingAndEnoughAttempts() {
        WorkflowDefinition knight = WorkflowDefinition.builder("knight")
                .step("image", s -> s.models("a", "b", "a").attempts(3).handler(step -> null))
                .step("video", s -> s.model("b").attempts(4).handler(step -> null))
                .step("report", s -> s.noModel().handler(step -> null))
                .holding(Holding.RELEASE_AS_USED)
                .build();
        JobRequest job = JobRequest.workflow("j", knight).build();

        assertThat(job.steps())
                .containsExactly(
                        new JobStep("image", List.of("a", "b")),
                        new JobStep("video", List.of("b")),
                        new JobStep("report", List.of()));
        assertThat(job.models()).containsExactly("a", "b");
        assertThat(job.holding()).isEqualTo(Holding.RELEASE_AS_USED);
        assertThat(job.maxAttempts()).isEqualTo(6);
        assertThat(job.isUnrestricted()).isFalse();
    }

    @Test
    void workflowWithoutAnyModel_saysSoInEachStep() {
        WorkflowDefinition report = WorkflowDefinition.builder("report")
                .step("report", s -> s.noModel().handler(step -> null))
                .build();
        assertThat(JobRequest.workflow("j", report).build().isUnrestricted()).isTrue();
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                bad(
                        "no step",
                        "JQ003",
                        "has 0 steps",
                        () -> WorkflowDefinition.builder("w").build()),
                bad(
                        "a step without a model",
                        "JQ002",
                        "\"image\" names no model",
                        () -> WorkflowDefinition.builder("w")
                                .step("image", s -> s.handler(step -> null))
                                .build()),
                bad(
                        "two steps of a name",
                        "JQ003",
                        "two steps named \"image\"",
                        () -> WorkflowDefinition.builder("w")
                                .step("image", "a", step -> null)
                                .step("image", "b", step -> null)),
                bad(
                        "no such step",
                        "JQ007",
                        "no step \"video\"",
                        () -> WorkflowDefinition.fromJson(KNIGHT).handler("video", step -> null)),
                bad(
                        "no such type",
                        "JQ007",
                        "no step of the type \"audio\"",
                        () -> WorkflowDefinition.fromJson(KNIGHT).handlerForType("audio", step -> null)),
                bad(
                        "a timeout of zero",
                        "JQ007",
                        "timeout is zero",
                        () -> WorkflowDefinition.builder("w")
                                .step("image", s -> s.model("a").timeout(Duration.ZERO))),
                bad(
                        "an unknown holding",
                        "JQ007",
                        "UNKNOWN",
                        () -> WorkflowDefinition.builder("w").holding(Holding.UNKNOWN)),
                bad(
                        "models and steps",
                        "JQ002",
                        "models and steps",
                        () -> JobRequest.workflow("j", "w")
                                .step("image", "a")
                                .models("a")
                                .build()),
                bad(
                        "a holding without steps",
                        "JQ007",
                        "no steps",
                        () -> JobRequest.workflow("j", "w")
                                .models("a")
                                .holding(Holding.PER_STEP)
                                .build()),
                bad(
                        "a disabled workflow",
                        "JQ003",
                        "disabled",
                        () -> JobRequest.workflow(
                                "j",
                                WorkflowDefinition.fromJson(KNIGHT.replace("\"enabled\": true", "\"enabled\": false"))
                                        .build())),
                file("no JSON", "not JSON", "{\"id\": \"w\","),
                file("an array", "not an object", "[]"),
                file("no id", "has no \"id\"", "{\"steps\": [{\"model\": \"a\"}]}"),
                file("no steps", "has no \"steps\"", "{\"id\": \"w\"}"),
                file("a step that is none", "step 0 is not an object", "{\"id\": \"w\", \"steps\": [1]}"),
                file(
                        "a step without a model",
                        "step 1 (\"video\") has neither \"default_model\" nor \"model\"",
                        "{\"id\": \"w\", \"steps\": [{\"model\": \"a\"}, {\"id\": \"video\", \"no_model\": false}]}"),
                file(
                        "a model that is none",
                        "step 0 (\"video\") has a \"default_model\" that is not text",
                        "{\"id\": \"w\", \"steps\": [{\"id\": \"video\", \"default_model\": [\"a\"]}]}"),
                file(
                        "a model and none",
                        "names a model and says \"no_model\"",
                        "{\"id\": \"w\", \"steps\": [{\"id\": \"video\", \"model\": \"a\", \"no_model\": true}]}"),
                file(
                        "a timeout that is none",
                        "step 0 (\"video\") has \"timeout_seconds\" \"soon\"",
                        "{\"id\": \"w\", \"steps\": [{\"id\": \"video\", \"model\": \"a\", \"timeout_seconds\": \"soon\"}]}"),
                file(
                        "a flag that is none",
                        "\"requires_input_image\" that is neither true nor false",
                        "{\"id\": \"w\", \"steps\": [{\"id\": \"video\", \"model\": \"a\", \"requires_input_image\": 1}]}"),
                file(
                        "a holding that is none",
                        "\"holding\" \"forever\"",
                        "{\"id\": \"w\", \"holding\": \"forever\", \"steps\": [{\"model\": \"a\"}]}"));
    }

    private static Arguments file(String what, String message, String json) {
        String code = message.contains("neither \"default_model\"") ? "JQ002" : "JQ007";
        return bad(what, code, message, () -> WorkflowDefinition.fromJson(json));
    }

    private static Arguments bad(String what, String code, String message, ThrowingCallable call) {
        return Arguments.of(what, code, message, call);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void refused(String what, String code, String message, ThrowingCallable call) {
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(call)
                .withMessageContaining(message)
                .satisfies(e -> assertThat(e.code()).as(what).isEqualTo(code));
    }
}
