package dev.interlock.it.worlds;

import dev.interlock.it.worlds.World.Action;

/**
 * What the functions change under their locks: {@code enter_new} (040), {@code settle_outcomes} (042), {@code cancel} (046), {@code set_model}
 * (047), {@code set_limits} (048), and of the transitions (034, 032) {@code enter}, {@code leave}, {@code recover} and {@code begin}.
 */
@SuppressWarnings("OperatorPrecedence") // bits
final class Changes {

    private final World world;
    private final Break broken;

    Changes(World world, Break broken) {
        this.world = world;
        this.broken = broken;
    }

    /** The lines that a job stands in ({@code lines_of}). */
    int linesOf(State s, Session c, int job) {
        return world.needs(job) | (State.capacity(s.models(c), 0) > 0 ? 1 : 0);
    }

    /** New jobs, at the place that the moment gives them, which is taken under the locks of their lines; returns those that entered. */
    int insert(State s, Session c, int batch) {
        int fresh = 0;
        for (int j = 0; j < world.jobs(); j++) {
            if ((batch >> j & 1) != 0 && s.row(c, j) == Row.ABSENT) {
                s.write(c, j, Row.entered(nextKey(s, world.priority(j))));
                c.lockedJobs |= 1 << j;
                enter(s, c, j);
                fresh |= 1 << j;
            }
        }
        return fresh;
    }

    private static int nextKey(State s, int priority) {
        int group = priority > 0 ? 0 : 16;
        int last = group - 1;
        for (int row : s.rows) {
            last = row != 0 && (Row.key(row) & 16) == group ? Math.max(last, Row.key(row)) : last;
        }
        for (Session other : s.sessions) {
            for (int row : other.own) {
                last = row != 0 && (Row.key(row) & 16) == group ? Math.max(last, Row.key(row)) : last;
            }
        }
        return last + 1;
    }

    /** Into its lines, or aside while a model it needs is paused. A row that is there keeps its seat. */
    void enter(State s, Session c, int job) {
        boolean paused = false;
        for (int line = 1; line < world.lines(); line++) {
            paused |= (world.needs(job) >> line & 1) != 0 && State.paused(s.models(c), line);
        }
        int row = s.row(c, job);
        s.write(c, job, paused ? Row.delayedForPause(row) : Row.withStatus(row, Row.WAITING));
        int lines = linesOf(s, c, job);
        for (int line = 0; line < world.lines(); line++) {
            if (paused) {
                removePlace(s, c, line, job);
            } else if ((lines >> line & 1) != 0 && !State.inLine(s.lines(c), line, job)) {
                s.writePlace(c, line, job, 1);
            }
        }
    }

    private static void removePlace(State s, Session c, int line, int job) {
        if (State.inLine(s.lines(c), line, job)) {
            s.writePlace(c, line, job, 0);
        }
    }

    private void leave(State s, Session c, int job, int status) {
        for (int line = 0; line < world.lines(); line++) {
            removePlace(s, c, line, job);
        }
        s.write(c, job, Row.withStatus(s.row(c, job), status));
    }

    /** The outcomes of runs, each judged by its token; returns the jobs that they put back in line. */
    int outcomes(State s, Session c) {
        int back = 0;
        for (int j = 0; j < world.jobs(); j++) {
            int row = s.row(c, j);
            boolean current = Row.attempt(row) == c.tokenOf(j) || broken == Break.NO_TOKENS;
            if ((c.argument >> j & 1) == 0 || !Row.runs(row) || !current) {
                continue;
            }
            c.ended |= 1 << j;
            if (c.call == Session.COMPLETE) {
                leave(s, c, j, Row.COMPLETED);
            } else if (Row.cancelRequested(row)) {
                leave(s, c, j, Row.CANCELLED);
            } else if (Row.attempt(row) >= world.attempts()) {
                leave(s, c, j, Row.FAILED);
            } else if (c.call == Session.RETRY_LATER) {
                leave(s, c, j, Row.DELAYED);
            } else {
                enter(s, c, j);
                back |= 1 << j;
            }
        }
        return back;
    }

    /** Takes back dead leases and lets due jobs in; returns those that entered. */
    int recover(State s, Session c) {
        int back = 0;
        for (int j = 0; j < world.jobs(); j++) {
            if ((c.due >> j & 1) == 0) {
                continue;
            }
            int row = s.row(c, j);
            boolean asSeen = broken == Break.TAKE_BACK_WITHOUT_RECHECK;
            if (asSeen ? !Row.due(row) : Row.runs(row) && Row.leaseOver(row)) {
                if (Row.cancelRequested(row)) {
                    leave(s, c, j, Row.CANCELLED);
                } else if (Row.attempt(row) >= world.attempts()) {
                    leave(s, c, j, Row.FAILED);
                } else {
                    enter(s, c, j);
                    back |= 1 << j;
                }
            } else if (Row.status(row) == Row.DELAYED && Row.due(row)) {
                enter(s, c, j);
                back |= 1 << j;
            }
        }
        return back;
    }

    void begin(State s, Session c, int jobs) {
        for (int j = 0; j < world.jobs(); j++) {
            if ((jobs >> j & 1) != 0) {
                s.write(c, j, Row.begun(s.row(c, j)));
            }
        }
        c.taken |= jobs;
    }

    /** Returns whether a waiting job left its lines. */
    boolean cancel(State s, Session c) {
        int job = Action.subject(c.argument);
        int row = s.row(c, job);
        if (Row.waits(row) || Row.status(row) == Row.DELAYED) {
            leave(s, c, job, Row.CANCELLED);
            return true;
        }
        if (Row.runs(row)) {
            s.write(c, job, Row.withCancelRequested(row));
        }
        return false;
    }

    void setModel(State s, Session c) {
        int shift = 4 * Action.subject(c.argument);
        int was = s.models(c) >> shift & 15;
        int now = switch (Action.kind(c.argument)) {
            case Action.CAPACITY -> (was & 8) | Action.value(c.argument);
            case Action.PAUSE -> was | 8;
            default -> was & 7;
        };
        c.ownModels = (s.models(c) & ~(15 << shift)) | (now << shift);
    }

    /** Jobs that a pause moves out of their lines, or its end back into them. */
    int moved(State s, Session c) {
        int moved = 0;
        for (int j = 0; j < world.jobs(); j++) {
            int row = s.row(c, j);
            boolean concerned = (world.needs(j) >> Action.subject(c.argument) & 1) != 0;
            moved |= concerned && (Row.waits(row) || Row.forPause(row)) ? 1 << j : 0;
        }
        return moved;
    }

    /** The line of the global limit is made for all that wait and run, or ended. */
    void setLimit(State s, Session c) {
        int was = State.capacity(s.models(c), 0);
        int now = Action.value(c.argument);
        c.ownModels = (s.models(c) & ~15) | now;
        for (int j = 0; j < world.jobs(); j++) {
            int row = s.row(c, j);
            if (now == 0) {
                removePlace(s, c, 0, j);
            } else if (was == 0 && (Row.waits(row) || Row.runs(row))) {
                s.writePlace(c, 0, j, Row.runs(row) ? 3 : 1);
            }
        }
    }
}
