package dev.interlock.benchmarks;

/** Something that is measured. */
public interface Case {

    /** A short name for the command line, for example {@code start}. */
    String name();

    /** One line: what it shows. */
    String title();

    /** Whether the short set has it too. */
    default boolean inShort() {
        return true;
    }

    /** Whether the full set has it; else it is run by its name alone. */
    default boolean inFull() {
        return true;
    }

    /** Measures it on a stack of its own and reports figures and pictures. */
    void run(Bench bench, Report report) throws Exception;
}
