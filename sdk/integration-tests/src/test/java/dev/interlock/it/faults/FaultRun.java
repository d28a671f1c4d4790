package dev.interlock.it.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.InterlockException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.ModelSettings;
import dev.interlock.RetryOptions;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One fault's run: a load, a fleet of worker processes behind a gateway that can be broken, and the witness. Half of the jobs are there at the
 * start; the other half is entered meanwhile, through the same gateway. {@link #end} judges.
 */
final class FaultRun implements AutoCloseable {

    /** How many jobs each run has. The build's are few; give more to run it longer. */
    static final int JOBS = Integer.getInteger("interlock.faults.jobs", 200);

    /** What a machine under load may add to a time before it is called broken; the times themselves are printed. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final int BATCH = 20;

    private final String title;
    private final String run;
    private final long seed;
    private final Duration lease;
    private final LocalSupabase local;
    private final Load load;
    private final Audit audit;
    private final Map<String, Instant> killed = new LinkedHashMap<>();
    private @Nullable Thread submitter;

    final Witness witness;
    final FaultyGateway gateway;
    final Fleet fleet;

    private FaultRun(LocalSupabase local, Fleet fleet, String title, Duration lease, int jobs) throws IOException {
        this.local = local;
        this.fleet = fleet;
        this.title = title;
        this.lease = lease;
        seed = Long.getLong("interlock.faults.seed", System.nanoTime());
        run = title.replace(' ', '-') + "-" + Long.toString(System.nanoTime(), 36) + "/";
        System.out.printf(Locale.ROOT, "fault %-26s seed %d%n", title, seed);
        load = new Load(run, seed, jobs);
        audit = new Audit(local, run);
        witness = Witness.start();
        gateway = FaultyGateway.start(local.url(), seed);
    }

    static FaultRun of(LocalSupabase local, Fleet fleet, String title, Duration lease) throws IOException {
        return of(local, fleet, title, lease, JOBS);
    }

    static FaultRun of(LocalSupabase local, Fleet fleet, String title, Duration lease, int jobs) throws IOException {
        return new FaultRun(local, fleet, title, lease, jobs);
    }

    /** Adds a call on each model that lasts longer than a lease; before the run begins. */
    FaultRun withLongCalls() {
        load.addLongCalls((int) lease.toMillis() * 5 / 4);
        return this;
    }

    /** Adds the job that {@link #cutOffOne} needs; before the run begins. */
    FaultRun withLongSecondAttempt() {
        int half = (int) lease.toMillis() / 2;
        load.addLongSecondAttempt(run + "cut", half, half);
        return this;
    }

    int jobs() {
        return load.jobs().size();
    }

    /** How often a fault is made that is made now and then. */
    int rounds() {
        return Math.max(3, jobs() / 100);
    }

    void begin() throws Exception {
        witness.allow(run + Load.WIDE, 2);
        List<JobRequest> all = load.requests();
        List<JobRequest> now = all.subList(all.size() / 2, all.size());
        try (SupabaseClient direct = SupabaseClient.create(local.url(), local.secretKey())) {
            JobCoordinator coordinator = JobCoordinator.create(direct);
            coordinator.setModel(run + Load.WIDE, ModelSettings.capacity(2));
            for (int i = 0; i < now.size(); i += 1000) {
                coordinator.enqueueAll(now.subList(i, Math.min(i + 1000, now.size())));
            }
        }
        WorkerProcess.Order order =
                new WorkerProcess.Order(gateway.url(), local.secretKey(), witness.port(), run, lease);
        fleet.work(witness, worker -> order);
        submitter = new Thread(() -> submit(all.subList(0, all.size() / 2)), "submitter");
        submitter.setDaemon(true);
        submitter.start();
    }

    /** Whoever enters jobs is as exposed as the workers: it tries again, as anybody would, until it is told that they are in. */
    private void submit(List<JobRequest> jobs) {
        try (SupabaseClient client = SupabaseClient.builder()
                .url(gateway.url())
                .key(local.secretKey())
                .retry(new RetryOptions(2, Duration.ofMillis(20), Duration.ofMillis(100)))
                .timeout(Duration.ofSeconds(5))
                .build()) {
            JobCoordinator coordinator = JobCoordinator.create(client);
            int next = 0;
            while (next < jobs.size()) {
                try {
                    coordinator.enqueueAll(jobs.subList(next, Math.min(next + BATCH, jobs.size())));
                    next += BATCH;
                } catch (InterlockException e) {
                    TimeUnit.MILLISECONDS.sleep(50);
                }
            }
        } catch (InterruptedException e) {
            // The test is over.
        }
    }

    /** Waits until this part of the jobs has ended, so that what follows happens in the middle of work. */
    void awaitDone(int part, int of) throws InterruptedException, TimeoutException {
        witness.awaitFinished(jobs() * part / of);
    }

    /** Kills a worker that is, or just was, in the middle of a call; another takes its place. */
    void killOne() throws Exception {
        String worker = fleet.names().get(0);
        witness.awaitInside(worker, jobs(), 20);
        kill(worker);
    }

    /** Kills the worker that is in the middle of the first long call; another takes its place. */
    void killInLongCall() throws Exception {
        kill(witness.awaitCall(run + "long-" + Load.MODELS.get(0), 1));
    }

    private void kill(String worker) throws Exception {
        fleet.kill(worker);
        killed.put(worker, audit.now());
        fleet.start(1);
    }

    /**
     * Cuts a worker off the network while it runs a job, and lets it through again, with the outcome that it has kept, when another worker is in
     * the middle of the job's next attempt.
     */
    void cutOffOne() throws Exception {
        String job = run + "cut";
        gateway.cutOff(witness.awaitCall(job, 1));
        witness.awaitCall(job, 2);
        gateway.mend();
    }

    /** What {@link #end} found, for a test that wants to say more. */
    record Verdict(int attempts, int leasesLost, int transitions) {}

    /**
     * Waits until all jobs have ended, closes the fleet and judges: 0 collisions, 0 lost jobs, 0 double outcomes, all models free. Prints one
     * line of counts.
     *
     * @param injected what was done, for that line
     */
    Verdict end(Supplier<String> injected) throws Exception {
        audit.awaitEnd(jobs(), this::theWitnessIsContent);
        String said = injected.get();
        gateway.mend();
        assertThat(fleet.ended()).as("%s: no worker ended by itself", title).isEmpty();
        fleet.rest();
        theWitnessIsContent();

        Audit.Story story = audit.replay(load.ends());
        audit.nothingIsHeld();
        theWitnessAgrees(story);
        allModelsStartAtOnce();

        String free = "";
        if (!killed.isEmpty()) {
            free = " | free again at most " + seconds(longestUntilFree()) + " s after a kill (lease " + seconds(lease)
                    + " s + poll " + seconds(WorkerProcess.POLL) + " s)";
        }
        System.out.printf(
                Locale.ROOT,
                "fault %-26s seed %d: %d jobs, %d attempts, %d calls, %d requests | %s | leases lost %d | collisions 0, lost 0, double 0%s%n",
                title,
                seed,
                jobs(),
                story.attempts(),
                witness.calls(),
                gateway.requests(),
                said,
                story.leasesLost(),
                free);
        return new Verdict(story.attempts(), story.leasesLost(), story.transitions());
    }

    private void theWitnessIsContent() {
        assertThat(witness.overlaps()).as("%s: collisions", title).isEmpty();
        assertThat(witness.late()).as("%s: calls with an older token", title).isEmpty();
        assertThat(witness.doubles())
                .as("%s: double effects and outcomes", title)
                .isEmpty();
    }

    /**
     * Every call was made under a token that the log knows; each job that completed did its call in its last attempt, or all its steps in all its
     * attempts, none again after its checkpoint.
     */
    private void theWitnessAgrees(Audit.Story story) throws SQLException {
        Map<Long, Set<String>> effects = witness.effects();
        assertThat(story.tokens().keySet())
                .as("%s: calls under tokens that were given", title)
                .containsAll(effects.keySet());
        Map<String, Set<String>> ofJob = new HashMap<>();
        effects.forEach((token, steps) -> ofJob.computeIfAbsent(
                        Objects.requireNonNull(story.tokens().get(token)), job -> new HashSet<>())
                .addAll(steps));
        List<String> wrong = new ArrayList<>(audit.repeatedSteps(effects));
        load.jobs().forEach((job, plan) -> {
            Set<String> done = plan.steps().size() > 1
                    ? ofJob.getOrDefault(job, Set.of())
                    : effects.getOrDefault(story.lastToken().get(job), Set.of());
            if (plan.end().equals("completed") && !done.equals(Set.copyOf(plan.steps()))) {
                wrong.add(job + " completed with " + done + ", not " + plan.steps());
            }
        });
        assertThat(wrong).as("%s: the calls of completed attempts", title).isEmpty();
        Map<String, String> told = new HashMap<>();
        witness.ended().forEach((job, status) -> told.put(job, status.toLowerCase(Locale.ROOT)));
        assertThat(load.ends().entrySet())
                .as("%s: what workers were told of outcomes", title)
                .containsAll(told.entrySet());
    }

    private void allModelsStartAtOnce() {
        try (SupabaseClient direct = SupabaseClient.create(local.url(), local.secretKey())) {
            JobCoordinator coordinator = JobCoordinator.create(direct);
            for (String model : Load.MODELS) {
                StartResult result = coordinator.start(JobRequest.normal(run + "after-" + model)
                        .models(run + model)
                        .build());
                assertThat(result)
                        .as("%s: a start on %s", title, model)
                        .isInstanceOfSatisfying(
                                StartResult.Started.class, started -> coordinator.complete(started.lease()));
            }
        }
    }

    private Duration longestUntilFree() throws Exception {
        Duration longest = Duration.ZERO;
        for (Map.Entry<String, Instant> kill : killed.entrySet()) {
            Duration free = audit.takenBack(kill.getKey(), kill.getValue());
            longest = free != null && free.compareTo(longest) > 0 ? free : longest;
        }
        assertThat(longest).as("%s: from a kill to free models", title).isLessThan(lease.plus(PATIENCE));
        return longest;
    }

    private static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.1f", duration.toMillis() / 1000.0);
    }

    @Override
    public void close() {
        if (submitter != null) {
            submitter.interrupt();
        }
        fleet.forget();
        gateway.close();
        witness.close();
    }
}
