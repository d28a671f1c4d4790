package dev.interlock.it.worlds;

import dev.interlock.it.worlds.World.Action;
import dev.interlock.it.worlds.World.Kind;
import java.util.Arrays;

/**
 * The functions as programs: for a state and a session, the states that its next step can lead to. A step is one statement with a snapshot of its
 * own, or one lock that a statement takes. Which SQL each mirrors: docs/design/small-worlds.md.
 */
@SuppressWarnings("OperatorPrecedence") // bits
final class Protocol {

    /** Takes the states that a step leads to. */
    interface Steps {
        void to(State next, int session, String what);
    }

    private final World world;
    private final Break broken;
    private final Locks locks;
    private final Calls calls;
    private final Settle settle;
    private final Changes changes;
    private final Take take;
    private final Lend lend;

    Protocol(World world, Break broken) {
        this.world = world;
        this.broken = broken;
        this.locks = new Locks(world, broken);
        this.calls = new Calls(world, this);
        this.settle = new Settle(world, broken);
        this.changes = new Changes(world, broken);
        this.take = new Take(world, broken);
        this.lend = new Lend(world, broken, changes);
    }

    /** Gives the next states of a session; returns the sessions (bits) that it waits for, 0 if it need not. */
    int expand(State s, int i, Steps steps) {
        Session c = s.sessions[i];
        if (c.at == Session.IDLE) {
            calls.calls(s, i, steps);
            return 0;
        }
        int waits = locks.holders(s, i);
        if (waits == 0) {
            State next = s.copyFor(i);
            Session n = next.sessions[i];
            String what = step(next, n, i);
            steps.to(next, i, what);
            if (c.at == Session.COMMIT
                    && world.lostAnswers()
                    && (c.call == Session.CLAIM || c.call == Session.COMPLETE)) {
                State lost = next.copyFor(i);
                lost.sessions[i].held = c.held;
                lost.sessions[i].tokens = c.tokens;
                steps.to(lost, i, "commits, and its answer is lost");
            }
        }
        if (world.crashes()) {
            State next = s.copyFor(i);
            next.sessions[i].reset();
            next.renumber();
            steps.to(next, i, "is rolled back");
        }
        return waits;
    }

    private String step(State s, Session c, int i) {
        switch (c.at) {
            case Session.SETTINGS -> {
                settings(s, c);
                return locks.alone(c) ? "has the settings alone" : "has the settings";
            }
            case Session.MODELS -> {
                int model = locks.nextModel(c, i);
                c.lockedModels |= model;
                c.toLock &= ~model;
                if (c.toLock == 0) {
                    toJobs(s, c);
                }
                return "locks " + World.line(Integer.numberOfTrailingZeros(model));
            }
            case Session.JOBS -> {
                int job = Integer.lowestOneBit(c.toLock);
                c.lockedJobs |= job;
                c.toLock &= ~job;
                if (c.toLock == 0) {
                    apply(s, c);
                    return job == 0 ? "changes" : "locks job " + Integer.numberOfTrailingZeros(job) + ", changes";
                }
                return "locks job " + Integer.numberOfTrailingZeros(job);
            }
            case Session.LOOK -> {
                settle.look(s, c);
                return "looks who waits with a seat";
            }
            case Session.LIST -> {
                settle.list(s, c);
                return "lists those";
            }
            case Session.TOUCH -> {
                int job = locks.nextTouched(c, i);
                c.lockedJobs |= job;
                c.toLock &= ~job;
                if (c.toLock == 0) {
                    settle.share(s, c);
                }
                return job == 0
                        ? "shares out the seats"
                        : "locks job " + Integer.numberOfTrailingZeros(job)
                                + (c.toLock == 0 ? ", shares out the seats" : "");
            }
            case Session.DERIVE -> {
                settle.derive(s, c, c.touched);
                settled(s, c);
                return "derives runnable";
            }
            case Session.DERIVE_ALL -> {
                settle.derive(s, c, ~0);
                finish(s, c, true);
                return "derives runnable of all";
            }
            case Session.SNAPSHOT -> {
                c.candidates = take.candidates(s, c);
                c.at = Session.TRY;
                if (c.candidates == 0) {
                    lendOrFinish(s, c);
                }
                return "looks for runnable jobs";
            }
            case Session.TRY -> {
                String what = take.next(s, c);
                // A claim with an outcome takes as many.
                if (c.candidates == 0 || Integer.bitCount(c.taken) >= most(s, c)) {
                    changes.begin(s, c, c.taken);
                    lendOrFinish(s, c);
                }
                return what;
            }
            case Session.START_ROW -> {
                c.lockedJobs |= c.argument;
                int row = s.row(c, Integer.numberOfTrailingZeros(c.argument));
                if (Row.waits(row) && Row.runnable(row)) {
                    changes.begin(s, c, c.argument);
                } else if (Row.waits(row) && world.overtakes() > 0) {
                    c.behind = c.argument;
                }
                lendOrFinish(s, c);
                return c.taken != 0 ? "starts it" : "finds it not runnable";
            }
            case Session.LEND -> {
                String what = lend.next(s, c);
                if (c.passing == 0) {
                    lendOrFinish(s, c);
                }
                return what;
            }
            case Session.LEND_LINE -> {
                return lend.ahead(s, c);
            }
            case Session.LEND_LOCK -> {
                int started = c.taken;
                int job = c.passing - 1;
                if (lend.pass(s, c)) {
                    lendOrFinish(s, c);
                }
                return c.taken != started ? "starts job " + job + ", which passes them" : "locks those";
            }
            case Session.STATE_LOCK -> {
                c.advisory |= Session.HAS_STATE;
                c.at = Session.STATE_ROW;
                return "locks the state row";
            }
            case Session.STATE_ROW -> {
                c.ownState = running(s, c);
                c.at = Session.COMMIT;
                return "writes the state row";
            }
            default -> {
                commit(s, c, i);
                return "commits";
            }
        }
    }

    /** The settings are its own or shared now; which lines it needs is read after that. */
    void settings(State s, Session c) {
        c.advisory |= locks.alone(c) ? Session.HAS_SETTINGS_ALONE : Session.HAS_SETTINGS;
        int limit = State.capacity(s.models(c), 0) > 0 ? 1 : 0;
        int jobs = c.due;
        int kind = c.call == Session.OPERATE ? Action.kind(c.argument) : -1;
        switch (c.call) {
            case Session.ENQUEUE, Session.START -> {
                for (int j = 0; j < world.jobs(); j++) {
                    boolean named = (c.argument >> j & 1) != 0;
                    boolean known = s.row(c, j) != Row.ABSENT;
                    jobs |= named && !(known && broken == Break.KNOWN_JOB_WITHOUT_ITS_LINES) ? 1 << j : 0;
                }
            }
            case Session.COMPLETE, Session.RETRY_NOW, Session.RETRY_LATER -> jobs |= c.argument;
            case Session.OPERATE -> jobs |= kind == Action.CANCEL ? 1 << Action.subject(c.argument) : 0;
            default -> {}
        }
        c.behind = c.claims ? lend.lendable(s, c, jobs) : 0;
        jobs |= c.behind;
        c.needs = jobs == 0 && c.call == Session.CLAIM ? 0 : limit;
        for (int j = 0; j < world.jobs(); j++) {
            c.needs |= (jobs >> j & 1) != 0 ? world.needs(j) : 0;
        }
        if (kind >= 0 && kind <= Action.RESUME) {
            c.needs = 1 << Action.subject(c.argument);
        } else if (kind == Action.LIMIT) {
            c.needs = 1;
        }
        c.toLock = broken == Break.NO_MODEL_LOCKS ? 0 : c.needs;
        c.at = Session.MODELS;
        if (c.call == Session.CLAIM && c.needs == 0) {
            c.at = Session.SNAPSHOT;
        } else if (c.toLock == 0) {
            toJobs(s, c);
        }
    }

    private void toJobs(State s, Session c) {
        c.at = Session.JOBS;
        int kind = c.call == Session.OPERATE ? Action.kind(c.argument) : -1;
        c.toLock = c.due | (c.ends() ? c.argument : kind == Action.CANCEL ? 1 << Action.subject(c.argument) : 0);
        if (kind == Action.PAUSE || kind == Action.RESUME) {
            c.toLock |= changes.moved(s, c);
        }
    }

    /** With everything locked that it names: the change itself, then settle. */
    private void apply(State s, Session c) {
        int entered = 0;
        boolean settles = true;
        switch (c.call) {
            case Session.ENQUEUE, Session.START -> {
                entered = changes.recover(s, c) | changes.insert(s, c, c.argument);
                settles = (entered | c.due) != 0;
                s.renumber();
            }
            case Session.COMPLETE, Session.RETRY_NOW, Session.RETRY_LATER -> {
                entered = changes.outcomes(s, c) | changes.recover(s, c);
                settles = broken != Break.NO_SETTLE_ON_COMPLETE;
            }
            case Session.CLAIM -> {
                entered = changes.recover(s, c);
                settles = broken != Break.NO_SETTLE_ON_TAKE_BACK;
            }
            default -> {
                switch (Action.kind(c.argument)) {
                    case Action.CANCEL -> settles = changes.cancel(s, c) && broken != Break.NO_SETTLE_ON_CANCEL;
                    case Action.LIMIT -> changes.setLimit(s, c);
                    case Action.SWEEP -> entered = changes.recover(s, c);
                    case Action.CAPACITY -> {
                        changes.setModel(s, c);
                        settles = broken != Break.NO_SETTLE_ON_CAPACITY;
                    }
                    default -> {
                        int moved = changes.moved(s, c);
                        changes.setModel(s, c);
                        for (int j = 0; j < world.jobs(); j++) {
                            if ((moved >> j & 1) != 0) {
                                c.needs |= changes.linesOf(s, c, j);
                                changes.enter(s, c, j);
                            }
                        }
                        entered = moved;
                    }
                }
            }
        }
        c.ended |= c.due;
        c.due = 0;
        if (settles) {
            settle.begin(s, c, entered);
        }
        if (!settles || (c.busy == 0 && entered == 0)) {
            settled(s, c);
        }
    }

    private void settled(State s, Session c) {
        c.busy = 0;
        c.touched = 0;
        c.toLock = 0;
        c.early = 0;
        if (c.claims) {
            c.at = Session.SNAPSHOT;
        } else if (c.call == Session.START) {
            c.at = Session.START_ROW;
        } else if (c.call == Session.OPERATE && Action.kind(c.argument) == Action.LIMIT) {
            c.at = Session.DERIVE_ALL;
        } else {
            finish(s, c, c.ends() || Calls.sweeps(c));
        }
    }

    /** Those that might pass others, one after the other, until the caller has enough. */
    private void lendOrFinish(State s, Session c) {
        c.passing = 0;
        c.candidates = 0;
        c.busy = 0;
        c.touched = 0;
        c.toLock = 0;
        if (c.behind != 0 && Integer.bitCount(c.taken) < (c.claims ? most(s, c) : 1)) {
            c.at = Session.LEND;
        } else {
            c.behind = 0;
            finish(s, c, c.claims && c.ended != 0);
        }
    }

    /** One job at a time: the state row is exact ({@code refresh_state}, {@code recheck_state}). */
    private void finish(State s, Session c, boolean runsChanged) {
        boolean exact = State.capacity(s.models(c), 0) == 1;
        boolean enters = c.call == Session.ENQUEUE || c.call == Session.START;
        boolean stale =
                enters && s.active > 0 && !Row.runs(s.row(c, s.active - 1)) && broken != Break.STATE_ROW_FORGOTTEN;
        c.at = exact && (runsChanged || stale || c.taken != 0) ? Session.STATE_LOCK : Session.COMMIT;
        c.ended = 0;
        c.needs = 0;
    }

    private int running(State s, Session c) {
        for (int j = 0; j < world.jobs(); j++) {
            if (Row.runs(s.row(c, j))) {
                return j + 1;
            }
        }
        return 0;
    }

    private int most(State s, Session c) {
        return world.callers().get(Arrays.asList(s.sessions).indexOf(c)).claims();
    }

    private void commit(State s, Session c, int i) {
        s.commit(c);
        if (c.ends()) {
            c.forget(c.argument);
        }
        for (int j = 0; j < world.jobs(); j++) {
            if ((c.taken >> j & 1) != 0) {
                c.hold(j, Row.attempt(s.rows[j]));
            }
        }
        boolean scripted = world.callers().get(i).kind() != Kind.WORKER
                && (c.call == Session.ENQUEUE || c.call == Session.START || c.call == Session.OPERATE);
        c.script += scripted ? 1 : 0;
        c.reset();
    }

    /** What only time does: a lease runs out, a delayed job falls due. */
    void timePasses(State s, Steps steps) {
        for (int j = 0; j < world.jobs(); j++) {
            int row = s.rows[j];
            if (world.leasesEnd() && Row.runs(row) && !Row.leaseOver(row)) {
                State next = s.copyFor(-1);
                next.rows[j] = Row.withLeaseOver(row, true);
                steps.to(next, -1, "the lease of job " + j + " runs out");
            }
            if (Row.status(row) == Row.DELAYED && !Row.forPause(row) && !Row.due(row)) {
                State next = s.copyFor(-1);
                next.rows[j] = Row.withDue(row);
                steps.to(next, -1, "job " + j + " falls due");
            }
        }
    }
}
