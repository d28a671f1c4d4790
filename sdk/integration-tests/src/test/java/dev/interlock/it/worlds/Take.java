package dev.interlock.it.worlds;

/** {@code job_queue.take} (034): the claim's snapshot, then row by row, passing over what is locked and looking again at what is not. */
@SuppressWarnings("OperatorPrecedence") // bits
final class Take {

    private final World world;
    private final Break broken;

    Take(World world, Break broken) {
        this.world = world;
        this.broken = broken;
    }

    int candidates(State s, Session c) {
        int jobs = 0;
        for (int j = 0; j < world.jobs(); j++) {
            jobs |= mayBeTaken(s.row(c, j)) ? 1 << j : 0;
        }
        return jobs;
    }

    /** The next row of the claim's snapshot: skipped if locked, else locked and looked at again as it is now. */
    String next(State s, Session c) {
        int job = Settle.first(s, c, c.candidates);
        c.candidates &= ~(1 << job);
        if (Locks.othersHave(s, c, 1 << job)) {
            return "passes over job " + job;
        }
        c.lockedJobs |= 1 << job;
        if (mayBeTaken(s.row(c, job)) || broken == Break.CLAIM_WITHOUT_RECHECK) {
            c.taken |= 1 << job;
            return "takes job " + job;
        }
        return "finds job " + job + " changed";
    }

    private boolean mayBeTaken(int row) {
        return Row.waits(row) && (Row.runnable(row) || broken == Break.CLAIM_WITHOUT_SEATS);
    }
}
