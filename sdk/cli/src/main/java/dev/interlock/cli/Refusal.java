package dev.interlock.cli;

import dev.interlock.InterlockException;

/** What was asked is well said and cannot be: an unknown model, nothing to undo. One line, and {@link ExitCode#NO}. */
public final class Refusal extends InterlockException {
    private static final long serialVersionUID = 1L;

    /** With what a person is told. */
    public Refusal(String message) {
        super(message);
    }
}
