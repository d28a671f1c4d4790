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
    private String preferences;

    Insert(Transport transport, HttpCall call, String preferences) {
        this.transport = transport;
        this.call = call;
        this.preferences = preferences;
    }

    /** The time for this call, its retries included, instead of the client's. */
    public Insert timeout(Duration duration) {
        call = call.timeout(duration);
        return this;
    }

    /** Waits so long for a table that PostgREST does not know yet, as it may right after a migration. */
    public Insert waitForSchema(Duration duration) {
        call = call.schemaWait(duration);
        return this;
    }

    /**
     * Gives the columns' defaults, not nulls, to maps that lack columns which other maps have. The role needs the right to whatever the defaults
     * call, such as the sequence of an identity column.
     */
    public Insert defaultForMissing() {
        preferences += ",missing=default";
        return this;
    }

    /**
     * Says that it may be carried out twice without harm, so that it is sent again even when its outcome is unknown. An upsert often may; an insert
     * whose rows bring their own keys is then at worst answered with a {@link ConflictException}.
     */
    public Insert repeatable() {
        call = call.mayBeRepeated();
        return this;
    }

    /** Does it. */
    public void execute() {
        send("return=minimal");
    }

    /** Does it and gives the rows as they are now, each as this type; with ignored duplicates only those that are new. */
    public <T> List<T> returning(Class<T> row) {
        return JsonCodec.readList(send("return=representation"), row);
    }

    private String send(String preference) {
        return Call.send(transport, call.header("Prefer", preference + preferences))
                .body();
    }
}
