package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Every function at once, by many callers, in seeded random order: whatever they do to each other, no caller gets an error, no two wait for each
 * other, the invariants hold at the end and the log tells the same story as the tables.
 */
class RandomTrafficTest extends EngineTest {

    private static final int CALLERS = 10;
    private static final int STEPS = 60;
    private static final List<String> MODELS = List.of("m1", "m2", "m3", "m4", "m5");

    private record Held(String jobId, long token, List<String> models, boolean hasSteps) {}

    private final AtomicInteger ids = new AtomicInteger();
    private final ConcurrentLinkedQueue<Held> held = new ConcurrentLinkedQueue<>();

    @Test
    @DisplayName("I1, I2, I5, I8, I10 hold under everything at once")
    void everythingAtOnce() throws Exception {
        long seed = Long.getLong("interlock.seed", System.nanoTime());
        System.out.println("seed of everythingAtOnce: " + seed + " (repeat with -Dinterlock.seed=" + seed + ")");
        long deadlocks = deadlocks();
        List<Callable<Integer>> callers = new ArrayList<>();
        for (int c = 0; c < CALLERS; c++) {
            Random random = new Random(seed + c);
            String name = "caller-" + c;
            callers.add(() -> {
                for (int i = 0; i < STEPS; i++) {
                    step(name, random);
                }
                return STEPS;
            });
        }

        atOnce(callers);

        assertThat(deadlocks()).as("deadlocks found by PostgreSQL").isEqualTo(deadlocks);
        noModelWasHeldTwice();
        theLogTellsTheSameStory();
        everyJobEnds();
    }

    private void step(String name, Random random) throws Exception {
        switch (random.nextInt(26)) {
            case 0, 1 -> queue.enqueue(newJob(random), newJob(random));
            case 2 ->
                queue.enqueue(Map.of(
                        "job_id",
                        "job-" + ids.getAndIncrement(),
                        "holding",
                        List.of("whole_run", "release_as_used", "per_step").get(random.nextInt(3)),
                        "steps",
                        List.of(
                                Map.of("models", List.of(model(random))),
                                Map.of("models", List.of(model(random), model(random))))));
            case 3, 4 -> {
                Map<String, Object> job = newJob(random);
                JsonNode answer = queue.start((String) job.get("job_id"), ((String[]) job.get("models")).clone());
                if (answer.has("lease")) {
                    hold(answer.path("lease"));
                }
            }
            case 5 ->
                sql("insert into public.jobs (prompt, required_models) select 'p', '[\"" + model(random) + "\", \""
                        + model(random) + "\"]' from generate_series(1, 2)");
            case 6, 7, 8 ->
                queue.claimWith(name, 1 + random.nextInt(3), Map.of())
                        .path("leases")
                        .forEach(this::hold);
            case 9, 10, 11, 12, 13 -> end(random, Map.of("claim", Map.of("max_jobs", 1 + random.nextInt(2))));
            case 14 -> end(random, Map.of());
            case 15 -> {
                Held run = held.peek();
                if (run != null) {
                    queue.call(
                            "job_queue_release_models",
                            Map.of(
                                    "job_id",
                                    run.jobId(),
                                    "token",
                                    run.token(),
                                    "models",
                                    run.models()
                                            .subList(0, Math.min(1, run.models().size()))));
                    queue.call(
                            "job_queue_heartbeat",
                            Map.of(
                                    "worker_id",
                                    name,
                                    "leases",
                                    List.of(Map.of("job_id", run.jobId(), "token", run.token(), "progress", 5))));
                }
            }
            case 16 -> {
                Held run = held.poll();
                if (run != null) {
                    letLeaseRunOut(run.jobId(), run.token());
                }
            }
            case 17 -> queue.setModel(model(random), Map.of("capacity", random.nextInt(3)));
            case 18 -> queue.setModel(model(random), Map.of("paused", random.nextInt(3) == 0));
            case 19 ->
                queue.setModel(
                        model(random),
                        setting("starts_per_minute", random.nextBoolean() ? null : 5 + random.nextInt(20)));
            case 20 -> queue.setLimits(Map.of("paused", random.nextInt(4) == 0, "max_overtakes", random.nextInt(3)));
            case 21 -> {
                String some = someJob(random);
                if (!some.isEmpty()) {
                    queue.call("job_queue_retry", Map.of("job_id", some));
                    queue.call("job_queue_reprioritize", Map.of("job_id", some, "priority", random.nextInt(3)));
                }
            }
            case 22 -> checkpoint();
            case 23 -> awaitCallback(random);
            case 24 -> callback(random);
            default -> {
                if (random.nextInt(3) == 0) {
                    queue.setLimits(setting("max_active_jobs", random.nextBoolean() ? null : 1 + random.nextInt(3)));
                } else {
                    String some = someJob(random);
                    if (!some.isEmpty()) {
                        queue.call("job_queue_cancel", Map.of("job_id", some));
                    }
                    queue.sweep();
                }
            }
        }
    }

    private void end(Random random, Map<String, ?> options) {
        Held run = held.poll();
        if (run != null) {
            String[] outcomes = {"complete", "complete", "complete", "fail", "retry", "release"};
            queue.end(run.jobId(), run.token(), outcomes[random.nextInt(outcomes.length)], options)
                    .path("leases")
                    .forEach(this::hold);
        }
    }

    /** Saves the current step of a run that has steps, and goes on with it where it may. */
    private void checkpoint() throws Exception {
        Held run = heldFlow();
        if (run == null) {
            return;
        }
        List<String> step = unfinishedStep(run.jobId());
        JsonNode saved = step.isEmpty()
                ? null
                : queue.call(
                        "job_queue_checkpoint",
                        Map.of("job_id", run.jobId(), "token", run.token(), "step", Integer.parseInt(step.get(0))));
        if (saved == null || saved.path("result").asString().equals("saved")) {
            held.add(run);
        }
    }

    /** The current step of a run that has steps waits for its callback: the run ends there, or goes on. */
    private void awaitCallback(Random random) throws Exception {
        Held run = heldFlow();
        if (run == null) {
            return;
        }
        List<String> step = unfinishedStep(run.jobId());
        JsonNode answer = step.isEmpty()
                ? null
                : queue.call(
                        "job_queue_await",
                        Map.of(
                                "job_id",
                                run.jobId(),
                                "token",
                                run.token(),
                                "step",
                                Integer.parseInt(step.get(0)),
                                "options",
                                Map.of("within_seconds", 1, "keep_models", random.nextInt(3) == 0)));
        if (answer == null
                || List.of("held", "arrived", "timed_out")
                        .contains(answer.path("result").asString())) {
            held.add(run);
        }
    }

    /** Brings what some step waits for, or extends its wait. */
    private void callback(Random random) throws Exception {
        String waits = random.nextInt(4) == 0 ? "" : " order by status <> 'delayed'";
        List<String> some =
                rows("select job_id from public.job_queue_jobs where steps is not null" + waits + " limit 5");
        if (some.isEmpty()) {
            return;
        }
        String job = some.get(random.nextInt(some.size()));
        Map<String, Object> arguments = new HashMap<>(Map.of("job_id", job, "step", 0));
        if (random.nextInt(4) == 0) {
            arguments.put("options", Map.of("extend_seconds", 1));
        } else {
            arguments.put("payload", random.nextInt());
        }
        queue.call("job_queue_callback", arguments);
    }

    /** One of the runs that have steps, for the caller alone; where there is none, a new one on models that hardly anybody needs. */
    private @Nullable Held heldFlow() {
        for (Held run : held) {
            if (run.hasSteps() && held.remove(run)) {
                return run;
            }
        }
        int id = ids.getAndIncrement();
        List<Map<String, List<String>>> steps = List.of(
                Map.of("models", List.of("own-" + id)), Map.of("models", List.of(MODELS.get(id % MODELS.size()))));
        Map<String, Object> arguments =
                new HashMap<>(Map.of("job_id", "job-" + id, "options", Map.of("steps", steps, "holding", "per_step")));
        arguments.put("models", null);
        JsonNode answer = queue.call("job_queue_start", arguments);
        if (answer.has("lease")) {
            hold(answer.path("lease"));
        }
        for (Held run : held) {
            if (run.jobId().equals("job-" + id) && held.remove(run)) {
                return run;
            }
        }
        return null;
    }

    private List<String> unfinishedStep(String jobId) throws Exception {
        return rows(
                "select current_step::text from public.job_queue_jobs where job_id = ? and current_step < jsonb_array_length(steps)",
                jobId);
    }

    /** The id of a job that is known, or nothing. */
    private String someJob(Random random) throws Exception {
        String some = "job-" + random.nextInt(Math.max(1, ids.get()));
        return rows("select job_id from public.job_queue_jobs where job_id = ?", some)
                        .isEmpty()
                ? ""
                : some;
    }

    private static Map<String, Object> setting(String name, @Nullable Integer value) {
        Map<String, Object> settings = new HashMap<>();
        settings.put(name, value);
        return settings;
    }

    private void hold(JsonNode lease) {
        List<String> models = new ArrayList<>();
        lease.path("models").forEach(m -> models.add(m.asString()));
        held.add(new Held(lease.path("job_id").asString(), lease.path("token").asLong(), models, lease.has("steps")));
    }

    private Map<String, Object> newJob(Random random) {
        String[] models =
                random.nextInt(3) == 0 ? new String[] {model(random)} : new String[] {model(random), model(random)};
        return Queue.job("job-" + ids.getAndIncrement(), Map.of("priority", random.nextInt(3)), models);
    }

    private static String model(Random random) {
        return MODELS.get(random.nextInt(MODELS.size()));
    }

    private void letLeaseRunOut(String jobId, long token) throws Exception {
        sql(
                "update public.job_queue_jobs set lease_until = now() - interval '1 second' where status = 'running' and job_id = '"
                        + jobId + "' and token = " + token);
    }

    private long deadlocks() throws Exception {
        return Long.parseLong(rows("select deadlocks::text from pg_stat_database where datname = current_database()")
                .get(0));
    }

    /** The database refuses it by a unique key; this looks whether the key is what it should be. */
    private void noModelWasHeldTwice() throws Exception {
        assertThat(rows("select l.model from public.job_queue_lines l join public.job_queue_jobs j using (job_id)"
                        + " where j.status = 'running' group by l.model having count(*) <> count(distinct l.seat)"))
                .isEmpty();
    }

    /** I11: the last event of each job says what the job is now, and attempts are counted as they were started. */
    private void theLogTellsTheSameStory() throws Exception {
        assertThat(
                        rows(
                                "select j.job_id || ' is ' || j.status || ' and the log says ' || l.event_type"
                                        + " from public.job_queue_jobs j join lateral (select event_type, metadata from public.job_queue_log g"
                                        + " where g.job_id = j.job_id and g.event_type <> 'cancel_requested' and not jsonb_exists(g.metadata, 'released_models')"
                                        + " order by g.seq desc limit 1) l on true"
                                        + " where not (j.status = l.metadata ->> 'status'"
                                        // A pause moves jobs between waiting and delayed without an event of theirs.
                                        + " or (j.status in ('waiting', 'delayed') and l.metadata ->> 'status' in ('waiting', 'delayed')))"))
                .isEmpty();
        assertThat(rows("select j.job_id from public.job_queue_jobs j where j.attempt <>"
                        + " (select count(*) filter (where g.event_type = 'started')"
                        + " - count(*) filter (where g.event_type = 'released' and not jsonb_exists(g.metadata, 'released_models'))"
                        + " from public.job_queue_log g where g.job_id = j.job_id)"))
                .isEmpty();
    }

    /** I4: with every limit lifted, all jobs that are left come to an end. */
    private void everyJobEnds() throws Exception {
        queue.setLimits(setting("max_active_jobs", null));
        queue.setLimits(Map.of("paused", false));
        for (String model : MODELS) {
            queue.setModel(model, Map.of("capacity", 1, "paused", false));
            queue.setModel(model, setting("starts_per_minute", null));
        }
        sql("update public.job_queue_jobs set lease_until = now() - interval '1 second' where status = 'running'");
        sql("update public.job_queue_jobs set due_at = now() where status = 'delayed' and due_at < 'infinity'");
        while (true) {
            JsonNode claim = queue.claimWith("last", 50, Map.of());
            if (Queue.ids(claim).isEmpty()
                    && rows("select 1 from public.job_queue_jobs where status = 'running' and lease_until < now()"
                                    + " or status = 'delayed' and due_at <= now()")
                            .isEmpty()) {
                break;
            }
            claim.path("leases")
                    .forEach(lease -> queue.complete(
                            lease.path("job_id").asString(), lease.path("token").asLong()));
        }
        assertThat(
                        rows(
                                "select job_id || ' ' || status from public.job_queue_jobs where status in ('waiting', 'delayed', 'running')"))
                .isEmpty();
    }
}
