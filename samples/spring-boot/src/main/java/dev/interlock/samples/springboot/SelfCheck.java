package dev.interlock.samples.springboot;

import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import dev.interlock.WorkerState;
import dev.interlock.testing.LocalSupabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.http.HttpStatusCode;
import org.springframework.web.client.RestClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * The sample, {@code ./samples/run spring-boot}: starts the application, orders jobs from it over HTTP as a browser would, reads its health and its
 * metrics, takes its database away for a moment, and ends it. Exit code 0 when all of that went as it should.
 */
public final class SelfCheck {

    private static final int JOBS = 8;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final RestClient http;

    private SelfCheck(RestClient http) {
        this.http = http;
    }

    /** Runs it on the project that SUPABASE_URL names, else on a local one. */
    public static void main(String[] args) {
        String url = System.getenv("SUPABASE_URL");
        if (url != null && !url.isBlank()) {
            try (SupabaseClient supabase = SupabaseClient.fromEnv()) {
                run(supabase, Map.of(), null);
            }
            return;
        }
        try (LocalSupabase local = LocalSupabase.start();
                SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            local.installExecSql();
            run(supabase, Map.of("SUPABASE_URL", local.url(), "SUPABASE_SECRET_KEY", local.secretKey()), local);
        }
    }

    private static void run(SupabaseClient supabase, Map<String, Object> connection, @Nullable LocalSupabase local) {
        Migrator.create(supabase).migrate();

        // The handler's and the models' names are the run's own, so that no job of yours is taken.
        String run = UUID.randomUUID().toString().substring(0, 8);
        ConfigurableApplicationContext application = new SpringApplicationBuilder(WorkerApplication.class)
                .properties(connection)
                .properties(Map.of("server.port", 0, "app.image-handler", "image-" + run, "logging.level.org", "WARN"))
                .logStartupInfo(false)
                .run();
        JobWorker worker = application.getBean(JobWorker.class);
        try {
            String port = application.getEnvironment().getRequiredProperty("local.server.port");
            SelfCheck check = new SelfCheck(RestClient.create("http://127.0.0.1:" + port));
            check.jobs(run);
            check.health("UP");
            check.metrics();
            if (local != null) {
                check.outage(local);
            }
        } finally {
            application.close();
        }
        expect("the worker was closed with the application", worker.state().phase() == WorkerState.Phase.CLOSED);
        System.out.println("The application ended, its worker first.");
    }

    private void jobs(String run) {
        List<String> ids = new ArrayList<>();
        for (int i = 1; i <= JOBS; i++) {
            JobController.Order order = new JobController.Order("model-" + i % 2 + "-" + run, "knight-" + i);
            JobController.Job job =
                    http.post().uri("/jobs").body(order).retrieve().body(JobController.Job.class);
            if (job == null) {
                throw new IllegalStateException("POST /jobs answered nothing.");
            }
            System.out.println("POST /jobs  " + order + " -> " + job.status() + ", place " + job.position());
            ids.add(job.id());
        }
        for (String id : ids) {
            await("job " + id + " is completed", () -> {
                JobController.Job job =
                        http.get().uri("/jobs/{id}", id).retrieve().body(JobController.Job.class);
                return job != null && job.status() == JobStatus.COMPLETED && job.image() != null;
            });
        }
        System.out.println("All " + JOBS + " are completed.");
    }

    private void metrics() {
        // An outcome is counted when the database has answered, a moment after it shows there.
        String uri = "/actuator/metrics/interlock.jobs?tag=outcome:completed";
        await(
                JOBS + " completed jobs are counted",
                () -> read(uri).at("/measurements/0/value").asDouble() == JOBS);
        System.out.println("GET " + uri + " -> " + read(uri));
    }

    private void outage(LocalSupabase local) {
        local.stopPostgrest();
        health("DOWN");
        local.startPostgrest();
        health("UP");
    }

    private void health(String status) {
        await(
                "the worker's health is " + status,
                () -> read("/actuator/health")
                        .at("/components/worker/status")
                        .asString("")
                        .equals(status));
        System.out.println("GET /actuator/health -> " + read("/actuator/health").at("/components/worker"));
    }

    private JsonNode read(String uri) {
        // A worker that is down is told with status 503.
        JsonNode body = http.get()
                .uri(uri)
                .retrieve()
                .onStatus(HttpStatusCode::isError, (request, response) -> {})
                .body(JsonNode.class);
        return body == null ? MissingNode.getInstance() : body;
    }

    private static void await(String what, BooleanSupplier reached) {
        long start = System.nanoTime();
        while (!reached.getAsBoolean()) {
            expect(what + " within " + PATIENCE.toSeconds() + " s", System.nanoTime() - start < PATIENCE.toNanos());
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
    }

    private static void expect(String what, boolean held) {
        if (!held) {
            throw new IllegalStateException("Not so: " + what + ".");
        }
    }
}
