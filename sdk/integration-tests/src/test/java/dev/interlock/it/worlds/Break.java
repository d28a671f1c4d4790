package dev.interlock.it.worlds;

/** Deliberate mistakes in the protocol: in which world the explorer finds each, and what it finds. */
enum Break {
    NONE("", ""),
    /** {@code settle} derives runnable from lines read before it had the job rows. */
    DERIVE_BEFORE_ROW_LOCK("3 jobs", "lost wake-up (I5)"),
    /** {@code settle} derives runnable from the seats of the lines it holds only. */
    DERIVE_FROM_OWN_LINES("a ring", "order (I3)"),
    /** Every second caller locks models from the last to the first. */
    MODELS_OUT_OF_ORDER("a ring", "deadlock (I8)"),
    /** Every second caller locks the waiting jobs whose seats it may move from the last to the first. */
    JOBS_OUT_OF_ORDER("two urgent", "deadlock (I8)"),
    /** Lines are shared out without their models' locks. */
    NO_MODEL_LOCKS("retries", "lost wake-up (I5)"),
    /** {@code settle} changes waiting jobs without their row locks. */
    NO_ROW_LOCKS_IN_SETTLE("a later job", "all or nothing (I2)"),
    /** The same, where a job that waits again is started at that instant. */
    NO_ROW_LOCKS_AT_A_RETRY("retries", "exclusion (I1)"),
    /** A cancelled waiter leaves its seats to nobody. */
    NO_SETTLE_ON_CANCEL("cancel", "lost wake-up (I5)"),
    /** A completion leaves its seats to nobody. */
    NO_SETTLE_ON_COMPLETE("3 jobs", "lost wake-up (I5)"),
    /** A dead lease that was taken back leaves its seats to nobody. */
    NO_SETTLE_ON_TAKE_BACK("every transaction", "lost wake-up (I5)"),
    /** A larger capacity is not shared out. */
    NO_SETTLE_ON_CAPACITY("capacity", "lost wake-up (I5)"),
    /** A claim starts what its snapshot showed, without looking again after the lock. */
    CLAIM_WITHOUT_RECHECK("3 jobs", "fencing (I6)"),
    /** A claim takes any job in line, seat or not. */
    CLAIM_WITHOUT_SEATS("3 jobs", "exclusion (I1)"),
    /** An outcome is taken whatever its token. */
    NO_TOKENS("every transaction", "fencing (I6)"),
    /** Dead leases are taken back as first seen, without looking again under the locks. */
    TAKE_BACK_WITHOUT_RECHECK("every transaction", "fencing (I6)"),
    /** The free seat goes to the last in line. */
    LAST_FIRST("3 jobs", "lost wake-up (I5)"),
    /** The global limit is switched while others move. */
    LIMIT_WITHOUT_STANDSTILL("the global limit", "not in line for the limit"),
    /** A model is paused while others move. */
    PAUSE_WITHOUT_STANDSTILL("a model is paused", "deadlock (I8)"),
    /** A start waits for the row of a job known already, and has not locked its lines. */
    KNOWN_JOB_WITHOUT_ITS_LINES("large: a job known already", "deadlock (I8)"),
    /** With one job at a time, an enqueue that takes back the one that ran leaves the state row as it was. */
    STATE_ROW_FORGOTTEN("one job", "truth (I10)"),
    /** A job is passed once more than max_overtakes says. */
    LEND_ONCE_MORE("passing", "more often than it may"),
    /** A later job starts on a kept seat, and nobody counts it. */
    LEND_UNCOUNTED("passing", "are counted"),
    /** A job is passed that waits for nothing else. */
    LEND_PAST_WHOEVER_WAITS("passing two", "order (I3)"),
    /** The rows of those who are passed are read and written without their locks. */
    LEND_WITHOUT_ROW_LOCKS("passing", "(I");

    final String world;
    final String found;

    Break(String world, String found) {
        this.world = world;
        this.found = found;
    }
}
