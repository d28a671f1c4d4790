package dev.interlock.samples.studio;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.interlock.Count;
import dev.interlock.Select;
import dev.interlock.SupabaseClient;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rows of job_queue_log of one round, read as they come. */
final class Log {

    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled", "expired");

    /**
     * A row of job_queue_log.
     *
     * @param models all models of the job
     * @param about its metadata
     */
    record Row(
            long seq,
            @JsonProperty("job_id") String jobId,
            @JsonProperty("event_type") String event,
            @Nullable List<String> models,
            @JsonProperty("metadata") @Nullable About about,
            @JsonProperty("created_at") Instant at) {

        /** The models that the job holds after it. */
        List<String> held() {
            if (about == null || models == null || !about.status().equals("running")) {
                return List.of();
            }
            return about.needs() == null ? models : about.needs();
        }
    }

    /**
     * What a row says besides.
     *
     * @param needs the models that the job needs from here on, where they are not all of its models
     */
    record About(String status, @Nullable List<String> needs) {}

    /** A model held by a job for a time. */
    record Held(String job, String model, Instant from, Instant until, boolean byKilledWorker) {}

    private record Seq(long seq) {}

    private final SupabaseClient supabase;
    private final String jobs;
    private final long before;
    private final List<Row> rows = new ArrayList<>();

    /** The log of the jobs whose ids end so, and which are about to enter. */
    Log(SupabaseClient supabase, String suffix) {
        this.supabase = supabase;
        this.jobs = "*" + suffix;
        this.before =
                supabase.from("job_queue_log").select("seq").orderDescending("seq").limit(1).listOf(Seq.class).stream()
                        .mapToLong(Seq::seq)
                        .findFirst()
                        .orElse(0);
    }

    /** How many jobs have ended by now, in whatever way. */
    int ended() {
        return (int) of("seq").in("event_type", ENDS).count(Count.EXACT);
    }

    /** Reads it all; to be called when all jobs have ended, for a row may show after one of a higher number. */
    void read() {
        List<Row> page;
        do {
            page = of("seq,job_id,event_type,models,metadata,created_at")
                    .gt(
                            "seq",
                            rows.isEmpty() ? before : rows.get(rows.size() - 1).seq())
                    .order("seq")
                    .limit(1000)
                    .listOf(Row.class);
            rows.addAll(page);
        } while (page.size() == 1000);
    }

    private Select of(String columns) {
        return supabase.from("job_queue_log")
                .select(columns)
                .like("job_id", jobs)
                .gt("seq", before);
    }

    /** How many jobs were completed. */
    int completed() {
        return (int)
                rows.stream().filter(row -> row.event().equals("completed")).count();
    }

    /** How many leases ran out, each of a job whose worker had been killed. */
    long leasesLost() {
        return rows.stream().filter(row -> row.event().equals("lease_expired")).count();
    }

    Instant first() {
        return rows.get(0).at();
    }

    Instant last() {
        return rows.get(rows.size() - 1).at();
    }

    /** Who held which model when, in the order in which they got it. */
    List<Held> held() {
        Map<String, Map<String, Row>> open = new HashMap<>();
        List<Held> held = new ArrayList<>();
        for (Row row : rows) {
            Map<String, Row> now = open.computeIfAbsent(row.jobId(), id -> new HashMap<>());
            List<String> after = row.held();
            for (String model : List.copyOf(now.keySet())) {
                if (!after.contains(model)) {
                    held.add(end(now.remove(model), model, row));
                }
            }
            for (String model : after) {
                now.putIfAbsent(model, row);
            }
        }
        held.sort((a, b) -> a.from().compareTo(b.from()));
        return held;
    }

    private static Held end(@Nullable Row began, String model, Row row) {
        Instant from = began == null ? row.at() : began.at();
        return new Held(row.jobId(), model, from, row.at(), row.event().equals("lease_expired"));
    }
}
