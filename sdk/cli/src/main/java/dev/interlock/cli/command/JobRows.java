package dev.interlock.cli.command;

import dev.interlock.Select;
import dev.interlock.SupabaseClient;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads jobs by what an index leads to: those that run and those that are delayed by their own, those that wait by their lines, those that have ended
 * by the events of their ends. So what it costs grows with the answer, not with all jobs that the queue remembers.
 */
final class JobRows {

    // Ids have up to 200 characters, and go into an address.
    private static final int AT_ONCE = 50;
    private static final int PAGE = 1000;

    /** The words of job_queue_explain. */
    private static final String COLUMNS =
            "job_id,job_type,handler,status,priority,models,runnable,attempt,max_attempts,worker_id,lease_until,queued_at:entered_at,run_at:due_at,"
                    + "deadline,started_at,finished_at,cancel_requested_at,progress,note:progress_note,error";

    private final SupabaseClient supabase;
    private final Filter filter;

    JobRows(SupabaseClient supabase, Filter filter) {
        this.supabase = supabase;
        this.filter = filter;
    }

    /** Where a job is in its life, in the order in which they are listed. */
    enum Status {
        RUNNING,
        WAITING,
        DELAYED,
        FAILED,
        CANCELLED,
        COMPLETED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Which jobs; null lets all through. */
    record Filter(
            @Nullable String model,
            @Nullable String handler,
            @Nullable String worker) {}

    /** At most so many with this status: those that run by their start, those that wait in their order, those that have ended newest first. */
    List<JsonNode> with(Status status, int limit) {
        if (limit == 0) {
            return List.of();
        }
        return switch (status) {
            case RUNNING ->
                jobs(status).order("started_at").order("job_id").limit(limit).listOf(JsonNode.class);
            case DELAYED ->
                jobs(status).order("due_at").order("job_id").limit(limit).listOf(JsonNode.class);
            case WAITING -> waiting(limit);
            case FAILED -> ended(status, List.of("failed", "expired"), limit);
            case CANCELLED -> ended(status, List.of("cancelled"), limit);
            case COMPLETED -> ended(status, List.of("completed"), limit);
        };
    }

    private Select jobs(Status status) {
        Select query = supabase.from("job_queue_jobs").select(COLUMNS).eq("status", status.toString());
        if (filter.model() != null) {
            query = query.contains("models", List.of(filter.model()));
        }
        if (filter.handler() != null) {
            query = query.eq("handler", filter.handler());
        }
        if (filter.worker() != null) {
            query = query.eq("worker_id", filter.worker());
        }
        return query;
    }

    /** First those that have their turn, of which there is an index, then the others in the order of the lines. */
    private List<JsonNode> waiting(int limit) {
        List<JsonNode> found = new ArrayList<>(jobs(Status.WAITING)
                .is("runnable", true)
                .order("line_key")
                .order("seq")
                .limit(limit)
                .listOf(JsonNode.class));
        Set<String> seen = ids(found);
        for (int offset = 0; found.size() < limit; offset += PAGE) {
            List<JsonNode> places = supabase.from("job_queue_lines")
                    .select("job_id")
                    .is("seat", null)
                    .order("line_key")
                    .order("seq")
                    .order("model")
                    .range(offset, offset + PAGE - 1L)
                    .listOf(JsonNode.class);
            add(found, seen, Status.WAITING, places, limit);
            if (places.size() < PAGE) {
                break;
            }
        }
        return found;
    }

    private List<JsonNode> ended(Status status, List<String> events, int limit) {
        LogReader log = new LogReader(supabase, new LogReader.Filter(null, filter.model(), events, null, null));
        List<JsonNode> found = new ArrayList<>();
        Set<String> seen = new LinkedHashSet<>();
        JsonNode last = null;
        while (found.size() < limit) {
            List<JsonNode> page = log.page(null, last, false, PAGE);
            add(found, seen, status, page, limit);
            if (page.size() < PAGE) {
                break;
            }
            last = page.get(PAGE - 1);
        }
        return found;
    }

    /** Adds the jobs of these rows that are as asked for, in the order of the rows, each once. */
    private void add(List<JsonNode> found, Set<String> seen, Status status, List<JsonNode> rows, int limit) {
        List<String> ids = new ArrayList<>(ids(rows));
        ids.removeAll(seen);
        seen.addAll(ids);
        for (int at = 0; at < ids.size() && found.size() < limit; at += AT_ONCE) {
            List<String> some = ids.subList(at, Math.min(at + AT_ONCE, ids.size()));
            Map<String, JsonNode> jobs = new HashMap<>();
            jobs(status)
                    .in("job_id", some)
                    .listOf(JsonNode.class)
                    .forEach(job -> jobs.put(job.path("job_id").asString(), job));
            for (String id : some) {
                JsonNode job = jobs.get(id);
                if (job != null && found.size() < limit) {
                    found.add(job);
                }
            }
        }
    }

    private static Set<String> ids(List<JsonNode> rows) {
        Set<String> ids = new LinkedHashSet<>();
        rows.forEach(row -> ids.add(row.path("job_id").asString()));
        ids.remove("");
        return ids;
    }
}
