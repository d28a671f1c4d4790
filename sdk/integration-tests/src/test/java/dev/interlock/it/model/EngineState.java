package dev.interlock.it.model;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the tables say, in one look; times on the history's own clock. */
record EngineState(
        long now,
        Picture picture,
        Map<String, Long> tokens,
        Map<String, Long> startedAt,
        Map<String, Long> heardOf,
        @Nullable Long resumedAt,
        List<String> events,
        long seq) {

    static EngineState read(Connection connection, long offset, long sinceSeq) throws SQLException {
        Picture picture = new Picture(new TreeMap<>(), new TreeMap<>());
        Map<String, Long> tokens = new HashMap<>();
        Map<String, Long> startedAt = new HashMap<>();
        Map<String, Long> heardOf = new HashMap<>();
        List<String> events = new ArrayList<>();
        long seq = sinceSeq;
        Long resumedAt = null;
        try (Statement s = connection.createStatement()) {
            try (ResultSet r = s.executeQuery(JOBS)) {
                while (r.next()) {
                    String id = r.getString("job_id");
                    String status = r.getString("status");
                    boolean running = status.equals("running");
                    tokens.put(id, r.getLong("token"));
                    startedAt.put(id, r.getLong("started_at") + offset);
                    picture.things()
                            .put(
                                    "job " + id,
                                    Picture.job(
                                            status,
                                            r.getInt("attempt"),
                                            r.getInt("priority"),
                                            r.getInt("progress"),
                                            r.getBoolean("runnable") && !r.getBoolean("rated"),
                                            r.getInt("overtaken"),
                                            running ? r.getString("worker_id") : "",
                                            running ? r.getString("holds") : "",
                                            running && r.getBoolean("cancel_requested"),
                                            r.getLong("token"),
                                            r.getInt("current_step")));
                    picture.times().put(id + " entered", r.getLong("entered_at") + offset);
                    if (r.getBoolean("unfinished")) {
                        picture.times().put(id + " key", r.getLong("line_key") + offset);
                    }
                    time(picture, id + " due", r, "due_at", offset);
                    time(picture, id + " lease", r, "lease_until", offset);
                    time(picture, id + " runnable", r, "runnable_since", offset);
                    if (r.getString("row_status") != null) {
                        picture.things()
                                .put(
                                        "row " + id,
                                        r.getString("row_status")
                                                + (running && r.getBoolean("row_blocked") ? " and blocked" : ""));
                    }
                }
            }
            try (ResultSet r = s.executeQuery(LINES)) {
                while (r.next()) {
                    picture.things()
                            .put(
                                    "line " + r.getString("model"),
                                    Picture.line(r.getInt("capacity"), r.getBoolean("paused"), r.getString("waiting")));
                }
            }
            try (ResultSet r = s.executeQuery("select " + micros("nullif(resumed_at, '-infinity')")
                    + " as resumed_at from public.job_queue_settings where id = 1")) {
                r.next();
                long micros = r.getLong("resumed_at");
                resumedAt = r.wasNull() ? null : (Long) (micros + offset);
            }
            try (ResultSet r = s.executeQuery(STATE)) {
                if (r.next()) {
                    picture.things().put("state", r.getString("state"));
                }
            }
            try (ResultSet r = s.executeQuery(
                    "select worker_id, " + micros("seen_at") + " as seen_at from public.job_queue_workers")) {
                while (r.next()) {
                    heardOf.put(r.getString("worker_id"), r.getLong("seen_at") + offset);
                }
            }
            try (ResultSet r = s.executeQuery(
                    "select seq, job_id || ' ' || event_type || coalesce(' past [' || (select string_agg(p, ', ' order by p"
                            + " collate \"C\") from jsonb_array_elements_text(metadata -> 'passed') as p) || ']', '') as event from public.job_queue_log where seq > "
                            + sinceSeq
                            + " and job_id <> '' order by seq")) {
                while (r.next()) {
                    events.add(r.getString("event"));
                    seq = r.getLong("seq");
                }
            }
        }
        return new EngineState(clock(connection, offset), picture, tokens, startedAt, heardOf, resumedAt, events, seq);
    }

    static long clock(Connection connection, long offset) throws SQLException {
        try (Statement s = connection.createStatement();
                ResultSet r = s.executeQuery("select " + micros("clock_timestamp()"))) {
            r.next();
            return r.getLong(1) + offset;
        }
    }

    private static void time(Picture picture, String name, ResultSet r, String column, long offset)
            throws SQLException {
        long micros = r.getLong(column);
        if (!r.wasNull()) {
            picture.times().put(name, micros + offset);
        }
    }

    private static String micros(String time) {
        return "(extract(epoch from " + time + ") * 1000000)::bigint";
    }

    private static final String JOBS =
            "select j.job_id, j.status, j.attempt, j.priority, j.progress, j.runnable, j.overtaken,"
                    + " j.current_step, exists (select from public.job_queue_models as m where m.model = any (j.needs)"
                    + " and m.starts_per_minute is not null) as rated,"
                    + " j.worker_id, j.token, j.cancel_requested_at is not null as cancel_requested,"
                    + " j.status in ('waiting', 'delayed', 'running') as unfinished, '[' || coalesce((select"
                    + " string_agg(l.model, ', ' order by l.model) from public.job_queue_lines as l where l.job_id = j.job_id"
                    + " and l.seat is not null and l.model <> ''), '') || ']' as holds, "
                    + micros("j.entered_at") + " as entered_at, " + micros("j.line_key") + " as line_key, "
                    + micros("nullif(j.due_at, 'infinity')") + " as due_at, " + micros("j.lease_until")
                    + " as lease_until, "
                    + micros("j.started_at") + " as started_at, "
                    + micros("case when j.runnable then j.runnable_since end")
                    + " as runnable_since, r.status as row_status,"
                    + " r.blocked_by_job_id is not null or r.queued_at is not null or r.queue_position is not null as row_blocked"
                    + " from public.job_queue_jobs as j left join public.jobs as r on r.job_id::text = j.job_id";

    private static final String LINES =
            "select m.model, m.capacity, m.paused, '[' || coalesce(string_agg(l.job_id, ', '"
                    + " order by l.line_key, l.seq), '') || ']' as waiting from public.job_queue_models as m"
                    + " left join (public.job_queue_lines as l join public.job_queue_jobs as j on j.job_id = l.job_id"
                    + " and j.status <> 'running') on l.model = m.model"
                    + " where m.model <> '' or (select max_active_jobs from public.job_queue_settings where id = 1) is not null"
                    + " group by m.model, m.capacity, m.paused";

    private static final String STATE = "select coalesce(s.active_job_id, 'none') || ' [' || coalesce((select"
            + " string_agg(m, ', ' order by m collate \"C\") from jsonb_array_elements_text(s.active_models) as m), '') || ']'"
            + " as state from public.job_queue_state as s"
            + " where (select max_active_jobs from public.job_queue_settings where id = 1) = 1";
}
