package dev.interlock.it.worlds;

import org.jspecify.annotations.Nullable;

/** The rules and invariants of the design, stated over the jobs alone: seats and {@code runnable} are what is judged, never what judges. */
@SuppressWarnings("OperatorPrecedence") // bits
final class Rules {

    private final World world;

    Rules(World world) {
        this.world = world;
    }

    /** Rule 1: not paused, and (jobs holding it + jobs ahead in its line) &lt; capacity, for every line. */
    boolean mayStart(State s, int job) {
        for (int line = 0; line < world.lines(); line++) {
            if (stands(s, line, job)
                    && (State.paused(s.models, line)
                            || holding(s, line) + ahead(s, line, job) >= State.capacity(s.models, line))) {
                return false;
            }
        }
        return true;
    }

    /** Rule 3's knob: in each line that it is not admitted to, somebody ahead is and does not use it, and all ahead are held up elsewhere. */
    private boolean mayPass(State s, int job) {
        for (int line = 0; line < world.lines(); line++) {
            if (stands(s, line, job) && !admitted(s, line, job, -1)) {
                boolean kept = false;
                for (int j = 0; j < world.jobs(); j++) {
                    if (isAhead(s, line, j, job)) {
                        kept |= admitted(s, line, j, -1);
                        if (Row.overtaken(s.rows[j]) >= world.overtakes() || !heldUpElsewhere(s, line, j, -1)) {
                            return false;
                        }
                    }
                }
                if (!kept) {
                    return false;
                }
            }
        }
        return world.overtakes() > 0;
    }

    /** As if this holder were not there. */
    private boolean admitted(State s, int line, int job, int without) {
        int holding = holding(s, line) - (without >= 0 && stands(s, line, without) ? 1 : 0);
        return !State.paused(s.models, line) && holding + ahead(s, line, job) < State.capacity(s.models, line);
    }

    private boolean heldUpElsewhere(State s, int line, int job, int without) {
        for (int other = 0; other < world.lines(); other++) {
            if (other != line && stands(s, other, job) && !admitted(s, other, job, without)) {
                return true;
            }
        }
        return false;
    }

    private boolean isAhead(State s, int line, int ahead, int job) {
        return stands(s, line, ahead) && Row.waits(s.rows[ahead]) && Row.key(s.rows[ahead]) < Row.key(s.rows[job]);
    }

    /** Who was passed by this start was held up elsewhere; each pass is counted, and none is one too many. */
    private @Nullable String brokenPasses(State before, State after) {
        int[] passes = new int[world.jobs()];
        for (int j = 0; j < world.jobs(); j++) {
            if (began(before, after, j)) {
                int passed = 0;
                for (int line = 0; line < world.lines(); line++) {
                    boolean passing = stands(after, line, j)
                            && holding(after, line) + ahead(after, line, j) > State.capacity(after.models, line);
                    for (int k = 0; passing && k < world.jobs(); k++) {
                        if (isAhead(after, line, k, j)) {
                            passed |= 1 << k;
                            if (!heldUpElsewhere(after, line, k, j)) {
                                return "order (I3): job " + j + " started and passed job " + k + ", which waits for "
                                        + World.line(line) + " alone";
                            }
                        }
                    }
                }
                for (int k = 0; k < world.jobs(); k++) {
                    passes[k] += passed >> k & 1;
                }
            }
        }
        for (int k = 0; k < world.jobs(); k++) {
            int counted = Row.overtaken(after.rows[k]) - Row.overtaken(before.rows[k]);
            if (counted != passes[k]) {
                return "rule 3: job " + k + " was passed " + passes[k] + " times, and " + counted + " are counted";
            } else if (Row.overtaken(after.rows[k]) > world.overtakes()) {
                return "rule 3: job " + k + " was passed more often than it may";
            }
        }
        return null;
    }

    private static boolean began(State before, State after, int job) {
        return Row.runs(after.rows[job])
                && (!Row.runs(before.rows[job]) || Row.attempt(before.rows[job]) != Row.attempt(after.rows[job]));
    }

    private boolean stands(State s, int line, int job) {
        return line == 0 ? State.capacity(s.models, 0) > 0 : (world.needs(job) >> line & 1) != 0;
    }

    private int holding(State s, int line) {
        int holding = 0;
        for (int j = 0; j < world.jobs(); j++) {
            holding += stands(s, line, j) && Row.runs(s.rows[j]) ? 1 : 0;
        }
        return holding;
    }

    private int ahead(State s, int line, int job) {
        int ahead = 0;
        for (int j = 0; j < world.jobs(); j++) {
            ahead += isAhead(s, line, j, job) ? 1 : 0;
        }
        return ahead;
    }

    /** What a commit broke, or null. */
    @Nullable
    String brokenBy(State before, int session, State after) {
        for (int line = 0; line < world.lines(); line++) {
            int holding = holding(after, line);
            if (State.capacity(after.models, 0) == 0 && line == 0) {
                continue;
            }
            // A lowered capacity, or a new limit, drains.
            if (holding > State.capacity(after.models, line)
                    && holding > holding(before, line)
                    && limitStood(before, line)) {
                return "exclusion (I1): " + holding + " hold " + World.line(line);
            }
        }
        for (int j = 0; j < world.jobs(); j++) {
            String broken = brokenFor(before, after, j, before.sessions[session]);
            if (broken != null) {
                return broken;
            }
        }
        String broken = brokenPasses(before, after);
        return broken != null ? broken : stateRow(after);
    }

    private static boolean limitStood(State before, int line) {
        return line > 0 || State.capacity(before.models, 0) > 0;
    }

    private @Nullable String brokenFor(State before, State after, int j, Session c) {
        int was = before.rows[j];
        int row = after.rows[j];
        if (Row.over(was) && row != was) {
            return "once (I7): job " + j + " was over and changed";
        }
        boolean newRun = began(before, after, j);
        if (Row.runs(was) && (!Row.runs(row) || newRun)) {
            boolean outcome = c.ends() && (c.argument >> j & 1) != 0;
            if (outcome ? c.tokenOf(j) != Row.attempt(was) : !Row.leaseOver(was)) {
                return "fencing (I6): job " + j + " lost its run to " + (outcome ? "an older one" : "nobody's right");
            }
        }
        if (newRun) {
            String broken = brokenStart(after, j);
            if (broken != null) {
                return broken;
            }
        }
        return brokenPlaces(after, j);
    }

    private @Nullable String brokenStart(State after, int j) {
        for (int line = 0; line < world.lines(); line++) {
            if (stands(after, line, j)) {
                if (State.paused(after.models, line)) {
                    return "job " + j + " started on a paused model";
                }
                if (world.overtakes() == 0
                        && holding(after, line) + ahead(after, line, j) > State.capacity(after.models, line)) {
                    return "order (I3): job " + j + " started and passed one ahead of it for " + World.line(line);
                }
            }
        }
        return null;
    }

    /** A job stands in all of its lines or in none, runs with a seat in each, and is runnable if and only if it may start. */
    private @Nullable String brokenPlaces(State s, int j) {
        int row = s.rows[j];
        boolean paused = false;
        for (int line = 0; line < world.lines(); line++) {
            boolean stands = stands(s, line, j) && (Row.waits(row) || Row.runs(row));
            paused |= stands(s, line, j) && State.paused(s.models, line);
            if (stands != State.inLine(s.lines, line, j)) {
                return "job " + j + " is " + Row.text(row) + (stands ? " and not in line for " : " and in line for ")
                        + World.line(line);
            }
            if (Row.runs(row) && stands && !State.seated(s.lines, line, j)) {
                return "all or nothing (I2): job " + j + " runs without a seat of " + World.line(line);
            }
        }
        if (Row.waits(row)) {
            if (paused) {
                return "job " + j + " holds others up while it needs a paused model";
            }
            if (Row.runnable(row) != mayStart(s, j)) {
                return Row.runnable(row)
                        ? "order (I3): job " + j + " is runnable and may not start"
                        : "lost wake-up (I5): job " + j + " may start and is not runnable";
            }
        }
        if (Row.forPause(row) && !paused) {
            return "lost wake-up (I5): job " + j + " is aside for a pause that is over";
        }
        return null;
    }

    /** One at a time: job_queue_state names the one that runs. */
    private @Nullable String stateRow(State s) {
        if (State.capacity(s.models, 0) != 1) {
            return null;
        }
        int running = 0;
        int some = 0;
        for (int j = 0; j < world.jobs(); j++) {
            if (Row.runs(s.rows[j])) {
                running++;
                some = j + 1;
            }
        }
        return running <= 1 && s.active != some
                ? "truth (I10): the state row says " + (s.active == 0 ? "nobody" : "job " + (s.active - 1))
                : null;
    }

    boolean allOver(State s) {
        for (int row : s.rows) {
            if (!Row.over(row)) {
                return false;
            }
        }
        return true;
    }

    boolean anyMayStart(State s) {
        for (int j = 0; j < world.jobs(); j++) {
            if (Row.waits(s.rows[j]) && (mayStart(s, j) || mayPass(s, j))) {
                return true;
            }
        }
        return false;
    }
}
