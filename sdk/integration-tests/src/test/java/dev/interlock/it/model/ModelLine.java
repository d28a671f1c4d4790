package dev.interlock.it.model;

/** A model: how many may hold it at once, and whether anybody may come in. Who holds it and who waits for it, the jobs say. */
final class ModelLine {

    final String name;
    int capacity;
    boolean paused;

    ModelLine(String name, int capacity) {
        this.name = name;
        this.capacity = capacity;
    }
}
