package dev.interlock;

/**
 * The callback that a step of a workflow waited for did not come in time. What happens then is up to the step's {@link
 * FailurePolicy}; another attempt submits again.
 */
public class CallbackTimeoutException extends InterlockException {
    private static final long serialVersionUID = 1L;

    private final String step;

    /** With the step's name. */
    public CallbackTimeoutException(String step) {
        super("The callback of step \"" + step + "\" did not come in time.");
        this.step = step;
    }

    /** The step's name. */
    public String step() {
        return step;
    }
}
