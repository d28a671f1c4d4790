package dev.interlock;

import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.JsonCodec;
import dev.interlock.internal.http.Transport;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A table or view of the project. Immutable and thread-safe; the queries it begins are not. */
public final class Table {

    private final Transport transport;
    private final String name;
    private final @Nullable String schema;

    Table(Transport transport, String name, @Nullable String schema) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("The table name is blank.");
        }
        this.transport = transport;
        this.name = name;
        this.schema = schema;
    }

    /** The table of that name in another exposed schema than {@code public}. */
    public Table schema(String schemaName) {
        return new Table(transport, name, schemaName);
    }

    /** All columns. */
    public Select select() {
        return select("*");
    }

    /** These columns, in PostgREST's form: {@code job_id,status} or {@code *,workflow_executions(*)}. */
    public Select select(String columns) {
        return new Select(transport, call("GET"), columns);
    }

    /**
     * A new row: a map, a record, or anything else that is a JSON object; or a collection of them. A map that lacks a column which another has gets
     * null there, or the column's default with {@link Insert#defaultForMissing}.
     */
    public Insert insert(Object rowOrRows) {
        return write(rowOrRows, "", "");
    }

    /** As {@link #insert}; a row whose columns {@code onConflict} (with commas) exist already is updated. */
    public Insert upsert(Object rowOrRows, String onConflict) {
        return write(rowOrRows, "on_conflict=" + Filtered.encoded(onConflict), ",resolution=merge-duplicates");
    }

    /** As {@link #insert}; a row whose columns {@code onConflict} (with commas) exist already is left as it is. */
    public Insert insertIgnoringDuplicates(Object rowOrRows, String onConflict) {
        return write(rowOrRows, "on_conflict=" + Filtered.encoded(onConflict), ",resolution=ignore-duplicates");
    }

    /** Sets these columns in the rows that match the filters, of which there must be one. */
    public Change update(Object values) {
        return new Change(transport, call("PATCH").body(JsonCodec.write(values)));
    }

    /** Deletes the rows that match the filters, of which there must be one. */
    public Change delete() {
        return new Change(transport, call("DELETE"));
    }

    private Insert write(Object rowOrRows, String query, String resolution) {
        List<Map<?, ?>> maps = new ArrayList<>();
        if (rowOrRows instanceof Collection<?> rows) {
            for (Object row : rows) {
                if (row instanceof Map<?, ?> map) {
                    maps.add(map);
                }
            }
        }
        // Rows with different columns need them named, or PostgREST takes those of the first row.
        Set<String> columns = new LinkedHashSet<>();
        maps.forEach(map -> map.keySet().forEach(column -> columns.add("\"" + column + "\"")));
        List<String> parameters = new ArrayList<>();
        if (!query.isEmpty()) {
            parameters.add(query);
        }
        if (!columns.isEmpty()) {
            parameters.add("columns=" + Filtered.encoded(String.join(",", columns)));
        }
        HttpCall call = call("POST").query(String.join("&", parameters)).body(JsonCodec.write(rowOrRows));
        return new Insert(transport, call, resolution);
    }

    private HttpCall call(String method) {
        HttpCall call = HttpCall.of(method, "/" + Filtered.encoded(name));
        return schema == null ? call : call.header(method.equals("GET") ? "Accept-Profile" : "Content-Profile", schema);
    }
}
