package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.Refusal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code interlock models alias}. */
@Command(
        name = "alias",
        description = {
            "Makes a name another spelling of a model: jobs that name either need the same model. Or, with --remove, ends that.",
            "A name under which jobs are in line is refused until they have ended."
        },
        footer = {
            "Examples:",
            "  interlock models alias Motion-2.0-Fast motion-2.0-fast",
            "  interlock models alias Motion-2.0-Fast --remove"
        })
public final class ModelsAliasCommand extends ProjectCommand {

    @Parameters(index = "0", paramLabel = "ALIAS", description = "The other spelling.")
    private String alias = "";

    @Parameters(index = "1", arity = "0..1", paramLabel = "MODEL", description = "The model that it means.")
    private @Nullable String model;

    @Option(names = "--remove", description = "It is to be a name of its own again.")
    private boolean remove;

    @Override
    protected int run(Project project, Console console) {
        if (remove == (model != null)) {
            throw wrong(
                    remove
                            ? "--remove takes the alias alone."
                            : "Which model does it mean? Give ALIAS MODEL, or ALIAS --remove.");
        }
        String name = alias.strip();
        String before = Models.aliasOf(project, name);
        if (remove && before.isEmpty()) {
            throw new Refusal(name + " is no alias; \"interlock models list\" shows those that there are.");
        }
        Map<String, @Nullable Object> settings = new LinkedHashMap<>();
        settings.put("alias_of", model);
        JsonNode answer = project.call("job_queue_set_model", Map.of("model", name, "settings", settings));
        if (json()) {
            console.printJson(answer);
            return ExitCode.OK;
        }
        String after = answer.path("alias_of").asString("");
        Change.print(
                console,
                name,
                (before.isEmpty() ? "" : before + " → ") + (after.isEmpty() ? "a name of its own" : after));
        if (!after.isEmpty() && Models.known(project, List.of(after)).isEmpty()) {
            console.tell("There is no model " + after
                    + " yet: the first job that names it makes it, where the settings allow that.");
        }
        return ExitCode.OK;
    }
}
