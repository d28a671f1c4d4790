package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.interlock.AwaitCallback;
import dev.interlock.AwaitResult;
import dev.interlock.CallbackResult;
import dev.interlock.CallbackTimeoutException;
import dev.interlock.ClaimRequest;
import dev.interlock.FailurePolicy;
import dev.interlock.Holding;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.UnknownJobException;
import dev.interlock.WorkflowDefinition;
import dev.interlock.WorkflowState;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Steps that submit something and are called back. */
class CallbacksTest extends WorkflowTestBase {
    private static final Duration LONG = Duration.ofHours(1);

    private final AtomicLong token = new AtomicLong();

    /** Submits on the model b after an image on a, and makes a video of what comes. */
    private WorkflowDefinition submitting(AwaitCallback wait) {
        return workflow()
                .step("image", name("a"), step -> called.add("image"))
                .step(
                        "video",
                        s -> s.model(name("b"))
                                .failurePolicy(FailurePolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(2)))
                                .handler(step -> {
                                    called.add("submitted " + step.attempt());
                                    token.set(step.job().token());
                                    return wait.note("request " + step.attempt());
                                })
                                .onCallback((step, callback) ->
                                        new Video(callback.payload(Image.class).url(), callback.note(String.class))))
                .holding(Holding.PER_STEP)
                .build();
    }

    @Test
    @DisplayName("Keeping its models: the run waits under its lease until it is called back (F38)")
    void f38_keepsItsModels() throws Exception {
        WorkflowDefinition definition = submitting(AwaitCallback.within(LONG));
        Heard heard = new Heard(1);
        closing(worker(heard, definition).lease(Duration.ofSeconds(3)).build()).start();
        others.enqueue(job("j", definition).build());
        // The calls of one wait come one after the other: two have been answered.
        until(() -> wire.calls("job_queue_await") >= 3);

        assertThat(held()).containsExactly("b");
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.RUNNING);
        assertThat(others.callback(name("j"), 1, new Image("1.mp4")).result())
                .isEqualTo(CallbackResult.Result.RECEIVED);
        heard.awaitRuns();

        assertThat(others.explain(name("j")).result(Video.class)).isEqualTo(new Video("1.mp4", "request 1"));
        assertThat(called).containsExactly("image", "submitted 1");
        assertThat(others.callback(name("j"), 1, new Image("2.mp4")).result())
                .isEqualTo(CallbackResult.Result.FINISHED);
    }

    @Test
    @DisplayName("Giving them back: nothing is held and nothing submitted again; another worker goes on with what came")
    void givesBackItsModels() throws Exception {
        WorkflowDefinition definition = submitting(AwaitCallback.within(LONG).givingBackModels());
        Heard first = new Heard(1);
        var submitter = closing(worker(first, definition).build());
        submitter.start();
        others.enqueue(job("j", definition).build());
        first.awaitRuns();
        submitter.close();

        assertThat(first.statuses).containsExactly(OutcomeStatus.RELEASED);
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.DELAYED);
        assertThat(held()).isEmpty();
        assertThat(others.callback(name("j"), 1, new Image("1.mp4"), token.get() - 1)
                        .result())
                .isEqualTo(CallbackResult.Result.STALE);
        CallbackResult received =
                others.callback(name("j"), definition.indexOf("video"), new Image("1.mp4"), token.get());
        assertThat(received).isEqualTo(new CallbackResult(CallbackResult.Result.RECEIVED, JobStatus.WAITING));
        assertThat(others.callback(name("j"), 1, new Image("2.mp4")).result())
                .isEqualTo(CallbackResult.Result.RECEIVED_BEFORE);

        Heard second = new Heard(1);
        closing(worker(others, "another", second, definition).build()).start();
        second.awaitRuns();
        assertThat(others.explain(name("j")).result(Video.class)).isEqualTo(new Video("1.mp4", "request 1"));
        assertThat(others.explain(name("j")).attempt()).isOne();
        assertThat(called).containsExactly("image", "submitted 1");
    }

    @Test
    @DisplayName("The worker dies after it has submitted: the next one waits on and does not submit again (F38)")
    void f38_diesWhileItWaits() throws Exception {
        WorkflowDefinition definition = submitting(AwaitCallback.within(LONG));
        closing(worker(new Heard(1), definition).lease(Duration.ofSeconds(6)).build())
                .start();
        others.enqueue(job("j", definition).build());
        until(() -> wire.calls("job_queue_await") >= 2);
        wire.cut();
        letLeaseRunOut(name("j"));

        Heard heard = new Heard(1);
        closing(worker(others, "another", heard, definition).build()).start();
        others.callback(name("j"), 1, new Image("1.mp4"), token.get());
        heard.awaitRuns();

        assertThat(others.explain(name("j")).result(Video.class)).isEqualTo(new Video("1.mp4", "request 1"));
        assertThat(called).containsExactly("image", "submitted 1");
    }

    @Test
    @DisplayName("A callback that comes before the step waits is kept for it")
    void comesEarly() throws Exception {
        WorkflowDefinition definition = workflow()
                .step(
                        "video",
                        s -> s.model(name("b")).handler(step -> {
                            others.callback(step.job().jobId(), step.index(), Map.of("url", "1.mp4"));
                            return AwaitCallback.within(LONG).givingBackModels();
                        }))
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        assertThat(heard.statuses).containsExactly(OutcomeStatus.COMPLETED);
        assertThat(others.explain(name("j")).result(Image.class)).isEqualTo(new Image("1.mp4"));
    }

    @Test
    @DisplayName("The bound passes: the step's policy decides, and another attempt submits again")
    void boundPasses() throws Exception {
        WorkflowDefinition definition = submitting(AwaitCallback.within(LONG).givingBackModels());
        Heard heard = new Heard(3);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        until(() -> heard.statuses.contains(OutcomeStatus.RELEASED));
        letBoundPass();
        heard.awaitRuns();

        assertThat(heard.statuses)
                .containsExactly(OutcomeStatus.RELEASED, OutcomeStatus.RETRY_SCHEDULED, OutcomeStatus.RELEASED);
        assertThat(heard.reasons).first().asString().startsWith(CallbackTimeoutException.class.getSimpleName());
        assertThat(called).containsExactly("image", "submitted 1", "submitted 2");
        others.callback(name("j"), 1, new Image("2.mp4"), token.get());
        await(heard.ended);
        assertThat(others.explain(name("j")).result(Video.class)).isEqualTo(new Video("2.mp4", "request 2"));
    }

    @Test
    @DisplayName("The bound passes while the models are kept: the same")
    void boundPassesWhileHeld() throws Exception {
        WorkflowDefinition definition = workflow()
                .step(
                        "video",
                        s -> s.model(name("b"))
                                .failurePolicy(
                                        (e, job) -> Outcome.fail(e.getClass().getSimpleName()))
                                .handler(step -> AwaitCallback.within(Duration.ofSeconds(1))))
                .build();
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        heard.awaitRuns();

        assertThat(heard.reasons).containsExactly("CallbackTimeoutException");
        assertThat(held()).isEmpty();
    }

    @Test
    @DisplayName("A wait is extended; a job is cancelled while it waits; what cannot be called back says so")
    void extendedAndCancelled() throws Exception {
        WorkflowDefinition definition = submitting(AwaitCallback.within(LONG));
        Heard heard = new Heard(1);
        closing(worker(heard, definition).build()).start();
        others.enqueue(job("j", definition).build());
        until(() -> wire.calls("job_queue_await") >= 2);
        assertThat(others.extendCallback(name("j"), 1, Duration.ofDays(2)).result())
                .isEqualTo(CallbackResult.Result.EXTENDED);

        others.cancel(name("j"));
        heard.awaitRuns();
        assertThat(heard.statuses).containsExactly(OutcomeStatus.CANCELLED);
        assertThat(others.extendCallback(name("j"), 1, LONG).result()).isEqualTo(CallbackResult.Result.FINISHED);
        assertThatExceptionOfType(UnknownJobException.class).isThrownBy(() -> others.callback(name("nobody"), 0, null));
    }

    @Test
    @DisplayName("By hand: the lease of the next run says what came")
    void byHand() {
        others.enqueue(JobRequest.workflow(name("j"), name("by hand"))
                .step("video", name("b"))
                .step("report")
                .build());
        Lease lease = claim();
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> others.awaitCallback(lease, 1, AwaitCallback.within(LONG)));
        AwaitResult held =
                others.awaitCallback(lease, 0, AwaitCallback.within(LONG).note("r-1"));
        assertThat(held.result()).isEqualTo(AwaitResult.Result.HELD);
        assertThat(held.until()).isAfter(lease.startedAt().plus(Duration.ofMinutes(59)));
        AwaitResult waiting =
                others.awaitCallback(lease, 0, AwaitCallback.within(LONG).givingBackModels());
        assertThat(waiting).isEqualTo(new AwaitResult(AwaitResult.Result.WAITING, held.until(), null));

        others.callback(name("j"), 0, "1.mp4");
        Lease next = claim();
        WorkflowState.Callback callback =
                Objects.requireNonNull(Objects.requireNonNull(next.workflow()).callback());
        assertThat(callback)
                .isEqualTo(new WorkflowState.Callback(
                        0, lease.token(), held.until(), "\"r-1\"", "\"1.mp4\"", true, false));
        assertThat(others.awaitCallback(next, 0, AwaitCallback.within(LONG)).payloadJson())
                .isEqualTo("\"1.mp4\"");
    }

    private Lease claim() {
        return others.claim(ClaimRequest.builder(1).handlers(name("by hand")).build())
                .leases()
                .get(0);
    }

    /** Lets the bound of the wait have passed, as if the provider had been silent for so long. */
    private void letBoundPass() throws SQLException {
        try (Connection connection = local.openConnection()) {
            for (String change : new String[] {
                "update public.job_queue_callbacks set until = now() where job_id = ?",
                "update public.job_queue_jobs set due_at = now() where job_id = ?"
            }) {
                try (PreparedStatement statement = connection.prepareStatement(change)) {
                    statement.setString(1, name("j"));
                    assertThat(statement.executeUpdate()).isOne();
                }
            }
        }
    }
}
