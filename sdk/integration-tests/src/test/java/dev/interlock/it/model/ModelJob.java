package dev.interlock.it.model;

import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A job as the design knows it. Times are microseconds on the history's own clock. */
final class ModelJob {

    final String id;
    final String type;
    final String handler;
    final List<String> models;
    final int maxAttempts;
    final @Nullable Long deadline;

    /** The clock at the first entry, and the place this gives with the priority: neither changes while it waits (rule 2). */
    final long enteredAt;

    final int priority;
    final long key;
    final int sequence;

    /** {@code completed}, {@code failed} or {@code cancelled} once it has ended. */
    @Nullable
    String ended;

    boolean running;

    /** Until then it stands in no line: scheduled, or backing off. */
    @Nullable
    Long due;

    int attempt;
    long token;
    String worker = "";
    long startedAt;
    long leaseUntil;
    boolean cancelRequested;
    int progress;

    /** What it holds while it runs. */
    final SortedSet<String> holds = new TreeSet<>();

    ModelJob(
            String id,
            String type,
            String handler,
            List<String> models,
            int priority,
            int maxAttempts,
            @Nullable Long due,
            @Nullable Long deadline,
            long enteredAt,
            long key,
            int sequence) {
        this.id = id;
        this.type = type;
        this.handler = handler;
        this.models = models;
        this.priority = priority;
        this.maxAttempts = maxAttempts;
        this.due = due;
        this.deadline = deadline;
        this.enteredAt = enteredAt;
        this.key = key;
        this.sequence = sequence;
    }

    boolean isOver() {
        return ended != null;
    }

    boolean isPast(@Nullable Long time, long now) {
        return time != null && time < now;
    }

    @Override
    public String toString() {
        return id;
    }
}
