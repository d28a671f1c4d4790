package dev.interlock;

import dev.interlock.internal.coordination.Json;
import org.jspecify.annotations.Nullable;

/**
 * What came from outside for a step that waited ({@link AwaitCallback}).
 *
 * @param payloadJson what it brought, as JSON text; null for nothing
 * @param noteJson what the step noted when it began to wait, as JSON text; null for nothing
 */
public record Callback(
        @Nullable String payloadJson, @Nullable String noteJson) {
    /**
     * What it brought as an object of yours; properties that the class does not have are ignored.
     *
     * @throws DataException when it brought nothing, or that does not fit the class
     */
    public <T> T payload(Class<T> type) {
        return Json.decode("The payload of the callback", payloadJson, type);
    }

    /**
     * What the step noted when it began to wait as an object of yours.
     *
     * @throws DataException when it noted nothing, or that does not fit the class
     */
    public <T> T note(Class<T> type) {
        return Json.decode("The note of the callback", noteJson, type);
    }

    /** Says that it is one; never what it brought. */
    @Override
    public String toString() {
        return "Callback";
    }
}
