package dev.interlock;

/**
 * A model as it is now.
 *
 * @param model its name
 * @param capacity how many jobs may hold it at once
 * @param paused whether nobody may start on it
 * @param holders how many jobs hold it
 * @param waiting how many jobs wait for it
 */
public record ModelInfo(String model, int capacity, boolean paused, int holders, int waiting) {}
