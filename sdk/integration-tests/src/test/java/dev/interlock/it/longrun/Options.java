package dev.interlock.it.longrun;

/**
 * How long and how large.
 *
 * @param grants how many leases are given before the run drains
 * @param workers clients that run jobs
 * @param batch how many jobs a call enters, ends and starts at most
 * @param models how many models there are
 * @param backlog how many jobs wait, about
 * @param checkEvery after how many grants everything is stopped and compared
 * @param crashes how many times the database is killed on the way
 * @param changeMillis the pause between two changes by the operator
 * @param seed what the clients draw their numbers from
 */
record Options(
        long grants,
        int workers,
        int batch,
        int models,
        int backlog,
        long checkEvery,
        int crashes,
        int changeMillis,
        long seed) {

    /** The short form for a build, the long one for what takes minutes anyway. */
    static Options of(long grants, long seed) {
        return grants < 20_000
                ? new Options(grants, 4, 50, 150, 800, 1500, 0, 50, seed)
                : new Options(
                        grants,
                        4,
                        100,
                        2000,
                        5000,
                        Math.max(5000, grants / 50),
                        (int) Math.min(4, grants / 20_000),
                        500,
                        seed);
    }
}
