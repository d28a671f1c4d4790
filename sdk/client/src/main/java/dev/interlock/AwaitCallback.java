package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import dev.interlock.internal.coordination.Json;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a step returns that has submitted something and waits to be called back from outside. Immutable.
 *
 * <pre>{@code
 * .step("video", s -> s.model("motion-2.0-fast")
 *         .handler(step -> {
 *             String request = provider.submit(prompt, webhook(step.job().jobId(), step.index()), step.idempotencyKey());
 *             return AwaitCallback.within(Duration.ofMinutes(10)).note(request);
 *         })
 *         .onCallback((step, callback) -> new Video(callback.payload(Webhook.class).url())))
 *
 * coordinator.callback(jobId, index, webhookBody);      // in whatever receives the webhook
 * }</pre>
 *
 * <p>The models stay held meanwhile, because the provider uses them; the run goes on under its lease, and its thread waits.
 * With {@link #givingBackModels()} the run ends instead, and holds neither model nor thread: the callback lets the job back
 * into its lines, at its own place, and another run goes on with {@code onCallback}.
 */
public final class AwaitCallback {
    private final Duration within;
    private final boolean keepsModels;
    private final @Nullable String noteJson;

    private AwaitCallback(Duration within, boolean keepsModels, @Nullable String noteJson) {
        this.within = within;
        this.keepsModels = keepsModels;
        this.noteJson = noteJson;
    }

    /**
     * Waits for the callback, and keeps the models.
     *
     * @param bound how long at most, 1 second to 365 days; then the step fails with a {@link CallbackTimeoutException}, unless
     *     {@link JobCoordinator#extendCallback} has moved the bound
     */
    public static AwaitCallback within(Duration bound) {
        return new AwaitCallback(Checks.bound(bound), true, null);
    }

    /** The same, but gives the models back while it waits. */
    public AwaitCallback givingBackModels() {
        return new AwaitCallback(within, false, noteJson);
    }

    /**
     * The same with something to find again, such as the provider's id of the request: see {@link Callback#note}.
     *
     * @param note any object that Jackson writes as JSON
     */
    public AwaitCallback note(@Nullable Object note) {
        return new AwaitCallback(within, keepsModels, Json.encode("The note of the callback", note));
    }

    /** How long it waits at most. */
    public Duration within() {
        return within;
    }

    /** Whether the models stay held meanwhile. */
    public boolean keepsModels() {
        return keepsModels;
    }

    /** What is to be found again, as JSON text; null for nothing. */
    public @Nullable String noteJson() {
        return noteJson;
    }

    /** Says how long; never the note. */
    @Override
    public String toString() {
        return "AwaitCallback[" + within + (keepsModels ? "" : ", giving back models") + "]";
    }
}
