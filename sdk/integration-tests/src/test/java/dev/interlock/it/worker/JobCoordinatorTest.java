package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.interlock.CancelResult;
import dev.interlock.Claim;
import dev.interlock.ClaimRequest;
import dev.interlock.Completion;
import dev.interlock.ConfigurationException;
import dev.interlock.EnqueueResult;
import dev.interlock.Heartbeat;
import dev.interlock.HeartbeatResult;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.Lease;
import dev.interlock.LeaseLostException;
import dev.interlock.LeaseOutcome;
import dev.interlock.LimitSettings;
import dev.interlock.Limits;
import dev.interlock.ModelInfo;
import dev.interlock.ModelSettings;
import dev.interlock.Outcome;
import dev.interlock.OutcomeResult;
import dev.interlock.OutcomeStatus;
import dev.interlock.QueueStatus;
import dev.interlock.RetryResult;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import dev.interlock.UnknownJobException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class JobCoordinatorTest extends CoordinatorTestBase {
    record Prompt(String text, int seed) {}

    record Image(String url) {}

    @Test
    void start_whenTheModelsAreFree_runsInTwoRoundTripsWithItsEnd() {
        Lease lease =
                started(job("j", "m").payload(new Prompt("a knight \" ☃", 7)).build());
        OutcomeStatus status = coordinator.complete(lease, new Image("https://x/1"));

        assertThat(status).isEqualTo(OutcomeStatus.COMPLETED);
        assertThat(wire.functions()).containsExactly("job_queue_start", "job_queue_complete");
        assertThat(lease.payload(Prompt.class)).isEqualTo(new Prompt("a knight \" ☃", 7));
        assertThat(lease.attempt()).isOne();
        assertThat(lease.duration()).isEqualTo(Duration.ofSeconds(30));
        assertThat(lease.leaseUntil()).isEqualTo(lease.startedAt().plusSeconds(30));
        JobExplanation job = coordinator.explain(name("j"));
        assertThat(job.status()).isEqualTo(JobStatus.COMPLETED);
        assertThat(job.result(Image.class)).isEqualTo(new Image("https://x/1"));
    }

    @Test
    void start_whenAModelIsHeld_standsInLineAndKeepsItsPlace() {
        Lease first = started(job("first", "m").build());

        StartResult second = coordinator.start(job("second", "m", "other").build());
        coordinator.start(job("third", "m").build());
        StartResult again = coordinator.start(job("second", "m", "other").build());

        assertThat(second).isInstanceOfSatisfying(StartResult.Queued.class, queued -> {
            assertThat(queued.status()).isEqualTo(JobStatus.WAITING);
            assertThat(queued.position()).isOne();
            assertThat(queued.blockedBy()).isEqualTo(name("first"));
            assertThat(queued.reason()).isNotBlank();
        });
        assertThat(again).isEqualTo(second);
        coordinator.complete(first);
        assertThat(started(job("second", "m", "other").build()).models()).containsExactly(name("m"), name("other"));
    }

    @Test
    void start_whenTheJobRunsOrHasEnded_saysSoAndGivesNoToken() {
        Lease lease = started(job("j", "m").build());

        assertThat(others.start(job("j", "m").build()))
                .isInstanceOfSatisfying(StartResult.AlreadyRunning.class, running -> {
                    assertThat(running.workerId()).isEqualTo("direct");
                    assertThat(running.attempt()).isOne();
                });
        coordinator.fail(lease, "the prompt was refused");
        assertThat(others.start(job("j", "m").build())).isEqualTo(new StartResult.AlreadyFinished(JobStatus.FAILED));
        assertThat(coordinator.explain(name("j")).error()).isEqualTo("the prompt was refused");
    }

    @Test
    void start_whenItsAnswerIsLost_getsTheSameLeaseWithItsRepeat() {
        wire.loseAnswers("job_queue_start", 1);

        Lease lease = started(job("j", "m").build());

        assertThat(wire.calls("job_queue_start")).isEqualTo(2);
        assertThat(lease.attempt()).isOne();
        assertThat(coordinator.explain(name("j")).attempt()).isOne();
        assertThat(coordinator.complete(lease)).isEqualTo(OutcomeStatus.COMPLETED);
    }

    @Test
    void complete_whenItsAnswerIsLost_isCompletedAndNoError() {
        Lease lease = started(job("j", "m").build());
        wire.loseAnswers("job_queue_complete", 1);

        assertThat(coordinator.complete(lease, Map.of("n", 1))).isEqualTo(OutcomeStatus.COMPLETED);
        assertThat(wire.calls("job_queue_complete")).isEqualTo(2);
    }

    @Test
    void start_whenTheJobIsKnownWithOtherModels_isRefused() {
        coordinator.enqueue(job("j", "m").build());

        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> coordinator.start(job("j", "n").build()))
                .satisfies(e -> assertThat(e.code()).isEqualTo("JQ009"));
    }

    @Test
    void enqueueAll_whenSomeAreKnown_entersTheOthersInOrder() {
        coordinator.enqueue(job("b", "m").build());

        List<EnqueueResult> results = coordinator.enqueueAll(List.of(
                job("a", "m").build(),
                job("b", "m").build(),
                job("late", "m").runAt(Instant.now().plusSeconds(3600)).build()));

        assertThat(results)
                .extracting(EnqueueResult::jobId, EnqueueResult::entered, EnqueueResult::status)
                .containsExactly(
                        tuple(name("a"), true, JobStatus.WAITING),
                        tuple(name("b"), false, JobStatus.WAITING),
                        tuple(name("late"), true, JobStatus.DELAYED));
        assertThat(results.get(0).queuePosition()).isEqualTo(2);
        assertThat(results.get(2).queuePosition()).isNull();
    }

    @Test
    void claim_whenHandlersAreNamed_startsTheirsOnlyInOrder() {
        coordinator.enqueueAll(List.of(
                job("1", "a").build(),
                job("2", "b").build(),
                job("3", "a").build(),
                JobRequest.normal(name("4"))
                        .models(name("c"))
                        .handler(name("another"))
                        .build()));

        Claim claim = coordinator.claim(ClaimRequest.builder(10)
                .handlers(name("handler"))
                .lease(Duration.ofMinutes(1))
                .build());

        assertThat(claim.leases()).extracting(Lease::jobId).containsExactly(name("1"), name("2"));
        assertThat(claim.leases()).extracting(Lease::duration).containsOnly(Duration.ofMinutes(1));
        assertThat(claim.nextDueAt()).isNotNull();
    }

    @Test
    void completeAll_whenOneIsRefused_endsTheOthersAndClaimsTheNext() {
        Lease a = started(job("a", "a").build());
        Lease b = started(job("b", "b").build());
        coordinator.enqueue(job("next", "a").build());
        coordinator.release(b);

        Completion completion = coordinator.completeAll(
                List.of(
                        new LeaseOutcome(a, Outcome.complete(List.of(1, 2))),
                        new LeaseOutcome(b, Outcome.fail("too late"))),
                ClaimRequest.builder(1)
                        .handlers(name("handler"))
                        .models(name("a"))
                        .build());

        assertThat(completion.outcomes())
                .containsExactly(
                        new OutcomeResult(name("a"), a.token(), OutcomeStatus.COMPLETED),
                        new OutcomeResult(name("b"), b.token(), OutcomeStatus.NOT_RUNNING));
        assertThat(Objects.requireNonNull(completion.claim()).leases())
                .extracting(Lease::jobId)
                .containsExactly(name("next"));
    }

    @Test
    void heartbeat_tellsWhatIsHeldLostAndToBeCancelled() {
        Lease held = started(job("held", "a").build());
        Lease cancelled = started(job("cancelled", "b").build());
        Lease lost = started(job("lost", "c").build());
        assertThat(others.cancel(name("cancelled"), "the user went away"))
                .isEqualTo(new CancelResult(CancelResult.Result.CANCEL_REQUESTED, JobStatus.RUNNING));
        others.release(lost);

        List<HeartbeatResult> results = coordinator.heartbeatAll(
                List.of(Heartbeat.of(held).withProgress(40), Heartbeat.of(cancelled), Heartbeat.of(lost)),
                Duration.ofMinutes(2));

        assertThat(results)
                .extracting(HeartbeatResult::status)
                .containsExactlyInAnyOrder(
                        HeartbeatResult.Status.HELD,
                        HeartbeatResult.Status.CANCEL_REQUESTED,
                        HeartbeatResult.Status.LOST);
        assertThat(coordinator.explain(name("held")).leaseUntil()).isAfter(held.leaseUntil());
        assertThat(coordinator.heartbeat(lost).isHeld()).isFalse();
        assertThat(coordinator.fail(cancelled, "stopped")).isEqualTo(OutcomeStatus.CANCELLED);
    }

    @Test
    void ending_whenTheLeaseIsLost_throwsAndChangesNothing() throws Exception {
        Lease old = started(job("j", "m").build());
        letLeaseRunOut(name("j"));
        others.claim(ClaimRequest.builder(1).handlers(name("handler")).build());

        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> coordinator.complete(old))
                .satisfies(e -> assertThat(e.status()).isEqualTo(OutcomeStatus.STALE))
                .withMessageContaining(name("j"));
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> coordinator.releaseModels(old, name("m")));
        assertThat(coordinator.explain(name("j")).status()).isEqualTo(JobStatus.RUNNING);
    }

    @Test
    void retry_untilTheAttemptsAreUsedUp_thenFails() {
        JobRequest job = job("j", "m").maxAttempts(2).build();

        assertThat(coordinator.retry(started(job), "busy", Duration.ZERO)).isEqualTo(OutcomeStatus.RETRY_SCHEDULED);
        Lease last = started(job);
        assertThat(last.isLastAttempt()).isTrue();
        assertThat(coordinator.retry(last, "busy", Instant.now().plusSeconds(60)))
                .isEqualTo(OutcomeStatus.FAILED);
    }

    @Test
    void releaseModels_letsTheNextJobInWhileTheRestIsHeld() {
        Lease both = started(job("both", "a", "b").build());
        assertThat(coordinator.start(job("next", "a").build()).isQueued()).isTrue();

        assertThat(coordinator.releaseModels(both, name("a"))).containsExactly(name("b"));
        assertThat(coordinator.start(job("next", "a").build()).isStarted()).isTrue();
        assertThat(coordinator.complete(both)).isEqualTo(OutcomeStatus.COMPLETED);
    }

    @Test
    void explainAndStatus_showWhoHoldsAndWhoWaits() {
        started(job("holder", "m").build());
        coordinator.enqueue(job("waiter", "m").priority(3).build());

        JobExplanation why = coordinator.explain(name("waiter"));
        assertThat(why.status()).isEqualTo(JobStatus.WAITING);
        assertThat(why.priority()).isEqualTo(3);
        assertThat(why.queuePosition()).isOne();
        assertThat(why.models())
                .filteredOn(line -> name("m").equals(line.model()))
                .singleElement()
                .satisfies(line -> {
                    assertThat(line.capacity()).isOne();
                    assertThat(line.holders())
                            .extracting(JobExplanation.Holder::jobId)
                            .containsExactly(name("holder"));
                });
        QueueStatus status = coordinator.status();
        assertThat(status.jobs().running()).isPositive();
        assertThat(status.workers()).extracting(QueueStatus.Worker::workerId).contains("direct");
        assertThat(status.models())
                .filteredOn(model -> model.model().equals(name("m")))
                .singleElement()
                .satisfies(model -> {
                    assertThat(model.waiting()).isOne();
                    assertThat(model.holders())
                            .extracting(QueueStatus.Holder::jobId)
                            .containsExactly(name("holder"));
                    assertThat(model.line())
                            .extracting(QueueStatus.Waiter::jobId)
                            .containsExactly(name("waiter"));
                });
    }

    @Test
    void setModel_changesCapacityAndPause() {
        assertThat(coordinator.setModel(name("m"), ModelSettings.capacity(2)))
                .isEqualTo(new ModelInfo(name("m"), 2, false, null, 0, 0));
        assertThat(coordinator.setModel(name("m"), ModelSettings.pause()).paused())
                .isTrue();
        assertThat(coordinator.start(job("j", "m").build()))
                .isInstanceOfSatisfying(
                        StartResult.Queued.class, q -> assertThat(q.status()).isEqualTo(JobStatus.DELAYED));
        coordinator.setModel(name("m"), ModelSettings.resume());
        assertThat(coordinator.start(job("j", "m").build()).isStarted()).isTrue();
    }

    @Test
    void setModel_limitsStartsPerMinute() {
        assertThat(coordinator
                        .setModel(name("m"), new ModelSettings(5, null, 1))
                        .startsPerMinute())
                .isOne();
        assertThat(coordinator.start(job("j", "m").build()).isStarted()).isTrue();
        assertThat(coordinator.start(job("k", "m").build()).isStarted()).isFalse();
        assertThat(coordinator
                        .setModel(name("m"), ModelSettings.startsPerMinute(0))
                        .startsPerMinute())
                .isNull();
        assertThat(coordinator.start(job("k", "m").build()).isStarted()).isTrue();
    }

    @Test
    void retry_bringsAFailedJobBack() {
        Lease lease = started(job("j", "m").build());
        assertThat(coordinator.retry(name("j"), 1).result()).isEqualTo(RetryResult.Result.UNFINISHED);
        coordinator.fail(lease, "no credit");
        assertThat(coordinator.retry(name("j"), 2))
                .isEqualTo(new RetryResult(RetryResult.Result.RETRIED, JobStatus.WAITING));
        Lease again = started(job("j", "m").build());
        assertThat(again.attempt()).isEqualTo(2);
        coordinator.complete(again);
        assertThat(coordinator.retry(name("j"), 1).result()).isEqualTo(RetryResult.Result.COMPLETED);
    }

    @Test
    void reprioritize_movesAWaitingJob() {
        started(job("holder", "m").build());
        coordinator.enqueueAll(List.of(job("a", "m").build(), job("b", "m").build()));
        assertThat(coordinator.reprioritize(name("b"), 1)).isEqualTo(JobStatus.WAITING);
        assertThat(coordinator.explain(name("b")).queuePosition()).isOne();
    }

    @Test
    void limitsVersionAndSweep_areRead() {
        Limits limits = coordinator.limits();
        assertThat(coordinator.setLimits(LimitSettings.builder()
                        .maxOvertakes(limits.maxOvertakes())
                        .paused(false)
                        .build()))
                .isEqualTo(limits);
        assertThat(coordinator.status().limits()).isEqualTo(limits);
        assertThat(limits.defaultCapacity()).isPositive();
        assertThat(limits.unknownModels()).isIn("create", "refuse");
        assertThat(coordinator.version().contract()).isOne();
        assertThat(coordinator.sweep().recovered()).isNotNegative();
    }

    @Test
    void create_whenTheKeyIsAPublishableOne_isRefusedBeforeAnyCall() {
        for (String key : List.of(local.publishableKey(), local.anonKey())) {
            try (SupabaseClient anonymous = SupabaseClient.create(local.url(), key)) {
                assertThatExceptionOfType(ConfigurationException.class)
                        .isThrownBy(() -> JobCoordinator.create(anonymous))
                        .withMessageContaining("secret key");
            }
        }
    }

    @Test
    void calls_whenTheJobIsUnknown_sayWhichOne() {
        assertThatExceptionOfType(UnknownJobException.class)
                .isThrownBy(() -> coordinator.explain(name("nobody")))
                .withMessageContaining(name("nobody"));
        assertThatExceptionOfType(UnknownJobException.class)
                .isThrownBy(() -> coordinator.cancel(name("nobody")))
                .satisfies(e -> assertThat(e.jobId()).isEqualTo(name("nobody")));
    }

    private Lease started(JobRequest job) {
        StartResult result = coordinator.start(job);
        assertThat(result).isInstanceOf(StartResult.Started.class);
        return ((StartResult.Started) result).lease();
    }
}
