package dev.interlock.internal.worker;

import dev.interlock.Claim;
import dev.interlock.ClaimRequest;
import dev.interlock.Completion;
import dev.interlock.DataException;
import dev.interlock.InterlockException;
import dev.interlock.Lease;
import dev.interlock.LeaseOutcome;
import dev.interlock.Outcome;
import dev.interlock.OutcomeResult;
import dev.interlock.OutcomeStatus;
import dev.interlock.SchemaMismatchException;
import dev.interlock.internal.coordination.Calls;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The worker's one conversation with the coordinator, on one thread: it sends the outcomes that are ready together with a
 * claim for the slots they free, and polls when there is nothing to send. One request is under way at a time; what ends
 * meanwhile goes into the next.
 */
final class Dispatcher implements Runnable {
    /** What becomes of the runs that a claim brings. */
    interface Starter {
        /** Its lease is kept from now on. */
        void keep(Run run);

        /** Its handler is to be called. */
        void start(Run run);
    }

    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");
    private static final int MAX_BATCH = 1000;
    private static final long LONG_WAIT = Duration.ofMinutes(1).toNanos();

    private final WorkerConfig config;
    private final Runs runs;
    private final Connection connection;
    private final Notices notices;
    private final Starter starter;
    private final Executor aside;
    private final Backoff backoff;
    private final PollTimer timer;
    private final Deque<Exchange> unanswered = new ArrayDeque<>();

    private boolean heldOff;
    private boolean doubtsContract;

    private volatile boolean accepting = true;
    private volatile boolean closing;
    private volatile boolean stopped;

    Dispatcher(
            WorkerConfig config, Runs runs, Connection connection, Notices notices, Starter starter, Executor aside) {
        this.config = config;
        this.runs = runs;
        this.connection = connection;
        this.notices = notices;
        this.starter = starter;
        this.aside = aside;
        this.backoff = new Backoff(Duration.ofMillis(200), max(config.pollMax(), Duration.ofSeconds(5)));
        this.timer = new PollTimer(config.pollMin(), config.pollMax(), System.nanoTime());
    }

    /** Claims nothing from now on and ends when no run is held. */
    void close() {
        accepting = false;
        closing = true;
        runs.touch();
    }

    /** Ends as soon as the request that is under way has ended. */
    void stop() {
        accepting = false;
        closing = true;
        stopped = true;
        runs.touch();
    }

    @Override
    public void run() {
        int failures = 0;
        while (!stopped) {
            try {
                Exchange exchange = next();
                if (exchange == null) {
                    return;
                }
                failures = exchange(exchange) ? 0 : failures + 1;
                if (failures > 0) {
                    pause(backoff.delay(failures));
                }
            } catch (InterruptedException e) {
                // Nobody but stop() has a reason to interrupt this thread.
                LOG.debug("The dispatcher was interrupted", e);
            } catch (Throwable e) { // Errors too: without this thread the worker would look alive and do nothing.
                if (stopped) {
                    LOG.debug("Worker {}: its last call was cut off", config.workerId(), e);
                    return;
                }
                LOG.error("Worker {}: its dispatcher failed in an unexpected way; it goes on", config.workerId(), e);
                failures++;
                pauseQuietly(backoff.delay(failures));
            }
        }
    }

    /** What to send next, when it is time to; null when the worker is closed and nothing is left to send. */
    private @Nullable Exchange next() throws InterruptedException {
        while (!stopped) {
            long seen = runs.version();
            Exchange first = unanswered.peek();
            if (first != null) {
                if (!first.isPast(config.lease())) {
                    return first;
                }
                unanswered.remove();
                giveUp(first);
                continue;
            }
            long now = System.nanoTime();
            List<Exchange.Ended> ended = runs.takeReady(MAX_BATCH);
            int free = config.concurrency() - runs.size() + ended.size();
            boolean due = timer.remaining(now) <= 0;
            ClaimRequest claim =
                    mayClaim() && free > 0 && (due || (!ended.isEmpty() && !heldOff)) ? claim(free, ended) : null;
            if (!ended.isEmpty() || claim != null) {
                Exchange exchange = Exchange.of(ended, claim);
                unanswered.add(exchange);
                return exchange;
            }
            if (closing && runs.size() == 0) {
                return null;
            }
            // Due, and nothing may start: what changes that wakes it.
            runs.await(seen, mayClaim() && free > 0 && !due ? timer.remaining(now) : LONG_WAIT);
        }
        return null;
    }

    private boolean mayClaim() {
        return accepting && !connection.isFailing(Connection.Call.HEARTBEAT);
    }

    private @Nullable ClaimRequest claim(int free, List<Exchange.Ended> ended) {
        Set<Run> over = new HashSet<>();
        ended.forEach(e -> over.add(e.run()));
        List<Run> held = runs.all().stream().filter(run -> !over.contains(run)).toList();
        return config.routes().claim(Math.min(free, MAX_BATCH), config.lease(), held);
    }

    /** Sends it. False: its answer is not known, and it must be sent again. */
    private boolean exchange(Exchange exchange) {
        try {
            receive(exchange, send(exchange));
            connection.answered(Connection.Call.DISPATCH);
            return true;
        } catch (InterlockException e) {
            if (e instanceof SchemaMismatchException || e instanceof DataException) {
                doubtsContract = true;
            }
            if (!Calls.isRefusal(e)) {
                connection.failed(Connection.Call.DISPATCH, e);
                if (closing && exchange.ended().isEmpty()) {
                    // Whatever it may have started runs out by itself; a close does not wait for that.
                    unanswered.remove(exchange);
                }
                return false;
            }
            unanswered.remove(exchange);
            return refused(exchange, e);
        }
    }

    private Completion send(Exchange exchange) {
        if (doubtsContract) {
            config.calls().checkContract();
            doubtsContract = false;
        }
        ClaimRequest claim = exchange.claim();
        if (exchange.ended().isEmpty() && claim != null) {
            Claim claimed = config.calls().claim(config.workerId(), claim, config.lease(), exchange.requestId());
            return new Completion(List.of(), claimed);
        }
        List<LeaseOutcome> outcomes = new ArrayList<>();
        for (Exchange.Ended ended : exchange.ended()) {
            outcomes.add(new LeaseOutcome(ended.run().lease(), ended.outcome()));
        }
        return config.calls().complete(config.workerId(), outcomes, claim, config.lease(), exchange.requestId());
    }

    private void receive(Exchange exchange, Completion answer) {
        unanswered.remove(exchange);
        Map<Long, OutcomeStatus> statuses = new HashMap<>();
        for (OutcomeResult result : answer.outcomes()) {
            statuses.put(result.token(), result.status());
        }
        for (Exchange.Ended ended : exchange.ended()) {
            Run run = ended.run();
            OutcomeStatus status = statuses.getOrDefault(run.token(), OutcomeStatus.UNKNOWN);
            runs.settled(run, status);
            if (status.isAccepted()) {
                notices.tell(l -> l.jobFinished(run.lease(), ended.outcome(), status));
            } else {
                LOG.warn(
                        "Worker {}: the outcome of job {} (attempt {}) was refused as {}; its lease was lost",
                        config.workerId(),
                        run.jobId(),
                        run.attempt(),
                        status);
                notices.tell(l -> l.leaseLost(run.lease(), "its outcome was refused as " + status));
            }
        }
        Claim claim = answer.claim();
        if (claim != null) {
            begin(exchange, claim);
            ClaimRequest asked = exchange.claim();
            if (asked != null) {
                notices.tell(l -> l.claimed(asked.maxJobs(), claim.leases().size()));
            }
        }
    }

    private void begin(Exchange exchange, Claim claim) {
        long now = System.nanoTime();
        Instant dueAt = claim.nextDueAt();
        Long dueIn =
                dueAt == null ? null : Duration.between(Instant.now(), dueAt).toMillis() * 1_000_000;
        heldOff = false;
        timer.answered(now, !claim.leases().isEmpty(), dueIn, dueAt);
        // All are kept before the first is started: an executor may run it right here, for as long as it takes.
        List<Run> begun = new ArrayList<>();
        for (Lease lease : claim.leases()) {
            Run run = new Run(lease, new LeaseClock(lease.duration(), exchange.firstSentAt()), config.calls(), aside);
            if (!runs.add(run)) {
                continue;
            }
            if (run.clock().isTrusted(now)) {
                starter.keep(run);
                begun.add(run);
            } else {
                runs.settled(run, OutcomeStatus.NOT_RUNNING);
                LOG.warn("Worker {}: the lease of job {} came too late to be used", config.workerId(), run.jobId());
                notices.tell(l -> l.leaseLost(lease, "the answer that brought it came too late"));
            }
        }
        for (Run run : begun) {
            if (accepting) {
                starter.start(run);
            } else {
                run.leave();
                runs.ended(run, Outcome.release());
            }
        }
    }

    /** Nothing was changed, and sending the same again has no use. */
    private boolean refused(Exchange exchange, InterlockException refusal) {
        if (exchange.ended().isEmpty()) {
            connection.failed(Connection.Call.DISPATCH, refusal);
            return false;
        }
        if (exchange.ended().size() > 1 || exchange.claim() != null) {
            // One bad outcome must not take the others with it: each goes by itself.
            for (Exchange.Ended ended : exchange.ended()) {
                unanswered.add(Exchange.of(List.of(ended), null));
            }
            return true;
        }
        Run run = exchange.ended().get(0).run();
        LOG.error(
                "Worker {}: the outcome of job {} (attempt {}) was refused: {}",
                config.workerId(),
                run.jobId(),
                run.attempt(),
                refusal.getMessage());
        if (exchange.substitute()) {
            giveUp(exchange);
        } else {
            unanswered.add(Exchange.substitute(
                    run, Outcome.fail("The database refused the run's outcome: " + refusal.getMessage())));
        }
        return true;
    }

    /** The runs are over without a word from the database; their leases run out by themselves. */
    private void giveUp(Exchange exchange) {
        for (Exchange.Ended ended : exchange.ended()) {
            Run run = ended.run();
            LOG.error(
                    "Worker {}: the outcome of job {} (attempt {}) could not be delivered and is dropped",
                    config.workerId(),
                    run.jobId(),
                    run.attempt());
            runs.settled(run, OutcomeStatus.NOT_RUNNING);
            notices.tell(l -> l.leaseLost(run.lease(), "its outcome could not be delivered"));
        }
    }

    /** Claims nothing for a full interval: there was nobody to run what this claim brought. For the starter to call. */
    void holdOff() {
        heldOff = true;
        timer.holdOff(System.nanoTime());
    }

    private void pause(Duration delay) throws InterruptedException {
        long end = System.nanoTime() + delay.toNanos();
        boolean wasClosing = closing;
        while (!stopped && closing == wasClosing) {
            long seen = runs.version();
            long left = end - System.nanoTime();
            if (left <= 0) {
                return;
            }
            runs.await(seen, left);
        }
    }

    private void pauseQuietly(Duration delay) {
        try {
            pause(delay);
        } catch (InterruptedException e) {
            LOG.debug("The dispatcher was interrupted", e);
        }
    }

    private static Duration max(Duration a, Duration b) {
        return a.compareTo(b) > 0 ? a : b;
    }
}
