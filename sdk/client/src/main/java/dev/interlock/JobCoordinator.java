package dev.interlock;

import dev.interlock.internal.coordination.Calls;
import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.coordination.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Coordinates jobs on Supabase so that jobs that need the same model never collide: every model has a line; a job takes
 * its place in the line of each model it needs, and starts when it is within capacity in all of them at once.
 *
 * <p>All coordination happens in the database, in one transaction a call. When the database cannot be reached, or
 * answers with an error, nothing has started: an exception never means "free". Every call may safely be repeated; the
 * SDK does so by itself after a lost answer, with the same request id, so that the second changes nothing.
 *
 * <p>Thread-safe; one instance for the whole application is enough. It holds no connection and needs no closing.
 *
 * <pre>{@code
 * JobCoordinator coordinator = JobCoordinator.create(SupabaseClient.fromEnv());
 * coordinator.enqueue(JobRequest.normal("job-41").models("motion-2.0-fast").build());   // a worker will run it
 *
 * StartResult result = coordinator.start(JobRequest.normal("job-42").models("motion-2.0-fast").build());
 * if (result instanceof StartResult.Started started) {                                  // or run it right here
 *     String url = generate();
 *     coordinator.complete(started.lease(), Map.of("url", url));
 * }
 * }</pre>
 *
 * <p>Most applications run their jobs with a {@link JobWorker}, which claims, renews and completes by itself.
 *
 * <p>All methods throw {@link InvalidRequestException} for what can never work, {@link ServiceException} when Supabase
 * refuses, {@link InterlockIoException} when it cannot be reached, and {@link SchemaMismatchException} when the
 * migrations are missing or of another version.
 */
public final class JobCoordinator {
    private final Calls calls;
    private final String workerId;
    private final Duration lease;

    private JobCoordinator(Builder builder) {
        this.calls = new Calls(builder.supabase, builder.timeout);
        this.workerId = builder.workerId;
        this.lease = builder.lease;
    }

    /**
     * A coordinator with the defaults: worker id {@code direct}, leases of 30 seconds.
     *
     * @throws ConfigurationException when the client's key is a publishable or anon one: those may call nothing of the
     *     coordinator
     */
    public static JobCoordinator create(SupabaseClient supabase) {
        return builder(supabase).build();
    }

    /**
     * A builder.
     *
     * @throws ConfigurationException when the client's key is a publishable or anon one: those may call nothing of the
     *     coordinator
     */
    public static Builder builder(SupabaseClient supabase) {
        return new Builder(supabase);
    }

    /** Who {@link #start} and {@link #claim} run jobs as. */
    public String workerId() {
        return workerId;
    }

    /** How long leases last where a call does not say otherwise. */
    public Duration lease() {
        return lease;
    }

    Calls calls() {
        return calls;
    }

    // ---- putting jobs in line, and starting them --------------------------------------------------------------------

    /** Puts a job in line; a job that is known already keeps its place and nothing changes. */
    public EnqueueResult enqueue(JobRequest job) {
        return enqueueAll(List.of(job)).get(0);
    }

    /**
     * Puts jobs in line, in the order given, all or none.
     *
     * @param jobs 1 to 1,000 jobs
     * @return where each stands, in the order given
     */
    public List<EnqueueResult> enqueueAll(List<JobRequest> jobs) {
        if (jobs.isEmpty()) {
            return List.of();
        }
        return calls.enqueue(Checks.batch("jobs", jobs), Calls.newRequestId());
    }

    /**
     * "Can this job start?" Starts it now, with a lease, or puts it in line, where it keeps its place however often it
     * asks. A job that is known already must name the same models ({@code JQ009} otherwise).
     *
     * @throws InvalidRequestException also when the request has a {@code row}: only {@link #enqueue} creates rows
     */
    public StartResult start(JobRequest job) {
        return start(job, lease);
    }

    /**
     * {@link #start(JobRequest)} with a lease time of its own.
     *
     * @param leaseTime 1 second to 1 hour
     */
    public StartResult start(JobRequest job, Duration leaseTime) {
        if (job.rowJson() != null) {
            throw new InvalidRequestException(
                    "JQ007",
                    "A start creates no row in the jobs table.",
                    "Enqueue the job, or leave the row out.",
                    null);
        }
        return calls.start(job, workerId, Checks.lease(leaseTime), Calls.newRequestId());
    }

    /**
     * Starts the next jobs that may start, of any handler and model; also takes back leases that ran out.
     *
     * @param maxJobs 1 to 1,000
     */
    public Claim claim(int maxJobs) {
        return claim(ClaimRequest.of(maxJobs));
    }

    /** Starts the next jobs that may start and that the request asks for; also takes back leases that ran out. */
    public Claim claim(ClaimRequest request) {
        return calls.claim(workerId, request, lease, Calls.newRequestId());
    }

    // ---- while a job runs -------------------------------------------------------------------------------------------

    /**
     * Renews one lease for its own duration from now. Send one at least every third of it.
     *
     * @return whether it is held; a lost lease is an answer, not an exception
     */
    public HeartbeatResult heartbeat(Lease held) {
        return heartbeatAll(List.of(Heartbeat.of(held)), held.duration()).get(0);
    }

    /**
     * Renews many leases in one call.
     *
     * @param beats at most 1,000
     * @param leaseTime how long they last from now, 1 second to 1 hour
     * @return what was found for each; tell them apart by their tokens
     */
    public List<HeartbeatResult> heartbeatAll(List<Heartbeat> beats, Duration leaseTime) {
        if (beats.isEmpty()) {
            return List.of();
        }
        return calls.heartbeat(workerId, Checks.batch("leases", beats), Checks.lease(leaseTime), null);
    }

    /**
     * Gives some of a running job's models back early; its lease goes on with the rest.
     *
     * @return the models that it still holds
     * @throws LeaseLostException when the lease is not the job's any more
     * @throws UnknownJobException when the database does not know the job
     */
    public List<String> releaseModels(Lease held, String... models) {
        return releaseModels(held, Arrays.asList(models));
    }

    /** {@link #releaseModels(Lease, String...)} for a list. */
    public List<String> releaseModels(Lease held, List<String> models) {
        List<String> names = Checks.models(Checks.modelNames(models), false);
        Calls.Released released = calls.releaseModels(held.jobId(), held.token(), names);
        accept(held, released.status());
        return released.models();
    }

    /**
     * Saves the output of the current step of a running job with steps and goes to the next one; see
     * {@link #checkpoint(Lease, int, Object, int)}.
     */
    public CheckpointResult checkpoint(Lease held, int step, @Nullable Object output) {
        return checkpoint(held, step, output, step + 1);
    }

    /**
     * Saves the output of the current step of a running job with steps, and passes over steps. In the same transaction the
     * models that are not needed any more are given back, as the job's {@link Holding} says. A step that is saved is never
     * to be run again; saving it a second time changes nothing. For those who run workflows without a {@link JobWorker}:
     *
     * <pre>{@code
     * WorkflowState state = lease.workflow();
     * for (int step = state.currentStep(); step < state.steps().size(); step++) {
     *     if (!coordinator.checkpoint(lease, step, run(step)).goesOn()) {
     *         return;                       // the job waits for the next step's models; a later claim goes on
     *     }
     * }
     * coordinator.complete(lease, result);
     * }</pre>
     *
     * @param step its number, from 0: the first one without a checkpoint
     * @param output any object that Jackson writes as JSON, at most 1 MiB of it; null for none
     * @param nextStep the step to go to, later than this one; the number of steps when none is left
     * @return whether this run goes on
     * @throws LeaseLostException when the lease is not the job's any more: nothing changed
     * @throws UnknownJobException when the database does not know the job
     * @throws InvalidRequestException when the step is after the current one, or the job has no steps
     */
    public CheckpointResult checkpoint(Lease held, int step, @Nullable Object output, int nextStep) {
        String json = Json.encode("The output of step " + step, output);
        return calls.checkpoint(
                held,
                Checks.step(step),
                json,
                Checks.range("The next step", nextStep, step + 1, 100),
                List.of(),
                Calls.newRequestId());
    }

    /**
     * Waits for the callback of the current step of a running job with steps. For those who run workflows without a {@link
     * JobWorker}; with one, a step returns the {@link AwaitCallback}.
     *
     * @param step its number, from 0
     * @param wait how long, and whether it keeps the models. What the first call for this wait says counts
     * @return whether the callback has come, and whether the run goes on
     * @throws LeaseLostException when the lease is not the job's any more: nothing changed
     * @throws UnknownJobException when the database does not know the job
     * @throws InvalidRequestException when the step is not the current one, or the job has no steps
     */
    public AwaitResult awaitCallback(Lease held, int step, AwaitCallback wait) {
        return calls.await(held, Checks.step(step), Checks.required("The wait", wait), List.of(), Calls.newRequestId());
    }

    /**
     * Brings what a step of a workflow waits for: for whatever receives the provider's webhook. It may come before the step
     * begins to wait, and it may come twice.
     *
     * @param step the step's number, from 0: {@link StepContext#index}, {@link WorkflowDefinition#indexOf}
     * @param payload any object that Jackson writes as JSON, at most 1 MiB of it; null for none
     * @throws UnknownJobException when the database does not know the job
     * @throws InvalidRequestException when the step has not begun, or the job is no workflow
     */
    public CallbackResult callback(String jobId, int step, @Nullable Object payload) {
        return calls.callback(
                Checks.jobId(jobId),
                Checks.step(step),
                Json.encode("The payload of the callback", payload),
                null,
                null);
    }

    /**
     * {@link #callback(String, int, Object)}, but only for the run that submitted: what comes late for an earlier attempt of
     * the step is told apart.
     *
     * @param token that run's: {@link JobContext#token}, sent to the provider in the webhook's address
     */
    public CallbackResult callback(String jobId, int step, @Nullable Object payload, long token) {
        return calls.callback(
                Checks.jobId(jobId),
                Checks.step(step),
                Json.encode("The payload of the callback", payload),
                token,
                null);
    }

    /**
     * Gives a step that waits for its callback more time, for example when the provider says that it is still at it.
     *
     * @param within how long from now, 1 second to 365 days
     * @throws UnknownJobException when the database does not know the job
     */
    public CallbackResult extendCallback(String jobId, int step, Duration within) {
        return calls.callback(Checks.jobId(jobId), Checks.step(step), null, null, Checks.bound(within));
    }

    // ---- ending a run -----------------------------------------------------------------------------------------------

    /** The job is done, with no result to keep. See {@link #complete(Lease, Object)}. */
    public OutcomeStatus complete(Lease held) {
        return end(held, Outcome.complete());
    }

    /**
     * The job is done: its models go to the next in line.
     *
     * @param result any object that Jackson writes as JSON, at most 1 MiB of it; null for none
     * @return {@link OutcomeStatus#COMPLETED}
     * @throws LeaseLostException when the lease is not the job's any more: nothing changed
     * @throws UnknownJobException when the database does not know the job
     */
    public OutcomeStatus complete(Lease held, @Nullable Object result) {
        return end(held, Outcome.complete(result));
    }

    /**
     * The job failed for good, whatever attempts are left.
     *
     * @param error why, for a person
     * @return {@link OutcomeStatus#FAILED}, or {@link OutcomeStatus#CANCELLED} when it had been asked to cancel
     * @throws LeaseLostException when the lease is not the job's any more: nothing changed
     * @throws UnknownJobException when the database does not know the job
     */
    public OutcomeStatus fail(Lease held, String error) {
        return end(held, Outcome.fail(error));
    }

    /**
     * The attempt did not work; the job is tried again after a delay, from its own place in line.
     *
     * @param error why, for a person
     * @param delay zero to 365 days
     * @return {@link OutcomeStatus#RETRY_SCHEDULED}; {@link OutcomeStatus#FAILED} when its attempts are used up;
     *     {@link OutcomeStatus#CANCELLED} when it had been asked to cancel
     * @throws LeaseLostException when the lease is not the job's any more: nothing changed
     * @throws UnknownJobException when the database does not know the job
     */
    public OutcomeStatus retry(Lease held, String error, Duration delay) {
        return end(held, Outcome.retryIn(delay, error));
    }

    /** {@link #retry(Lease, String, Duration)} at a time, by the database's clock. */
    public OutcomeStatus retry(Lease held, String error, Instant time) {
        return end(held, Outcome.retryAt(time, error));
    }

    /**
     * Puts the job back at its own place in line at once; the attempt does not count. For a worker that stops.
     *
     * @return {@link OutcomeStatus#RELEASED}, or {@link OutcomeStatus#CANCELLED} when it had been asked to cancel
     * @throws LeaseLostException when the lease is not the job's any more: nothing changed
     * @throws UnknownJobException when the database does not know the job
     */
    public OutcomeStatus release(Lease held) {
        return end(held, Outcome.release());
    }

    /**
     * Ends many runs in one call and one transaction. A refused outcome is an answer, not an exception, and does not stop
     * the others.
     *
     * @param outcomes at most 1,000, each of another job
     */
    public Completion completeAll(List<LeaseOutcome> outcomes) {
        return completeAll(outcomes, null);
    }

    /**
     * Ends many runs and claims the next jobs in the same transaction: a worker's steady state is this one call a job.
     *
     * @param outcomes at most 1,000, each of another job
     * @param next what to claim; null for nothing
     */
    public Completion completeAll(List<LeaseOutcome> outcomes, @Nullable ClaimRequest next) {
        if (outcomes.isEmpty() && next == null) {
            return new Completion(List.of(), null);
        }
        return calls.complete(workerId, Checks.batch("outcomes", outcomes), next, lease, Calls.newRequestId());
    }

    private OutcomeStatus end(Lease held, Outcome outcome) {
        Completion completion = completeAll(List.of(new LeaseOutcome(held, outcome)));
        return accept(held, completion.outcomes().get(0).status());
    }

    private static OutcomeStatus accept(Lease held, OutcomeStatus status) {
        return switch (status) {
            case STALE, NOT_RUNNING -> throw new LeaseLostException(held.jobId(), held.token(), status);
            case UNKNOWN_JOB -> throw new UnknownJobException(held.jobId(), null);
            default -> status;
        };
    }

    // ---- operating --------------------------------------------------------------------------------------------------

    /** {@link #cancel(String, String)} without a reason. */
    public CancelResult cancel(String jobId) {
        return cancel(jobId, null);
    }

    /**
     * Cancels a job: at once while it waits; while it runs, its worker is told at its next heartbeat.
     *
     * @param reason why, for a person; null for none
     * @throws UnknownJobException when the database does not know the job
     */
    public CancelResult cancel(String jobId, @Nullable String reason) {
        return calls.cancel(Checks.jobId(jobId), reason == null ? null : Checks.reason(reason));
    }

    /**
     * Brings a failed or cancelled job back to the place in line that it had, with the checkpoints of its steps.
     *
     * @param attempts how many more attempts it may use, 1 to 100
     * @throws UnknownJobException when the database does not know the job
     */
    public RetryResult retry(String jobId, int attempts) {
        return calls.retry(Checks.jobId(jobId), Checks.range("attempts", attempts, 1, 100));
    }

    /**
     * Gives a job another priority, and with it the place in line that it would have had from its first entry on. A running
     * job keeps its models.
     *
     * @param priority −100 to 100, higher first
     * @return where the job is in its life; a finished one is left as it is
     * @throws UnknownJobException when the database does not know the job
     */
    public JobStatus reprioritize(String jobId, int priority) {
        return calls.reprioritize(Checks.jobId(jobId), Checks.range("The priority", priority, -100, 100));
    }

    /** Creates or changes a model, while jobs run. */
    public ModelInfo setModel(String model, ModelSettings settings) {
        return calls.setModel(Checks.model(model), Checks.required("The settings", settings));
    }

    /**
     * Makes a name another spelling of a model: jobs that name either need the same model.
     *
     * @param alias the other spelling
     * @param model the model; null ends it
     */
    public void setAlias(String alias, @Nullable String model) {
        calls.setAlias(Checks.model(alias), model == null ? null : Checks.model(model));
    }

    /** The settings that hold for all jobs. */
    public Limits limits() {
        return calls.setLimits(Map.of());
    }

    /**
     * Changes the settings that hold for all jobs, while they run.
     *
     * @return all of them, as they are now
     */
    public Limits setLimits(LimitSettings settings) {
        return calls.setLimits(settings.asMap());
    }

    /**
     * Where a job stands and why it waits.
     *
     * @throws UnknownJobException when the database does not know the job
     */
    public JobExplanation explain(String jobId) {
        return calls.explain(Checks.jobId(jobId));
    }

    /** Models, who holds them, who waits for them: everything a dashboard needs, in one call. */
    public QueueStatus status() {
        return calls.status();
    }

    /**
     * What happened until now, as the log has it: waits, runs, throughput, outcomes, utilisation.
     *
     * @param time how far to look back from now, by the clock of this machine: more than zero, up to 3,650 days. The log is kept for a while only;
     *     the answer says where it begins
     */
    public QueueMetrics metrics(Duration time) {
        return calls.metrics(Instant.now().minus(Checks.lookBack(time)));
    }

    /**
     * {@link #metrics(Duration)} since a time.
     *
     * @param since a time in the past, by the database's clock
     */
    public QueueMetrics metrics(Instant since) {
        return calls.metrics(Checks.required("The time", since));
    }

    /**
     * Rebuilds all jobs from their events in the log, and compares them with the tables: their states, attempts, tokens and the models that they
     * hold. It changes and locks nothing, and jobs may go on meanwhile; with many jobs it makes many calls, one for a thousand.
     */
    public ReplayReport replay() {
        long checked = 0;
        long notCovered = 0;
        List<ReplayReport.Difference> differences = new ArrayList<>();
        String next = null;
        do {
            ReplayReport page = replayPage(next, 1000);
            checked += page.checked();
            notCovered += page.notCovered();
            differences.addAll(page.differences());
            next = page.next();
        } while (next != null);
        return new ReplayReport(checked, notCovered, differences, null);
    }

    /**
     * A page of {@link #replay()}, in one call.
     *
     * @param after {@link ReplayReport#next} of the page before; null for the first
     * @param maxJobs how many jobs to look at, 1 to 10,000
     */
    public ReplayReport replayPage(@Nullable String after, int maxJobs) {
        return calls.replay(after, Checks.range("The number of jobs of a page", maxJobs, 1, 10_000));
    }

    /**
     * Brings waiting jobs of an existing {@code jobs} table, which another system had in line, into their lines in their old
     * order: those that wait (and, if asked, run) by their rows and that the coordinator does not know. One call looks at up
     * to {@link AdoptOptions.Builder#maxJobs} rows; calling it again changes nothing for those adopted.
     *
     * <pre>{@code
     * String next = null;
     * do {
     *     AdoptResult part = coordinator.adopt(options.after(next));
     *     part.notAdopted().forEach(row -> log.warn("{}: {}", row.jobId(), row.reason()));
     *     next = part.next();
     * } while (next != null);
     * }</pre>
     *
     * @throws InvalidRequestException also when the database has no table {@code jobs}
     */
    public AdoptResult adopt(AdoptOptions options) {
        return calls.adopt(Checks.required("The options", options).asMap(), Calls.newRequestId());
    }

    /** All housekeeping, bounded per call; safe for anyone at any time, and not needed while workers poll. */
    public SweepResult sweep() {
        return calls.sweep();
    }

    /** What is installed in the database. */
    public InstalledVersion version() {
        return calls.version();
    }

    /** Builds a {@link JobCoordinator}. Not thread-safe. */
    public static final class Builder {
        private final SupabaseClient supabase;
        private String workerId = "direct";
        private Duration lease = Duration.ofSeconds(30);
        private @Nullable Duration timeout;

        private Builder(SupabaseClient supabase) {
            this.supabase = Checks.required("The SupabaseClient", supabase);
            if (supabase.keyKind() == KeyKind.PUBLISHABLE) {
                throw new ConfigurationException(
                        "The coordinator needs a secret key (sb_secret_… or the legacy service_role key), and the client has a"
                                + " publishable or anon one. Give the secret one, on a server only.");
            }
        }

        /** Who {@link #start} and {@link #claim} run jobs as, 1 to 200 characters; default {@code direct}. */
        public Builder workerId(String id) {
            this.workerId = Checks.workerId(id);
            return this;
        }

        /** How long leases last, 1 second to 1 hour; default 30 seconds. */
        public Builder lease(Duration duration) {
            this.lease = Checks.lease(duration);
            return this;
        }

        /** How long one call may take; the default is the client's. */
        public Builder timeout(Duration duration) {
            this.timeout = duration;
            return this;
        }

        /** The coordinator. */
        public JobCoordinator build() {
            return new JobCoordinator(this);
        }
    }
}
