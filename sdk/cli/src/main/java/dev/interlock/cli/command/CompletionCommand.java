package dev.interlock.cli.command;

import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Interlock;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code interlock completion}: what makes the shell complete commands and options. */
@Command(
        name = "completion",
        description = "Prints the completion script for bash and zsh.",
        footer = {
            "Examples:",
            "  source <(interlock completion)                              in this shell",
            "  interlock completion > ~/.local/share/bash-completion/completions/interlock"
        })
public final class CompletionCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        Interlock.console(spec).print(AutoComplete.bash("interlock", spec.root().commandLine()));
        return ExitCode.OK;
    }
}
