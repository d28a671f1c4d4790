package dev.interlock.it.worlds;

import dev.interlock.it.worlds.World.Action;
import dev.interlock.it.worlds.World.Caller;
import dev.interlock.it.worlds.World.Kind;

/** The calls that a client may make now, up to the first lock of each. */
@SuppressWarnings("OperatorPrecedence") // bits
final class Calls {

    private final World world;
    private final Protocol protocol;

    Calls(World world, Protocol protocol) {
        this.world = world;
        this.protocol = protocol;
    }

    void calls(State s, int i, Protocol.Steps steps) {
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

    private void runs(State s, int i, Protocol.Steps steps) {
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
    private void heartbeat(State s, int i, Protocol.Steps steps, int job) {
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

    private void operate(State s, int i, Protocol.Steps steps, int action) {
        if (Action.kind(action) == Action.CANCEL && s.rows[Action.subject(action)] == Row.ABSENT) {
            return;
        }
        begin(s, i, steps, Session.OPERATE, action);
    }

    private void begin(State s, int i, Protocol.Steps steps, int call, int argument) {
        State next = s.copyFor(i);
        Session n = next.sessions[i];
        n.call = call;
        n.argument = argument;
        n.claims = call == Session.CLAIM || n.ends() && world.callers().get(i).chained();
        boolean sees = n.claims || call == Session.ENQUEUE || call == Session.START || sweeps(n);
        n.due = sees ? recoverable(next, n) : 0;
        n.at = Session.SETTINGS;
        if (!world.hasOperator()) {
            protocol.settings(next, n);
        }
        steps.to(next, i, "calls " + name(n));
    }

    static boolean sweeps(Session c) {
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
