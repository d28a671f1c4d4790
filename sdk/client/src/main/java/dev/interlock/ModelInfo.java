package dev.interlock;

import org.jspecify.annotations.Nullable;

/**
 * A model as it is now.
 *
 * @param model its name
 * @param capacity how many jobs may hold it at once
 * @param paused whether nobody may start on it
 * @param startsPerMinute how many may start on it within any 60 seconds; null = any number
 * @param holders how many jobs hold it
 * @param waiting how many jobs wait for it
 */
public record ModelInfo(
        String model,
        int capacity,
        boolean paused,
        @Nullable Integer startsPerMinute,
        int holders,
        int waiting) {}
