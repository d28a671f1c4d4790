package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.interlock.InvalidRequestException;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobType;
import dev.interlock.Lease;
import dev.interlock.QueueMetrics;
import dev.interlock.ReplayReport;
import dev.interlock.StartResult;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the coordinator tells of the log and of what is to come: metrics, replay, estimates. */
class LookingBackTest extends CoordinatorTestBase {

    @Test
    void metrics_countsAndMeasuresByModelAndType() throws Exception {
        Lease first = started(job("first", "m").build());
        coordinator.enqueue(job("second", "m").build());
        coordinator.complete(first);
        sql("update public.job_queue_log set metadata = metadata || '{\"ran\": 90.5}' where job_id = '" + name("first")
                + "' and event_type = 'completed'");
        sql("update public.job_queue_log set metadata = metadata || '{\"waited\": 7}' where job_id = '" + name("first")
                + "' and event_type = 'started'");

        QueueMetrics metrics = coordinator.metrics(Duration.ofDays(1));

        QueueMetrics.Model model = metrics.models().stream()
                .filter(m -> m.model().equals(name("m")))
                .findFirst()
                .orElseThrow();
        assertThat(model.capacity()).isOne();
        assertThat(model.events()).isEqualTo(new QueueMetrics.Events(1, 1, 1, 1, 0, 0, 0, 0, 0, 0));
        assertThat(model.waits().count()).isOne();
        assertThat(model.waits().max()).isEqualTo(Duration.ofSeconds(7));
        assertThat(model.runs().count()).isOne();
        assertThat(model.runs().mean()).isEqualTo(Duration.ofMillis(90_500));
        assertThat(model.runs().max()).isEqualTo(Duration.ofMillis(90_500));
        assertThat(model.runs().p95()).isBetween(Duration.ofMillis(88_500), Duration.ofMillis(92_500));
        assertThat(model.startsPerMinute()).isPositive();
        assertThat(model.utilisation()).isNotNull().isNotNegative();
        assertThat(metrics.totals().events().completed()).isPositive();
        assertThat(metrics.jobTypes()).extracting(QueueMetrics.Type::jobType).contains(JobType.NORMAL);
        assertThat(metrics.since()).isBefore(metrics.from());
        assertThat(metrics.now()).isAfterOrEqualTo(metrics.from().plusMillis((long) (metrics.seconds() * 1000) - 1));
        assertThat(metrics.logFrom()).isEqualTo(metrics.from());
        assertThat(coordinator.metrics(Duration.ofMinutes(1)).complete()).isTrue();
    }

    @Test
    void metrics_sinceATime_leavesOutWhatWasBefore() {
        coordinator.complete(started(job("before", "m").build()));
        Instant between = coordinator.metrics(Duration.ofHours(1)).now();
        coordinator.complete(started(job("after", "m").build()));

        QueueMetrics since = coordinator.metrics(between);

        assertThat(since.since()).isEqualTo(between);
        assertThat(since.models())
                .filteredOn(m -> m.model().equals(name("m")))
                .singleElement()
                .satisfies(m -> assertThat(m.events().completed()).isOne());
    }

    @Test
    void metrics_ofAModelThatIsHeldAllTheWhile_hasNoEventsAndIsBusy() {
        started(job("holder", "m").build());
        Instant since = coordinator.metrics(Duration.ofHours(1)).now();

        assertThat(coordinator.metrics(since).models())
                .filteredOn(m -> m.model().equals(name("m")))
                .singleElement()
                .satisfies(m -> {
                    assertThat(m.events()).isEqualTo(new QueueMetrics.Events(0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
                    assertThat(m.runs().count()).isZero();
                    assertThat(m.runs().max()).isNull();
                    assertThat(m.utilisation()).isNotNull().isPositive();
                });
    }

    @Test
    void metrics_ofATimeToCome_isRefused() {
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> coordinator.metrics(Duration.ZERO))
                .satisfies(e -> assertThat(e.code()).isEqualTo("JQ007"));
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> coordinator.metrics(Duration.ofDays(4000)));
        assertThat(wire.functions()).isEmpty();
        assertThatExceptionOfType(InvalidRequestException.class)
                .isThrownBy(() -> coordinator.metrics(Instant.now().plusSeconds(3600)))
                .satisfies(e -> assertThat(e.code()).isEqualTo("JQ007"));
    }

    @Test
    void replay_goesThroughAllPages_andSaysWhatDiffers() throws Exception {
        List<JobRequest> jobs = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            jobs.add(job("job" + i, "m").build());
        }
        coordinator.enqueueAll(jobs);
        assertThat(differences(coordinator.replay())).isEmpty();
        sql("update public.job_queue_jobs set attempt = 2 where job_id = '" + name("job3") + "'");
        // One that the log alone knows is on a page of its own.
        sql("delete from public.job_queue_lines where job_id = '" + name("job4") + "'");
        sql("delete from public.job_queue_jobs where job_id = '" + name("job4") + "'");
        try {
            List<ReplayReport> pages = new ArrayList<>();
            String next = null;
            do {
                pages.add(coordinator.replayPage(next, 2));
                next = pages.get(pages.size() - 1).next();
            } while (next != null);
            ReplayReport all = coordinator.replay();

            assertThat(all.consistent()).isFalse();
            assertThat(differences(all))
                    .contains(
                            new ReplayReport.Difference(name("job3"), "attempt", "0", "2"),
                            new ReplayReport.Difference(name("job4"), "status", "waiting", null));
            assertThat(differences(all).stream().map(ReplayReport.Difference::jobId))
                    .containsOnly(name("job3"), name("job4"));
            assertThat(all.next()).isNull();
            assertThat(pages).hasSizeGreaterThan(3);
            assertThat(pages.stream().mapToLong(ReplayReport::checked).sum())
                    .isEqualTo(all.checked())
                    .isGreaterThanOrEqualTo(5);
            assertThat(pages.stream().flatMap(page -> differences(page).stream()))
                    .containsExactlyElementsOf(differences(all));
        } finally {
            sql("update public.job_queue_jobs set attempt = 0 where job_id = '" + name("job3") + "'");
            sql("delete from public.job_queue_log where job_id = '" + name("job4") + "'");
        }
        assertThat(differences(coordinator.replay())).isEmpty();
        assertThat(new ReplayReport(1, 0, List.of(), null).consistent()).isTrue();
    }

    /** Those of this test's jobs: the stack is not its own. */
    private List<ReplayReport.Difference> differences(ReplayReport report) {
        return report.differences().stream()
                .filter(difference -> difference.jobId().endsWith(name("")))
                .toList();
    }

    @Test
    void explain_estimatesTheStart_whereEnoughRunsWereMeasured() throws Exception {
        started(job("holder", "m").build());
        coordinator.enqueue(job("next", "m").build());
        coordinator.enqueue(job("last", "m").build());
        assertThat(coordinator.explain(name("next")).estimate().expected()).isNull();
        assertThat(coordinator.explain(name("next")).estimate().reason()).contains("Too few runs");

        sql("insert into public.job_queue_run_times (model, seconds) values ('" + name("m")
                + "', '{60, 60, 60, 60, 60, 60, 60, 60, 60, 120}')");
        JobExplanation.Estimate estimate = coordinator.explain(name("last")).estimate();

        assertThat(estimate.samples()).isEqualTo(10);
        assertThat(estimate.expected()).isBetween(Duration.ofSeconds(100), Duration.ofSeconds(133));
        assertThat(estimate.low()).isBetween(Duration.ofSeconds(90), Duration.ofSeconds(121));
        assertThat(estimate.high()).isGreaterThanOrEqualTo(estimate.expected());
        assertThat(estimate.startAt()).isNotNull();
        assertThat(estimate.reason()).isNull();
        assertThat(coordinator.explain(name("holder")).estimate().reason()).isEqualTo("It runs.");
        coordinator.cancel(name("last"));
        assertThat(coordinator.explain(name("last")).estimate())
                .isEqualTo(new JobExplanation.Estimate(null, null, null, null, null, "It has ended."));
    }

    private Lease started(JobRequest job) {
        return ((StartResult.Started) coordinator.start(job)).lease();
    }

    private void sql(String statement) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement s = connection.createStatement()) {
            s.execute(statement);
        }
    }
}
