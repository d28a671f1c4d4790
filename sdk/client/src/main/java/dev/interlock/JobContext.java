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

    /** Whether somebody has asked for the job to be cancelled. The thread was interrupted once when that was noticed. */
    boolean isCancelled();

    /**
     * Whether the run should stop, for whatever reason: it is cancelled, its lease is lost, or the worker closes. The
     * thread was interrupted once when that was noticed.
     */
    boolean shouldStop();

    /**
     * Gives some of the job's models back early; the job goes on with the rest.
     *
     * @return the models that it still holds
     * @throws LeaseLostException when the lease is not the job's any more
     */
    List<String> releaseModels(String... models);
}
