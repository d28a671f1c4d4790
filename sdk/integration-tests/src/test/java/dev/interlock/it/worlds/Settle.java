package dev.interlock.it.worlds;

/**
 * {@code job_queue.settle} (032) and what it is made of: which lines can change, which waiting jobs are concerned, their row locks in order, the
 * share-out of the seats, and the derivation of {@code runnable}. A statement that reads only what the caller has locked is part of the step
 * before it, for nobody can tell the difference; one that reads what others may commit meanwhile is a step of its own.
 */
@SuppressWarnings("OperatorPrecedence") // bits
final class Settle {

    private final World world;
    private final Break broken;

    Settle(World world, Break broken) {
        this.world = world;
        this.broken = broken;
    }

    /** The first statement: lines where somebody waits without a seat, or where more seats are taken than there are. */
    void begin(State s, Session c, int entered) {
        c.touched = entered;
        c.busy = 0;
        for (int line = 0; line < world.lines(); line++) {
            if ((c.needs >> line & 1) != 0
                    && (firstWithout(s, c, line) >= 0 || used(s, c, line) > State.capacity(s.models(c), line))) {
                c.busy |= 1 << line;
            }
        }
        c.early = broken == Break.DERIVE_BEFORE_ROW_LOCK ? s.lines : 0;
        c.toLock = c.busy;
        c.at = Session.LOOK;
        skipUncontested(s, c);
    }

    /** Lines without a waiting job that has a seat: nobody but the caller can make one, so that there is nothing to read at a moment of its own. */
    private void skipUncontested(State s, Session c) {
        while (c.toLock != 0) {
            int line = Integer.numberOfTrailingZeros(c.toLock);
            if (seatedWaiting(s, c, line) != 0) {
                return;
            }
            candidates(s, c, line, false);
            c.toLock &= c.toLock - 1;
        }
        boolean unlocked = broken == Break.NO_ROW_LOCKS_IN_SETTLE || broken == Break.NO_ROW_LOCKS_AT_A_RETRY;
        c.toLock = unlocked ? 0 : c.touched & ~c.lockedJobs;
        c.at = Session.TOUCH;
    }

    /** Whether a waiting job would have to give up its seat, as its status is now; which jobs without a seat may get one. */
    void look(State s, Session c) {
        int line = Integer.numberOfTrailingZeros(c.toLock);
        boolean contested = (losable(s, c, line) & seatedWaiting(s, c, line)) != 0;
        candidates(s, c, line, contested);
        if (contested) {
            c.at = Session.LIST;
            return;
        }
        c.toLock &= c.toLock - 1;
        skipUncontested(s, c);
    }

    /** The statement after it: all waiting jobs with a seat in the contested line. */
    void list(State s, Session c) {
        c.touched |= seatedWaiting(s, c, Integer.numberOfTrailingZeros(c.toLock));
        c.toLock &= c.toLock - 1;
        c.at = Session.LOOK;
        skipUncontested(s, c);
    }

    private void candidates(State s, Session c, int line, boolean contested) {
        int capacity = effective(s, c, line);
        int places = Math.max(0, contested ? capacity : capacity - used(s, c, line));
        int left = waitingWithout(s, c, line);
        for (int n = 0; n < places && left != 0; n++) {
            int job = first(s, c, left);
            c.touched |= 1 << job;
            left &= ~(1 << job);
        }
    }

    /** Shares out the seats of the busy lines; the rows of the jobs concerned are locked, so that nothing moves. */
    void share(State s, Session c) {
        for (int line = 0; line < world.lines(); line++) {
            if ((c.busy >> line & 1) != 0) {
                share(s, c, line);
            }
        }
        c.busy = 0;
        c.at = Session.DERIVE;
    }

    private void share(State s, Session c, int line) {
        int capacity = effective(s, c, line);
        while (true) {
            int first = firstWithout(s, c, line);
            if (first >= 0 && used(s, c, line) < capacity) {
                s.writePlace(c, line, first, 3);
                continue;
            }
            int givers = losable(s, c, line) & seatedWaiting(s, c, line) & c.touched;
            if (givers == 0) {
                return;
            }
            s.writePlace(c, line, last(s, c, givers), 1);
        }
    }

    /** The last statement: a waiting job is runnable when none of its lines lacks a seat, by what is committed now and the caller's own seats. */
    void derive(State s, Session c, int jobs) {
        long lines = s.lines(c);
        if (broken == Break.DERIVE_BEFORE_ROW_LOCK) {
            lines = c.early & ~c.ownLinesMask | c.ownLines;
        }
        for (int j = 0; j < world.jobs(); j++) {
            int row = s.row(c, j);
            if ((jobs >> j & 1) != 0 && Row.waits(row)) {
                boolean runnable = true;
                for (int line = 0; line < world.lines(); line++) {
                    boolean known = broken != Break.DERIVE_FROM_OWN_LINES || (c.needs >> line & 1) != 0;
                    runnable &= !known || State.place(lines, line, j) != 1;
                }
                if (runnable != Row.runnable(row)) {
                    c.lockedJobs |= 1 << j;
                    s.write(c, j, Row.withRunnable(row, runnable));
                }
            }
        }
        c.touched = 0;
        c.early = 0;
    }

    private static int effective(State s, Session c, int line) {
        return State.paused(s.models(c), line) ? 0 : State.capacity(s.models(c), line);
    }

    private int used(State s, Session c, int line) {
        int used = 0;
        for (int j = 0; j < world.jobs(); j++) {
            used += State.seated(s.lines(c), line, j) ? 1 : 0;
        }
        return used;
    }

    /** Those whose seat goes to the first without one, or to a lowered capacity, if they wait. */
    private int losable(State s, Session c, int line) {
        if (used(s, c, line) > effective(s, c, line)) {
            return ~0;
        }
        int first = firstWithout(s, c, line);
        int behind = 0;
        for (int j = 0; first >= 0 && j < world.jobs(); j++) {
            behind |= Row.key(s.row(c, j)) > Row.key(s.row(c, first)) ? 1 << j : 0;
        }
        return broken == Break.LAST_FIRST ? 0 : behind;
    }

    private int seatedWaiting(State s, Session c, int line) {
        int jobs = 0;
        for (int j = 0; j < world.jobs(); j++) {
            jobs |= State.seated(s.lines(c), line, j) && Row.waits(s.row(c, j)) ? 1 << j : 0;
        }
        return jobs;
    }

    private int waitingWithout(State s, Session c, int line) {
        int jobs = 0;
        for (int j = 0; j < world.jobs(); j++) {
            jobs |= State.place(s.lines(c), line, j) == 1 ? 1 << j : 0;
        }
        return jobs;
    }

    private int firstWithout(State s, Session c, int line) {
        int jobs = waitingWithout(s, c, line);
        return jobs == 0 ? -1 : broken == Break.LAST_FIRST ? last(s, c, jobs) : first(s, c, jobs);
    }

    static int first(State s, Session c, int jobs) {
        int best = -1;
        for (int j = 0; jobs >> j != 0; j++) {
            if ((jobs >> j & 1) != 0 && (best < 0 || Row.key(s.row(c, j)) < Row.key(s.row(c, best)))) {
                best = j;
            }
        }
        return best;
    }

    static int last(State s, Session c, int jobs) {
        int best = -1;
        for (int j = 0; jobs >> j != 0; j++) {
            if ((jobs >> j & 1) != 0 && (best < 0 || Row.key(s.row(c, j)) > Row.key(s.row(c, best)))) {
                best = j;
            }
        }
        return best;
    }
}
