package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.InstalledVersion;
import dev.interlock.JobContext;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.MigrationReport;
import dev.interlock.Migrator;
import dev.interlock.ModelSettings;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.SchemaMismatchException;
import dev.interlock.SupabaseClient;
import dev.interlock.WorkerListener;
import dev.interlock.WorkflowDefinition;
import dev.interlock.internal.SdkVersion;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.testing.LocalSupabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** From the first SQL that was released to what there is now, while jobs run; and an SDK with SQL of another release. */
class UpgradeTest {

    private static final int RUNNING = 4;
    private static final int MODELS = 3;
    private static final int JOBS = 30;

    private final Map<String, Integer> effects = new ConcurrentHashMap<>();
    private final CountDownLatch begun = new CountDownLatch(RUNNING);
    private final CountDownLatch upgraded = new CountDownLatch(1);
    private final CountDownLatch finished = new CountDownLatch(JOBS + 1);

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void upgradesWhileJobsRunAndWait(boolean newProject) throws Exception {
        try (LocalSupabase local = LocalSupabase.start();
                SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            installFirstRelease(local, newProject);
            JobCoordinator coordinator = JobCoordinator.create(supabase);
            assertThat(coordinator.version().version()).isEqualTo("0.1.0");
            enqueue(coordinator);

            try (JobWorker worker = worker(coordinator)) {
                worker.start();
                assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
                List<String> before = standing(coordinator);

                MigrationReport report = Migrator.create(supabase).migrate();

                assertThat(report.applied()).isEqualTo(since(newProject)).isNotEmpty();
                assertThat(standing(coordinator)).isEqualTo(before);
                upgraded.countDown();
                coordinator.setModel("paused", ModelSettings.resume());
                assertThat(finished.await(60, TimeUnit.SECONDS)).isTrue();
            }

            assertThat(effects)
                    .hasSize(JOBS + 2)
                    .allSatisfy((what, times) -> assertThat(times).as(what).isOne());
            assertThat(ids())
                    .allSatisfy(
                            id -> assertThat(coordinator.explain(id).status()).isEqualTo(JobStatus.COMPLETED));
            assertThat(supabase.rpc("job_queue_replay")
                            .as(JsonNode.class)
                            .path("consistent")
                            .asBoolean())
                    .isTrue();
            assertThat(coordinator.version().version()).isEqualTo(SdkVersion.VERSION);
            assertThat(Migrator.create(supabase).verify().isComplete()).isTrue();
        }
    }

    @Test
    void whatOlderSqlLacksSaysWhatToRun() throws Exception {
        try (LocalSupabase local = LocalSupabase.start();
                SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            installFirstRelease(local, true);

            assertThatThrownBy(() -> supabase.rpc("job_queue_adopt").execute())
                    .isInstanceOf(SchemaMismatchException.class)
                    .hasMessageContaining("job_queue_adopt")
                    .hasMessageContaining("migrate()");
        }
    }

    @Test
    void anSdkOfAnotherContractSaysWhichOfTheTwoIsTooOld() throws Exception {
        try (LocalSupabase local = LocalSupabase.start();
                SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            local.installExecSql();
            Migrator.create(supabase).migrate();

            answerContracts(local, 2, 1);
            InstalledVersion newer = JobCoordinator.create(supabase).version();
            assertThat(newer.contract()).isEqualTo(2);
            assertThat(newer.oldestContract()).isEqualTo(1);
            JobCoordinator.create(supabase).status();

            answerContracts(local, 3, 2);
            assertThatThrownBy(() -> JobCoordinator.create(supabase).status())
                    .isInstanceOf(SchemaMismatchException.class)
                    .hasMessageContaining("keeps contract 2 and newer")
                    .hasMessageContaining("Use SDK");

            answerContracts(local, 0, 0);
            assertThatThrownBy(() -> JobCoordinator.create(supabase)
                            .start(JobRequest.normal("j").models("m").build()))
                    .isInstanceOf(SchemaMismatchException.class)
                    .hasMessageContaining("needs contract 1")
                    .hasMessageContaining("interlock install --apply");
        }
    }

    private static void installFirstRelease(LocalSupabase local, boolean newProject) throws Exception {
        local.installExecSql();
        if (!newProject) {
            run(local, Files.readString(Path.of("src/test/resources/existing/before_027.sql")));
        }
        Release first = Release.all().get(0);
        for (MigrationFile file : first.files(newProject)) {
            run(local, file.applySql());
        }
        run(local, "notify pgrst, 'reload schema'");
        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            supabase.rpc("job_queue_version")
                    .waitForSchema(Duration.ofSeconds(30))
                    .execute();
        }
    }

    private static List<String> since(boolean newProject) throws Exception {
        Release first = Release.all().get(0);
        return MigrationFile.all(newProject).stream()
                .map(MigrationFile::name)
                .filter(name -> !first.checksums().containsKey(name))
                .toList();
    }

    private void enqueue(JobCoordinator coordinator) {
        coordinator.setModel("paused", ModelSettings.pause());
        List<JobRequest> jobs = new ArrayList<>();
        for (int i = 0; i < JOBS; i++) {
            jobs.add(JobRequest.normal("job-" + i)
                    .handler("image")
                    .models(i % 10 == 9 ? "paused" : "model-" + i % MODELS)
                    .build());
        }
        jobs.add(JobRequest.workflow("flow", workflow()).build());
        coordinator.enqueueAll(jobs);
    }

    private WorkflowDefinition workflow() {
        return WorkflowDefinition.builder("flow")
                .step("first", "flow-1", step -> {
                    effect("flow first");
                    return "one";
                })
                .step("second", "flow-2", step -> {
                    holdUntilUpgraded();
                    effect("flow second");
                    return "two";
                })
                .build();
    }

    private JobWorker worker(JobCoordinator coordinator) {
        return JobWorker.builder(coordinator)
                .handle("image", this::image)
                .workflow(workflow())
                .concurrency(RUNNING)
                .pollInterval(Duration.ofMillis(20), Duration.ofMillis(200))
                .listener(new WorkerListener() {
                    @Override
                    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                        finished.countDown();
                    }
                })
                .build();
    }

    private Outcome image(JobContext job) throws InterruptedException {
        holdUntilUpgraded();
        effect(job.jobId());
        return Outcome.complete();
    }

    private void holdUntilUpgraded() throws InterruptedException {
        begun.countDown();
        assertThat(upgraded.await(120, TimeUnit.SECONDS)).isTrue();
    }

    private void effect(String what) {
        effects.merge(what, 1, Integer::sum);
    }

    private static List<String> ids() {
        List<String> ids = new ArrayList<>(List.of("flow"));
        for (int i = 0; i < JOBS; i++) {
            ids.add("job-" + i);
        }
        return ids;
    }

    /** What an upgrade must not change: who runs in which attempt, and who waits where. */
    private static List<String> standing(JobCoordinator coordinator) {
        return ids().stream()
                .map(coordinator::explain)
                .map(job -> job.jobId() + " " + job.status() + " " + job.attempt() + " " + job.queuePosition())
                .toList();
    }

    private static void answerContracts(LocalSupabase local, int newest, int oldest) throws SQLException {
        run(
                local,
                "create or replace function public.job_queue_version() returns jsonb language sql as $$ select"
                        + " jsonb_build_object('version', '9.9.9', 'contract', " + newest + ", 'oldest_contract', "
                        + oldest
                        + ", 'migrations', '[]'::jsonb) $$");
    }

    private static void run(LocalSupabase local, String sql) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
