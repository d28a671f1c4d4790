package dev.interlock;

import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.http.Transport;
import java.time.Duration;
import java.util.List;

/**
 * A call of a database function. Immutable: each setting returns a new call. Nothing is sent before {@code as}, {@code listOf}, {@code execute} or
 * {@code raw}.
 *
 * <pre>{@code
 * int sum = supabase.rpc("add", Map.of("a", 1, "b", 2)).as(Integer.class);
 * }</pre>
 */
public final class RpcCall {

    private final Transport transport;
    private final HttpCall call;

    RpcCall(Transport transport, HttpCall call) {
        this.transport = transport;
        this.call = call;
    }

    /** The time for this call, its retries included, instead of the client's. */
    public RpcCall timeout(Duration duration) {
        return new RpcCall(transport, call.timeout(duration));
    }

    /** Says that the function may be carried out twice without harm, so that the call is sent again even when its outcome is unknown. */
    public RpcCall repeatable() {
        return new RpcCall(transport, call.mayBeRepeated());
    }

    /** Waits so long for a function that PostgREST does not know yet, as it may right after a migration. */
    public RpcCall waitForSchema(Duration duration) {
        return new RpcCall(transport, call.schemaWait(duration));
    }

    /** Calls the function of another exposed schema than {@code public}. */
    public RpcCall schema(String name) {
        return new RpcCall(transport, call.header("Content-Profile", name));
    }

    /**
     * Calls it and reads the answer as this type: a record, a {@code JsonNode}, a plain value.
     *
     * @throws ServiceException when it answered with an error
     * @throws InterlockIoException when no answer came
     * @throws DataException when the answer is not of that type
     */
    public <T> T as(Class<T> type) {
        return JsonCodec.read(raw().body(), type);
    }

    /** As {@link #as(Class)}, for a type with parameters. */
    @SuppressWarnings("TypeParameterUnusedInFormals")
    public <T> T as(TypeRef<T> type) {
        return JsonCodec.read(raw().body(), type.type());
    }

    /** As {@link #as(Class)}, for an array of these. */
    public <T> List<T> listOf(Class<T> element) {
        return JsonCodec.readList(raw().body(), element);
    }

    /** Calls it and reads no answer. */
    public void execute() {
        raw();
    }

    /** Calls it and gives the answer as it came. */
    public RawResponse raw() {
        var answer = Call.send(transport, call);
        return new RawResponse(answer.status(), answer.headers(), answer.body());
    }
}
