package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Styles;
import dev.interlock.cli.view.TextTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jline.utils.AttributedString;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** {@code interlock models list}. */
@Command(
        name = "list",
        description =
                "Lists the models, those that somebody needs among the first 1,000: how many jobs may hold each, hold it and wait for it.",
        footer = {
            "Examples:",
            "  interlock models list",
            "  interlock models list --json | jq '.models[] | select(.paused)'"
        })
public final class ModelsListCommand extends ProjectCommand {

    @Override
    protected int run(Project project, Console console) {
        JsonNode models = project.call("job_queue_status", Map.of()).path("models");
        List<JsonNode> aliases = project.supabase()
                .from("job_queue_aliases")
                .select("model:alias,alias_of:model")
                .order("alias")
                .listOf(JsonNode.class);
        if (json()) {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("models", values(models));
            answer.put("aliases", aliases);
            console.printJson(answer);
        } else if (models.isEmpty() && aliases.isEmpty()) {
            console.tell("There is no model yet: the first job that names one makes it, or \"interlock models set\".");
        } else {
            table(models, aliases).lines(console.width()).forEach(console::print);
        }
        return ExitCode.OK;
    }

    /** As job_queue_set_model answers. */
    private static List<Map<String, Object>> values(JsonNode models) {
        List<Map<String, Object>> values = new ArrayList<>();
        for (JsonNode model : models) {
            Map<String, Object> row = new LinkedHashMap<>();
            for (String field : List.of("model", "capacity", "paused", "starts_per_minute")) {
                row.put(field, model.path(field));
            }
            row.put("holders", model.path("holders").size());
            row.put("waiting", model.path("waiting"));
            values.add(row);
        }
        return values;
    }

    private static TextTable table(JsonNode models, List<JsonNode> aliases) {
        TextTable table = new TextTable("model", ">capacity", ">held", ">waiting", ">starts/min", "");
        for (JsonNode model : models) {
            table.row(
                    name(model),
                    model.path("capacity"),
                    model.path("holders").size(),
                    model.path("waiting"),
                    model.hasNonNull("starts_per_minute") ? model.path("starts_per_minute") : null,
                    model.path("paused").asBoolean(false) ? Styles.warning("paused") : null);
        }
        for (JsonNode alias : aliases) {
            table.row(name(alias), null, null, null, null, "is " + Change.text(alias.path("alias_of")));
        }
        return table;
    }

    private static AttributedString name(JsonNode model) {
        return Styles.heading(TextTable.printable(model.path("model").asString("")));
    }
}
