package dev.interlock.it.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.InterlockException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Workflows under every holding rule, run by worker processes of which one after another is killed with -9, each at another point: in the middle
 * of a step, at any moment, or at a request of its own, before it is carried out, after, or while the sender is dead already. Each worker has a
 * gateway of its own, so that its requests can be told from others'.
 */
final class KillRun implements AutoCloseable {

    /** So many jobs are kept unfinished while there is killing, so that every worker has work. */
    private static final int AT_ONCE = 16;

    private static final Duration LEASE = Duration.ofSeconds(2);
    /** What a machine under load may add to a time before it is called broken; the times themselves are printed. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final List<Stop.Point> POINTS = List.of(Stop.Point.values());
    private static final List<String> FUNCTIONS = List.of(
            "job_queue_checkpoint",
            "job_queue_checkpoint",
            "job_queue_checkpoint",
            "job_queue_complete",
            "job_queue_complete",
            "job_queue_claim",
            "job_queue_await",
            "job_queue_await",
            "job_queue_heartbeat");

    private final LocalSupabase local;
    private final Fleet fleet;
    private final long seed;
    private final Random random;
    private final String run;
    private final Audit audit;
    private final Witness witness;
    private final Map<String, FaultyGateway> gateways = new HashMap<>();
    private final SupabaseClient direct;
    private final JobCoordinator coordinator;
    private final Map<String, Flows.Plan> plans = new ConcurrentHashMap<>();
    private final ScheduledExecutorService webhooks = Executors.newSingleThreadScheduledExecutor();
    private final Random callbackDelays;
    private final Map<String, Instant> killed = new LinkedHashMap<>();
    private final Map<String, Integer> points = new TreeMap<>();
    private final List<String> executions = new ArrayList<>();

    KillRun(LocalSupabase local, Fleet fleet) throws IOException {
        this.local = local;
        this.fleet = fleet;
        seed = Long.getLong("interlock.faults.seed", System.nanoTime());
        System.out.printf(Locale.ROOT, "workflow kills: seed %d%n", seed);
        random = new Random(seed);
        callbackDelays = new Random(seed + 1);
        run = "kills-" + Long.toString(System.nanoTime(), 36) + "/";
        audit = new Audit(local, run);
        witness = Witness.ofSteps();
        direct = SupabaseClient.create(local.url(), local.secretKey());
        coordinator = JobCoordinator.create(direct);
        witness.tell(this::submitted);
    }

    /** The provider calls back, soon or a little later, until it is heard. */
    private void submitted(String job, String step, long token) {
        Flows.Plan plan = plans.get(job);
        if (plan != null && plan.callback() != null && step.equals("step0")) {
            // Called with the witness's lock held: the draws are in one order.
            var unused =
                    webhooks.schedule(() -> callBack(job, token), callbackDelays.nextInt(300), TimeUnit.MILLISECONDS);
        }
    }

    private void callBack(String job, long token) {
        try {
            coordinator.callback(job, 0, new Flows.Output(List.of("step0")), token);
        } catch (InterlockException e) {
            var unused = webhooks.schedule(() -> callBack(job, token), 100, TimeUnit.MILLISECONDS);
        }
    }

    void begin() throws Exception {
        topUp();
        fleet.work(witness, this::orderFor);
    }

    private WorkerProcess.Order orderFor(String worker) {
        try {
            FaultyGateway gateway = FaultyGateway.start(local.url(), seed);
            gateways.put(worker, gateway);
            return new WorkerProcess.Order(gateway.url(), local.secretKey(), witness.port(), run, LEASE);
        } catch (IOException e) {
            throw new IllegalStateException("No gateway for " + worker, e);
        }
    }

    /** Kills one process more, and starts another. */
    void kill() throws Exception {
        topUp();
        String worker = fleet.names().get(random.nextInt(fleet.names().size()));
        FaultyGateway gateway = Objects.requireNonNull(gateways.remove(worker));
        int dice = random.nextInt(100);
        if (dice < 30) {
            boolean inside = soon(millis -> witness.isInside(worker, millis));
            end(worker, inside ? "in a step" : "idle");
        } else if (dice < 45) {
            // Any moment: the only one that nobody thought of.
            TimeUnit.MILLISECONDS.sleep(random.nextInt(400));
            end(worker, "any moment");
        } else {
            String function = FUNCTIONS.get(random.nextInt(FUNCTIONS.size()));
            Stop.Point point = POINTS.get(random.nextInt(POINTS.size()));
            Stop stop = gateway.stopNext(function, point);
            boolean reached = soon(stop::await);
            String where = function.substring("job_queue_".length()) + " "
                    + point.name().toLowerCase(Locale.ROOT);
            end(worker, reached ? where : "idle");
            stop.release();
        }
        gateway.close();
        fleet.start(1);
    }

    private interface Moment {
        boolean came(long withinMillis) throws InterruptedException;
    }

    /** Waits for a moment to kill at, a few seconds at most, and keeps enough work there for it to come. */
    private boolean soon(Moment moment) throws Exception {
        for (int i = 0; i < 30; i++) {
            if (moment.came(100)) {
                return true;
            }
            topUp();
        }
        return false;
    }

    private void end(String worker, String point) throws Exception {
        fleet.kill(worker);
        killed.put(worker, audit.now());
        points.merge(point, 1, Integer::sum);
    }

    private void topUp() throws Exception {
        int missing = AT_ONCE - audit.unfinished();
        List<JobRequest> more = new ArrayList<>();
        for (int i = 0; i < missing; i++) {
            Flows.Plan plan = Flows.PLANS.get(random.nextInt(Flows.PLANS.size()));
            // Every other one has a row in jobs, and so one in workflow_executions.
            boolean row = plans.size() % 2 == 0;
            String id = row ? new UUID(random.nextLong(), random.nextLong()).toString() : run + "job-" + plans.size();
            plans.put(id, plan);
            JobRequest.Builder request = JobRequest.workflow(id, plan.definition(run, null))
                    .maxAttempts(100)
                    .payload(new Flows.Task(5 + random.nextInt(40)));
            if (row) {
                request.row(Map.of("prompt", "a knight"));
                executions.add(id + " completed " + plan.models().size());
            }
            more.add(request.build());
        }
        if (!more.isEmpty()) {
            coordinator.enqueueAll(more);
        }
    }

    /** Waits until all jobs have ended, and judges; prints one line of counts. */
    void judge() throws Exception {
        audit.awaitEnd(plans.size(), this::theWitnessIsContent);
        assertThat(fleet.ended()).as("no worker ended by itself").isEmpty();
        fleet.rest();
        theWitnessIsContent();
        audit.nothingIsHeld();
        assertThat(audit.results())
                .as("every workflow completed with all its steps, in order")
                .isEqualTo(rightResults());
        assertThat(audit.executions())
                .as("one row in workflow_executions for each, with all its steps done")
                .containsExactlyInAnyOrderElementsOf(executions);
        assertThat(audit.repeatedSteps(witness.effects()))
                .as("steps called again after their checkpoint")
                .isEmpty();
        assertThat(audit.differencesFromLog())
                .as("the log replayed, against the tables")
                .isEmpty();
        Duration longest = Duration.ZERO;
        for (Map.Entry<String, Instant> kill : killed.entrySet()) {
            Duration free = audit.takenBack(kill.getKey(), kill.getValue());
            longest = free != null && free.compareTo(longest) > 0 ? free : longest;
        }
        assertThat(longest).as("from a kill to free models").isLessThan(LEASE.plus(PATIENCE));
        System.out.printf(
                Locale.ROOT,
                "workflow kills: seed %d: %d jobs, %d calls, %d of them cut off by %d kills %s | steps repeated after their checkpoint 0, collisions 0,"
                        + " lost 0 | free again at most %.1f s after a kill (lease %.1f s + poll %.1f s)%n",
                seed,
                plans.size(),
                witness.calls(),
                witness.cutOff(),
                killed.size(),
                points,
                longest.toMillis() / 1000.0,
                LEASE.toMillis() / 1000.0,
                WorkerProcess.POLL.toMillis() / 1000.0);
    }

    private void theWitnessIsContent() {
        assertThat(witness.overlaps()).as("collisions").isEmpty();
        assertThat(witness.late()).as("calls with an older token").isEmpty();
        assertThat(witness.doubles()).as("double effects and outcomes").isEmpty();
    }

    private Map<String, String> rightResults() {
        Map<String, String> results = new HashMap<>();
        plans.forEach((job, plan) -> results.put(job, plan.result()));
        return results;
    }

    @Override
    public void close() {
        fleet.forget();
        gateways.values().forEach(FaultyGateway::close);
        witness.close();
        webhooks.shutdownNow();
        direct.close();
    }
}
