package dev.interlock;

/** How a workflow holds the models of its steps. */
public enum Holding {
    /** All models from the first step to the end: nothing can come between. The default. */
    WHOLE_RUN,
    /** All models at the start; each is given back after the last step that needs it. */
    RELEASE_AS_USED,
    /**
     * Only the models of the current step. Between two steps the job may have to wait in line, at its own place, holding
     * nothing, and any worker goes on from there; so two workflows never wait for each other for ever.
     */
    PER_STEP,
    /** A word that this version of the SDK does not know; the database is newer. Never to be asked for. */
    UNKNOWN
}
