package dev.interlock;

import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.http.Transport;
import java.util.List;
import java.util.Map;

/**
 * An update or delete of the rows that match its filters. One without a filter is refused. Not thread-safe.
 *
 * <pre>{@code
 * supabase.from("jobs").update(Map.of("progress", 50)).eq("job_id", id).execute();
 * }</pre>
 */
public final class Change extends Filtered<Change> {

    Change(Transport transport, HttpCall call) {
        super(transport, call);
    }

    @Override
    Change self() {
        return this;
    }

    /** Says that it may be carried out twice without harm, so that it is sent again even when its outcome is unknown. */
    public Change repeatable() {
        return repeatableCall();
    }

    /**
     * Does it.
     *
     * @throws IllegalStateException when there is no filter
     */
    public void execute() {
        send("return=minimal");
    }

    /**
     * Does it and gives the rows as they are now (or, deleted, were), each as this type.
     *
     * @throws IllegalStateException when there is no filter
     */
    public <T> List<T> returning(Class<T> row) {
        return JsonCodec.readList(send("return=representation"), row);
    }

    private String send(String preference) {
        if (!isFiltered()) {
            throw new IllegalStateException("An update or delete without a filter would touch every row of the table."
                    + " Add a filter, for example .eq(\"job_id\", id).");
        }
        return Call.send(transport, ready(Map.of()).header("Prefer", preference))
                .body();
    }
}
