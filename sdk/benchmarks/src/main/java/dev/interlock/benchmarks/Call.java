package dev.interlock.benchmarks;

/** What one caller does over and over; each time it is run counts as one operation. */
@FunctionalInterface
public interface Call {

    /**
     * Does it once.
     *
     * @param n how often this caller has done it before, from 0
     */
    void run(long n) throws Exception;
}
