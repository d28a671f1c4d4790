package dev.interlock.it.worlds;

import java.util.ArrayList;
import java.util.List;

/** What is explored: some models and jobs, who calls what, and what may go wrong. */
@SuppressWarnings("OperatorPrecedence") // bits
final class World {

    private final String name;
    private final int[] needs;
    private final int[] priorities;
    private final int[] capacities;
    private final List<Caller> callers;
    private final int attempts;
    private final boolean leasesEnd;
    private final boolean crashes;
    private final boolean lostAnswers;
    private final int overtakes;

    private World(Builder builder) {
        name = builder.name;
        needs = builder.needs.stream().mapToInt(i -> i).toArray();
        priorities = builder.priorities.stream().mapToInt(i -> i).toArray();
        capacities = builder.capacities.clone();
        capacities[0] = builder.limit;
        callers = List.copyOf(builder.callers);
        attempts = builder.attempts;
        leasesEnd = builder.leasesEnd;
        crashes = builder.crashes;
        lostAnswers = builder.lostAnswers;
        overtakes = builder.overtakes;
    }

    enum Kind {
        ENQUEUER,
        STARTER,
        WORKER,
        OPERATOR
    }

    /**
     * A client, one call at a time.
     *
     * @param script what it does in order: batches of jobs (bits), jobs to start, or {@link Action}s; a worker has none and goes on for ever
     * @param retries a worker's runs may also end with a retry, at once or later
     * @param claims how many jobs a claim takes at most
     * @param chained completes and claims in one call
     */
    record Caller(Kind kind, List<Integer> script, boolean retries, int claims, boolean chained) {}

    /** What an operator does, packed into an int. */
    static final class Action {
        static final int CAPACITY = 0;
        static final int PAUSE = 1;
        static final int RESUME = 2;
        static final int LIMIT = 3;
        static final int CANCEL = 4;
        static final int SWEEP = 5;

        private Action() {}

        static int of(int kind, int subject, int value) {
            return kind << 8 | subject << 4 | value;
        }

        static int kind(int action) {
            return action >> 8;
        }

        static int subject(int action) {
            return action >> 4 & 15;
        }

        static int value(int action) {
            return action & 15;
        }
    }

    String name() {
        return name;
    }

    /** The lines that a job needs, as bits: bit m for model m, from 1 (line 0 is the global limit). */
    int needs(int job) {
        return needs[job];
    }

    /** 0 or 1. */
    int priority(int job) {
        return priorities[job];
    }

    /** At first; that of line 0 is the global limit, 0 where there is none. */
    int capacity(int line) {
        return capacities[line];
    }

    List<Caller> callers() {
        return callers;
    }

    /** How often a job may be started. */
    int attempts() {
        return attempts;
    }

    /** Whether a lease may run out at any moment, its worker alive or not. */
    boolean leasesEnd() {
        return leasesEnd;
    }

    /** Whether any transaction may be rolled back at any step, and workers may forget what they run. */
    boolean crashes() {
        return crashes;
    }

    /** Whether an answer may be lost after the commit. */
    boolean lostAnswers() {
        return lostAnswers;
    }

    /** {@code max_overtakes}, at most 2. */
    int overtakes() {
        return overtakes;
    }

    @Override
    public String toString() {
        return name;
    }

    int jobs() {
        return needs.length;
    }

    int lines() {
        return capacities.length;
    }

    /** Whether anybody ever asks for the settings alone. */
    boolean hasOperator() {
        for (Caller caller : callers) {
            for (int action : caller.kind() == Kind.OPERATOR ? caller.script() : List.<Integer>of()) {
                if (Action.kind(action) <= Action.LIMIT) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The name of a line. */
    static String line(int line) {
        return line == 0 ? "the limit" : String.valueOf((char) ('A' + line - 1));
    }

    static Builder named(String name) {
        return new Builder(name);
    }

    static final class Builder {
        private final String name;
        private final List<Integer> needs = new ArrayList<>();
        private final List<Integer> priorities = new ArrayList<>();
        private final List<Caller> callers = new ArrayList<>();
        private int[] capacities = {0, 1, 1};
        private int limit;
        private int attempts = 1;
        private boolean leasesEnd;
        private boolean crashes;
        private boolean lostAnswers;
        private int overtakes;

        Builder(String name) {
            this.name = name;
        }

        /** The capacities of models A, B, C. */
        Builder models(int... given) {
            capacities = new int[given.length + 1];
            System.arraycopy(given, 0, capacities, 1, given.length);
            return this;
        }

        Builder limit(int given) {
            limit = given;
            return this;
        }

        /** A job that needs the models of these letters. */
        Builder job(String models) {
            return job(models, 0);
        }

        Builder job(String models, int priority) {
            needs.add(models.chars().map(c -> 1 << (c - 'A' + 1)).sum());
            priorities.add(priority);
            return this;
        }

        /** Enters jobs, each list in one call. */
        Builder enqueuer(int[]... batches) {
            List<Integer> script = new ArrayList<>();
            for (int[] batch : batches) {
                int bits = 0;
                for (int job : batch) {
                    bits |= 1 << job;
                }
                script.add(bits);
            }
            callers.add(new Caller(Kind.ENQUEUER, script, false, 0, false));
            return this;
        }

        /** Starts jobs, one after the other, and runs those that it may. */
        Builder starter(int... jobs) {
            List<Integer> script = new ArrayList<>();
            for (int job : jobs) {
                script.add(1 << job);
            }
            callers.add(new Caller(Kind.STARTER, script, false, 0, false));
            return this;
        }

        Builder worker(int claims, boolean chained, boolean retries) {
            callers.add(new Caller(Kind.WORKER, List.of(), retries, claims, chained));
            return this;
        }

        Builder operator(Integer... actions) {
            callers.add(new Caller(Kind.OPERATOR, List.of(actions), false, 0, false));
            return this;
        }

        Builder attempts(int given) {
            attempts = given;
            return this;
        }

        Builder leasesEnd() {
            leasesEnd = true;
            return this;
        }

        Builder crashes() {
            crashes = true;
            return this;
        }

        Builder lostAnswers() {
            lostAnswers = true;
            return this;
        }

        Builder overtakes(int given) {
            overtakes = given;
            return this;
        }

        World build() {
            return new World(this);
        }
    }
}
