package dev.interlock.it.longrun;

import dev.interlock.it.longrun.Job.State;
import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Rebuilds every job's state and every model's holders from the log, window by window, so that what is older may be trimmed; and compares them,
 * while no call is under way, with the tables and with the witness.
 */
final class LogReplay {

    private static final class Replayed {
        String[] models = {};
        boolean running;
        long token;
        int attempt;
    }

    private final LocalSupabase local;
    private final Witness witness;
    private final Map<String, Replayed> live = new HashMap<>();
    private final Map<String, Integer> holders = new HashMap<>();
    private final Map<String, Long> finished = new HashMap<>();
    private long lastSeq;
    private long rows;
    private long starts;
    private long lastCheck = System.nanoTime();

    LogReplay(LocalSupabase local, Witness witness) {
        this.local = local;
        this.witness = witness;
    }

    long rows() {
        return rows;
    }

    /** Call it with no traffic under way. */
    void check() throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.setFetchSize(5000);
            try (ResultSet r = statement.executeQuery("select seq, job_id, event_type, (metadata ->> 'token')::bigint,"
                    + " (metadata ->> 'attempt')::integer, metadata ->> 'status', array(select jsonb_array_elements_text(models))"
                    + " from public.job_queue_log where seq > " + lastSeq + " order by seq")) {
                while (r.next()) {
                    lastSeq = r.getLong(1);
                    rows++;
                    replay(r);
                }
            }
            compareTables(statement);
            invariants(statement);
            connection.commit();
        }
        if (starts != witness.grants()) {
            say("the log has " + starts + " starts, the witness saw " + witness.grants());
        }
        compareWitness();
        lastCheck = System.nanoTime();
        witness.forgetFinished();
    }

    private void replay(ResultSet r) throws SQLException {
        String id = r.getString(2);
        String event = r.getString(3);
        if (id.isEmpty()) {
            // An operator's change.
            return;
        }
        Replayed job = live.computeIfAbsent(id, i -> new Replayed());
        switch (event) {
            case "queued" -> {
                if (job.running) {
                    say(id + " entered while it ran");
                }
                job.models = (String[]) r.getArray(7).getArray();
            }
            case "started" -> {
                starts++;
                if (job.running || r.getLong(4) <= job.token || r.getInt(5) != job.attempt + 1) {
                    say(id + " started twice, or under an old token or a wrong attempt");
                }
                job.running = true;
                job.token = r.getLong(4);
                job.attempt++;
                for (String model : job.models) {
                    int now = holders.merge(model, 1, Integer::sum);
                    if (now > witness.largestCapacity(model, lastCheck)) {
                        say("the log has " + now + " holders of " + model);
                    }
                }
            }
            case "retry_scheduled", "lease_expired" -> stop(id, job);
            case "released" -> {
                stop(id, job);
                job.attempt--;
            }
            case "completed", "failed", "cancelled" -> {
                if (job.running) {
                    stop(id, job);
                } else if (event.equals("completed")) {
                    say(id + " was completed and did not run");
                }
                live.remove(id);
                finished.merge(event, 1L, Long::sum);
            }
            case "cancel_requested", "blocked", "skipped" -> {}
            default -> say("an event of a kind that this run does not cause: " + event);
        }
    }

    private void stop(String id, Replayed job) {
        if (!job.running) {
            say(id + " stopped and did not run");
            return;
        }
        job.running = false;
        for (String model : job.models) {
            holders.merge(model, -1, Integer::sum);
        }
    }

    /** Every job and every run of the tables is in the replay, and the other way round. */
    private void compareTables(Statement statement) throws SQLException {
        Set<String> seen = new HashSet<>();
        try (ResultSet r = statement.executeQuery("select job_id, status, token, attempt from public.job_queue_jobs"
                + " where status in ('waiting', 'delayed', 'running')")) {
            while (r.next()) {
                String id = r.getString(1);
                seen.add(id);
                Replayed job = live.get(id);
                if (job == null
                        || job.running != r.getString(2).equals("running")
                        || job.token != r.getLong(3)
                        || job.attempt != r.getInt(4)) {
                    say("the log and the tables differ about " + id);
                }
            }
        }
        if (!seen.equals(live.keySet())) {
            say("the tables have " + seen.size() + " jobs that are not over, the log " + live.size());
        }
        try (ResultSet r = statement.executeQuery("select l.model, count(*) from public.job_queue_lines l"
                + " join public.job_queue_jobs j using (job_id) where j.status = 'running' and l.seat is not null and l.model <> ''"
                + " group by l.model")) {
            Map<String, Integer> held = new HashMap<>();
            while (r.next()) {
                held.put(r.getString(1), r.getInt(2));
            }
            Map<String, Integer> replayed = new HashMap<>(holders);
            replayed.values().removeIf(n -> n == 0);
            if (!held.equals(replayed)) {
                say("the seats held differ from those of the log: " + held + " and " + replayed);
            }
        }
    }

    private void compareWitness() {
        Set<String> known = new HashSet<>();
        for (Job job : witness.live()) {
            known.add(job.id);
            Replayed replayed = live.get(job.id);
            boolean held = job.state == State.HELD;
            if (replayed == null && job.state == State.DEAD) {
                // Taken back with its attempts used up.
                witness.endedAlone(job.id);
            } else if (replayed == null) {
                say("a job was lost: " + job);
            } else if (job.state != State.DEAD && held != replayed.running) {
                say("the witness and the log differ whether it runs: " + job);
            } else if (held && replayed.token != job.token) {
                say("the witness and the log differ about the token: " + job);
            }
        }
        for (String id : live.keySet()) {
            if (!known.contains(id)) {
                say("the witness saw the end of " + id + ", the log did not");
            }
        }
    }

    /** The share-out of the seats, exactly as the rules have it. */
    private void invariants(Statement statement) throws SQLException {
        for (Map.Entry<String, String> invariant : Invariants.QUERIES.entrySet()) {
            try (ResultSet r = statement.executeQuery(invariant.getValue())) {
                if (r.next()) {
                    say(invariant.getKey() + ": " + Objects.toString(r.getString(1)));
                }
            }
        }
    }

    /** At the end: how many jobs ended how, by the log; the tables must say the same, but for jobs removed with their old events. */
    Map<String, Long> totals() throws SQLException {
        Map<String, Long> tables = new HashMap<>();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet r =
                        statement.executeQuery("select status, count(*) from public.job_queue_jobs group by status")) {
            while (r.next()) {
                tables.put(r.getString(1), r.getLong(2));
            }
        }
        if (tables.entrySet().stream()
                .anyMatch(ended -> ended.getValue() > finished.getOrDefault(ended.getKey(), 0L))) {
            say("in the end the tables have " + tables + ", the log " + finished);
        }
        return Map.copyOf(finished);
    }

    private void say(String message) {
        witness.violation(message);
    }
}
