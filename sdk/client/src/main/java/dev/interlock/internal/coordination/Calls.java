package dev.interlock.internal.coordination;

import dev.interlock.AdoptResult;
import dev.interlock.AwaitCallback;
import dev.interlock.AwaitResult;
import dev.interlock.CallbackResult;
import dev.interlock.CancelResult;
import dev.interlock.CheckpointResult;
import dev.interlock.Claim;
import dev.interlock.ClaimRequest;
import dev.interlock.Completion;
import dev.interlock.EnqueueResult;
import dev.interlock.Heartbeat;
import dev.interlock.HeartbeatResult;
import dev.interlock.InstalledVersion;
import dev.interlock.InterlockException;
import dev.interlock.InvalidRequestException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobStep;
import dev.interlock.Lease;
import dev.interlock.LeaseLostException;
import dev.interlock.LeaseOutcome;
import dev.interlock.Limits;
import dev.interlock.ModelInfo;
import dev.interlock.ModelSettings;
import dev.interlock.OutcomeStatus;
import dev.interlock.QueueMetrics;
import dev.interlock.QueueStatus;
import dev.interlock.ReplayReport;
import dev.interlock.RetryResult;
import dev.interlock.SchemaMismatchException;
import dev.interlock.ServiceException;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import dev.interlock.SweepResult;
import dev.interlock.UnknownJobException;
import dev.interlock.internal.SdkVersion;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.util.RawValue;

/**
 * One method for each function of docs/reference/rpc.md. Thread-safe.
 *
 * <p>Those that take a request id may be called again with the same id and the same arguments for 15 minutes: they then
 * get the first answer.
 */
public final class Calls {
    /** The contract of docs/reference/rpc.md that this SDK is written to. */
    public static final int CONTRACT = 1;

    private static final Logger LOG = LoggerFactory.getLogger(JobCoordinator.class);

    private final SupabaseClient supabase;
    private final @Nullable Duration timeout;
    private volatile boolean contractChecked;

    public Calls(SupabaseClient supabase, @Nullable Duration timeout) {
        this.supabase = supabase;
        this.timeout = timeout;
    }

    /** The same calls, each of which may take so long. */
    public Calls within(Duration callTimeout) {
        Calls calls = new Calls(supabase, callTimeout);
        calls.contractChecked = contractChecked;
        return calls;
    }

    /** A new request id. */
    public static String newRequestId() {
        return UUID.randomUUID().toString();
    }

    public List<EnqueueResult> enqueue(List<JobRequest> jobs, String requestId) {
        JsonNode answer = call(
                "job_queue_enqueue",
                args("jobs", Wire.list(jobs, Wire::job), "options", Map.of("request_id", requestId)));
        return Wire.list(answer.path("jobs"), Wire::enqueued);
    }

    public StartResult start(JobRequest job, String workerId, Duration lease, String requestId) {
        Map<String, @Nullable Object> options = Wire.jobOptions(job);
        options.put("request_id", requestId);
        options.put("worker_id", workerId);
        options.put("lease_seconds", Checks.seconds(lease));
        List<String> models = job.steps().isEmpty() ? job.models() : null;
        return Wire.started(call("job_queue_start", args("job_id", job.jobId(), "models", models, "options", options)));
    }

    public Claim claim(String workerId, ClaimRequest request, Duration defaultLease, String requestId) {
        Map<String, @Nullable Object> options = Wire.claim(request, defaultLease);
        options.put("request_id", requestId);
        return Wire.claimed(call(
                "job_queue_claim", args("worker_id", workerId, "max_jobs", request.maxJobs(), "options", options)));
    }

    public List<HeartbeatResult> heartbeat(
            String workerId, List<Heartbeat> beats, Duration lease, @Nullable Duration callTimeout) {
        JsonNode answer = call(
                "job_queue_heartbeat",
                args(
                        "worker_id",
                        workerId,
                        "leases",
                        Wire.list(beats, Wire::heartbeat),
                        "options",
                        Map.of("lease_seconds", Checks.seconds(lease))),
                callTimeout == null ? timeout : callTimeout,
                null);
        return Wire.list(answer.path("leases"), Wire::beaten);
    }

    public Completion complete(
            String workerId,
            List<LeaseOutcome> outcomes,
            @Nullable ClaimRequest claim,
            Duration defaultLease,
            String requestId) {
        Map<String, @Nullable Object> options = new LinkedHashMap<>();
        options.put("request_id", requestId);
        options.put("worker_id", workerId);
        if (claim != null) {
            Map<String, @Nullable Object> next = Wire.claim(claim, defaultLease);
            next.put("max_jobs", claim.maxJobs());
            options.put("claim", next);
        }
        JsonNode answer =
                call("job_queue_complete", args("outcomes", Wire.list(outcomes, Wire::outcome), "options", options));
        return Wire.completed(answer, claim != null);
    }

    /** What giving models back came to, and the models that the run still holds. */
    public record Released(OutcomeStatus status, List<String> models) {}

    public Released releaseModels(String jobId, long token, List<String> models) {
        JsonNode answer = call("job_queue_release_models", args("job_id", jobId, "token", token, "models", models));
        return new Released(
                Json.word(OutcomeStatus.class, Wire.string(answer, "result")), Wire.strings(answer.path("models")));
    }

    /**
     * Saves the output of a step; throws when the lease is not the run's any more.
     *
     * @param lateSteps the steps of a job that came without, such as one from a row of {@code jobs}; empty where it has some
     */
    public CheckpointResult checkpoint(
            Lease lease,
            int step,
            @Nullable String outputJson,
            int nextStep,
            List<JobStep> lateSteps,
            String requestId) {
        Map<String, @Nullable Object> options = new LinkedHashMap<>();
        options.put("request_id", requestId);
        options.put("next_step", nextStep);
        if (!lateSteps.isEmpty()) {
            options.put("steps", Wire.list(lateSteps, Wire::step));
        }
        JsonNode answer = call(
                "job_queue_checkpoint",
                args(
                        "job_id",
                        lease.jobId(),
                        "token",
                        lease.token(),
                        "step",
                        step,
                        "output",
                        outputJson == null ? null : new RawValue(outputJson),
                        "options",
                        options));
        requireLease(answer, lease);
        return Wire.checkpointed(answer);
    }

    /** Waits for the callback of a step, as {@link #checkpoint} with its late steps; throws when the lease is not the run's any more. */
    public AwaitResult await(Lease lease, int step, AwaitCallback wait, List<JobStep> lateSteps, String requestId) {
        Map<String, @Nullable Object> options = new LinkedHashMap<>();
        options.put("request_id", requestId);
        options.put("within_seconds", Checks.seconds(wait.within()));
        options.put("keep_models", wait.keepsModels());
        if (wait.noteJson() != null) {
            options.put("note", new RawValue(wait.noteJson()));
        }
        if (!lateSteps.isEmpty()) {
            options.put("steps", Wire.list(lateSteps, Wire::step));
        }
        JsonNode answer = call(
                "job_queue_await",
                args("job_id", lease.jobId(), "token", lease.token(), "step", step, "options", options));
        requireLease(answer, lease);
        return Wire.awaited(answer);
    }

    /** Brings what a step waits for, or moves the bound of its wait. */
    public CallbackResult callback(
            String jobId, int step, @Nullable String payloadJson, @Nullable Long token, @Nullable Duration extend) {
        Map<String, Object> options = new LinkedHashMap<>();
        options.put("request_id", newRequestId());
        if (token != null) {
            options.put("token", token);
        }
        if (extend != null) {
            options.put("extend_seconds", Checks.seconds(extend));
        }
        JsonNode answer = call(
                "job_queue_callback",
                args(
                        "job_id",
                        jobId,
                        "step",
                        step,
                        "payload",
                        payloadJson == null ? null : new RawValue(payloadJson),
                        "options",
                        options),
                timeout,
                jobId);
        return new CallbackResult(
                Json.word(CallbackResult.Result.class, Wire.stringOrNull(answer, "result")), Wire.status(answer));
    }

    /** Throws when the answer says that the lease is not the run's any more. */
    private static void requireLease(JsonNode answer, Lease lease) {
        switch (Wire.string(answer, "result")) {
            case "stale" -> throw new LeaseLostException(lease.jobId(), lease.token(), OutcomeStatus.STALE);
            case "not_running" -> throw new LeaseLostException(lease.jobId(), lease.token(), OutcomeStatus.NOT_RUNNING);
            case "unknown_job" -> throw new UnknownJobException(lease.jobId(), null);
            default -> {}
        }
    }

    /** Whether a request itself is at fault, so that it can never work as it is; anything else may be put right. */
    public static boolean isRefusal(InterlockException e) {
        if (e instanceof InvalidRequestException || e instanceof UnknownJobException) {
            return true;
        }
        if (!(e instanceof ServiceException service) || service.outcomeUnknown()) {
            return false;
        }
        int status = service.status();
        // The key, the address, the migrations, a gateway's patience: these may be put right, and then it works.
        return status >= 400
                && status < 500
                && status != 401
                && status != 403
                && status != 404
                && status != 408
                && status != 429;
    }

    public CancelResult cancel(String jobId, @Nullable String reason) {
        Map<String, Object> options = reason == null ? Map.of() : Map.of("reason", reason);
        return Wire.cancelled(call("job_queue_cancel", args("job_id", jobId, "options", options), timeout, jobId));
    }

    public RetryResult retry(String jobId, int attempts) {
        Map<String, Object> options = Map.of("request_id", UUID.randomUUID().toString(), "attempts", attempts);
        JsonNode answer = call("job_queue_retry", args("job_id", jobId, "options", options), timeout, jobId);
        return new RetryResult(
                Json.word(RetryResult.Result.class, Wire.stringOrNull(answer, "result")), Wire.status(answer));
    }

    public JobStatus reprioritize(String jobId, int priority) {
        return Wire.status(call("job_queue_reprioritize", args("job_id", jobId, "priority", priority), timeout, jobId));
    }

    public ModelInfo setModel(String model, ModelSettings settings) {
        Map<String, @Nullable Object> changes = new LinkedHashMap<>();
        if (settings.capacity() != null) {
            changes.put("capacity", settings.capacity());
        }
        if (settings.paused() != null) {
            changes.put("paused", settings.paused());
        }
        if (settings.startsPerMinute() != null) {
            changes.put("starts_per_minute", settings.startsPerMinute() == 0 ? null : settings.startsPerMinute());
        }
        return Json.read(call("job_queue_set_model", args("model", model, "settings", changes)), ModelInfo.class);
    }

    public void setAlias(String alias, @Nullable String model) {
        Map<String, @Nullable Object> changes = new LinkedHashMap<>();
        changes.put("alias_of", model);
        call("job_queue_set_model", args("model", alias, "settings", changes));
    }

    public Limits setLimits(Map<String, @Nullable Object> settings) {
        return Json.read(call("job_queue_set_limits", args("settings", settings)), Limits.class);
    }

    public JobExplanation explain(String jobId) {
        return Wire.explanation(call("job_queue_explain", args("job_id", jobId), timeout, jobId));
    }

    public QueueStatus status() {
        return Json.read(call("job_queue_status", Map.of()), QueueStatus.class);
    }

    public QueueMetrics metrics(Instant since) {
        return Json.read(call("job_queue_metrics", args("since", since.toString())), QueueMetrics.class);
    }

    public ReplayReport replay(@Nullable String after, int maxJobs) {
        Map<String, Object> options = new LinkedHashMap<>();
        options.put("max_jobs", maxJobs);
        if (after != null) {
            options.put("after", after);
        }
        return Json.read(call("job_queue_replay", args("options", options)), ReplayReport.class);
    }

    public AdoptResult adopt(Map<String, Object> options, String requestId) {
        options.put("request_id", requestId);
        return Json.read(call("job_queue_adopt", args("options", options)), AdoptResult.class);
    }

    public SweepResult sweep() {
        return Json.read(call("job_queue_sweep", Map.of()), SweepResult.class);
    }

    public InstalledVersion version() {
        return Json.read(send("job_queue_version", Map.of(), timeout), InstalledVersion.class);
    }

    private JsonNode call(String function, Map<String, @Nullable Object> arguments) {
        return call(function, arguments, timeout, null);
    }

    private JsonNode call(
            String function,
            Map<String, @Nullable Object> arguments,
            @Nullable Duration callTimeout,
            @Nullable String jobId) {
        requireContract();
        try {
            return send(function, arguments, callTimeout);
        } catch (ServiceException e) {
            throw Answers.translated(e, jobId);
        }
    }

    private JsonNode send(String function, Map<String, @Nullable Object> arguments, @Nullable Duration callTimeout) {
        var call = supabase.rpc(function, arguments).repeatable();
        if (callTimeout != null) {
            call = call.timeout(callTimeout);
        }
        JsonNode answer = call.as(JsonNode.class);
        if (answer == null || !answer.isObject()) {
            throw Answers.odd("what is not an object", null);
        }
        return answer;
    }

    /**
     * Checks once that the database speaks this SDK's contract. Until that has been read, nothing is called; two threads
     * may both read it, which does no harm.
     */
    public void requireContract() {
        if (!contractChecked) {
            checkContract();
        }
    }

    /** Checks it again, for those who found that the migrations have changed under them. */
    public void checkContract() {
        InstalledVersion installed = version();
        if (installed.contract() < CONTRACT) {
            throw new SchemaMismatchException("The database has version " + installed.version()
                    + " of Interlock's SQL, which keeps contract " + installed.contract() + "; this SDK ("
                    + SdkVersion.VERSION
                    + ") needs contract " + CONTRACT
                    + ". Run Migrator.create(supabase).migrate() or \"interlock install --apply\", or paste the newer SQL files"
                    + " of migrations/.");
        }
        if (installed.oldestContract() > CONTRACT) {
            throw new SchemaMismatchException("The database has version " + installed.version()
                    + " of Interlock's SQL, which keeps contract " + installed.oldestContract()
                    + " and newer; this SDK ("
                    + SdkVersion.VERSION + ") speaks contract " + CONTRACT + ". Use SDK " + installed.version()
                    + " or newer.");
        }
        if (!installed.version().equals(SdkVersion.VERSION)) {
            LOG.info(
                    "The database has version {} of Interlock's SQL, this SDK is {}: they work together. What the newer of them brings"
                            + " is not there; UPGRADING.md.",
                    installed.version(),
                    SdkVersion.VERSION);
        }
        contractChecked = true;
    }

    private static Map<String, @Nullable Object> args(@Nullable Object... namesAndValues) {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            arguments.put(String.valueOf(namesAndValues[i]), namesAndValues[i + 1]);
        }
        return arguments;
    }
}
