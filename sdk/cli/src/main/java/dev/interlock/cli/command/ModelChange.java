package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.Project;
import dev.interlock.cli.view.TextTable;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/** A model before and after job_queue_set_model. */
record ModelChange(@Nullable JsonNode before, JsonNode after) {

    static ModelChange make(
            Project project,
            String model,
            @Nullable JsonNode before,
            Map<String, ? extends @Nullable Object> settings) {
        return new ModelChange(
                before, project.call("job_queue_set_model", Map.of("model", model, "settings", settings)));
    }

    void print(Console console) {
        JsonNode was = before == null ? MissingNode.getInstance() : before;
        StringBuilder said = new StringBuilder(before == null ? "new: " : "");
        said.append("capacity ").append(value(was, "capacity"));
        if (!Change.same(was.path("starts_per_minute"), after.path("starts_per_minute"))
                || after.hasNonNull("starts_per_minute")) {
            said.append(", starts a minute ").append(value(was, "starts_per_minute"));
        }
        boolean paused = after.path("paused").asBoolean(false);
        if (was.path("paused").asBoolean(false) != paused) {
            said.append(paused ? ", now paused" : ", goes on");
        } else if (paused) {
            said.append(", paused");
        }
        int holders = after.path("holders").asInt(0);
        said.append("; held by ")
                .append(holders)
                .append(", waited for by ")
                .append(after.path("waiting").asInt(0));
        Change.print(console, TextTable.printable(after.path("model").asString("")), said.toString());
        if (holders > after.path("capacity").asInt(0)) {
            console.tell("More hold it than may: they run on, and nobody starts until it fits.");
        }
    }

    private String value(JsonNode was, String field) {
        return before == null ? Change.text(after.path(field)) : Change.of(was.path(field), after.path(field));
    }
}
