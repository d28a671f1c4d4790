package dev.interlock.it.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** What the database says of a run's jobs: their rows, and their log replayed event by event. */
final class Audit {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled", "expired");

    private record Event(
            String job, String type, List<String> models, long token, int attempt, String worker, Instant at) {}

    private final LocalSupabase local;
    private final String run;

    Audit(LocalSupabase local, String run) {
        this.local = local;
        this.run = run;
    }

    /** Waits until every job has ended, and looks whether all is well meanwhile; the time only bounds how long a broken build takes. */
    void awaitEnd(int jobs, Runnable meanwhile) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(180);
        String left = "";
        while (System.nanoTime() < end) {
            try {
                left = String.join(
                        ", ",
                        rows("select count(*) || ' ' || status from public.job_queue_jobs where handler like ? and"
                                + " status in ('waiting', 'delayed', 'running') group by status"));
                int known = Integer.parseInt(rows("select count(*) from public.job_queue_jobs where handler like ?")
                        .get(0));
                if (left.isEmpty() && known == jobs) {
                    return;
                }
                left += "; known " + known + " of " + jobs;
            } catch (SQLException e) {
                left = String.valueOf(e.getMessage());
            }
            meanwhile.run();
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new AssertionError("Jobs are lost or stuck: " + left);
    }

    /** What the replay of the log found. */
    record Story(
            int attempts, int leasesLost, int transitions, Map<Long, String> tokens, Map<String, Long> lastToken) {}

    /**
     * Replays the log: each job goes through the states that it may, with one start and one new token an attempt, comes to one end and to that
     * which it was to have; no model is held by more than may; and the tables say the same.
     */
    Story replay(Map<String, String> planned) throws SQLException {
        Map<String, String> state = new HashMap<>();
        Map<String, Integer> attempt = new HashMap<>();
        Map<String, Long> token = new HashMap<>();
        Map<String, Set<String>> holders = new HashMap<>();
        Map<Long, String> tokens = new HashMap<>();
        List<String> wrong = new ArrayList<>();
        List<Event> events = events();
        int leasesLost = 0;
        for (Event event : events) {
            String job = event.job();
            String before = state.getOrDefault(job, "new");
            String after = next(before, event.type());
            if (after == null) {
                wrong.add(event.type() + " of " + job + ", which is " + before);
                continue;
            }
            state.put(job, after);
            if (event.type().equals("started")) {
                if (event.attempt() != attempt.merge(job, 1, Integer::sum)) {
                    wrong.add(job + " started as attempt " + event.attempt() + ", not " + attempt.get(job));
                }
                if (token.getOrDefault(job, -1L) >= event.token() || tokens.put(event.token(), job) != null) {
                    wrong.add(job + " started with a token that is not new: " + event.token());
                }
                token.put(job, event.token());
                for (String model : event.models()) {
                    Set<String> there = holders.computeIfAbsent(model, m -> new HashSet<>());
                    there.add(job);
                    if (there.size() > (model.endsWith(Load.WIDE) ? 2 : 1)) {
                        wrong.add(model + " is held by " + there);
                    }
                }
            } else if (before.equals("running") && !after.equals("running")) {
                event.models()
                        .forEach(model ->
                                holders.getOrDefault(model, new HashSet<>()).remove(job));
                leasesLost += event.type().equals("lease_expired") ? 1 : 0;
                if (event.type().equals("released")) {
                    // A worker that closes gives a job back, and the attempt does not count.
                    attempt.merge(job, -1, Integer::sum);
                }
            }
        }
        assertThat(wrong).as("%s: what the log tells is possible", run).isEmpty();
        assertThat(state)
                .as("%s: every job came to one end, the right one", run)
                .isEqualTo(planned);
        assertThat(statuses()).as("%s: the table says what the log says", run).isEqualTo(planned);
        return new Story(tokens.size(), leasesLost, events.size(), tokens, token);
    }

    /** The state after an event; null when it cannot happen in that state. Events that change no state leave it. */
    private static @Nullable String next(String state, String event) {
        return switch (event) {
            case "queued" -> state.equals("new") || state.equals("delayed") ? "waiting" : null;
            case "started" -> state.equals("waiting") || state.equals("delayed") ? "running" : null;
            case "retry_scheduled" -> state.equals("running") ? "delayed" : null;
            case "lease_expired", "released" -> state.equals("running") ? "waiting" : null;
            default -> ENDS.contains(event) ? (state.equals("running") ? event : null) : state;
        };
    }

    /** Nothing of the run stands in any line, no mirrored row says anything else than the engine. */
    void nothingIsHeld() throws SQLException {
        assertThat(rows("select model || ': ' || job_id from public.job_queue_lines where model like ?"))
                .as("%s: all models are free", run)
                .isEmpty();
        assertThat(
                        rows(
                                "select r.job_id::text || ' is ' || r.status || ', not ' || j.status from public.jobs r join public.job_queue_jobs j"
                                        + " on j.job_id = r.job_id::text where j.handler like ? and (r.status <> j.status or r.blocked_by_job_id is not null)"))
                .as("%s: the rows of jobs say the same", run)
                .isEmpty();
    }

    /** How many of the jobs have not ended. */
    int unfinished() throws SQLException {
        return Integer.parseInt(rows("select count(*) from public.job_queue_jobs where handler like ?"
                        + " and status in ('waiting', 'delayed', 'running')")
                .get(0));
    }

    /** Each job's result as JSON, or how it ended otherwise. */
    Map<String, String> results() throws SQLException {
        Map<String, String> results = new HashMap<>();
        for (String row : rows(
                "select job_id || ' ' || case status when 'completed' then coalesce(result::text, 'null')"
                        + " else status || ': ' || coalesce(error, '') end from public.job_queue_jobs where handler like ?")) {
            results.put(row.substring(0, row.indexOf(' ')), row.substring(row.indexOf(' ') + 1));
        }
        return results;
    }

    /** The rows of workflow_executions: job, status and steps done. */
    List<String> executions() throws SQLException {
        return rows(
                "select e.job_id::text || ' ' || e.status || ' ' || e.current_step from public.workflow_executions as e"
                        + " join public.job_queue_jobs as j on j.job_id = e.job_id::text where j.handler like ?");
    }

    /**
     * Steps that were called under a token that is newer than that of their checkpoint.
     *
     * @param effects the steps that were called under each token
     */
    List<String> repeatedSteps(Map<Long, Set<String>> effects) throws SQLException {
        List<String> repeated = new ArrayList<>();
        List<String> checkpoints = rows(
                "select j.job_id || ' ' || (g.metadata ->> 'step') || ' ' || (g.metadata ->> 'token')"
                        + " from public.job_queue_log as g join public.job_queue_jobs as j using (job_id)"
                        + " where j.handler like ? and g.metadata ->> 'step' is not null and g.event_type in ('checkpoint', 'released')");
        Map<String, Long> savedUnder = new HashMap<>();
        for (String row : checkpoints) {
            String[] words = row.split(" ", -1);
            savedUnder.merge(words[0] + " step" + words[1], Long.valueOf(words[2]), Math::min);
        }
        for (String row : rows(
                "select j.job_id || ' ' || (g.metadata ->> 'token') from public.job_queue_log as g"
                        + " join public.job_queue_jobs as j using (job_id) where j.handler like ? and g.event_type = 'started'")) {
            String[] words = row.split(" ", -1);
            long token = Long.parseLong(words[1]);
            for (String step : effects.getOrDefault(token, Set.of())) {
                Long saved = savedUnder.get(words[0] + " " + step);
                if (saved != null && saved < token) {
                    repeated.add(step + " of " + words[0] + " under token " + token + ", saved under " + saved);
                }
            }
        }
        return repeated;
    }

    /** What the log, replayed by the coordinator itself, says otherwise than the tables. */
    List<String> differencesFromLog() throws SQLException {
        return rows(
                "select d ->> 'job_id' || ': ' || d::text from jsonb_array_elements("
                        + "public.job_queue_replay('{\"max_jobs\": 10000}') -> 'differences') as d where d ->> 'job_id' like ?");
    }

    /** How long after that moment the last run of this worker was taken back; null when it had none. */
    @Nullable
    Duration takenBack(String worker, Instant since) throws SQLException {
        Duration longest = null;
        for (Event event : events()) {
            if (event.worker().equals(worker)
                    && event.type().equals("lease_expired")
                    && (longest == null || Duration.between(since, event.at()).compareTo(longest) > 0)) {
                longest = Duration.between(since, event.at());
            }
        }
        return longest;
    }

    /** The database's clock. */
    Instant now() throws SQLException {
        try (Connection connection = local.openAdminConnection();
                PreparedStatement statement = connection.prepareStatement("select clock_timestamp()");
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getObject(1, java.time.OffsetDateTime.class).toInstant();
        }
    }

    private Map<String, String> statuses() throws SQLException {
        Map<String, String> statuses = new HashMap<>();
        for (String row : rows("select job_id || ' ' || status from public.job_queue_jobs where handler like ?")) {
            statuses.put(row.substring(0, row.indexOf(' ')), row.substring(row.indexOf(' ') + 1));
        }
        return statuses;
    }

    private List<Event> events() throws SQLException {
        List<Event> events = new ArrayList<>();
        try (Connection connection = local.openAdminConnection();
                PreparedStatement statement = connection.prepareStatement(
                        "select g.job_id, g.event_type, g.models, g.metadata, g.created_at from public.job_queue_log g"
                                + " join public.job_queue_jobs j using (job_id) where j.handler like ? order by g.seq")) {
            statement.setString(1, run + "%");
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    JsonNode more = JSON.readTree(row.getString(4));
                    List<String> models = new ArrayList<>();
                    JSON.readTree(row.getString(3)).forEach(model -> models.add(model.asString()));
                    events.add(new Event(
                            row.getString(1),
                            row.getString(2),
                            models,
                            more.path("token").asLong(0),
                            more.path("attempt").asInt(0),
                            more.path("worker_id").asString(""),
                            row.getObject(5, java.time.OffsetDateTime.class).toInstant()));
                }
            }
        }
        return events;
    }

    /** The first column of each row; the one parameter is a pattern of the run's names. */
    private List<String> rows(String query) throws SQLException {
        try (Connection connection = local.openAdminConnection();
                PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, run + "%");
            List<String> rows = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    rows.add(row.getString(1));
                }
            }
            return rows;
        }
    }
}
