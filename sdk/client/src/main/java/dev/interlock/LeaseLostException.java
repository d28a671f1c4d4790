package dev.interlock;

/**
 * A run wrote something under a lease that is not its own any more; nothing has changed. Either a newer attempt of the
 * job has begun ({@link OutcomeStatus#STALE}), or the job does not run ({@link OutcomeStatus#NOT_RUNNING}: its lease was
 * taken back, or it has ended). Stop the work; whatever the job needs is done by whoever holds it now.
 */
public class LeaseLostException extends InterlockException {
    private static final long serialVersionUID = 1L;

    private final String jobId;
    private final long token;
    private final OutcomeStatus status;

    /** With the job, the token that was refused, and how. */
    public LeaseLostException(String jobId, long token, OutcomeStatus status) {
        super("The lease of job \"" + jobId + "\" (token " + token + ") is lost: "
                + (status == OutcomeStatus.STALE
                        ? "a newer attempt has begun."
                        : "the job does not run; its lease was taken back, or it has ended."));
        this.jobId = jobId;
        this.token = token;
        this.status = status;
    }

    /** The job. */
    public String jobId() {
        return jobId;
    }

    /** The token that was refused. */
    public long token() {
        return token;
    }

    /** {@link OutcomeStatus#STALE} or {@link OutcomeStatus#NOT_RUNNING}. */
    public OutcomeStatus status() {
        return status;
    }
}
