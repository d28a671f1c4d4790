package dev.interlock.it.worlds;

/** A row of {@code job_queue_jobs}, packed into an int so that a state is cheap to copy, compare and hash. 0: there is no such row. */
@SuppressWarnings("OperatorPrecedence") // bits
final class Row {

    static final int ABSENT = 0;
    static final int WAITING = 1;
    static final int DELAYED = 2;
    static final int RUNNING = 3;
    static final int COMPLETED = 4;
    static final int FAILED = 5;
    static final int CANCELLED = 6;

    private static final int RUNNABLE = 1 << 3;
    private static final int LEASE_OVER = 1 << 4;
    private static final int CANCEL_REQUESTED = 1 << 5;
    /** A delayed row whose time has come. */
    private static final int DUE = 1 << 6;
    /** A delayed row that waits for a paused model, not for a time ({@code due_at = 'infinity'}). */
    private static final int FOR_PAUSE = 1 << 7;

    private static final int ATTEMPT = 8;
    private static final int KEY = 10;
    private static final int OVERTAKEN = 15;
    static final int BITS = 17;

    private Row() {}

    /** Its place in every line: smaller is ahead. */
    static int entered(int key) {
        return WAITING | key << KEY;
    }

    static int status(int row) {
        return row & 7;
    }

    static int withStatus(int row, int status) {
        int cleared = row & ~7 & ~RUNNABLE & ~LEASE_OVER & ~DUE & ~FOR_PAUSE;
        return (status >= COMPLETED ? cleared & ~CANCEL_REQUESTED : cleared) | status;
    }

    static boolean waits(int row) {
        return status(row) == WAITING;
    }

    static boolean runs(int row) {
        return status(row) == RUNNING;
    }

    static boolean over(int row) {
        return status(row) >= COMPLETED;
    }

    static boolean runnable(int row) {
        return (row & RUNNABLE) != 0;
    }

    static int withRunnable(int row, boolean runnable) {
        return runnable ? row | RUNNABLE : row & ~RUNNABLE;
    }

    static boolean leaseOver(int row) {
        return (row & LEASE_OVER) != 0;
    }

    static int withLeaseOver(int row, boolean over) {
        return over ? row | LEASE_OVER : row & ~LEASE_OVER;
    }

    static boolean cancelRequested(int row) {
        return (row & CANCEL_REQUESTED) != 0;
    }

    static int withCancelRequested(int row) {
        return row | CANCEL_REQUESTED;
    }

    static boolean due(int row) {
        return (row & DUE) != 0;
    }

    static int withDue(int row) {
        return row | DUE;
    }

    static boolean forPause(int row) {
        return (row & FOR_PAUSE) != 0;
    }

    static int delayedForPause(int row) {
        return withStatus(row, DELAYED) | FOR_PAUSE;
    }

    /** How often it was started; also the token of its last run, for both only grow and there is one of each a start. */
    static int attempt(int row) {
        return row >> ATTEMPT & 3;
    }

    static int begun(int row) {
        return withStatus(row, RUNNING) + (1 << ATTEMPT);
    }

    /** How many have passed it by, at most 3. */
    static int overtaken(int row) {
        return row >> OVERTAKEN & 3;
    }

    static int overtakenOnce(int row) {
        return row + (1 << OVERTAKEN);
    }

    static int key(int row) {
        return row >> KEY & 31;
    }

    static int withKey(int row, int key) {
        return row & ~(31 << KEY) | key << KEY;
    }

    static String text(int row) {
        String status = switch (status(row)) {
            case ABSENT -> "absent";
            case WAITING -> runnable(row) ? "waiting, runnable" : "waiting";
            case DELAYED -> forPause(row) ? "delayed by a pause" : due(row) ? "delayed, due" : "delayed";
            case RUNNING -> leaseOver(row) ? "running, lease over" : "running";
            case COMPLETED -> "completed";
            case FAILED -> "failed";
            default -> "cancelled";
        };
        return status
                + (attempt(row) > 0 ? " (attempt " + attempt(row) + ")" : "")
                + (overtaken(row) > 0 ? " (passed " + overtaken(row) + " times)" : "");
    }
}
