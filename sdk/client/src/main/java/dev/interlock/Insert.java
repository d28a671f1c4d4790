package dev.interlock;

import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.http.Transport;
import java.time.Duration;
import java.util.List;

/**
 * An insert or upsert of one or many rows: all or none. Not thread-safe.
 *
 * <pre>{@code
 * Job job = supabase.from("jobs").insert(Map.of("prompt", "a knight")).returning(Job.class).get(0);
 * }</pre>
 */
public final class Insert {

    private final Transport transport;
    private HttpCall call;
    private final String resolution;

    Insert(Transport transport, HttpCall call, String resolution) {
        this.transport = transport;
        this.call = call;
        this.resolution = resolution;
    }

    /** The time for this call, its retries included, instead of the client's. */
    public Insert timeout(Duration duration) {
        call = call.timeout(duration);
        return this;
    }

    /** Does it. */
    public void execute() {
        Call.send(transport, prefer("return=minimal"));
    }

    /** Does it and gives the rows as they are now, each as this type; with ignored duplicates only those that are new. */
    public <T> List<T> returning(Class<T> row) {
        return JsonCodec.readList(
                Call.send(transport, prefer("return=representation")).body(), row);
    }

    private HttpCall prefer(String what) {
        return call.header("Prefer", resolution.isEmpty() ? what : what + "," + resolution);
    }
}
