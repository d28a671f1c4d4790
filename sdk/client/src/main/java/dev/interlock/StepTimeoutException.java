package dev.interlock;

import java.time.Duration;

/** A step of a workflow took longer than it may. What happens then is up to its {@link FailurePolicy}. */
public class StepTimeoutException extends InterlockException {
    private static final long serialVersionUID = 1L;

    private final String step;
    private final Duration timeout;

    /** With the step and how long it may take. */
    public StepTimeoutException(String step, Duration timeout) {
        super("Step \"" + step + "\" took longer than its " + timeout.toMillis() / 1000.0 + " seconds.");
        this.step = step;
        this.timeout = timeout;
    }

    /** The step's name. */
    public String step() {
        return step;
    }

    /** How long it may take. */
    public Duration timeout() {
        return timeout;
    }
}
