package dev.interlock.it.model;

import dev.interlock.ServiceException;
import dev.interlock.SupabaseClient;
import dev.interlock.it.engine.Queue;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * One random history, told to the engine over HTTP and to the model, and compared after each step.
 *
 * <p>The history has a clock of its own: the server's, plus all the time that was let pass. Time passes by moving every time in the coordinator's
 * tables back. Whatever would fall due within the next seconds is waited for before a step, so that how long a call really takes decides nothing.
 */
final class History {

    private static final long MARGIN = 5_000_000;
    private static final int LAST = 20;

    private final long seed;
    private final Queue queue;
    private final SupabaseClient supabase;
    private final Connection connection;
    private final String shift;
    private final ReferenceModel model = new ReferenceModel();
    private final ModelFunctions functions = new ModelFunctions(model);
    private final Generator generator;
    private final Map<String, JsonNode> first = new HashMap<>();
    private final Map<String, Long> tokens = new HashMap<>();
    private final Deque<String> last = new ArrayDeque<>();
    private EngineState state;
    private long offset;
    private int step;

    History(long seed, SupabaseClient supabase, Connection connection) throws SQLException {
        this.seed = seed;
        this.queue = new Queue(supabase);
        this.supabase = supabase;
        this.connection = connection;
        this.generator = new Generator(new Random(seed), model);
        this.shift = shiftOf(connection);
        this.state = EngineState.read(connection, 0, 0);
    }

    /** Throws an {@link AssertionError} that tells the whole story at the first step that the two tell differently. */
    void tell(int steps) throws SQLException {
        tell(generator.first());
        for (step = 1; step <= steps; step++) {
            model.now = state.now();
            pass(generator.pause());
            passWhatFallsDue();
            model.now = state.now();
            try {
                tell(generator.next());
            } catch (AssertionError e) {
                throw new AssertionError(
                        "History " + seed + ", step " + step + ": " + e.getMessage()
                                + "\nRepeat it with -Dinterlock.seed=" + seed
                                + " -Dinterlock.histories=1\nThe last steps:\n"
                                + String.join("\n", last),
                        e);
            }
        }
    }

    private void tell(Operation operation) throws SQLException {
        note(step + " at " + state.now() + ": " + operation);
        JsonNode answer = null;
        String refusal = null;
        try {
            answer = send(operation);
        } catch (ServiceException e) {
            refusal = String.valueOf(e.code());
            note("   refused: " + e.getMessage());
        }
        long began = state.now();
        EngineState after = EngineState.read(connection, offset, state.seq());
        long elapsed = after.now() - began;
        model.beginStep(began, facts(after, elapsed));

        Object expected = null;
        String refused = null;
        try {
            expected = functions.call(operation.function(), new Arguments(operation.arguments()));
        } catch (Refused e) {
            refused = e.code();
        }
        model.endStep();
        state = after;
        if (refused != null || refusal != null || answer == null) {
            same("the refusal", String.valueOf(refused), String.valueOf(refusal));
        } else {
            note("   " + answer);
            compare(operation, expected, answer, elapsed);
        }
        same("the events", sorted(model.events), sorted(after.events()));
        comparePictures(elapsed);
        if (model.complaint != null) {
            throw new AssertionError(model.complaint);
        }
    }

    private JsonNode send(Operation operation) {
        Map<String, ?> arguments = operation.wire(offset);
        if (operation.function().equals(Operation.INSERT)) {
            supabase.from("jobs")
                    .insert(Objects.requireNonNull(arguments.get("rows")))
                    .execute();
        } else if (operation.function().equals(Operation.DELETE)) {
            supabase.from("jobs")
                    .delete()
                    .eq("job_id", String.valueOf(arguments.get("job_id")))
                    .execute();
        } else {
            return queue.call(operation.function(), arguments);
        }
        return JsonNodeFactory.instance.objectNode();
    }

    private void compare(Operation operation, @Nullable Object expected, JsonNode answer, long elapsed) {
        String difference = new AnswerCheck(
                        offset, elapsed, first, operation.function().equals("job_queue_explain"))
                .difference(expected, answer);
        if (difference != null) {
            throw new AssertionError(difference);
        }
        String requestId =
                new Arguments(operation.arguments()).object("options").text("request_id", "");
        if (!requestId.isEmpty()) {
            first.put(requestId, answer);
        }
    }

    private void comparePictures(long elapsed) {
        Picture expected = Picture.of(model);
        List<String> differences = new ArrayList<>();
        TreeSet<String> names = new TreeSet<>(expected.things().keySet());
        names.addAll(state.picture().things().keySet());
        for (String name : names) {
            String mine = expected.things().get(name);
            String engines = state.picture().things().get(name);
            if (mine == null || !mine.equals(engines)) {
                differences.add(name + "\n  model:  " + mine + "\n  engine: " + engines);
            }
        }
        AnswerCheck check = new AnswerCheck(offset, elapsed, first, false);
        expected.times().forEach((name, time) -> {
            Long engines = state.picture().times().get(name);
            if (engines == null || !check.isAbout(time, engines)) {
                differences.add("time " + name + "\n  model:  " + time + "\n  engine: " + engines);
            }
        });
        if (!differences.isEmpty()) {
            throw new AssertionError("the states differ:\n" + String.join("\n", differences));
        }
        for (ModelJob job : model.jobs.values()) {
            learn(job);
        }
    }

    /** What the model could know only to within the call: from now on exactly. */
    private void learn(ModelJob job) {
        Long due = state.picture().times().get(job.id + " due");
        if (job.due != null && due != null) {
            job.due = due;
        }
        Long lease = state.picture().times().get(job.id + " lease");
        if (job.running && lease != null) {
            job.leaseUntil = lease;
        }
        Long runnable = state.picture().times().get(job.id + " runnable");
        if (model.isRated(job) || (job.runnableSince != null && runnable != null)) {
            job.runnableSince = runnable;
        }
        Long known = tokens.put(job.id, job.token);
        if (job.token > 0 && (known == null || known != job.token)) {
            generator.began(new Draws.Run(job.id, job.token));
        }
    }

    private Facts facts(EngineState after, long elapsed) {
        return new Facts() {
            @Override
            public long enteredAt(String jobId) {
                return within(after.picture().times().get(jobId + " entered"));
            }

            @Override
            public long startedAt(String jobId) {
                return within(after.startedAt().get(jobId));
            }

            @Override
            public long token(String jobId) {
                return after.tokens().getOrDefault(jobId, 0L);
            }

            @Override
            public long resumedAt() {
                return within(after.resumedAt());
            }

            @Override
            public @Nullable Long heardOf(String worker) {
                return after.heardOf().get(worker);
            }

            private long within(@Nullable Long time) {
                return time != null && time >= model.now && time <= model.now + elapsed ? time : model.now;
            }
        };
    }

    /** Lets what falls due within the margin fall due now. */
    private void passWhatFallsDue() throws SQLException {
        long wait;
        do {
            model.now = state.now();
            wait = 0;
            for (long time : model.timesAhead()) {
                if (time > state.now() - MARGIN / 100 && time <= state.now() + MARGIN) {
                    wait = Math.max(wait, time - state.now() + MARGIN / 50);
                }
            }
            pass(wait);
        } while (wait > 0);
    }

    private void pass(long micros) throws SQLException {
        if (micros > 0) {
            note("   " + micros / 1_000_000.0 + " s pass");
            try (Statement s = connection.createStatement()) {
                s.execute(shift.replace("$1", "interval '" + micros + " microseconds'"));
            }
            offset += micros;
            // Nobody else is here: the rest of what was read is as it was.
            long now = EngineState.clock(connection, offset);
            state = new EngineState(
                    now,
                    state.picture(),
                    state.tokens(),
                    state.startedAt(),
                    state.heardOf(),
                    state.resumedAt(),
                    state.events(),
                    state.seq());
        }
    }

    /** All times in all tables of the coordinator, found in the catalog so that none is forgotten. */
    private static String shiftOf(Connection connection) throws SQLException {
        StringBuilder updates = new StringBuilder();
        try (Statement s = connection.createStatement();
                ResultSet r = s.executeQuery("select c.relname, string_agg(format('%1$I = %1$I - $1', a.attname), ', ')"
                        + " from pg_class as c join pg_attribute as a on a.attrelid = c.oid"
                        + " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
                        + " and c.relname like 'job\\_queue\\_%' and a.atttypid = 'timestamptz'::regtype"
                        + " and not a.attisdropped and a.attgenerated = '' and c.relname <> 'job_queue_migrations'"
                        + " group by c.relname order by c.relname")) {
            while (r.next()) {
                updates.append("update public." + r.getString(1) + " set " + r.getString(2) + ";\n");
            }
        }
        return updates.toString();
    }

    private void note(String line) {
        last.addLast(line);
        while (last.size() > 3 * LAST) {
            last.removeFirst();
        }
    }

    private static List<String> sorted(List<String> events) {
        return events.stream().sorted().toList();
    }

    private static void same(String what, Object expected, Object actual) {
        if (!expected.equals(actual)) {
            throw new AssertionError(what + "\n  model:  " + expected + "\n  engine: " + actual);
        }
    }
}
