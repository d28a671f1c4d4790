package dev.interlock.benchmarks.peers;

import java.util.List;
import java.util.function.Consumer;

/** Something that keeps jobs and runs them. */
interface Contestant extends AutoCloseable {

    String name();

    /** Puts jobs in line, in the largest batches that it takes. */
    void enqueue(List<String> jobs) throws Exception;

    /** Has jobs run, those in line and those to come, until they are stopped; each tells its id when it begins, and has nothing else to do. */
    Running run(Consumer<String> begun) throws Exception;

    /** A query for how many jobs are not finished, as its own tables tell. */
    String unfinished();

    @Override
    default void close() {}

    /** What runs jobs. */
    @FunctionalInterface
    interface Running {
        void stop() throws Exception;
    }
}
