package dev.interlock;

import dev.interlock.internal.http.Answer;
import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.http.Transport;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A query of a table or view. Nothing is sent before {@code listOf}, {@code single}, {@code maybeSingle}, {@code count} or {@code raw}. Not
 * thread-safe.
 *
 * <pre>{@code
 * record Job(String job_id, String status) {}
 *
 * List<Job> jobs = supabase.from("jobs").select("job_id,status").eq("status", "pending").order("created_at").limit(10).listOf(Job.class);
 * }</pre>
 *
 * <p>Supabase cuts answers at 1,000 rows: read further with {@link #range}.
 */
public final class Select extends Filtered<Select> {

    private final StringBuilder order = new StringBuilder();
    private boolean limited;

    Select(Transport transport, HttpCall call, String columns) {
        super(transport, call);
        set("select", columns);
    }

    @Override
    Select self() {
        return this;
    }

    /** Sorts by a column, ascending, nulls last; further calls sort what is equal. */
    public Select order(String column) {
        return order(column, "asc");
    }

    /** Sorts by a column, descending, nulls first; further calls sort what is equal. */
    public Select orderDescending(String column) {
        return order(column, "desc");
    }

    /** Sorts by a column in PostgREST's words: {@code asc}, {@code desc}, {@code desc.nullslast}, {@code asc.nullsfirst}. */
    public Select order(String column, String direction) {
        order.append(order.isEmpty() ? "" : ",").append(column).append('.').append(direction);
        return set("order", order.toString());
    }

    /** At most so many rows. */
    public Select limit(int rows) {
        if (rows < 0) {
            throw new IllegalArgumentException("The limit is " + rows + "; give 0 or more.");
        }
        limited = true;
        return set("limit", Integer.toString(rows));
    }

    /** Rows from the first to the last, both included, counted from 0. */
    public Select range(long first, long last) {
        if (first < 0 || last < first) {
            throw new IllegalArgumentException("The range " + first + " to " + last + " is empty or negative.");
        }
        limited = true;
        set("offset", Long.toString(first));
        return set("limit", Long.toString(last - first + 1));
    }

    /** The rows, each as this type. */
    public <T> List<T> listOf(Class<T> row) {
        return JsonCodec.readList(raw().body(), row);
    }

    /**
     * The one row.
     *
     * @throws DataException when there is none, or more than one
     */
    public <T> T single(Class<T> row) {
        return maybeSingle(row).orElseThrow(() -> new DataException("One row was asked for and there is none."));
    }

    /**
     * The one row, or empty when there is none.
     *
     * @throws DataException when there is more than one
     */
    public <T> Optional<T> maybeSingle(Class<T> row) {
        // The second row is enough to know that there is more than one.
        HttpCall call = ready(limited ? Map.of() : Map.of("limit", "2"));
        List<T> rows = JsonCodec.readList(Call.send(transport, call).body(), row);
        if (rows.size() > 1) {
            throw new DataException("One row was asked for and there are several; filter further.");
        }
        return rows.stream().findFirst();
    }

    /** How many rows there are, whatever the limit or range; none of them is read. */
    public long count(Count how) {
        HttpCall call = ready(Map.of("limit", "0", "offset", "")).header("Prefer", how.preference());
        // Not HEAD, whose errors have no body to say why.
        Answer answer = Call.send(transport, call);
        String range = answer.header("content-range");
        int slash = range == null ? -1 : range.lastIndexOf('/');
        if (range == null || slash < 0 || !range.substring(slash + 1).matches("[0-9]{1,18}")) {
            throw new DataException("The answer does not say how many rows there are: " + range);
        }
        return Long.parseLong(range.substring(slash + 1));
    }

    /** The answer as it came. */
    public RawResponse raw() {
        Answer answer = Call.send(transport, ready(Map.of()));
        return new RawResponse(answer.status(), answer.headers(), answer.body());
    }
}
