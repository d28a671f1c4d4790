package dev.interlock;

/** What kind of job the log and the state table show it as. */
public enum JobType {
    /** Anything that is not a workflow: an image, a video, one call of one model. */
    NORMAL,
    /** Several steps, usually over several models. */
    WORKFLOW,
    /** A word that this version of the SDK does not know; the database is newer. */
    UNKNOWN
}
