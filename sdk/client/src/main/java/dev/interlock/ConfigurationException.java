package dev.interlock;

import org.jspecify.annotations.Nullable;

/** What the client was given cannot work: no URL, a malformed one, a key that is no key. The message says what to do; nothing was sent. */
public class ConfigurationException extends InterlockException {
    private static final long serialVersionUID = 1L;

    /** An exception with this message. */
    public ConfigurationException(String message) {
        super(message);
    }

    /** An exception with this message and cause. */
    public ConfigurationException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
