package dev.interlock;

import java.util.List;

/** What a {@link JobHandler} knows of its job, and can say about it. Thread-safe. */
public interface JobContext {
    /** The lease that the job runs under. */
    Lease lease();

    /** The job's id. */
    default String jobId() {
        return lease().jobId();
    }

    /** Which attempt this is, from 1. */
    default int attempt() {
        return lease().attempt();
    }

    /** Grows with every attempt of any job; pass it on to whatever you call, as its fencing key. */
    default long token() {
        return lease().token();
    }

    /**
     * The same for every run of this attempt: {@code jobId:attempt}. Pass it to a provider that takes an idempotency key,
     * so that a run which is repeated at no cost of an attempt (its worker closed and gave the job back) is not paid twice.
     */
    default String idempotencyKey() {
        return jobId() + ":" + attempt();
    }

    /** The models that the job was given. */
    default List<String> models() {
        return lease().models();
    }

    /**
     * The job's payload as an object of yours, usually a record; properties that the class does not have are ignored.
     *
     * @throws FatalJobException when the job has no payload or it does not fit the class: another attempt would not help
     */
    <T> T payload(Class<T> type);

    /**
     * Says how far the job has come. It costs no call: the next heartbeat takes it along.
     *
     * @param percent 0 to 100
     * @throws InvalidRequestException when it is out of range
     */
    void progress(int percent);

    /**
     * {@link #progress(int)} with a word for a person about what is going on. Both are shown by
     * {@link JobCoordinator#explain}.
     *
     * @param percent 0 to 100
     * @param note at most 500 characters; longer ones are cut
     * @throws InvalidRequestException when the per cent are out of range
     */
    void progress(int percent, String note);

    /** Whether somebody has asked for the job to be cancelled. The thread was interrupted once when that was noticed. */
    boolean isCancelled();

    /**
     * Whether the run should stop, for whatever reason: it is cancelled, its lease is lost, or the worker closes. The
     * thread was interrupted once when that was noticed.
     */
    boolean shouldStop();

    /** Whether the lease is lost: whatever the run still does is for nothing, and its outcome will not be sent. */
    boolean isLeaseLost();

    /**
     * Has this done once when the run should stop, for code that an interrupt does not reach: {@code job.onStop(call::cancel)}.
     * Done at once when the run should stop already, and never after the handler has ended, except that it may just have
     * begun. It is done on a thread of the worker's own, beside the interrupt; what it throws is logged and ignored.
     */
    void onStop(Runnable action);

    /**
     * Gives some of the job's models back early; the job goes on with the rest.
     *
     * @return the models that it still holds
     * @throws LeaseLostException when the lease is not the job's any more
     */
    List<String> releaseModels(String... models);
}
