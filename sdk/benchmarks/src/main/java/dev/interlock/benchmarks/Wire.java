package dev.interlock.benchmarks;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How one caller calls functions: the engine's and the floor's alike, so that what a call costs on the way is the same for both. */
@FunctionalInterface
public interface Wire {

    /** Calls a function of the schema {@code public} with named arguments: texts, whole numbers, and anything else as JSON. */
    JsonNode call(String function, Map<String, Object> arguments) throws Exception;

    /** Through the gateway and PostgREST, by the SDK's HTTP client. */
    static Wire http(Bench bench) {
        return (function, arguments) ->
                bench.supabase().rpc(function, arguments).as(JsonNode.class);
    }

    /** On a connection of its own, which the load closes. */
    static Wire direct(Bench bench, Callers.Opened opened) throws SQLException {
        return direct(opened.add(bench.connect()));
    }

    /** On this connection, with a prepared statement for each function and set of arguments. */
    static Wire direct(Connection connection) {
        JsonMapper json = new JsonMapper();
        Map<String, PreparedStatement> prepared = new HashMap<>();
        return (function, arguments) -> {
            SortedMap<String, Object> ordered = new TreeMap<>(arguments);
            String key = function + ordered.keySet();
            PreparedStatement statement = prepared.get(key);
            if (statement == null) {
                statement = connection.prepareStatement("select public." + function + "("
                        + ordered.entrySet().stream().map(Wire::placeholder).collect(Collectors.joining(", "))
                        + ")::text");
                prepared.put(key, statement);
            }
            int n = 0;
            for (Object value : ordered.values()) {
                statement.setString(++n, value instanceof String text ? text : json.writeValueAsString(value));
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return json.readTree(row.getString(1));
            }
        };
    }

    private static String placeholder(Map.Entry<String, Object> argument) {
        Object value = argument.getValue();
        return argument.getKey() + " => ?"
                + (value instanceof String ? "" : value instanceof Integer ? "::integer" : "::jsonb");
    }
}
