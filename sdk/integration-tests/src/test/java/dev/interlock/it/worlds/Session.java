package dev.interlock.it.worlds;

/** A client's connection: where its call is, what the call remembers, which locks it has and what it wrote and has not committed. */
@SuppressWarnings("OperatorPrecedence") // bits
final class Session implements Cloneable {

    /** What a call is. */
    static final int ENQUEUE = 1;

    static final int START = 2;
    static final int CLAIM = 3;
    static final int COMPLETE = 4;
    static final int RETRY_NOW = 5;
    static final int RETRY_LATER = 6;
    static final int HEARTBEAT = 7;
    static final int OPERATE = 8;

    /** Where it is; each is one statement, or one lock that a statement takes. */
    static final int IDLE = 0;

    static final int SETTINGS = 1;
    static final int MODELS = 2;
    static final int JOBS = 3;
    static final int LOOK = 4;
    static final int LIST = 5;
    static final int TOUCH = 6;
    static final int DERIVE = 7;
    static final int DERIVE_ALL = 8;
    static final int SNAPSHOT = 9;
    static final int TRY = 10;
    static final int START_ROW = 11;
    static final int STATE_LOCK = 12;
    static final int STATE_ROW = 13;
    static final int COMMIT = 14;
    static final int LEND = 15;
    static final int LEND_LINE = 16;
    static final int LEND_LOCK = 17;

    /** Advisory locks that it has. */
    static final int HAS_SETTINGS = 1;

    static final int HAS_SETTINGS_ALONE = 2;
    static final int HAS_RECOVERY = 4;
    static final int HAS_STATE = 8;

    // Across calls: how far it is in its script, and what it believes to run, with the tokens (2 bits each).
    int script;
    int held;
    int tokens;

    // Of the call.
    int call;
    int at;
    /** Jobs (bits), or an operator's action. */
    int argument;

    boolean claims;
    int due;
    /** Lines to lock and share out. */
    int needs;

    int toLock;
    int busy;
    /** One more than the job that is to pass others; 0: none. */
    int passing;

    int touched;
    int candidates;
    int taken;
    /** Jobs that might pass others. */
    int behind;

    int ended;
    long early;

    // Locks.
    int lockedModels;
    int lockedJobs;
    int advisory;

    // Its own writes: rows of jobs, rows of lines (2 bits each), models and settings (4 bits each), the state row.
    int ownJobs;
    final int[] own;
    long ownLinesMask;
    long ownLines;
    int ownModels = -1;
    int ownState = -1;

    Session(int jobs) {
        own = new int[jobs];
    }

    private Session(Session s) {
        own = s.own.clone();
    }

    Session copy() {
        Session c = new Session(this);
        c.script = script;
        c.held = held;
        c.tokens = tokens;
        c.call = call;
        c.at = at;
        c.argument = argument;
        c.claims = claims;
        c.due = due;
        c.needs = needs;
        c.toLock = toLock;
        c.busy = busy;
        c.passing = passing;
        c.touched = touched;
        c.candidates = candidates;
        c.taken = taken;
        c.behind = behind;
        c.ended = ended;
        c.early = early;
        c.lockedModels = lockedModels;
        c.lockedJobs = lockedJobs;
        c.advisory = advisory;
        c.ownJobs = ownJobs;
        c.ownLinesMask = ownLinesMask;
        c.ownLines = ownLines;
        c.ownModels = ownModels;
        c.ownState = ownState;
        return c;
    }

    int tokenOf(int heldJob) {
        return tokens >> 2 * heldJob & 3;
    }

    void hold(int heldJob, int heldToken) {
        held |= 1 << heldJob;
        tokens = tokens & ~(3 << 2 * heldJob) | heldToken << 2 * heldJob;
    }

    void forget(int jobs) {
        for (int j = 0; jobs >> j != 0; j++) {
            if ((jobs >> j & 1) != 0) {
                held &= ~(1 << j);
                tokens &= ~(3 << 2 * j);
            }
        }
    }

    /** Whether the call carries outcomes of runs. */
    boolean ends() {
        return call >= COMPLETE && call <= RETRY_LATER;
    }

    /** The transaction is over, committed or not: locks, writes and what the call remembered are gone. */
    void reset() {
        call = 0;
        at = IDLE;
        argument = 0;
        claims = false;
        due = 0;
        needs = 0;
        toLock = 0;
        busy = 0;
        passing = 0;
        touched = 0;
        candidates = 0;
        taken = 0;
        behind = 0;
        ended = 0;
        early = 0;
        lockedModels = 0;
        lockedJobs = 0;
        advisory = 0;
        ownJobs = 0;
        java.util.Arrays.fill(own, 0);
        ownLinesMask = 0;
        ownLines = 0;
        ownModels = -1;
        ownState = -1;
    }

    /** Everything, as numbers that differ when two sessions do. */
    static final int WORDS = 7;

    void encode(long[] into, int from) {
        into[from] = script
                | held << 4
                | (long) tokens << 9
                | (long) call << 19
                | (long) at << 23
                | (long) argument << 32
                | (claims ? 1L << 43 : 0)
                | (long) due << 44
                | (long) needs << 49
                | (long) toLock << 54;
        into[from + 1] = busy
                | (long) passing << 4
                | (long) touched << 8
                | (long) candidates << 13
                | (long) taken << 18
                | (long) ended << 23
                | (long) lockedModels << 28
                | (long) lockedJobs << 33
                | (long) advisory << 38
                | (long) ownJobs << 42
                | (long) (ownState + 1) << 47
                | (long) behind << 51;
        long low = 0;
        long high = 0;
        for (int j = 0; j < own.length; j++) {
            if (j < 3) {
                low |= (long) own[j] << Row.BITS * j;
            } else {
                high |= (long) own[j] << Row.BITS * (j - 3);
            }
        }
        into[from + 2] = low;
        into[from + 3] = high << 24 | ownModels + 1;
        into[from + 4] = ownLinesMask;
        into[from + 5] = ownLines;
        into[from + 6] = early;
    }
}
