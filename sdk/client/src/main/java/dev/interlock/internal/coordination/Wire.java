package dev.interlock.internal.coordination;

import dev.interlock.AwaitResult;
import dev.interlock.CancelResult;
import dev.interlock.CheckpointResult;
import dev.interlock.Claim;
import dev.interlock.ClaimRequest;
import dev.interlock.Completion;
import dev.interlock.EnqueueResult;
import dev.interlock.Heartbeat;
import dev.interlock.HeartbeatResult;
import dev.interlock.Holding;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.JobStep;
import dev.interlock.JobType;
import dev.interlock.Lease;
import dev.interlock.LeaseOutcome;
import dev.interlock.Outcome;
import dev.interlock.OutcomeResult;
import dev.interlock.OutcomeStatus;
import dev.interlock.StartResult;
import dev.interlock.WorkflowState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.util.RawValue;

/** The shapes of docs/reference/rpc.md: requests written as maps, answers read into the public records. */
final class Wire {
    private Wire() {}

    static Map<String, @Nullable Object> job(JobRequest request) {
        Map<String, @Nullable Object> job = new LinkedHashMap<>();
        job.put("job_id", request.jobId());
        if (request.steps().isEmpty()) {
            job.put("models", request.models());
        }
        job.putAll(jobOptions(request));
        if (request.rowJson() != null) {
            job.put("row", new RawValue(request.rowJson()));
        }
        return job;
    }

    /** What a new job is like, besides its id and models. */
    static Map<String, @Nullable Object> jobOptions(JobRequest request) {
        Map<String, @Nullable Object> options = new LinkedHashMap<>();
        options.put("job_type", request.jobType().name().toLowerCase(Locale.ROOT));
        if (request.handler() != null) {
            options.put("handler", request.handler());
        }
        if (request.isUnrestricted()) {
            options.put("unrestricted", true);
        }
        if (!request.steps().isEmpty()) {
            options.put("steps", list(request.steps(), Wire::step));
        }
        Holding holding = request.holding();
        if (holding != null) {
            options.put("holding", holding.name().toLowerCase(Locale.ROOT));
        }
        options.put("priority", request.priority());
        options.put("max_attempts", request.maxAttempts());
        if (request.runAt() != null) {
            options.put("run_at", request.runAt().toString());
        }
        if (request.deadline() != null) {
            options.put("deadline", request.deadline().toString());
        }
        if (request.payloadJson() != null) {
            options.put("payload", new RawValue(request.payloadJson()));
        }
        return options;
    }

    static Map<String, @Nullable Object> step(JobStep step) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("name", step.name());
        object.put("models", step.models());
        return object;
    }

    static Map<String, @Nullable Object> claim(ClaimRequest request, Duration defaultLease) {
        Map<String, @Nullable Object> claim = new LinkedHashMap<>();
        if (!request.handlerLimits().isEmpty()) {
            claim.put("handlers", request.handlerLimits());
        } else if (!request.handlers().isEmpty()) {
            claim.put("handlers", request.handlers());
        }
        if (!request.models().isEmpty()) {
            claim.put("models", request.models());
        }
        Duration lease = request.lease();
        claim.put("lease_seconds", Checks.seconds(lease == null ? defaultLease : lease));
        return claim;
    }

    static Map<String, @Nullable Object> outcome(LeaseOutcome ended) {
        Map<String, @Nullable Object> outcome = new LinkedHashMap<>();
        outcome.put("job_id", ended.lease().jobId());
        outcome.put("token", ended.lease().token());
        if (ended.outcome() instanceof Outcome.Complete complete) {
            outcome.put("outcome", "complete");
            if (complete.resultJson() != null) {
                outcome.put("result", new RawValue(complete.resultJson()));
            }
        } else if (ended.outcome() instanceof Outcome.Retry retry) {
            outcome.put("outcome", "retry");
            outcome.put("error", retry.reason());
            if (retry.at() != null) {
                outcome.put("retry_at", retry.at().toString());
            } else if (retry.in() != null) {
                outcome.put("retry_in_seconds", Checks.seconds(retry.in()));
            }
        } else if (ended.outcome() instanceof Outcome.Fail fail) {
            outcome.put("outcome", "fail");
            outcome.put("error", fail.reason());
        } else {
            outcome.put("outcome", "release");
        }
        return outcome;
    }

    static Map<String, @Nullable Object> heartbeat(Heartbeat beat) {
        Map<String, @Nullable Object> lease = new LinkedHashMap<>();
        lease.put("job_id", beat.lease().jobId());
        lease.put("token", beat.lease().token());
        if (beat.progress() != null) {
            lease.put("progress", beat.progress());
        }
        if (beat.note() != null) {
            lease.put("note", beat.note());
        }
        return lease;
    }

    static EnqueueResult enqueued(JsonNode job) {
        return new EnqueueResult(
                string(job, "job_id"),
                "entered".equals(stringOrNull(job, "result")),
                Json.word(JobStatus.class, stringOrNull(job, "status")),
                intOrNull(job, "queue_position"),
                stringOrNull(job, "blocked_by_job_id"),
                stringOrNull(job, "conflict_reason"));
    }

    static StartResult started(JsonNode answer) {
        String result = string(answer, "result");
        return switch (result) {
            case "started" -> new StartResult.Started(lease(answer.path("lease")));
            case "queued" ->
                new StartResult.Queued(
                        Json.word(JobStatus.class, stringOrNull(answer, "status")),
                        intOrNull(answer, "queue_position"),
                        stringOrNull(answer, "blocked_by_job_id"),
                        stringOrNull(answer, "conflict_reason"));
            case "running" ->
                new StartResult.AlreadyRunning(
                        stringOrNull(answer, "worker_id"),
                        answer.path("attempt").asInt(0),
                        instantOrNull(answer, "lease_until"));
            case "finished" ->
                new StartResult.AlreadyFinished(Json.word(JobStatus.class, stringOrNull(answer, "status")));
            // What is not understood is never taken for permission to run.
            default -> throw Answers.odd("a result \"" + result + "\"", null);
        };
    }

    static Lease lease(JsonNode lease) {
        return new Lease(
                string(lease, "job_id"),
                Json.word(JobType.class, stringOrNull(lease, "job_type")),
                string(lease, "handler"),
                strings(lease.path("models")),
                lease.path("attempt").asInt(0),
                lease.path("max_attempts").asInt(0),
                required(lease, "token").asLong(),
                string(lease, "worker_id"),
                Duration.ofMillis(Math.round(required(lease, "lease_seconds").asDouble() * 1000)),
                instant(lease, "lease_until"),
                instant(lease, "queued_at"),
                instant(lease, "started_at"),
                Json.text(lease.get("payload")),
                workflow(lease));
    }

    private static @Nullable WorkflowState workflow(JsonNode lease) {
        boolean steps = lease.path("steps").isArray();
        if (!steps && !lease.has("current_step")) {
            return null;
        }
        Map<Integer, @Nullable String> checkpoints = new TreeMap<>();
        for (Map.Entry<String, JsonNode> saved : lease.path("checkpoints").properties()) {
            checkpoints.put(Integer.valueOf(saved.getKey()), Json.text(saved.getValue()));
        }
        return new WorkflowState(
                steps ? Json.word(Holding.class, stringOrNull(lease, "holding")) : Holding.WHOLE_RUN,
                list(lease.path("steps"), s -> new JobStep(string(s, "name"), strings(s.path("models")))),
                lease.path("current_step").asInt(0),
                lease.path("step_attempt").asInt(lease.path("attempt").asInt(1)),
                checkpoints,
                callback(lease.path("callback")));
    }

    private static WorkflowState.@Nullable Callback callback(JsonNode callback) {
        if (!callback.isObject()) {
            return null;
        }
        JsonNode token = callback.get("token");
        return new WorkflowState.Callback(
                callback.path("step").asInt(0),
                token == null || token.isNull() ? null : token.asLong(),
                instantOrNull(callback, "until"),
                Json.text(callback.get("note")),
                Json.text(callback.get("payload")),
                callback.has("received_at"),
                callback.path("timed_out").asBoolean(false));
    }

    static AwaitResult awaited(JsonNode answer) {
        return new AwaitResult(
                Json.word(AwaitResult.Result.class, stringOrNull(answer, "result")),
                instantOrNull(answer, "until"),
                Json.text(answer.get("payload")));
    }

    static CheckpointResult checkpointed(JsonNode answer) {
        return new CheckpointResult(
                Json.word(CheckpointResult.Result.class, stringOrNull(answer, "result")),
                status(answer),
                answer.path("current_step").asInt(0),
                strings(answer.path("models")),
                intOrNull(answer, "queue_position"),
                stringOrNull(answer, "blocked_by_job_id"),
                stringOrNull(answer, "conflict_reason"));
    }

    static Claim claimed(JsonNode answer) {
        return new Claim(list(answer.path("leases"), Wire::lease), instantOrNull(answer, "next_due_at"));
    }

    static Completion completed(JsonNode answer, boolean claimed) {
        List<OutcomeResult> outcomes = list(
                answer.path("outcomes"),
                o -> new OutcomeResult(
                        string(o, "job_id"),
                        required(o, "token").asLong(),
                        Json.word(OutcomeStatus.class, stringOrNull(o, "result"))));
        return new Completion(outcomes, claimed ? claimed(answer) : null);
    }

    static HeartbeatResult beaten(JsonNode lease) {
        return new HeartbeatResult(
                string(lease, "job_id"),
                required(lease, "token").asLong(),
                Json.word(HeartbeatResult.Status.class, stringOrNull(lease, "result")),
                instantOrNull(lease, "lease_until"));
    }

    static CancelResult cancelled(JsonNode answer) {
        return new CancelResult(Json.word(CancelResult.Result.class, stringOrNull(answer, "result")), status(answer));
    }

    /** Where the job is in its life. */
    static JobStatus status(JsonNode answer) {
        return Json.word(JobStatus.class, stringOrNull(answer, "status"));
    }

    static JobExplanation explanation(JsonNode job) {
        return new JobExplanation(
                string(job, "job_id"),
                Json.word(JobType.class, stringOrNull(job, "job_type")),
                string(job, "handler"),
                Json.word(JobStatus.class, stringOrNull(job, "status")),
                job.path("priority").asInt(0),
                job.path("attempt").asInt(0),
                job.path("max_attempts").asInt(0),
                instantOrNull(job, "queued_at"),
                instantOrNull(job, "run_at"),
                intOrNull(job, "queue_position"),
                stringOrNull(job, "blocked_by_job_id"),
                stringOrNull(job, "conflict_reason"),
                job.path("runnable").asBoolean(false),
                stringOrNull(job, "worker_id"),
                instantOrNull(job, "lease_until"),
                instantOrNull(job, "started_at"),
                instantOrNull(job, "finished_at"),
                intOrNull(job, "progress"),
                stringOrNull(job, "note"),
                stringOrNull(job, "error"),
                Json.text(job.get("result")),
                list(job.path("models"), m -> Json.read(m, JobExplanation.Line.class)),
                estimate(job.path("estimate")));
    }

    private static JobExplanation.Estimate estimate(JsonNode estimate) {
        return new JobExplanation.Estimate(
                durationOrNull(estimate, "seconds"),
                durationOrNull(estimate, "low"),
                durationOrNull(estimate, "high"),
                instantOrNull(estimate, "start_at"),
                intOrNull(estimate, "samples"),
                stringOrNull(estimate, "reason"));
    }

    static List<String> strings(JsonNode array) {
        return list(array, JsonNode::asString);
    }

    /** Each of some elements, written or read; a JSON array is a series of its elements. */
    static <S, T> List<T> list(Iterable<S> elements, Function<S, T> convert) {
        List<T> list = new ArrayList<>();
        for (S element : elements) {
            list.add(convert.apply(element));
        }
        return list;
    }

    static String string(JsonNode object, String key) {
        return required(object, key).asString();
    }

    private static JsonNode required(JsonNode object, String key) {
        JsonNode value = object.get(key);
        if (value == null || value.isNull()) {
            throw Answers.odd("no \"" + key + "\"", null);
        }
        return value;
    }

    static @Nullable String stringOrNull(JsonNode object, String key) {
        JsonNode value = object.get(key);
        return value == null || value.isNull() ? null : value.asString();
    }

    private static @Nullable Integer intOrNull(JsonNode object, String key) {
        JsonNode value = object.get(key);
        return value == null || value.isNull() ? null : value.asInt();
    }

    /** Of a number of seconds. */
    private static @Nullable Duration durationOrNull(JsonNode object, String key) {
        JsonNode value = object.get(key);
        return value == null || value.isNull() ? null : Json.read(value, Duration.class);
    }

    private static Instant instant(JsonNode object, String key) {
        return Json.read(required(object, key), Instant.class);
    }

    private static @Nullable Instant instantOrNull(JsonNode object, String key) {
        JsonNode value = object.get(key);
        return value == null || value.isNull() ? null : Json.read(value, Instant.class);
    }
}
