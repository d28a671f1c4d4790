package dev.interlock;

import org.jspecify.annotations.Nullable;

/** The database knows no job with this id. */
public class UnknownJobException extends InterlockException {
    private static final long serialVersionUID = 1L;

    private final String jobId;

    /** With the id that was asked for, and the database's error where there is one. */
    public UnknownJobException(String jobId, @Nullable Throwable cause) {
        super(
                "There is no job \"" + jobId + "\". Check the id and the project; finished jobs stay known. (JQ006)",
                cause);
        this.jobId = jobId;
    }

    /** The id that was asked for. */
    public String jobId() {
        return jobId;
    }
}
