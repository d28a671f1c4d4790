package dev.interlock.it.model;

/** What only the server knows: its clock at the instant it did something, and the numbers it gives. Read after the call. */
interface Facts {

    long enteredAt(String jobId);

    long startedAt(String jobId);

    long token(String jobId);
}
