package dev.interlock.it.model;

import org.jspecify.annotations.Nullable;

/** A model: how many may hold it at once, and whether anybody may come in. Who holds it and who waits for it, the jobs say. */
final class ModelLine {

    final String name;
    int capacity;
    boolean paused;

    /** At most so many starts within any minute. */
    @Nullable
    Integer startsPerMinute;

    ModelLine(String name, int capacity) {
        this.name = name;
        this.capacity = capacity;
    }
}
