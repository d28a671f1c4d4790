package dev.interlock.it.migrations;

import static dev.interlock.it.migrations.ExistingProject.IN_FLIGHT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.AdoptOptions;
import dev.interlock.AdoptResult;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobExplanation;
import dev.interlock.Lease;
import dev.interlock.LimitSettings;
import dev.interlock.it.ExistingDatabase;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Jobs that another system had in line come into their lines in their old order, once, and whole. */
class AdoptTest {

    private static final AdoptOptions ALL = AdoptOptions.builder()
            .running(true)
            .workflow("knight-style-img-to-video", "gemini-25-flash-aicc", "clipdrop-upscale", "motion-2.0-fast")
            .build();

    private static ExistingProject project;

    @BeforeAll
    static void start() {
        project = new ExistingProject();
    }

    @AfterAll
    static void end() {
        project.close();
    }

    @ParameterizedTest
    @CsvSource({
        // Blocked ones (11, 10, 12, 13) by the time they were blocked, the others by the time they came.
        "AFTER_027, 30 31 32 33 20 21 00 01 02 03 11 10 12 13",
        "BLOCKED_BY_ONLY, 30 31 32 33 20 21 10 11 12 13 00 01 02 03",
        "TEXT_IDS, 30 31 32 33 20 21 10 11 12 13 00 01 02 03"
    })
    @DisplayName("What the Python workers left comes into line, and is run, in its old order, whatever its priority")
    void inFlight(ExistingDatabase kind, String order) throws Exception {
        project.left(kind);
        JobCoordinator coordinator = project.coordinator;
        List<String> expected = new ArrayList<>();
        for (String end : order.split(" ", -1)) {
            expected.add(IN_FLIGHT + end);
        }

        AdoptResult result = coordinator.adopt(ALL);

        assertThat(result.notAdopted()).isEmpty();
        assertThat(result.jobs()).extracting(AdoptResult.Adopted::jobId).containsExactlyElementsOf(expected);
        assertThat(result.adopted()).isEqualTo(14);
        for (AdoptResult.Adopted job : result.jobs()) {
            JobExplanation now = coordinator.explain(job.jobId());
            assertThat(now.queuePosition()).as(job.jobId()).isEqualTo(job.queuePosition());
            assertThat(now.models())
                    .extracting(JobExplanation.Line::model)
                    .containsExactlyInAnyOrderElementsOf(job.models());
            assertThat(now.queuedAt()).isEqualTo(job.queuedAt());
            assertThat(now.attempt()).isEqualTo(job.attempt());
        }
        assertThat(project.rows("select count(*) from public.jobs where status in ('pending', 'pending_retry')"
                        + " and (queued_at is null or required_models is null or status = 'running')"))
                .containsExactly("0");
        assertThat(project.rows(
                        "select distinct event_type || ' ' || (metadata ->> 'adopted') from public.job_queue_log"
                                + " where metadata ? 'attempt' order by 1"))
                .containsExactly("queued pending", "queued pending_retry", "queued running");
        project.consistent();

        coordinator.setLimits(LimitSettings.builder().maxActiveJobs(1).build());
        assertThat(project.runAll()).isEqualTo(expected);
        assertThat(project.rows("select distinct status from public.jobs where job_id::text similar to '%(0|1|2|3)_'"))
                .containsExactly("completed");
        project.consistent();
    }

    @Test
    @DisplayName("A dry run answers what the run then does, and changes nothing; a second run finds nothing to do")
    void dryRun() throws Exception {
        project.be(ExistingDatabase.AFTER_027);
        project.inFlight();
        String before = project.everything();

        AdoptResult dry = project.coordinator.adopt(
                AdoptOptions.builder().dryRun(true).maxJobs(7).build());
        assertThat(withoutRequests(project.everything())).isEqualTo(withoutRequests(before));

        AdoptResult real =
                project.coordinator.adopt(AdoptOptions.builder().maxJobs(7).build());
        assertThat(real).isEqualTo(dry);
        assertThat(real.adopted()).isEqualTo(3);
        assertThat(real.notAdopted())
                .extracting(row -> row.jobId().substring(34) + " " + row.code() + " " + row.reason())
                .containsExactly(
                        "30 JQ002 Nothing says which models the workflow \"knight-style-img-to-video\" needs.",
                        "31 JQ002 Nothing says which models the workflow \"knight-style-img-to-video\" needs.",
                        "32 JQ002 Nothing says which models the workflow \"knight-style-img-to-video\" needs.",
                        "33 JQ002 Nothing says which models the workflow \"knight-style-img-to-video\" needs.");
        assertThat(real.notAdopted().get(0).hint()).contains("{\"workflows\": {\"knight-style-img-to-video\": [");

        AdoptResult rest = project.coordinator.adopt(
                AdoptOptions.builder().maxJobs(1000).build().after(real.next()));
        assertThat(rest.adopted()).isEqualTo(5);
        assertThat(rest.next()).isNull();
        String after = project.everything();
        AdoptResult again = project.coordinator.adopt(AdoptOptions.builder().build());
        assertThat(again.adopted()).isZero();
        assertThat(again.notAdopted()).hasSize(4);
        assertThat(withoutRequests(project.everything())).isEqualTo(withoutRequests(after));
        project.consistent();
    }

    /** What is kept of a request, so that a repeat gets the same answer, is no change of a job. */
    private static String withoutRequests(String everything) {
        return everything.replaceAll("\\[job_queue_requests.*?](?=\\[|$)", "");
    }

    @Test
    @DisplayName(
            "Workflows go on after their checkpoints, of two executions the one that came furthest; attempts are counted")
    void workflows() throws Exception {
        project.be(ExistingDatabase.AFTER_027);
        project.inFlight();
        AdoptResult result = project.coordinator.adopt(ALL);

        assertThat(result.jobs())
                .filteredOn(job -> job.handler().equals("knight-style-img-to-video"))
                .extracting(job -> job.jobId().substring(34) + " step " + job.currentStep() + " attempt "
                        + job.attempt() + "/" + job.maxAttempts())
                .containsExactly(
                        "30 step 1 attempt 2/3",
                        "31 step 0 attempt 2/3",
                        "32 step 1 attempt 1/3",
                        "33 step null attempt 1/3",
                        "20 step 1 attempt 1/3",
                        "11 step null attempt 0/3",
                        "13 step 1 attempt 1/3");

        Lease first = project.coordinator.claim(1).leases().get(0);
        assertThat(first.jobId()).isEqualTo(IN_FLIGHT + "30");
        assertThat(first.workflow().currentStep()).isEqualTo(1);
        assertThat(first.attempt()).isEqualTo(3);
        assertThat(first.payload(String.class)).isEqualTo("https://res.example.com/in.png");
        assertThat(project.rows(
                        "select payload #>> '{}' from public.job_queue_jobs where job_id = '" + IN_FLIGHT + "33'"))
                .as("without an execution the input is the image of the row")
                .containsExactly("https://res.example.com/in.png");
        assertThat(project.rows("select count(*) from public.workflow_executions group by job_id order by 1"))
                .as("each has its execution, and none a new one beside its own")
                .containsExactly("1", "1", "1", "1", "1", "1", "2");
        assertThat(project.rows("select error_info ->> 'error_type' from public.workflow_executions where job_id = '"
                        + IN_FLIGHT + "13'"))
                .containsExactly("timeout");
    }

    @Test
    @DisplayName("F8 F9 Models that are null, empty or malformed are listed with the reason, and nothing is guessed")
    void badModels() throws Exception {
        project.be(ExistingDatabase.AFTER_027);
        String at = "now() - interval '1 hour' + interval '1 second' * ";
        project.row("model, job_type, required_models, created_at", "null, 'image', null, " + at + 1);
        project.row("model, job_type, required_models, created_at", "' ', 'image', '[]', " + at + 2);
        project.row(
                "model, job_type, required_models, created_at, status",
                "'w', 'workflow', '[]', " + at + 3 + ", 'running'");
        project.row(
                "model, job_type, required_models, created_at, status",
                "'w', 'workflow', '{\"a\": 1}', " + at + 4 + ", 'running'");
        project.row("model, job_type, required_models, created_at", "repeat('x', 201), 'video', null, " + at + 5);
        // Models as text instead of an array: the row's model is what the Python worker would have asked for (F6).
        project.row(
                "model, job_type, required_models, created_at, status",
                "' flux ', 'image', '\"[flux]\"', " + at + 6 + ", 'running'");
        project.row(
                "model, job_type, required_models, created_at, status",
                "'x', 'image', '[\"a\", \"b \", \"a\"]', " + at + 7 + ", 'running'");
        project.coordinator.setAlias("b", "a");

        AdoptResult result =
                project.coordinator.adopt(AdoptOptions.builder().running(true).build());

        assertThat(result.notAdopted())
                .extracting(AdoptResult.NotAdopted::reason)
                .containsExactly(
                        "The job names no model.",
                        "Its required_models are of no use: The models are empty.",
                        "Its required_models are of no use: The models are empty. Nothing says which models the workflow \"w\" needs.",
                        "Its required_models are of no use: The models are not an array but a JSON object. Nothing says which models the workflow \"w\" needs.",
                        "Its required_models are of no use: A model name is blank or too long: \"" + "x".repeat(40)
                                + "\".");
        assertThat(result.jobs())
                .extracting(AdoptResult.Adopted::models)
                .containsExactly(List.of("flux"), List.of("a"));

        project.coordinator.setAlias("b", null);
        project.coordinator.setLimits(
                LimitSettings.builder().refuseUnknownModels(true).build());
        project.row("model, job_type", "'unheard-of', 'image'");
        assertThat(project.coordinator.adopt(AdoptOptions.builder().build()).notAdopted())
                .extracting(AdoptResult.NotAdopted::code)
                .contains("JQ008");
    }

    @Test
    @DisplayName(
            "The same times, none, and those in the future: a stable order, behind those that have one, before all who come later")
    void oddTimes() throws Exception {
        project.be(ExistingDatabase.AFTER_027);
        int n = 0;
        for (String at : List.of(
                "null",
                "'infinity'",
                "'-infinity'",
                "now() + interval '3 hours'",
                "now() + interval '2 hours'",
                "'2026-01-01T00:00:00Z'",
                "'2026-01-01T00:00:00Z'",
                "'2020-01-01T00:00:00Z'")) {
            project.row(
                    "job_id, model, created_at", "'00000000-0000-4000-8000-00000000000" + (8 - n++) + "', 'm', " + at);
        }

        AdoptResult first =
                project.coordinator.adopt(AdoptOptions.builder().maxJobs(5).build());
        project.sql("insert into public.jobs (job_id, user_id, prompt, required_models) values"
                + " ('00000000-0000-4000-8000-000000000009', '11111111-0000-4000-8000-000000000001', 'p', '[\"m\"]')");
        AdoptResult second =
                project.coordinator.adopt(AdoptOptions.builder().build().after(first.next()));

        assertThat(first.jobs()).hasSize(5);
        assertThat(second.jobs()).hasSize(3);
        assertThat(project.rows(
                        "select string_agg(right(job_id, 1), '' order by line_key, seq) from public.job_queue_lines"))
                .containsExactly("12345" + "9" + "678");
        project.consistent();
    }

    @Test
    @DisplayName(
            "A back-off goes on, as UTC; attempts that are used up leave one; a retry_after that is none is passed over")
    void backOff() throws Exception {
        project.be(ExistingDatabase.AFTER_027);
        String later = "to_char((now() at time zone 'UTC') + interval '1 hour', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')";
        project.row(
                "job_id, model, metadata, error_message, created_at",
                "'00000000-0000-4000-8000-000000000001', 'm', jsonb_build_object('retry_after', " + later
                        + ", 'pending_retry_count', 7), 'busy', now() - interval '2 hours'");
        project.row(
                "job_id, model, metadata",
                "'00000000-0000-4000-8000-000000000002', 'm', '{\"retry_after\": \"soon\", \"pending_retry_count\": \"many\"}'");

        AdoptResult result = project.coordinator.adopt(AdoptOptions.builder().build());

        AdoptResult.Adopted waits = result.jobs().get(0);
        assertThat(waits.dueAt())
                .isBetween(
                        waits.queuedAt().plusSeconds(10_700), waits.queuedAt().plusSeconds(10_900));
        assertThat(waits.attempt() + "/" + waits.maxAttempts() + " " + waits.queuePosition())
                .isEqualTo("7/8 null");
        assertThat(result.jobs().get(1).attempt()).isZero();
        assertThat(result.jobs().get(1).queuePosition()).isEqualTo(1);
        assertThat(project.rows("select error_message from public.jobs where error_message is not null"))
                .containsExactly("busy");
        assertThat(project.runAll()).containsExactly("00000000-0000-4000-8000-000000000002");
        project.consistent();
    }

    @Test
    @DisplayName("A database without jobs, or whose jobs have no status, says so")
    void nothingThere() throws Exception {
        project.be(ExistingDatabase.COORDINATION_ONLY);
        assertThatThrownBy(
                        () -> project.coordinator.adopt(AdoptOptions.builder().build()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("There is nothing to adopt: this database has no table jobs.");
        project.sql("create table public.jobs (job_id text primary key)");
        project.forget();
        assertThatThrownBy(
                        () -> project.coordinator.adopt(AdoptOptions.builder().build()))
                .hasMessageContaining("no table jobs with the columns job_id and status");
    }
}
