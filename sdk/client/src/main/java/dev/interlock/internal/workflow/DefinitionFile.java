package dev.interlock.internal.workflow;

import dev.interlock.DataException;
import dev.interlock.Holding;
import dev.interlock.InvalidRequestException;
import dev.interlock.WorkflowDefinition;
import dev.interlock.WorkflowStep;
import dev.interlock.internal.coordination.Json;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A workflow's JSON file, in the predecessor's shape. */
public final class DefinitionFile {
    private DefinitionFile() {}

    public static WorkflowDefinition.Builder read(String json) {
        JsonNode file;
        try {
            file = Json.tree("The workflow's file", json);
        } catch (DataException e) {
            throw new InvalidRequestException("JQ007", String.valueOf(e.getMessage()), null, e);
        }
        if (!file.isObject()) {
            throw wrong("The workflow's file", "is not an object", "Give {\"id\": …, \"steps\": […]}.");
        }
        String id = text(file, "id", "The workflow's file");
        if (id == null) {
            throw wrong("The workflow's file", "has no \"id\"", "Give it one: the handler of its jobs.");
        }
        String where = "The workflow \"" + id + "\"";
        WorkflowDefinition.Builder definition = WorkflowDefinition.builder(id);
        String title = text(file, "name", where);
        if (title != null) {
            definition.title(title);
        }
        definition.enabled(flag(file, "enabled", true, where));
        String holding = text(file, "holding", where);
        if (holding != null) {
            definition.holding(holding(holding, where));
        }
        JsonNode steps = file.path("steps");
        if (!steps.isArray() || steps.isEmpty()) {
            throw wrong(where, "has no \"steps\"", "Give an array of one or more.");
        }
        for (int i = 0; i < steps.size(); i++) {
            step(definition, steps.get(i), where + ", step " + i, i);
        }
        return definition;
    }

    private static void step(WorkflowDefinition.Builder definition, JsonNode file, String at, int index) {
        if (!file.isObject()) {
            throw wrong(at, "is not an object", "Give {\"id\": …, \"default_model\": …}.");
        }
        String id = text(file, "id", at);
        String title = text(file, "name", at);
        String name = id != null ? id : title != null ? title : "step " + index;
        String where = at + " (\"" + name + "\")";
        definition.step(name, step -> {
            if (title != null && !title.equals(name)) {
                step.title(title);
            }
            String type = text(file, "type", where);
            if (type != null) {
                step.type(type);
            }
            String provider = text(file, "provider", where);
            if (provider != null) {
                step.provider(provider);
            }
            model(step, file, where);
            Duration timeout = timeout(file, where);
            if (timeout != null) {
                step.timeout(timeout);
            }
            if (flag(file, "requires_input_image", false, where)) {
                step.requiresInputImage();
            }
            step.settings(file);
        });
    }

    private static void model(WorkflowStep.Builder step, JsonNode file, String where) {
        String named = text(file, "default_model", where);
        String model = named != null ? named : text(file, "model", where);
        boolean none = flag(file, "no_model", false, where);
        if (model != null && none) {
            throw wrong(where, "names a model and says \"no_model\"", "Leave out one of the two.");
        }
        if (model != null) {
            step.model(model);
        } else if (none) {
            step.noModel();
        } else {
            throw new InvalidRequestException(
                    "JQ002",
                    where + " has neither \"default_model\" nor \"model\".",
                    "Name the model that it uses; a step that truly needs none says \"no_model\": true.",
                    null);
        }
    }

    private static @Nullable Duration timeout(JsonNode file, String where) {
        JsonNode seconds = file.path("timeout_seconds");
        if (seconds.isMissingNode() || seconds.isNull()) {
            return null;
        }
        if (!seconds.isNumber()
                || seconds.asDouble() <= 0
                || seconds.asDouble() > Duration.ofDays(30).toSeconds()) {
            throw wrong(
                    where, "has \"timeout_seconds\" " + seconds, "Give a number of seconds above 0, at most 30 days.");
        }
        return Duration.ofMillis(Math.max(1, Math.round(seconds.asDouble() * 1000)));
    }

    private static Holding holding(String word, String where) {
        for (Holding rule : Holding.values()) {
            if (rule != Holding.UNKNOWN && rule.name().toLowerCase(Locale.ROOT).equals(word)) {
                return rule;
            }
        }
        throw wrong(where, "has \"holding\" \"" + word + "\"", "Use whole_run, release_as_used or per_step.");
    }

    /** A word; null where it is absent or blank, as the predecessor took it. */
    private static @Nullable String text(JsonNode object, String key, String where) {
        JsonNode value = object.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isString() && !value.isNumber()) {
            throw wrong(where, "has a \"" + key + "\" that is not text", null);
        }
        String text = value.asString().strip();
        return text.isEmpty() ? null : text;
    }

    private static boolean flag(JsonNode object, String key, boolean absent, String where) {
        JsonNode value = object.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return absent;
        }
        if (!value.isBoolean()) {
            throw wrong(where, "has a \"" + key + "\" that is neither true nor false", null);
        }
        return value.asBoolean();
    }

    private static InvalidRequestException wrong(String where, String what, @Nullable String hint) {
        return new InvalidRequestException("JQ007", where + " " + what + ".", hint, null);
    }
}
