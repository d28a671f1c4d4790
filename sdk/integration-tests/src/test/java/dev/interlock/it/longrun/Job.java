package dev.interlock.it.longrun;

import java.util.List;

/** A job as its callers know it; its key lies between {@code low} and {@code high}. */
final class Job {

    static final long PRIORITY_STEP_NANOS = 600_000_000_000L;

    enum State {
        ENTERING,
        WAITING,
        ASIDE,
        HELD,
        DEAD,
        ENDING,
        FINISHED
    }

    final String id;
    final List<String> models;
    final int priority;
    final long batch;
    final int index;
    final long low;
    long high = Long.MAX_VALUE;
    State state = State.ENTERING;
    long token;
    long since;
    long heldUntil = Long.MAX_VALUE;

    Job(String id, List<String> models, int priority, long batch, int index, long sent) {
        this.id = id;
        this.models = models;
        this.priority = priority;
        this.batch = batch;
        this.index = index;
        this.low = sent - priority * PRIORITY_STEP_NANOS;
    }

    boolean surelyBefore(Job other) {
        return high < other.low || (batch == other.batch && priority == other.priority && index < other.index);
    }

    @Override
    public String toString() {
        return id + " " + models + " priority " + priority + ", token " + token;
    }
}
