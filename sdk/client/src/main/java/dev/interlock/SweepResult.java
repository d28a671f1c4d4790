package dev.interlock;

/**
 * What a sweep did.
 *
 * @param recovered jobs taken back from dead leases or let into their lines
 * @param requestsRemoved old request ids removed
 * @param logRowsRemoved old log rows removed
 */
public record SweepResult(long recovered, long requestsRemoved, long logRowsRemoved) {}
