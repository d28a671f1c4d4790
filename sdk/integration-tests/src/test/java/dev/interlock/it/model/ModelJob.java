package dev.interlock.it.model;

import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A job as the design knows it. Times are microseconds on the history's own clock. */
final class ModelJob {

    final String id;
    final String type;
    final String handler;
    final List<String> models;
    /** The clock at the first entry (rule 2). */
    final long enteredAt;

    final int sequence;

    int maxAttempts;

    @Nullable
    Long deadline;

    int priority;

    /** Its place in every line; only another priority changes it. */
    long key;

    /** How a workflow holds the models of its steps (rule 4), or none. */
    String holding = "";

    List<Step> steps = List.of();
    int currentStep;
    /** The attempts used up before the current step began. */
    int attemptsBefore;

    final SortedMap<String, @Nullable Object> checkpoints = new TreeMap<>();

    /** {@code completed}, {@code failed} or {@code cancelled} once it has ended. */
    @Nullable
    String ended;

    boolean running;

    /** Since when it could run, while it waits. */
    @Nullable
    Long runnableSince;

    /** It stands aside until there is somebody to run it. */
    boolean skipped;

    /** How many have passed it by. */
    int overtaken;

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

    /** A step of a workflow and the models it needs. */
    record Step(String name, List<String> models) {}

    /** What it must hold to run: by the holding rule, from the current step on. */
    List<String> needs() {
        return switch (holding) {
            case "release_as_used" -> modelsOf(steps.subList(currentStep, steps.size()));
            case "per_step" -> modelsOf(steps.subList(currentStep, Math.min(currentStep + 1, steps.size())));
            default -> models;
        };
    }

    private static List<String> modelsOf(List<Step> some) {
        return some.stream().flatMap(step -> step.models().stream()).distinct().toList();
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
