package dev.interlock.it.worlds;

import dev.interlock.it.worlds.World.Action;
import dev.interlock.it.worlds.World.Caller;
import dev.interlock.it.worlds.World.Kind;

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
    private final Settle settle;
    private final Changes changes;

    Protocol(World world, Break broken) {
        this.world = world;
        this.broken = broken;
        this.settle = new Settle(world, broken);
        this.changes = new Changes(world, broken);
    }

    /** Gives the next states of a session; returns the sessions (bits) that it waits for, 0 if it need not. */
    int expand(State s, int i, Steps steps) {
        Session c = s.sessions[i];
        if (c.at == Session.IDLE) {
            calls(s, i, steps);
            return 0;
        }
        int waits = holders(s, i);
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

    /** Whoever has the lock that the next step needs. */
    private int holders(State s, int i) {
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

    private static boolean overlaps(long linesMask, int lines) {
        for (int line = 0; line < 4; line++) {
            if ((lines >> line & 1) != 0 && (linesMask >> 16 * line & 0xffff) != 0) {
                return true;
            }
        }
        return false;
    }

    private boolean alone(Session c) {
        int kind = Action.kind(c.argument);
        return c.call == Session.OPERATE
                && (kind <= Action.RESUME && !(broken == Break.PAUSE_WITHOUT_STANDSTILL)
                        || (kind == Action.LIMIT && broken != Break.LIMIT_WITHOUT_STANDSTILL));
    }

    private int nextModel(Session c, int i) {
        boolean backwards = broken == Break.MODELS_OUT_OF_ORDER && i % 2 == 1;
        return backwards ? Integer.highestOneBit(c.toLock) : Integer.lowestOneBit(c.toLock);
    }

    private int nextTouched(Session c, int i) {
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

    // The calls that a client may make now.

    private void calls(State s, int i, Steps steps) {
        Session c = s.sessions[i];
        Caller caller = world.callers().get(i);
        if (caller.kind() == Kind.WORKER || caller.kind() == Kind.STARTER) {
            runs(s, i, steps);
        }
        if (caller.kind() == Kind.WORKER) {
            if (c.held == 0) {
                begin(s, i, steps, Session.CLAIM, 0);
            }
        } else if (c.script < caller.script().size()) {
            int entry = caller.script().get(c.script);
            switch (caller.kind()) {
                case ENQUEUER -> begin(s, i, steps, Session.ENQUEUE, entry);
                case STARTER -> begin(s, i, steps, Session.START, entry);
                default -> operate(s, i, steps, entry);
            }
        }
        if (world.crashes() && c.held != 0) {
            State next = s.copyFor(i);
            next.sessions[i].held = 0;
            next.sessions[i].tokens = 0;
            steps.to(next, i, "dies, and forgets what it runs");
        }
    }

    private void runs(State s, int i, Steps steps) {
        Session c = s.sessions[i];
        for (int j = 0; j < world.jobs(); j++) {
            if ((c.held >> j & 1) == 0) {
                continue;
            }
            begin(s, i, steps, Session.COMPLETE, 1 << j);
            if (world.callers().get(i).retries()) {
                begin(s, i, steps, Session.RETRY_NOW, 1 << j);
                begin(s, i, steps, Session.RETRY_LATER, 1 << j);
            }
            heartbeat(s, i, steps, j);
        }
        if (Integer.bitCount(c.held) > 1) {
            begin(s, i, steps, Session.COMPLETE, c.held);
        }
    }

    /** A beat of a lease that just ran out and was not taken back. (Any other changes nothing.) What is locked is skipped. */
    private void heartbeat(State s, int i, Steps steps, int job) {
        int row = s.rows[job];
        if (!Row.runs(row) || !Row.leaseOver(row) || Row.attempt(row) != s.sessions[i].tokenOf(job)) {
            return;
        }
        for (Session other : s.sessions) {
            if ((other.lockedJobs >> job & 1) != 0) {
                return;
            }
        }
        State next = s.copyFor(i);
        Session n = next.sessions[i];
        n.call = Session.HEARTBEAT;
        n.argument = 1 << job;
        n.lockedJobs = 1 << job;
        next.write(n, job, Row.withLeaseOver(row, false));
        n.at = Session.COMMIT;
        steps.to(next, i, "beats for job " + job);
    }

    private void operate(State s, int i, Steps steps, int action) {
        if (Action.kind(action) == Action.CANCEL && s.rows[Action.subject(action)] == Row.ABSENT) {
            return;
        }
        begin(s, i, steps, Session.OPERATE, action);
    }

    private void begin(State s, int i, Steps steps, int call, int argument) {
        State next = s.copyFor(i);
        Session n = next.sessions[i];
        n.call = call;
        n.argument = argument;
        n.claims = call == Session.CLAIM || n.ends() && world.callers().get(i).chained();
        boolean sees = n.claims || call == Session.ENQUEUE || call == Session.START || sweeps(n);
        n.due = sees ? recoverable(next, n) : 0;
        n.at = Session.SETTINGS;
        if (!world.hasOperator()) {
            settings(next, n);
        }
        steps.to(next, i, "calls " + name(n));
    }

    private static boolean sweeps(Session c) {
        return c.call == Session.OPERATE && Action.kind(c.argument) == Action.SWEEP;
    }

    /** Dead leases and due jobs as seen without locks; one caller at a time sees to them. */
    private int recoverable(State s, Session c) {
        int due = 0;
        for (int j = 0; j < world.jobs(); j++) {
            int row = s.rows[j];
            boolean outcome = c.ends() && (c.argument >> j & 1) != 0;
            due |= !outcome && (Row.runs(row) && Row.leaseOver(row) || Row.due(row)) ? 1 << j : 0;
        }
        if (due == 0) {
            return 0;
        }
        for (Session other : s.sessions) {
            if ((other.advisory & Session.HAS_RECOVERY) != 0) {
                return 0;
            }
        }
        c.advisory |= Session.HAS_RECOVERY;
        return due;
    }

    // The steps.

    private String step(State s, Session c, int i) {
        switch (c.at) {
            case Session.SETTINGS -> {
                settings(s, c);
                return alone(c) ? "has the settings alone" : "has the settings";
            }
            case Session.MODELS -> {
                int model = nextModel(c, i);
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
                int job = nextTouched(c, i);
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
                c.candidates = candidates(s, c);
                c.at = Session.TRY;
                if (c.candidates == 0) {
                    finish(s, c, c.ended != 0);
                }
                return "looks for runnable jobs";
            }
            case Session.TRY -> {
                return tryNext(s, c);
            }
            case Session.START_ROW -> {
                c.lockedJobs |= c.argument;
                int row = s.row(c, Integer.numberOfTrailingZeros(c.argument));
                if (Row.waits(row) && Row.runnable(row)) {
                    changes.begin(s, c, c.argument);
                }
                finish(s, c, c.taken != 0);
                return c.taken != 0 ? "starts it" : "finds it not runnable";
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
    private void settings(State s, Session c) {
        c.advisory |= alone(c) ? Session.HAS_SETTINGS_ALONE : Session.HAS_SETTINGS;
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
            finish(s, c, c.ends() || sweeps(c));
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

    private int candidates(State s, Session c) {
        int jobs = 0;
        for (int j = 0; j < world.jobs(); j++) {
            int row = s.row(c, j);
            jobs |= Row.waits(row) && (Row.runnable(row) || broken == Break.CLAIM_WITHOUT_SEATS) ? 1 << j : 0;
        }
        return jobs;
    }

    /** The next row of the claim's snapshot: skipped if locked, else locked and looked at again as it is now. */
    private String tryNext(State s, Session c) {
        int job = Settle.first(s, c, c.candidates);
        c.candidates &= ~(1 << job);
        boolean free = true;
        for (Session other : s.sessions) {
            free &= other == c || (other.lockedJobs >> job & 1) == 0;
        }
        String what = "passes over job " + job;
        if (free) {
            c.lockedJobs |= 1 << job;
            int row = s.row(c, job);
            boolean still = Row.waits(row) && (Row.runnable(row) || broken == Break.CLAIM_WITHOUT_SEATS);
            if (still || broken == Break.CLAIM_WITHOUT_RECHECK) {
                c.taken |= 1 << job;
                what = "takes job " + job;
            } else {
                what = "finds job " + job + " changed";
            }
        }
        // A claim with an outcome takes as many.
        if (c.candidates == 0
                || Integer.bitCount(c.taken)
                        >= world.callers().get(indexOf(s, c)).claims()) {
            c.candidates = 0;
            changes.begin(s, c, c.taken);
            finish(s, c, c.ended != 0);
        }
        return what;
    }

    private static int indexOf(State s, Session c) {
        for (int i = 0; i < s.sessions.length; i++) {
            if (s.sessions[i] == c) {
                return i;
            }
        }
        throw new IllegalStateException();
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

    private static String name(Session c) {
        return switch (c.call) {
            case Session.ENQUEUE -> "enqueue " + jobs(c.argument);
            case Session.START -> "start " + jobs(c.argument);
            case Session.CLAIM -> "claim";
            case Session.COMPLETE -> "complete " + jobs(c.argument) + (c.claims ? ", and claim" : "");
            case Session.RETRY_NOW -> "retry " + jobs(c.argument);
            case Session.RETRY_LATER -> "retry later " + jobs(c.argument);
            default ->
                switch (Action.kind(c.argument)) {
                    case Action.CAPACITY ->
                        "set_model " + World.line(Action.subject(c.argument)) + " capacity " + Action.value(c.argument);
                    case Action.PAUSE -> "set_model " + World.line(Action.subject(c.argument)) + " paused";
                    case Action.RESUME -> "set_model " + World.line(Action.subject(c.argument)) + " resumed";
                    case Action.LIMIT -> "set_limits max_active_jobs " + Action.value(c.argument);
                    case Action.CANCEL -> "cancel job " + Action.subject(c.argument);
                    default -> "sweep";
                };
        };
    }

    static String jobs(int bits) {
        StringBuilder text = new StringBuilder("job");
        for (int j = 0; bits >> j != 0; j++) {
            text.append((bits >> j & 1) != 0 ? " " + j : "");
        }
        return text.toString();
    }
}
