package dev.interlock.samples;

import dev.interlock.JobCoordinator;
import dev.interlock.JobWorker;
import dev.interlock.Migrator;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An application that knows nothing of the coordinator: it inserts rows into {@code jobs}, as it always did, and says in {@code required_models} what they
 * need. A trigger puts them in line in the same transaction; a worker runs them, and the rows tell how they are.
 */
public final class Trigger {

    private static final int JOBS = 6;

    record Row(
            String job_id,
            String status,
            @Nullable String prompt,
            @Nullable String image_url,
            @Nullable Integer queue_position,
            @Nullable String blocked_by_job_id,
            @Nullable String conflict_reason) {}

    private Trigger() {}

    /** Ends with exit code 0 when every row was run, one at a time. */
    public static void main(String[] args) throws Exception {
        try (Project project = Project.open()) {
            SupabaseClient supabase = project.supabase();
            Migrator.create(supabase).migrate();

            // A workflow's row names it in its column model. This one is the run's own, so that no job of yours is
            // taken.
            String run = UUID.randomUUID().toString().substring(0, 8);
            String workflow = "knight-style-" + run;
            String model = "motion-2.0-fast-" + run;

            List<String> ids = insertRows(supabase, workflow, model);
            for (Row row : rows(supabase, ids)) {
                System.out.println(row.prompt() + ": " + row.status() + ", place " + row.queue_position()
                        + (row.conflict_reason() == null ? "" : ", " + row.conflict_reason()));
            }
            runThem(supabase, workflow);
            check(rows(supabase, ids));
        }
    }

    /** The application: one plain insert, which any client and the Table Editor can do as well. */
    private static List<String> insertRows(SupabaseClient supabase, String workflow, String model) {
        List<String> ids = new ArrayList<>();
        List<Map<String, Object>> rows = new ArrayList<>();
        for (int i = 1; i <= JOBS; i++) {
            String id = UUID.randomUUID().toString();
            ids.add(id);
            rows.add(Map.of(
                    "job_id",
                    id,
                    "job_type",
                    "workflow",
                    "model",
                    workflow,
                    "prompt",
                    "knight " + i,
                    "required_models",
                    List.of(model)));
        }
        supabase.from("jobs").insert(rows).execute();
        return ids;
    }

    /** The worker: it finds what to do in the row, and leaves there what it made; the rest of the row is kept for it. */
    private static void runThem(SupabaseClient supabase, String workflow) throws InterruptedException {
        AtomicInteger inside = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(JOBS);
        try (JobWorker worker = JobWorker.builder(JobCoordinator.create(supabase))
                .handle(workflow, job -> {
                    try {
                        if (inside.incrementAndGet() > 1) {
                            return Outcome.fail("Two jobs were inside the model at once.");
                        }
                        Row row = rows(supabase, List.of(job.jobId())).get(0);
                        System.out.println(row.prompt() + ": " + row.status());
                        supabase.from("jobs")
                                .update(Map.of("image_url", "https://example.com/" + job.jobId() + ".png"))
                                .eq("job_id", job.jobId())
                                .execute();
                        return Outcome.complete();
                    } finally {
                        inside.decrementAndGet();
                        done.countDown();
                    }
                })
                .concurrency(4)
                .build()) {
            worker.start();
            done.await();
        }
    }

    private static List<Row> rows(SupabaseClient supabase, List<String> ids) {
        return supabase.from("jobs")
                .select("job_id,status,prompt,image_url,queue_position,blocked_by_job_id,conflict_reason")
                .in("job_id", ids)
                .order("prompt")
                .listOf(Row.class);
    }

    private static void check(List<Row> rows) {
        for (Row row : rows) {
            if (!row.status().equals("completed") || row.image_url() == null || row.blocked_by_job_id() != null) {
                throw new IllegalStateException("A row is not as it should be: " + row);
            }
        }
        if (rows.size() != JOBS) {
            throw new IllegalStateException("There are " + rows.size() + " rows, not " + JOBS + ".");
        }
        System.out.println("All " + JOBS + " rows are completed, one after the other.");
    }
}
