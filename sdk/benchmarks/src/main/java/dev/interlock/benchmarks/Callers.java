package dev.interlock.benchmarks;

/** Opens what each caller of a load needs for itself (a connection, its own model) and gives its call. */
@FunctionalInterface
public interface Callers {

    /**
     * The call of one caller.
     *
     * @param caller its number, from 0
     * @param opened what is closed when the load ends
     */
    Call open(int caller, Opened opened) throws Exception;

    /** Collects what callers open. */
    @FunctionalInterface
    interface Opened {

        /** Has this closed when the load ends; returns it. */
        <T extends AutoCloseable> T add(T resource);
    }
}
