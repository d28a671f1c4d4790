package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Pauses models, or ends that. */
abstract class PausingCommand extends ProjectCommand {

    private final boolean pause;

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "The models.")
    private List<String> names = new ArrayList<>();

    PausingCommand(boolean pause) {
        this.pause = pause;
    }

    @Override
    protected int run(Project project, Console console) {
        List<String> models = names.stream().map(String::strip).distinct().toList();
        // A name mistyped would become a new model, and the one that was meant would go on.
        Map<String, JsonNode> before = Models.require(project, models);
        List<JsonNode> answers = new ArrayList<>();
        for (String model : models) {
            ModelChange change = ModelChange.make(project, model, before.get(model), Map.of("paused", pause));
            answers.add(change.after());
            if (!json()) {
                change.print(console);
            }
        }
        if (json()) {
            console.printJson(answers);
        }
        return ExitCode.OK;
    }
}
