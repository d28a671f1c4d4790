package dev.interlock.it.longrun;

import dev.interlock.InterlockIoException;
import dev.interlock.RetryOptions;
import dev.interlock.ServiceException;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import tools.jackson.databind.JsonNode;

/** The clients of the run: those that put jobs in line, those that run them, and all that can happen to them meanwhile. */
final class Traffic implements AutoCloseable {

    private static final int ATTEMPTS = 5;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** Longer than anything that happens to a living worker here; nobody beats. */
    private static final int LEASE_SECONDS = 600;

    private static final long SHORTEST_LEASE = 1_000_000_000L;

    /** A lease as its holder has it. */
    private record Run(String jobId, long token) {}

    private final SupabaseClient supabase;
    private final Witness witness;
    private final Options options;
    private final List<String> models = new ArrayList<>();
    private final AtomicLong batches = new AtomicLong();
    private final AtomicLong doubled = new AtomicLong();
    private final AtomicLong calls = new AtomicLong();
    private final AtomicBoolean draining = new AtomicBoolean();
    /** Whoever calls holds it shared; a check holds it alone, with no call under way. */
    final ReadWriteLock quiet = new ReentrantReadWriteLock(true);

    Traffic(LocalSupabase local, Witness witness, Options options) {
        this.supabase = SupabaseClient.builder()
                .url(local.url())
                .key(local.secretKey())
                .retry(RetryOptions.none())
                .build();
        this.witness = witness;
        this.options = options;
        for (int i = 0; i < options.models(); i++) {
            models.add("model-" + i);
        }
    }

    List<String> models() {
        return models;
    }

    long doubled() {
        return doubled.get();
    }

    long calls() {
        return calls.get();
    }

    /** From now on nobody adds jobs, and no worker dies. */
    void drain() {
        draining.set(true);
    }

    boolean draining() {
        return draining.get();
    }

    /** A call that is sent again, as itself, until it is answered. */
    JsonNode call(String function, Map<String, ?> arguments) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                calls.incrementAndGet();
                return supabase.rpc(function, arguments).as(JsonNode.class);
            } catch (ServiceException | InterlockIoException e) {
                // PostgREST answers 400 without a code when its connection breaks in the middle of a statement.
                boolean passes = !(e instanceof ServiceException s)
                        || s.status() >= 500
                        || Objects.requireNonNullElse(s.code(), "").isEmpty();
                if (!passes || System.nanoTime() > end) {
                    throw e;
                }
                LockSupport.parkNanos(50_000_000);
            }
        }
    }

    /** Now and then the answer is taken as lost and the same request is sent again: it must be answered word for word. */
    private JsonNode callOnce(String function, Map<String, ?> arguments, Random random, boolean repeatable) {
        JsonNode answer = call(function, arguments);
        if (repeatable && random.nextInt(100) == 0) {
            doubled.incrementAndGet();
            JsonNode again = call(function, arguments);
            if (!again.equals(answer)) {
                witness.violation("two answers to one request: " + answer + " and " + again);
            }
        }
        return answer;
    }

    /** Keeps the lines filled until the run drains. */
    void produce(int number) {
        Random random = new Random(options.seed() * 31 + number);
        while (!draining()) {
            if (witness.waiting() >= options.backlog()) {
                LockSupport.parkNanos(5_000_000);
                continue;
            }
            quiet.readLock().lock();
            try {
                enqueue(random);
            } finally {
                quiet.readLock().unlock();
            }
        }
    }

    private void enqueue(Random random) {
        long batch = batches.incrementAndGet();
        long sent = System.nanoTime();
        List<Job> jobs = new ArrayList<>();
        List<Map<String, Object>> wire = new ArrayList<>();
        for (int i = 0; i < options.batch(); i++) {
            int needs = random.nextInt(10) < 8 ? 1 : random.nextInt(10) < 7 ? 2 : 3;
            List<String> needed = random.ints(0, models.size())
                    .distinct()
                    .limit(needs)
                    .mapToObj(models::get)
                    .toList();
            int priority = random.nextInt(20) == 0 ? 1 : 0;
            Job job = new Job("job-" + batch + "-" + i, needed, priority, batch, i, sent);
            jobs.add(job);
            wire.add(Map.of("job_id", job.id, "models", needed, "priority", priority, "max_attempts", ATTEMPTS));
        }
        witness.entering(jobs);
        callOnce("job_queue_enqueue", Map.of("jobs", wire, "options", requestId()), random, true);
        witness.entered(jobs, System.nanoTime());
    }

    private static Map<String, Object> requestId() {
        Map<String, Object> options = new HashMap<>();
        options.put("request_id", UUID.randomUUID().toString());
        return options;
    }

    /** A worker's steady state: end some of what it runs and start the next, in one call. */
    void work(int number) {
        Random random = new Random(options.seed() * 37 + number);
        List<Run> runs = new ArrayList<>();
        while (!(draining() && witness.unfinished() == 0)) {
            boolean idle;
            quiet.readLock().lock();
            try {
                idle = step("worker-" + number, runs, random);
            } finally {
                quiet.readLock().unlock();
            }
            if (idle) {
                LockSupport.parkNanos(20_000_000);
            }
        }
    }

    private boolean step(String worker, List<Run> runs, Random random) {
        List<Map<String, Object>> outcomes = new ArrayList<>();
        Map<String, Boolean> delayed = new HashMap<>();
        for (Run run : List.copyOf(runs)) {
            if (random.nextInt(4) > 0) {
                Map<String, Object> outcome = outcome(run, random);
                delayed.put(run.jobId(), outcome.containsKey("retry_in_seconds"));
                outcomes.add(outcome);
                runs.remove(run);
                witness.ending(run.jobId());
            }
        }
        Map<String, Object> with = requestId();
        with.put("worker_id", worker);
        with.put("claim", Map.of("max_jobs", options.batch(), "lease_seconds", LEASE_SECONDS));
        long sent = System.nanoTime();
        JsonNode answer = callOnce("job_queue_complete", Map.of("outcomes", outcomes, "options", with), random, true);
        long answered = System.nanoTime();
        for (JsonNode o : answer.path("outcomes")) {
            String id = o.path("job_id").asString();
            witness.ended(
                    id,
                    o.path("token").asLong(),
                    o.path("result").asString(),
                    delayed.getOrDefault(id, false),
                    answered);
        }
        for (JsonNode lease : answer.path("leases")) {
            Run run = run(lease);
            if (witness.begun(run.jobId(), run.token(), LEASE_SECONDS * 1_000_000_000L, sent, answered)) {
                runs.add(run);
            }
        }
        return answer.path("leases").size() < options.batch() / 4;
    }

    private static Run run(JsonNode lease) {
        return new Run(lease.path("job_id").asString(), lease.path("token").asLong());
    }

    private static Map<String, Object> outcome(Run run, Random random) {
        Map<String, Object> outcome = new HashMap<>();
        outcome.put("job_id", run.jobId());
        outcome.put("token", run.token());
        int dice = random.nextInt(100);
        outcome.put("outcome", dice < 92 ? "complete" : dice < 94 ? "fail" : dice < 96 ? "release" : "retry");
        if (dice == 99) {
            outcome.put("retry_in_seconds", 0.2);
        }
        return outcome;
    }

    /** A worker that claims with the shortest lease and is never heard of again, but for its outcomes, long after. */
    void die(int number) {
        Random random = new Random(options.seed() * 41 + number);
        List<Run> dead = new ArrayList<>();
        while (!draining()) {
            quiet.readLock().lock();
            try {
                long sent = System.nanoTime();
                JsonNode answer = call(
                        "job_queue_claim",
                        Map.of(
                                "worker_id",
                                "mortal-" + number,
                                "max_jobs",
                                1 + random.nextInt(5),
                                "options",
                                shortLease()));
                long answered = System.nanoTime();
                for (JsonNode lease : answer.path("leases")) {
                    Run run = run(lease);
                    if (witness.begun(run.jobId(), run.token(), SHORTEST_LEASE, sent, answered)) {
                        witness.died(run.jobId(), sent + SHORTEST_LEASE);
                        dead.add(run);
                    }
                }
                speakLate(dead);
            } finally {
                quiet.readLock().unlock();
            }
            LockSupport.parkNanos(200_000_000);
        }
    }

    private static Map<String, Object> shortLease() {
        Map<String, Object> options = requestId();
        options.put("lease_seconds", 1);
        return options;
    }

    /** Outcomes of runs that were taken over meanwhile. */
    private void speakLate(List<Run> dead) {
        for (Run run : List.copyOf(dead)) {
            if (witness.granted(run.jobId(), run.token())) {
                dead.remove(run);
                Map<String, Object> outcome =
                        Map.of("job_id", run.jobId(), "token", run.token(), "outcome", "complete");
                JsonNode answer =
                        call("job_queue_complete", Map.of("outcomes", List.of(outcome), "options", requestId()));
                witness.fenced(
                        run.jobId(),
                        answer.path("outcomes").path(0).path("result").asString());
            }
        }
    }

    @Override
    public void close() {
        supabase.close();
    }
}
