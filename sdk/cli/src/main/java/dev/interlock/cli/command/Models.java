package dev.interlock.cli.command;

import dev.interlock.cli.Project;
import dev.interlock.cli.Refusal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** What is known of models before they are changed. */
final class Models {

    private Models() {}

    /** Those of these names that are there: name, capacity, paused, starts_per_minute. */
    static Map<String, JsonNode> known(Project project, List<String> names) {
        Map<String, JsonNode> known = new LinkedHashMap<>();
        project.supabase()
                .from("job_queue_models")
                .select("model,capacity,paused,starts_per_minute")
                .in("model", names)
                .neq("model", "")
                .listOf(JsonNode.class)
                .forEach(row -> known.put(row.path("model").asString(), row));
        return known;
    }

    /** The model that a name is another spelling of; empty for none. */
    static String aliasOf(Project project, String name) {
        List<JsonNode> rows = project.supabase()
                .from("job_queue_aliases")
                .select("model")
                .eq("alias", name)
                .listOf(JsonNode.class);
        return rows.isEmpty() ? "" : rows.get(0).path("model").asString();
    }

    /** Says which of these names is no model, before anything is changed. */
    static Map<String, JsonNode> require(Project project, List<String> names) {
        Map<String, JsonNode> known = known(project, names);
        List<String> unknown = new ArrayList<>(names);
        unknown.removeAll(known.keySet());
        if (unknown.isEmpty()) {
            return known;
        }
        String target = aliasOf(project, unknown.get(0));
        if (!target.isEmpty()) {
            throw new Refusal(unknown.get(0) + " is another name of the model " + target + ": name that one.");
        }
        throw new Refusal("There is no model " + String.join(", ", unknown)
                + "; \"interlock models list\" shows them, \"interlock models set\" makes one.");
    }
}
