package dev.interlock.it.engine;

import dev.interlock.it.engine.Interleaving.Point;
import dev.interlock.it.engine.Interleaving.Script;
import dev.interlock.testing.LocalSupabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Forces every order of an {@link Interleaving} and compares what comes out (every answer, the whole state, what a fresh worker can claim
 * afterwards) with what comes out when the sessions run one after the other: it must be the same as for one of those serial orders.
 */
final class InterleavingRunner implements AutoCloseable {

    /** How many were forced, in how many of them each session stood at the very point it was sent to, and what went wrong. */
    record Report(int forced, int exact, List<String> failures) {}

    private record Outcome(String text, boolean exact) {}

    private static final Pattern NAME = Pattern.compile("\\{([a-f])(\\.token)?}");
    private static final Pattern ID = Pattern.compile("([a-f])\\1{7}-0000-4000-8000-000000000000");
    private static final Pattern VARYING = Pattern.compile(
            "\"(token|next_due_at|lease_until|queued_at|started_at)\": (\\d+|null|\"[^\"]*\"),? ?|\\d{4}-\\d\\d-\\d\\dT[0-9:.Z+]+");

    private final LocalSupabase local;
    private final Connection observer;
    private final Map<String, StepSession> sessions = new HashMap<>();

    InterleavingRunner(LocalSupabase local) throws SQLException {
        this.local = local;
        observer = local.openAdminConnection();
        execute("set synchronous_commit = off");
    }

    Report force(Interleaving world) throws Exception {
        Set<String> serial = serialOutcomes(world);
        List<String> failures = new ArrayList<>();
        int forced = 0;
        int exact = 0;
        int n = world.scripts().size();
        for (List<Point> at : combinations(world.scripts())) {
            for (List<Integer> start : startOrders(n)) {
                boolean all = false;
                for (List<Integer> release : permutations(n)) {
                    Outcome outcome = run(world, start, at, release);
                    forced++;
                    exact += outcome.exact() ? 1 : 0;
                    if (!serial.contains(outcome.text()) || outcome.text().contains(InterleavingSql.BREACH)) {
                        failures.add(describe(world, start, at, release) + "\n  gave " + outcome.text());
                    }
                    all = outcome.exact();
                    if (!all) {
                        // Some stand behind others, who go first in any case.
                        break;
                    }
                }
                if (all && at.stream().map(Point::name).distinct().count() == n) {
                    // Each stands at its own point, whoever came first: starting in another order is the same case.
                    break;
                }
            }
        }
        if (!failures.isEmpty()) {
            failures.add("one after the other gives\n  " + String.join("\n  ", serial));
        }
        return new Report(forced, exact, failures);
    }

    private Outcome run(Interleaving world, List<Integer> start, List<Point> at, List<Integer> release)
            throws Exception {
        prepare(world);
        List<List<String>> statements = statements(world);
        List<StepSession> all = new ArrayList<>();
        StepSession[] started = new StepSession[statements.size()];
        StepSession[] gates = new StepSession[statements.size()];
        for (int i : start) {
            Point point = at.get(i);
            if (point.gate() != null) {
                gates[i] = session("gate " + i, "supabase_admin");
                gates[i].start(List.of(named(point.gate()), "rollback"), 1);
                all.add(gates[i]);
                awaitQuiet(all);
                if (gates[i].ended()) {
                    throw new IllegalStateException("no gate at " + point.name() + ": " + gates[i].answer());
                }
            }
            started[i] = session("session " + i, world.scripts().get(i).role());
            started[i].start(statements.get(i), point.heldAfter());
            all.add(started[i]);
            awaitQuiet(all);
        }
        boolean exact = true;
        for (int i = 0; i < started.length; i++) {
            exact &= gates[i] == null ? started[i].held() : blockers(started[i]).contains(gates[i].pid());
        }
        for (int i : release) {
            if (gates[i] == null) {
                started[i].release();
            } else if (gates[i].held()) {
                gates[i].release();
            } else {
                // It stands in the queue for the lock itself, and its session behind it.
                execute("select pg_cancel_backend(" + gates[i].pid() + ")");
            }
            awaitEnd(gates[i]);
            awaitQuiet(all);
        }
        List<String> answers = new ArrayList<>();
        for (StepSession s : started) {
            // Whoever still waits now is in a deadlock: PostgreSQL ends it, and the answer is an error.
            answers.add(s.answer());
        }
        return new Outcome(outcome(answers), exact);
    }

    /** What the sessions give one after the other, in every order; those that may pass over, also as if they had not been there. */
    private Set<String> serialOutcomes(Interleaving world) throws Exception {
        Set<String> outcomes = new LinkedHashSet<>();
        int n = world.scripts().size();
        for (int passing = 0; passing < 1 << n; passing++) {
            for (List<Integer> order : permutations(n)) {
                String[] answers = new String[n];
                boolean possible = true;
                prepare(world);
                List<List<String>> statements = statements(world);
                for (int i : order) {
                    Script script = world.scripts().get(i);
                    if ((passing & 1 << i) != 0) {
                        possible &= script.passedOver() != null;
                        answers[i] = script.passedOver();
                    } else {
                        StepSession s = session("session " + i, script.role());
                        s.start(statements.get(i), 0);
                        answers[i] = s.answer();
                    }
                }
                if (possible) {
                    outcomes.add(outcome(List.of(answers)));
                }
            }
        }
        return outcomes;
    }

    private String outcome(List<String> answers) throws SQLException {
        String text = String.join(" | ", answers) + " => " + query(InterleavingSql.STATE)
                + query(InterleavingSql.BREACHES) + " then "
                + query("select jsonb_agg(l -> 'job_id' order by l -> 'job_id')"
                        + " from jsonb_array_elements(job_queue_claim('fresh', 10) -> 'leases') as l")
                + query(InterleavingSql.BREACHES) + query(InterleavingSql.LEFT);
        text = VARYING.matcher(text).replaceAll("");
        return ID.matcher(text).replaceAll("$1");
    }

    private void prepare(Interleaving world) throws SQLException {
        execute(InterleavingSql.EMPTY);
        for (String statement : world.setup()) {
            execute(named(statement));
        }
    }

    private List<List<String>> statements(Interleaving world) throws SQLException {
        List<List<String>> all = new ArrayList<>();
        for (Script script : world.scripts()) {
            List<String> named = new ArrayList<>();
            for (String statement : script.statements()) {
                named.add(named(statement));
            }
            all.add(named);
        }
        return all;
    }

    private String named(String statement) throws SQLException {
        StringBuilder named = new StringBuilder();
        int from = 0;
        for (MatchResult m : NAME.matcher(statement).results().toList()) {
            String id = m.group(1).repeat(8) + "-0000-4000-8000-000000000000";
            named.append(statement, from, m.start());
            named.append(
                    m.group(2) == null
                            ? id
                            : query("select token from public.job_queue_jobs where job_id = '" + id + "'"));
            from = m.end();
        }
        return named.append(statement.substring(from)).toString();
    }

    private StepSession session(String name, String role) throws SQLException {
        StepSession s = sessions.get(name + role);
        if (s == null) {
            s = new StepSession(local.openAdminConnection(), role);
            sessions.put(name + role, s);
        }
        return s;
    }

    /** Until each has ended, is held, or waits for a lock that somebody has: from there on nothing moves by itself. */
    private void awaitQuiet(List<StepSession> all) throws SQLException {
        for (long nanos = 100_000; ; nanos = Math.min(2 * nanos, 3_000_000)) {
            List<StepSession> active = all.stream().filter(s -> !s.idle()).toList();
            if (active.isEmpty() || allBlocked(active, all)) {
                return;
            }
            LockSupport.parkNanos(nanos);
        }
    }

    /** By each other: what autovacuum holds up for a moment goes on by itself. */
    private boolean allBlocked(List<StepSession> active, List<StepSession> all) throws SQLException {
        return query("select bool_and(b <> '{}' and b <@ array[" + pids(all) + "]) from unnest(array[" + pids(active)
                        + "]) as p cross join pg_blocking_pids(p) as b")
                .equals("t");
    }

    private static String pids(List<StepSession> sessions) {
        return sessions.stream().map(s -> String.valueOf(s.pid())).collect(Collectors.joining(", "));
    }

    private static void awaitEnd(@org.jspecify.annotations.Nullable StepSession gate) throws InterruptedException {
        if (gate != null) {
            gate.answer();
        }
    }

    private List<Integer> blockers(StepSession s) throws SQLException {
        List<Integer> pids = new ArrayList<>();
        try (Statement statement = observer.createStatement();
                ResultSet r = statement.executeQuery("select unnest(pg_blocking_pids(" + s.pid() + "))")) {
            while (r.next()) {
                pids.add(r.getInt(1));
            }
        }
        return pids;
    }

    private void execute(String sql) throws SQLException {
        try (Statement s = observer.createStatement()) {
            s.execute(sql);
        }
    }

    private String query(String sql) throws SQLException {
        try (Statement s = observer.createStatement();
                ResultSet r = s.executeQuery(sql)) {
            r.next();
            return String.valueOf(r.getString(1));
        }
    }

    private static String describe(Interleaving world, List<Integer> start, List<Point> at, List<Integer> release) {
        StringBuilder text = new StringBuilder(world.name()).append(": ");
        for (int i : start) {
            text.append(world.scripts().get(i).name())
                    .append(" to ")
                    .append(at.get(i).name())
                    .append(", ");
        }
        text.append("then released");
        for (int i : release) {
            text.append(' ').append(world.scripts().get(i).name());
        }
        return text.toString();
    }

    private static List<List<Point>> combinations(List<Script> scripts) {
        List<List<Point>> all = List.of(List.of());
        for (Script script : scripts) {
            List<List<Point>> longer = new ArrayList<>();
            for (List<Point> head : all) {
                for (Point point : script.points()) {
                    List<Point> next = new ArrayList<>(head);
                    next.add(point);
                    longer.add(next);
                }
            }
            all = longer;
        }
        return all;
    }

    /** Of three, the order given and its reverse. */
    private static List<List<Integer>> startOrders(int n) {
        return n < 3 ? permutations(n) : List.of(List.of(0, 1, 2), List.of(2, 1, 0));
    }

    private static List<List<Integer>> permutations(int n) {
        List<List<Integer>> all = List.of(List.of());
        for (int i = 0; i < n; i++) {
            List<List<Integer>> longer = new ArrayList<>();
            for (List<Integer> p : all) {
                for (int k = i; k >= 0; k--) {
                    List<Integer> next = new ArrayList<>(p);
                    next.add(k, i);
                    longer.add(next);
                }
            }
            all = longer;
        }
        return all;
    }

    @Override
    public void close() throws SQLException {
        for (StepSession s : sessions.values()) {
            s.close();
        }
        observer.close();
    }
}
