package dev.interlock.cli.command;

import dev.interlock.Condition;
import dev.interlock.Select;
import dev.interlock.SupabaseClient;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads {@code job_queue_log}: by the index of its times, or that of a job or an event, a thousand rows a call, each call beginning where the one
 * before ended, so that what it costs does not grow with the log.
 */
final class LogReader {

    // PostgREST on Supabase gives no more in one answer.
    private static final int PAGE = 1000;
    private static final String COLUMNS =
            "id,seq,created_at,event_type,job_id,job_type,models,blocked_by_job_id,conflict_reason,metadata";

    private final SupabaseClient supabase;
    private final Filter filter;

    LogReader(SupabaseClient supabase, Filter filter) {
        this.supabase = supabase;
        this.filter = filter;
    }

    /** Which events; what is null or empty lets all through. */
    record Filter(
            @Nullable String job,
            @Nullable String model,
            List<String> events,
            @Nullable Instant since,
            @Nullable Instant until) {}

    /** The newest so many, the newest last. */
    List<JsonNode> newest(int limit) {
        List<JsonNode> rows = new ArrayList<>();
        int asked;
        int got;
        do {
            asked = Math.min(PAGE, limit - rows.size());
            JsonNode last = rows.isEmpty() ? null : rows.get(rows.size() - 1);
            List<JsonNode> page = page(filter.since(), last, false, asked);
            rows.addAll(page);
            got = page.size();
        } while (got == asked && rows.size() < limit);
        Collections.reverse(rows);
        return rows;
    }

    /** All from a time on, the newest last. */
    List<JsonNode> from(Instant time) {
        Instant since = filter.since();
        Instant begin = since != null && since.isAfter(time) ? since : time;
        List<JsonNode> rows = new ArrayList<>();
        List<JsonNode> page;
        do {
            page = page(begin, rows.isEmpty() ? null : rows.get(rows.size() - 1), true, PAGE);
            rows.addAll(page);
        } while (page.size() == PAGE);
        return rows;
    }

    /** When an event was written, by the database's clock. */
    static Instant time(JsonNode row) {
        String text = row.path("created_at").asString("");
        return text.isEmpty() ? Instant.EPOCH : OffsetDateTime.parse(text).toInstant();
    }

    /** A page of those that come after {@code last} in either direction. */
    List<JsonNode> page(@Nullable Instant begin, @Nullable JsonNode last, boolean upwards, int rows) {
        if (rows == 0) {
            return List.of();
        }
        Select query = supabase.from("job_queue_log").select(COLUMNS).limit(rows);
        // A row that others wrote may have no time, and would be the newest of all.
        query = query.not("created_at", "is", "null");
        // Where the answer goes on: the time bounds what the index is read for, the number tells apart what has the
        // same time.
        if (last != null) {
            Object at = last.path("created_at").asString();
            Object seq = last.path("seq").asLong();
            Condition sameTime = Condition.all(
                    Condition.eq("created_at", at), upwards ? Condition.gt("seq", seq) : Condition.lt("seq", seq));
            query = upwards
                    ? query.gte("created_at", at).or(Condition.gt("created_at", at), sameTime)
                    : query.lte("created_at", at).or(Condition.lt("created_at", at), sameTime);
        }
        query = upwards
                ? query.order("created_at").order("seq")
                : query.order("created_at", "desc").order("seq", "desc");
        if (begin != null) {
            query = query.gte("created_at", begin);
        }
        if (filter.until() != null) {
            query = query.lte("created_at", filter.until());
        }
        if (filter.job() != null) {
            query = query.eq("job_id", filter.job());
        }
        if (filter.model() != null) {
            query = query.containsJson("models", List.of(filter.model()));
        }
        if (filter.events().size() == 1) {
            query = query.eq("event_type", filter.events().get(0));
        } else if (!filter.events().isEmpty()) {
            query = query.in("event_type", filter.events());
        }
        return query.listOf(JsonNode.class);
    }
}
