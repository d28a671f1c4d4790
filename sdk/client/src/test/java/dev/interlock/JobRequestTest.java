package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class JobRequestTest {
    record Prompt(String text, int seed) {}

    static final class Odd {
        public Odd self() {
            return this;
        }

        public Odd getSelf() {
            return this;
        }
    }

    @Test
    void build_whenEverythingIsGiven_keepsIt() {
        JobRequest job = JobRequest.normal("job-'42\" ☃")
                .models(" motion-2.0-fast ", "b", "motion-2.0-fast")
                .handler("image")
                .priority(-100)
                .maxAttempts(100)
                .payload(new Prompt("a knight", 7))
                .row(Map.of("prompt", "a knight"))
                .build();

        assertThat(job.jobId()).isEqualTo("job-'42\" ☃");
        assertThat(job.models()).containsExactly("motion-2.0-fast", "b");
        assertThat(job.handler()).isEqualTo("image");
        assertThat(job.payloadJson()).contains("\"text\":\"a knight\"", "\"seed\":7");
        assertThat(job.rowJson()).isEqualTo("{\"prompt\":\"a knight\"}");
        assertThat(job.toString()).doesNotContain("knight");
    }

    @Test
    void workflow_whenADefinitionIsGiven_needsItsModelsInOrderWithoutDuplicates() {
        WorkflowDefinition definition = WorkflowDefinition.builder("knight-style-img-to-video")
                .step("image", "nano-banana-pro-leonardo", step -> null)
                .step("video", "motion-2.0-fast", step -> null)
                .step("again", "nano-banana-pro-leonardo", step -> null)
                .build();
        JobRequest job = JobRequest.workflow("job-43", definition).build();

        assertThat(job.jobType()).isEqualTo(JobType.WORKFLOW);
        assertThat(job.handler()).isEqualTo("knight-style-img-to-video");
        assertThat(job.models()).containsExactly("nano-banana-pro-leonardo", "motion-2.0-fast");
    }

    @Test
    void unrestricted_whenItNamesNoModel_isAllowed() {
        assertThat(JobRequest.normal("j").unrestricted().build().models()).isEmpty();
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                bad("an id that is null", "JQ001", () -> JobRequest.normal(JobRequestTest.<String>nothing())),
                bad("an id that is blank", "JQ001", () -> JobRequest.normal(" \t")),
                bad("an id that is long", "JQ001", () -> JobRequest.normal("x".repeat(201))),
                bad("an id with a NUL", "JQ001", () -> JobRequest.normal("a\0b")),
                bad("no models", "JQ002", () -> JobRequest.normal("j").build()),
                bad(
                        "models that are null",
                        "JQ002",
                        () -> JobRequest.normal("j").models(JobRequestTest.<List<String>>nothing())),
                bad(
                        "a model that is null",
                        "JQ002",
                        () -> JobRequest.normal("j").models(Arrays.asList("a", null))),
                bad(
                        "a model that is blank",
                        "JQ002",
                        () -> JobRequest.normal("j").models("a", " ")),
                bad(
                        "65 models",
                        "JQ002",
                        () -> JobRequest.normal("j")
                                .models(Stream.iterate(0, i -> i + 1)
                                        .limit(65)
                                        .map(i -> "m" + i)
                                        .toList())
                                .build()),
                bad("10,000 models", "JQ002", () -> JobRequest.normal("j").models(Collections.nCopies(10_000, "m"))),
                bad(
                        "models and unrestricted",
                        "JQ002",
                        () -> JobRequest.normal("j").models("m").unrestricted().build()),
                bad(
                        "a handler that is blank",
                        "JQ003",
                        () -> JobRequest.normal("j").handler("")),
                bad("a payload of 5 MB", "JQ005", () -> JobRequest.normal("j").payload("x".repeat(5_000_000))),
                bad(
                        "a payload of 1 MiB in bytes only",
                        "JQ005",
                        () -> JobRequest.normal("j").payload("ä".repeat(600_000))),
                bad(
                        "a payload with a NUL",
                        "JQ007",
                        () -> JobRequest.normal("j").payload("a\0b")),
                bad(
                        "a payload that is no data",
                        "JQ007",
                        () -> JobRequest.normal("j").payload(new Odd())),
                bad("a priority of 101", "JQ007", () -> JobRequest.normal("j").priority(101)),
                bad("0 attempts", "JQ007", () -> JobRequest.normal("j").maxAttempts(0)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void build_whenItCanNeverWork_isRefusedWithTheDatabasesOwnCode(String what, String code, ThrowingCallable call) {
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code))
                .withMessageContaining(code);
    }

    @Test
    void payload_whenItHoldsTheTextOfAnEscapedNul_isAllowed() {
        assertThat(JobRequest.normal("j")
                        .payload("a\\u0000b")
                        .models("m")
                        .build()
                        .payloadJson())
                .isEqualTo("\"a\\\\u0000b\"");
    }

    private static Arguments bad(String what, String code, ThrowingCallable call) {
        return Arguments.of(what, code, call);
    }

    /** What a caller without null checks may pass. */
    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }
}
