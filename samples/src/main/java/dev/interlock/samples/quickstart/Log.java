package dev.interlock.samples.quickstart;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.interlock.SupabaseClient;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The run's rows of job_queue_log, read as they come. */
final class Log {

    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled", "expired");

    /** A row of job_queue_log. */
    record Row(
            long seq,
            @JsonProperty("job_id") String jobId,
            @JsonProperty("event_type") String eventType,
            @Nullable List<String> models,
            @JsonProperty("conflict_reason") @Nullable String conflictReason,
            @Nullable Map<String, Object> metadata,
            @JsonProperty("created_at") Instant createdAt) {

        Row {
            models = models == null ? List.of() : List.copyOf(models);
        }

        /** Who did it, or why not. */
        String more() {
            if (eventType.equals("started")) {
                return "by " + about("worker_id") + ", attempt " + about("attempt");
            }
            return conflictReason == null ? "" : conflictReason;
        }

        private Object about(String key) {
            return metadata == null ? "?" : metadata.getOrDefault(key, "?");
        }
    }

    private record Seq(long seq) {}

    private final SupabaseClient supabase;
    private final Demo demo;
    private final long before;
    private final Set<Long> seen = new HashSet<>();
    private final List<Row> rows = new ArrayList<>();
    private final Set<String> ended = new HashSet<>();

    Log(SupabaseClient supabase, Demo demo) {
        this.supabase = supabase;
        this.demo = demo;
        this.before =
                supabase.from("job_queue_log").select("seq").orderDescending("seq").limit(1).listOf(Seq.class).stream()
                        .mapToLong(Seq::seq)
                        .findFirst()
                        .orElse(0);
    }

    /** The rows that have come since the last call. */
    List<Row> fresh() {
        // All of the run's again: a row may show after one of a higher number, for its transaction ended later.
        List<Row> all = supabase.from("job_queue_log")
                .select("seq,job_id,event_type,models,conflict_reason,metadata,created_at")
                .like("job_id", "*" + demo.run())
                .gt("seq", before)
                .order("seq")
                .limit(1000)
                .listOf(Row.class);
        List<Row> fresh = all.stream().filter(row -> seen.add(row.seq())).toList();
        rows.clear();
        rows.addAll(all);
        fresh.stream().filter(row -> ENDS.contains(row.eventType())).forEach(row -> ended.add(row.jobId()));
        return fresh;
    }

    /** The ids of the jobs that have ended, as far as {@link #fresh} has seen. */
    Set<String> ended() {
        return ended;
    }

    List<Row> rows() {
        return rows;
    }
}
