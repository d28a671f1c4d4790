package dev.interlock.it.worlds;

/**
 * {@code job_queue.lendable} and {@code job_queue.lend} (038): who comes into question, read before the locks; then, under the locks of its lines,
 * a job gets the seats that it lacks from jobs ahead of it that keep them and are held up elsewhere. It locks rows by passing over, never waiting.
 */
@SuppressWarnings("OperatorPrecedence") // bits
final class Lend {

    private final World world;
    private final Break broken;
    private final Changes changes;

    Lend(World world, Break broken, Changes changes) {
        this.world = world;
        this.broken = broken;
        this.changes = changes;
    }

    /** Those behind a seat that is kept, those in the lines of the jobs that the caller moves, and these. */
    int lendable(State s, Session c, int moving) {
        if (world.overtakes() == 0) {
            return 0;
        }
        int jobs = 0;
        for (int j = 0; j < world.jobs(); j++) {
            boolean concerned = false;
            for (int line = 0; line < world.lines(); line++) {
                concerned |= State.inLine(s.lines(c), line, j) && (isKept(s, c, line, j) || moves(moving, line));
            }
            boolean comes = (moving >> j & 1) != 0;
            jobs |= concerned && Row.waits(s.row(c, j)) || comes ? 1 << j : 0;
        }
        return jobs;
    }

    private boolean isKept(State s, Session c, int line, int behind) {
        for (int j = 0; j < world.jobs(); j++) {
            int row = s.row(c, j);
            if (State.seated(s.lines(c), line, j)
                    && Row.waits(row)
                    && !Row.runnable(row)
                    && Row.overtaken(row) < world.overtakes()
                    && Row.key(row) < Row.key(s.row(c, behind))) {
                return true;
            }
        }
        return false;
    }

    private boolean moves(int moving, int line) {
        for (int j = 0; j < world.jobs(); j++) {
            if ((moving >> j & 1) != 0 && (line == 0 || (world.needs(j) >> line & 1) != 0)) {
                return true;
            }
        }
        return false;
    }

    /** The next that comes into question: its own row, and which lines it lacks. */
    String next(State s, Session c) {
        int job = Settle.first(s, c, c.behind);
        c.behind &= ~(1 << job);
        c.passing = 0;
        if (Locks.othersHave(s, c, 1 << job)) {
            return "passes over job " + job;
        }
        c.lockedJobs |= 1 << job;
        int row = s.row(c, job);
        if (!Row.waits(row) || Row.runnable(row)) {
            return "finds job " + job + " changed";
        }
        c.passing = job + 1;
        c.busy = 0;
        c.touched = 0;
        for (int line = 0; line < world.lines(); line++) {
            c.busy |= State.place(s.lines(c), line, job) == 1 ? 1 << line : 0;
        }
        c.toLock = c.busy;
        c.at = Session.LEND_LINE;
        return "looks whom job " + job + " might pass";
    }

    /** Who is ahead of it in the next line that it lacks, and does not run. */
    String ahead(State s, Session c) {
        int line = Integer.numberOfTrailingZeros(c.toLock);
        int key = Row.key(s.row(c, c.passing - 1));
        c.candidates = 0;
        for (int j = 0; j < world.jobs(); j++) {
            boolean ahead = State.inLine(s.lines(c), line, j) && Row.key(s.row(c, j)) < key;
            boolean runs = State.seated(s.lines(c), line, j) && Row.runs(s.row(c, j));
            c.candidates |= ahead && !runs ? 1 << j : 0;
        }
        c.at = Session.LEND_LOCK;
        return "lists who is ahead for " + World.line(line);
    }

    /** Locks their rows and looks again; with the last line, takes the seats and starts. Returns whether this job is done with. */
    boolean pass(State s, Session c) {
        int line = Integer.numberOfTrailingZeros(c.toLock);
        boolean unlocked = broken == Break.LEND_WITHOUT_ROW_LOCKS;
        if (!unlocked && Locks.othersHave(s, c, c.candidates)) {
            return true;
        }
        c.lockedJobs |= unlocked ? 0 : c.candidates;
        boolean kept = false;
        for (int j = 0; j < world.jobs(); j++) {
            if ((c.candidates >> j & 1) != 0) {
                kept |= State.seated(s.lines(c), line, j);
                if (!mayBePassed(s, c, j, line)) {
                    return true;
                }
            }
        }
        if (!kept) {
            return true;
        }
        c.touched |= c.candidates;
        c.toLock &= c.toLock - 1;
        c.at = Session.LEND_LINE;
        if (c.toLock == 0) {
            start(s, c);
        }
        return c.toLock == 0;
    }

    private boolean mayBePassed(State s, Session c, int job, int line) {
        int row = s.row(c, job);
        int bound = world.overtakes() + (broken == Break.LEND_ONCE_MORE ? 1 : 0);
        boolean elsewhere = broken == Break.LEND_PAST_WHOEVER_WAITS;
        for (int other = 0; other < world.lines(); other++) {
            elsewhere |= other != line && State.place(s.lines(c), other, job) == 1;
        }
        return Row.waits(row) && Row.overtaken(row) < bound && elsewhere;
    }

    private void start(State s, Session c) {
        int job = c.passing - 1;
        for (int line = 0; line < world.lines(); line++) {
            if ((c.busy >> line & 1) != 0) {
                int keeps = 0;
                for (int j = 0; j < world.jobs(); j++) {
                    keeps |= (c.touched >> j & 1) != 0 && State.seated(s.lines(c), line, j) ? 1 << j : 0;
                }
                s.writePlace(c, line, Settle.last(s, c, keeps), 1);
                s.writePlace(c, line, job, 3);
            }
        }
        for (int j = 0; j < world.jobs(); j++) {
            if ((c.touched >> j & 1) != 0 && broken != Break.LEND_UNCOUNTED) {
                s.write(c, j, Row.overtakenOnce(s.row(c, j)));
            }
        }
        changes.begin(s, c, 1 << job);
    }
}
