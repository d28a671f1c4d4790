package dev.interlock.it.worlds;

import dev.interlock.it.worlds.World.Action;

/** Which lock the next step of a session takes, and who has it. */
@SuppressWarnings("OperatorPrecedence") // bits
final class Locks {

    private final World world;
    private final Break broken;

    Locks(World world, Break broken) {
        this.world = world;
        this.broken = broken;
    }

    /** Whoever has the lock that the next step needs. */
    int holders(State s, int i) {
        Session c = s.sessions[i];
        int holders = 0;
        for (int o = 0; o < s.sessions.length; o++) {
            if (o != i && conflicts(s, c, i, s.sessions[o])) {
                holders |= 1 << o;
            }
        }
        return holders;
    }

    private boolean conflicts(State s, Session c, int i, Session other) {
        return switch (c.at) {
            case Session.SETTINGS ->
                (other.advisory
                                & (alone(c)
                                        ? Session.HAS_SETTINGS | Session.HAS_SETTINGS_ALONE
                                        : Session.HAS_SETTINGS_ALONE))
                        != 0;
            case Session.MODELS -> (other.lockedModels & nextModel(c, i)) != 0;
            case Session.JOBS, Session.START_ROW -> (other.lockedJobs & nextOf(c)) != 0;
            case Session.TOUCH ->
                c.toLock != 0
                        ? (other.lockedJobs & nextTouched(c, i)) != 0
                        // Two that share out one line, which the models' locks prevent, meet in its rows.
                        : overlaps(other.ownLinesMask, c.busy);
            case Session.DERIVE -> (other.lockedJobs & c.touched & ~c.lockedJobs) != 0;
            case Session.DERIVE_ALL -> (other.lockedJobs & waiting(s, c)) != 0;
            case Session.STATE_LOCK -> (other.advisory & Session.HAS_STATE) != 0;
            default -> false;
        };
    }

    /** Whether one of these rows of jobs is locked by somebody else. */
    static boolean othersHave(State s, Session c, int jobs) {
        for (Session other : s.sessions) {
            if (other != c && (other.lockedJobs & jobs) != 0) {
                return true;
            }
        }
        return false;
    }

    private static boolean overlaps(long linesMask, int lines) {
        for (int line = 0; line < 4; line++) {
            if ((lines >> line & 1) != 0 && (linesMask >> 16 * line & 0xffff) != 0) {
                return true;
            }
        }
        return false;
    }

    boolean alone(Session c) {
        int kind = Action.kind(c.argument);
        return c.call == Session.OPERATE
                && (kind <= Action.RESUME && !(broken == Break.PAUSE_WITHOUT_STANDSTILL)
                        || (kind == Action.LIMIT && broken != Break.LIMIT_WITHOUT_STANDSTILL));
    }

    int nextModel(Session c, int i) {
        boolean backwards = broken == Break.MODELS_OUT_OF_ORDER && i % 2 == 1;
        return backwards ? Integer.highestOneBit(c.toLock) : Integer.lowestOneBit(c.toLock);
    }

    int nextTouched(Session c, int i) {
        boolean backwards = broken == Break.JOBS_OUT_OF_ORDER && i % 2 == 1;
        return backwards ? Integer.highestOneBit(c.toLock) : Integer.lowestOneBit(c.toLock);
    }

    private static int nextOf(Session c) {
        return c.at == Session.START_ROW ? c.argument : Integer.lowestOneBit(c.toLock);
    }

    private int waiting(State s, Session c) {
        int waiting = 0;
        for (int j = 0; j < world.jobs(); j++) {
            waiting |= Row.waits(s.row(c, j)) ? 1 << j : 0;
        }
        return waiting & ~c.lockedJobs;
    }
}
