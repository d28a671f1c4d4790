package dev.interlock.it.migrations;

import static dev.interlock.it.migrations.ExistingProject.IN_FLIGHT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.AdoptOptions;
import dev.interlock.Lease;
import dev.interlock.LimitSettings;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.it.ExistingDatabase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** From the Python system to Interlock, back, and over again, as docs/guides/adopting.md says. */
class CutOverTest {

    private static final AdoptOptions ALL = AdoptOptions.builder()
            .running(true)
            .workflow("knight-style-img-to-video", "gemini-25-flash-aicc", "clipdrop-upscale", "motion-2.0-fast")
            .build();

    /** What a Python worker starts when it starts itself (failures.md 2.12), by the ends of the ids. */
    private static final String PYTHON_STARTS =
            "select right(job_id::text, 2) from public.jobs where blocked_by_job_id is null"
                    + " and (status = 'pending' or status = 'pending_retry' and job_type = 'workflow') order by created_at";

    @Test
    @DisplayName(
            "Python, Java, Python again, Java again: every job that has not ended goes on, and none is lost or stuck")
    void thereAndBack() throws Exception {
        try (ExistingProject project = new ExistingProject()) {
            project.left(ExistingDatabase.PARALLEL_SLOTS);
            assertThat(project.coordinator.adopt(ALL).adopted()).isEqualTo(14);
            project.coordinator.complete(claim(project, "30"));
            project.coordinator.complete(claim(project, "31"));
            project.coordinator.retry(claim(project, "32"), "busy", Duration.ofHours(1));
            claim(project, "33");
            // Somebody else's job waits behind it.
            project.sql("insert into public.jobs (user_id, prompt, required_models) values"
                    + " ('11111111-0000-4000-8000-000000000001', 'new', '[\"motion-2.0-fast\"]')");

            String back = MigrationFile.text("rollback/back_to_python.sql");
            assertThatThrownBy(() -> project.sql(back)).hasMessageContaining("1 jobs run. Nothing was changed.");
            // Its worker was killed, and its lease ran out.
            project.sql(
                    "update public.job_queue_jobs set lease_until = now() - interval '1 second' where status = 'running'");
            project.sql(back);

            List<String> starts = project.rows(PYTHON_STARTS);
            assertThat(starts.subList(0, 12))
                    .containsExactly("32", "33", "20", "21", "10", "11", "12", "13", "00", "01", "02", "03");
            assertThat(starts).hasSize(13);
            assertThat(
                            project.rows(
                                    "select count(*) from public.jobs where status in ('running', 'pending_retry') and job_type <> 'workflow'"
                                            + " or queued_at is not null or queue_position is not null or conflict_reason is not null"))
                    .containsExactly("0");
            assertThat(
                            project.rows(
                                    "select count(*) from public.workflow_executions where status = 'running' or blocked_by_job_id is not null"))
                    .containsExactly("0");
            assertThat(
                            project.rows(
                                    "select concat_ws(' ', active_job_id, active_models, active_jobs) from public.job_queue_state"))
                    .containsExactly("[] []");
            assertThat(project.rows(
                            "select right(job_id::text, 2) || ' ' || status || ' ' || current_step || ' ' || (checkpoints #>> '{0,output,url}')"
                                    + " from public.workflow_executions where job_id = '" + IN_FLIGHT + "20'"))
                    .containsExactly("20 pending_retry 1 styled.png");

            project.rollback();
            assertThat(project.rows(PYTHON_STARTS)).isEqualTo(starts);
            assertThat(project.rows("select event_type from public.job_queue_log order by created_at"))
                    .as("its own log is what it was")
                    .containsExactly("started", "completed", "blocked", "started");
            assertThat(project.rows("select public.try_claim_coordinator_slot('" + IN_FLIGHT
                            + "32', 'workflow', '[\"motion-2.0-fast\"]') ->> 'result'"))
                    .containsExactly("claimed");
            // It runs this one to its end.
            project.sql("update public.jobs set status = 'completed' where job_id = '" + IN_FLIGHT + "32'");
            project.sql("select public.reset_all_coordinator_slots()");

            project.install();
            assertThat(project.coordinator.adopt(ALL).adopted()).isEqualTo(12);
            project.coordinator.setLimits(
                    LimitSettings.builder().maxActiveJobs(1).build());
            assertThat(project.runAll().subList(0, 11))
                    .extracting(id -> id.substring(34))
                    .isEqualTo(starts.subList(1, 12));
            assertThat(project.rows(
                            "select count(*) from public.jobs where status in ('pending', 'pending_retry', 'running')"))
                    .containsExactly("0");
            project.consistent();
        }
    }

    private static Lease claim(ExistingProject project, String end) {
        Lease lease = project.coordinator.claim(1).leases().get(0);
        assertThat(lease.jobId()).isEqualTo(IN_FLIGHT + end);
        return lease;
    }
}
